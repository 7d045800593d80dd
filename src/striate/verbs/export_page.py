"""Export page: a model as one HTML file that runs it. Prints nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.errors import ExportError, ModelError, StriateError
from striate.export.onnx_walk import embedding_part, graph_of
from striate.export.page_program import PageProgram, program_of, rounded
from striate.files import open_file
from striate.model.files.weights import read_arrays, state_prefix
from striate.render.html.model_page import ModelPage, is_ours, model_page
from striate.render.pictures import Picture, picture
from striate.runs import durable
from striate.runs.onnx_file import ask, session
from striate.runs.predictor import Predictor
from striate.runs.rebuild import surveyed, width_of
from striate.runs.run import RunDirectory
from striate.spec import Shape, parse
from striate.spec.code import is_code
from striate.verbs.export import photographs
from striate.verbs.prepared import subset
from striate.verbs.reopen import reopen_data
from striate.verbs.workspace import HERE, Workspace
from striate.words import counted

NAME: Final = "model.html"
NEAR: Final = 1e-3  # of the largest number of the output: how far 16 bits a weight may take it
MOST_PICTURES: Final = 100


@dataclass(frozen=True)
class PageExported:
    """A model's page: where it lies, how many bits a weight has, and how far that takes the output (``apart``).

    ``apart`` is the largest difference on ``pictures`` pictures, over the largest number of the output or 1.
    """

    path: Path
    bits: int
    apart: float
    pictures: int

    def __str__(self) -> str:
        if self.bits == 32:
            return f"weights as they are: 16 bits a weight would change the output by {self.apart:.1e} of the largest"
        return (
            f"16 bits a weight change the output by at most {self.apart:.1e} of the largest on"
            f" {counted(self.pictures, 'picture')}, and no answer (allowed: {NEAR:.0e})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        size = self.path.stat().st_size
        return {
            "path": str(self.path),
            "bytes": size,
            "bits": self.bits,
            "apart": self.apart,
            "pictures": self.pictures,
            "tolerance": NEAR,
        }


def export_page(
    run: str = "last",
    *,
    model: Path | None = None,
    output: Path | None = None,
    pictures: int = 0,
    workspace: Workspace = HERE,
) -> PageExported:
    """Write the page of a run's model, beside it or at ``output``: one HTML file in which the network runs.

    Weights have 16 bits where that was measured to change no answer, else 32. ``pictures``: so many validation
    pictures of the run are put inside, to click on; none is unless asked.
    Errors: ExportError for what a page cannot run or show, by its name; nothing is written then.

    Example: ``print(export_page("last").path)``
    """
    if not 0 <= pictures <= MOST_PICTURES:
        raise ExportError(f"{pictures} pictures cannot be put into a page: from 0 to {MOST_PICTURES}")
    if model is not None and pictures:
        raise ExportError("a model file has no pictures to put into its page; name a run")
    opened = None if model is not None else RunDirectory.open(run, workspace.runs_dir)
    file = opened.model_path if opened is not None else model
    assert file is not None
    predictor = Predictor.open(file)
    assert predictor.path is not None
    place = output or predictor.path.parent / NAME
    if place.exists():
        with open_file(place, limit=sys.maxsize) as there:
            if not is_ours(there.read(4096)):
                raise ExportError(f"{place} is there already and is not ours; name another file with -o")
    name = opened.name if opened is not None else called(predictor.path)
    given = _given(opened, pictures, workspace) if opened is not None and pictures else ()
    page, precise = page_of(predictor, name, pictures=given)
    durable.write(place, model_page(page).encode())
    return PageExported(place, *precise)


def page_of(
    predictor: Predictor, name: str, *, pictures: Sequence[Picture] = ()
) -> tuple[ModelPage, tuple[int, float, int]]:
    """Return the page of a model called ``name``, and its bits a weight, how far they take the output, on how many.

    Errors: ExportError for what a page cannot run or show, by its name, before anything is computed.

    Example: ``page_of(Predictor.open("runs/pets-1"), "pets-1")[0].run`` is ``"pets-1"``.
    """
    program = page_program(predictor, 16)
    bits, apart, seen = _bits(predictor)
    if bits != 16:
        program = page_program(predictor, bits)
    shape = Shape(*predictor.facts.input)
    facts = [
        counted(len(predictor.labels.names), predictor.task.noun),
        f"{shape.channels} × {shape.height} × {shape.width} pixels in",
        counted(surveyed(predictor.facts).parameters, "parameter"),
    ]
    words = str(PageExported(Path(NAME), bits, apart, seen))
    page = ModelPage(
        program,
        name,
        facts,
        f"{words[0].upper()}{words[1:]}.",
        predictor.facts.net,
        f"striate export --page, {name}",
        pictures,
    )
    return page, (bits, apart, seen)


def called(file: Path) -> str:
    """Return what a model file is called: the model of a run by the run."""
    return file.absolute().parent.name if file.stem == "model" else file.stem


def _tensors(predictor: Predictor) -> dict[str, NDArray[Any]]:
    """Return the model's weights by name, without what the task learnt after training."""
    assert predictor.path is not None
    arrays, _ = read_arrays(predictor.path)
    start = state_prefix(predictor.facts)
    return {name: array for name, array in arrays.items() if not name.startswith(start)}


