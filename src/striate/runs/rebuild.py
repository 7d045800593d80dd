"""A model file's net as a torch module again: each weight where it belongs, or a refusal. Torch comes late."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING

from striate.data.pictures.preprocess import Preprocess
from striate.errors import DescribeError, ModelError, NotationError
from striate.model.files import tensorfile
from striate.model.files.limits import check_layers, check_survey
from striate.model.files.weights import ModelFile, state_prefix
from striate.settings import FIRST
from striate.spec import parse
from striate.spec.code import is_code
from striate.spec.shape import Shape
from striate.tasks.table import TASKS
from striate.tasks.task import LabelFacts
from striate.words import counted

_WITH_WEIGHTS = re.compile(r"(?<![\w.])(?:conv|dense)(?![\w.])(?!\s*:)", re.IGNORECASE)  # but not as a part's name

if TYPE_CHECKING:
    import torch

    from striate.model.build.model import Model
    from striate.spec.survey import Survey


def check_size(facts: ModelFile, header: tensorfile.Header, provided: Model | None = None) -> None:
    """Refuse a net that claims more parameters than the file holds or takes too much, before memory is taken for it."""
    written = 0 if is_code(facts.net) else len(_WITH_WEIGHTS.findall(facts.net))
    if written > len(header.places):  # seen before the text is read, which takes longer the longer it is
        raise ModelError(
            f"its net has {written:,} layers with weights and the file holds {len(header.places):,} tensors; they do "
            "not belong together"
        )
    held = sum(prod(place.shape) for place in header.places.values())
    survey = surveyed(facts, provided)
    claimed = survey.parameters
    if claimed > held:
        raise ModelError(
            f"its net has {claimed:,} parameters and the file holds {held:,} numbers; they do not belong together"
        )
    check_survey(survey)


def surveyed(facts: ModelFile, provided: Model | None = None) -> Survey:
    """Return the survey of the file's net on its own input."""
    if provided is not None and str(provided.net) != facts.net:
        raise ModelError(
            f"its net is {facts.net}, and it is to be loaded into {provided.net}; they do not belong together"
        )
    if width_of(facts) < 1:
        raise ModelError("it names none of its outputs, so that it answers nothing")
    try:
        net = parse(facts.net) if provided is None else provided.net
        check_layers(net)
        survey = net.on(*facts.input, classes=width_of(facts), fit="floor")
    except DescribeError as error:
        said = error.reason if isinstance(error, NotationError) else " ".join(str(error).split())
        raise ModelError(said if is_code(facts.net) else f"its net does not read: {said}") from None
    task = TASKS.get(facts.task)
    if task is None or task.solved:
        if survey.output != Shape(width_of(facts)):
            noun = "name" if task is None else task.noun
            raise ModelError(
                f"its net puts out {survey.output} for {counted(len(facts.names), noun)}; they do not belong together"
            )
        return survey
    try:
        task.check(survey, LabelFacts(facts.names, facts.labels))
    except DescribeError as error:
        raise ModelError(f"{' '.join(str(error).split())}; they do not belong together") from None
    return survey


def width_of(facts: ModelFile) -> int:
    """Return how many numbers the main output of the file's net has to have."""
    task = TASKS.get(facts.task)
    return len(facts.names) if task is None else task.width(LabelFacts(facts.names, facts.labels))


def frozen(facts: ModelFile) -> dict[str, str]:
    """Return the parts of the file's net that were not trained but given, and what: a filter as the first layer."""
    recipe = facts.provenance.get("recipe")
    first = recipe.get("first") if isinstance(recipe, dict) else None
    return {FIRST: first} if isinstance(first, str) else {}


def check_input(facts: ModelFile, preprocess: Preprocess) -> None:
    """Refuse pictures that are prepared for another net."""
    shape = (preprocess.channels, preprocess.height, preprocess.width)
    if shape != facts.input:
        raise ModelError(
            f"its pictures are prepared as {shape} (channels, height, width), and its net takes {facts.input}"
        )


def rebuilt(
    tensors: Mapping[str, torch.Tensor], facts: ModelFile, preprocess: Preprocess, provided: Model | None = None
) -> Model:
    """Return the file's net with the file's weights: each name, shape and dtype must be the net's own."""
    from striate.model.build.model import build

    surveyed(facts, provided)
    check_input(facts, preprocess)
    model = provided
    if model is None:
        model = build(parse(facts.net), Shape(*facts.input), classes=width_of(facts), preprocess=preprocess)
    wanted = model.state_dict()
    start = state_prefix(facts)
    given = {name: tensor for name, tensor in tensors.items() if name in wanted or not name.startswith(start)}
    for what, names in (
        ("lacks", wanted.keys() - given.keys()),
        ("has, besides its net,", given.keys() - wanted.keys()),
    ):
        if names:
            shown = ", ".join(sorted(names)[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            raise ModelError(f"the file {what} {shown}; its weights do not belong to its net")
    for name, tensor in given.items():
        if tensor.shape != wanted[name].shape or tensor.dtype != wanted[name].dtype:
            raise ModelError(
                f"{name} is {tensor.dtype} {tuple(tensor.shape)} in the file and {wanted[name].dtype}"
                f" {tuple(wanted[name].shape)} in its net"
            )
    _check_numbers(given)
    model.load_state_dict(given)
    return model


def _check_numbers(tensors: Mapping[str, torch.Tensor]) -> None:
    """Refuse weights that are not finite, and variances below 0: every answer would be NaN, or silently another."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise ModelError(f"{name} holds NaN or infinity; the file is of a training that failed, or was changed")
        if name.endswith("running_var") and bool((tensor < 0).any()):
            raise ModelError(f"{name} holds a variance below 0; the file was changed")
