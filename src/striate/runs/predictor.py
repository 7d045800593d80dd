"""Predictor: a model file, ready to answer. The one way from a picture to an answer, for every verb that asks.

Imports torch; ``Run`` imports this module only when it is asked to predict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np
import torch

from striate.data.preprocess import Preprocess
from striate.data.store import Store
from striate.engine.device import choose_device
from striate.engine.infer import infer
from striate.errors import DescribeError, ModelError, PictureError
from striate.model import tensorfile, weights
from striate.model.build import build
from striate.model.weights import ModelFile
from striate.spec import parse
from striate.spec.code import is_code
from striate.spec.shape import Shape
from striate.tasks.calibrate import Calibration
from striate.tasks.classify import decode
from striate.tasks.prediction import Scores
from striate.tasks.unknown import Unknown

if TYPE_CHECKING:
    from striate.model.build import Model
    from striate.spec.survey import Survey

Picture: TypeAlias = "str | Path | bytes | np.ndarray[Any, Any]"
UNKNOWN = "unknown."  # how the names of its arrays begin in a model file


@final
class Predictor:
    """A model with everything it needs to answer. Make one with ``open``.

    Attributes: ``facts`` the model file's; ``classes`` in the order of the probabilities; ``preprocess``, ``model``,
    ``calibration``; ``unknown`` or None, when the model answers every picture with a class; ``device``.

    Example: ``str(Predictor.open("model.safetensors").predict(["cat.jpg"])[0])  # "0.92 cat, 0.08 dog"``
    """

    def __init__(
        self,
        tensors: Mapping[str, torch.Tensor],
        facts: ModelFile,
        *,
        device: str = "auto",
        own: Model | None = None,
    ) -> None:
        if facts.task != "classify":
            raise ModelError(f"its task {facts.task!r} is not one this Striate has; it has 'classify'")
        self.facts, self.classes = facts, facts.classes
        self.device = choose_device(device)
        self.preprocess = Preprocess.from_dict(facts.preprocess)
        self.calibration = Calibration.from_dict(facts.calibration)
        self.model = _rebuilt(tensors, facts, self.preprocess, own).to(self.device).eval()
        weights_of_net = self.model.state_dict()
        self.unknown: Unknown | None = None
        if facts.unknown is not None:
            arrays = {name: tensor.numpy() for name, tensor in tensors.items() if name not in weights_of_net}
            self.unknown = Unknown.from_tensors(arrays, facts.unknown)

    @classmethod
    def open(cls, path: Path | str, *, device: str = "auto", own: Model | None = None) -> Predictor:
        """Open a model file, or the model of a run's directory. ``device``: auto, cpu, cuda, cuda:1, mps.

        ``own`` takes the weights of a file whose net is a module that only its own code can be (`striate.adopt`).
        Raises ModelError for anything that is not a whole model file of ours, or a run that has no model yet.
        """
        path = Path(path)
        folder = path if path.is_dir() else path.parent
        if path.is_dir():
            path = path / "model.safetensors"
        if not path.exists() and (folder / "recipe.toml").is_file():
            raise ModelError(
                f"run {folder.absolute().name} has no model yet: it is still training, or was stopped before its end;"
                f" striate train --resume {folder.absolute().name} goes on with it"
            )
        facts = weights.read_facts(path)
        try:
            _check_size(facts, tensorfile.read_header(path), own)
            return cls(*weights.read(path), device=device, own=own)
        except ModelError as error:
            text = str(error)
            raise (error if str(path) in text else ModelError(f"{path}: {text}")) from None

    def predict(self, pictures: Sequence[Picture], *, unknown: bool = True, batch_size: int = 64) -> list[Scores]:
        """Return an answer for each picture: a path, the bytes of a file, or pixels (H, W) or (H, W, 3) uint8.

        ``unknown=False`` never answers "none of these". The batch size changes the speed, and an answer by no more
        than rounding. Raises PictureError that names the first picture that cannot be read.
        """
        answers: list[Scores] = []
        for _, answer in self.predict_each(pictures, unknown=unknown, batch_size=batch_size):
            if isinstance(answer, PictureError):
                raise answer
            answers.append(answer)
        return answers

    def predict_each(
        self, pictures: Iterable[Picture], *, unknown: bool = True, batch_size: int = 64
    ) -> Iterator[tuple[str, Scores | PictureError]]:
        """Yield (key, answer) for each picture in order; for one that cannot be read, the reason in place of an answer.

        The key is the path as it was given, or ``picture 3`` (from 1). Pictures are read a batch at a time, so
        ``pictures`` may be endless.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size {batch_size}: must be at least 1")
        if isinstance(pictures, str | Path | bytes):
            pictures = [pictures]
        numbered = enumerate(pictures, 1)
        while chunk := list(islice(numbered, batch_size)):
            keys = [str(picture) if isinstance(picture, str | Path) else f"picture {n}" for n, picture in chunk]
            read = [self._pixels(key, picture) for key, (_, picture) in zip(keys, chunk, strict=True)]
            pixels = [each for each in read if not isinstance(each, PictureError)]
            answers = iter(self._answers(np.stack(pixels), unknown=unknown) if pixels else [])
            for key, each in zip(keys, read, strict=True):
                yield key, each if isinstance(each, PictureError) else next(answers)

    def _pixels(self, key: str, picture: Picture) -> np.ndarray[Any, Any] | PictureError:
        """Return a picture as the network takes it, (H, W, C) uint8, or why it cannot be."""
        try:
            content = Path(picture).read_bytes() if isinstance(picture, str | Path) else picture
            return self.preprocess.pixels(content)
        except OSError as error:
            reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
            return PictureError(f"{key} cannot be read: {reason}")
        except PictureError as error:
            return PictureError(f"{key}: {error}")

    def _answers(self, pixels: np.ndarray[Any, Any], *, unknown: bool) -> list[Scores]:
        """Return the answers for pictures (N, H, W, C)."""
        store = Store(pixels, ())
        logits, embeddings = infer(
            self.model, store, np.arange(len(pixels)), batch_size=len(pixels), device=self.device
        )
        return decode(
            logits,
            self.classes,
            temperature=self.calibration.temperature,
            embeddings=embeddings if unknown else None,
            unknown=self.unknown,
        )