def page_program(predictor: Predictor, bits: int) -> PageProgram:
    """Return the network as a page computes it, with what makes its answer; ``bits`` 16 or 32 are those of a weight.

    Errors: ExportError for what a page cannot run or show.
    """
    facts = predictor.facts
    if is_code(facts.net):
        raise ExportError(
            f"{facts.net[:80]} is only its author's code, and a page cannot run that; striate export writes its ONNX"
            " file"
        )
    net, shape = parse(facts.net).with_classes(width_of(facts)), Shape(*facts.input)
    try:
        answer = predictor.task.formula(predictor.labels, predictor.learnt)
    except StriateError as error:
        raise ExportError(str(error)) from None
    return program_of(net, shape, _tensors(predictor), predictor.preprocess, answer, bits=bits)


def _bits(predictor: Predictor) -> tuple[int, float, int]:
    """Return how many bits a weight needs, how far 16 take the output on some pictures, and on how many."""
    facts = predictor.facts
    net, shape, task = parse(facts.net).with_classes(width_of(facts)), Shape(*facts.input), predictor.task
    scale, offset = predictor.preprocess.scale_and_offset()
    proto = graph_of(
        net,
        shape,
        rounded(_tensors(predictor)),
        output=task.output,
        embedding_part=embedding_part(net, shape),
        scale=scale,
        offset=offset,
    )
    pixels = photographs(predictor.preprocess)
    wanted = predictor.ask(pixels)
    try:
        found = ask(session(proto.SerializeToString(), many=True), pixels)
    except ModelError as error:
        raise ExportError(str(error)) from None
    apart = np.abs(found[task.output] - wanted[task.output]).max() / max(1.0, np.abs(wanted[task.output]).max())
    holds = apart <= NEAR and bool(task.same(found, wanted).all())
    return (16 if holds else 32), float(f"{apart:.1e}"), len(pixels)


def _given(opened: RunDirectory, count: int, workspace: Workspace) -> list[Picture]:
    """Return validation pictures of a run as the network is given them."""
    prepared = reopen_data(opened, workspace=workspace)
    judges = prepared.split.val
    if not judges:
        raise ExportError(f"run {opened.name} kept no validation pictures, so that none can be put into its page")
    chosen = subset(judges, count, seed=prepared.config.seed)
    side = max(prepared.store.pixels.shape[1:3])
    return [
        picture(np.asarray(prepared.store.pixels[row]), alt=f"picture {place + 1} of the run", side=side)
        for place, row in enumerate(chosen)
    ]