def _check_size(facts: ModelFile, header: tensorfile.Header, own: Model | None) -> None:
    """Refuse a net that claims more parameters than the file holds, before memory is taken for them."""
    held = sum(prod(place.shape) for place in header.places.values())
    claimed = _surveyed(facts, own).parameters
    if claimed > held:
        raise ModelError(
            f"its net has {claimed:,} parameters and the file holds {held:,} numbers; they do not belong together"
        )


def _surveyed(facts: ModelFile, own: Model | None) -> Survey:
    """Return the survey of the file's net on its own input."""
    if own is not None and str(own.net) != facts.net:
        raise ModelError(f"its net is {facts.net}, and it is to be loaded into {own.net}; they do not belong together")
    try:
        net = parse(facts.net) if own is None else own.net
        survey = net.on(*facts.input, classes=len(facts.classes), fit="floor")
    except DescribeError as error:
        raise ModelError(str(error) if is_code(facts.net) else f"its net does not read: {error}") from None
    if str(survey.output) != str(len(facts.classes)):
        raise ModelError(
            f"its net puts out {survey.output} for {len(facts.classes)} classes; they do not belong together"
        )
    return survey


def _rebuilt(tensors: Mapping[str, torch.Tensor], facts: ModelFile, preprocess: Preprocess, own: Model | None) -> Model:
    """Return the file's net with the file's weights: each name, shape and dtype must be the net's own."""
    _surveyed(facts, own)
    shape = (preprocess.channels, preprocess.height, preprocess.width)
    if shape != facts.input:
        raise ModelError(
            f"its pictures are prepared as {shape} (channels, height, width), and its net takes {facts.input}"
        )
    model = own
    if model is None:
        model = build(parse(facts.net), Shape(*facts.input), classes=len(facts.classes), preprocess=preprocess)
    wanted = model.state_dict()
    given = {name: tensor for name, tensor in tensors.items() if name in wanted or not name.startswith(UNKNOWN)}
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
    model.load_state_dict(given)
    return model
