"""Predictor: a model file, ready to answer. The one way from a picture to an answer, for every verb that asks.

Where ``model.onnx`` lies beside the model file and ONNX Runtime is here, that answers, and torch is not imported until
somebody asks for ``Predictor.model``; otherwise torch answers the same.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.crop_transform import CropTransform
from striate.data.pictures.depth import Depth
from striate.data.pictures.given import Given, One, Picture, enumerated, given
from striate.data.pictures.preprocess import Preprocess
from striate.errors import ModelError, PictureError, StriateError
from striate.model.files import tensorfile, weights
from striate.model.files.weights import ModelFile, state_of, state_prefix
from striate.model.pretrained.key_mapping import HEADLESS
from striate.runs.onnx_file import FEW, OnnxFile, thread_count
from striate.runs.reading import Progress, Seen, content_of, unreadable
from striate.runs.seal import Proof, beside
from striate.tasks.prediction import Prediction
from striate.tasks.table import TASKS
from striate.tasks.task import EMBEDDING, LabelFacts, Outputs, State
from striate.tasks.values import NOTHING

if TYPE_CHECKING:
    import torch

    from striate.model.build.model import Model

_Read: TypeAlias = "tuple[np.ndarray[Any, Any] | PictureError, Depth | None, CropTransform | None]"
_Answered: TypeAlias = "list[tuple[str, Prediction | PictureError, Depth | None, CropTransform | None]]"
_WORKERS: Final = min(8, os.cpu_count() or 1)  # threads that decode; Pillow works outside Python's lock
_SHARE: Final = 2**16  # pixels that one thread answers for at a time, so that their maps stay in its cache
_HEAVY: Final = 2**26  # bytes of weights, for each of which it takes a picture more: they are read every time


@final
class Predictor:
    """A model with everything it needs to answer. Make one with ``open``.

    Attributes: ``facts`` the model file's; ``task``, what it is for; ``labels``, what its outputs are called, and
    ``classes``, these names alone; ``state``, what the task learnt after training, and ``learnt``, the task's own
    values of it (`Task.opened`); ``preprocess``; ``onnx``, the file that answers, or None where torch does; ``notes``,
    sentences a person should read; ``model`` and ``device``, torch's.

    Example: ``str(Predictor.open(run.model_path).predict(["cat.jpg"])[0])`` is like ``"0.92 cats, 0.08 dogs"``.
    """

    def __init__(
        self,
        path: Path | None,
        facts: ModelFile,
        *,
        device: str = "auto",
        int8: bool = False,
        onnx: bool = True,
        torch: bool = True,
        provided: Model | None = None,
        proof: Proof | None = None,
    ) -> None:
        """``path`` None: the model is ``provided`` as it is, and no file."""
        if facts.task not in TASKS:
            known = ", ".join(map(repr, TASKS))
            raise ModelError(f"its task {facts.task[:40]!r} is not one this Striate has; it has {known}")
        if facts.provenance.get(HEADLESS):
            raise ModelError(
                "its weights came without a head, so that it answers nothing; start a training from it: striate train"
                " PICTURES --start it"
            )
        self.path, self.facts, self.task = path, facts, TASKS[facts.task]
        self.labels = LabelFacts(facts.names, facts.labels)
        self.preprocess = Preprocess.from_dict(facts.preprocess)
        self.notes: tuple[str, ...] = ()
        self.onnx: OnnxFile | None = None
        self._device, self._provided, self._int8, self._onnx = device, provided, int8, onnx
        if path is None:
            _ = self.model
            self.state = State(facts.state)
            self.learnt = self.task.opened(self.state, self.labels)
            return
        header = tensorfile.read_header(path)
        arrays = tensorfile.read_arrays(path, header, state_prefix(facts))
        file = beside(path, int8=int8)
        if onnx and provided is None and device in ("auto", "cpu") and file.is_file():
            try:
                outputs = (self.task.output, EMBEDDING)
                self.onnx = OnnxFile.open(file, path, facts, header, arrays, proof, outputs=outputs)
            except ModelError as error:
                if int8 or not torch:
                    raise
                self.notes = (f"{error}; torch answers instead",)
        elif int8 or not torch:
            raise ModelError(f"there is no {file}; striate export{' --int8' * int8} makes it")
        if self.onnx is None:
            _ = self.model  # proves every byte of the file before anything is answered
        self.state = State(facts.state, state_of(arrays, facts))
        self.learnt = self.task.opened(self.state, self.labels)
        if int8 and self.onnx is not None:
            self.learnt = self.task.adapted(self.learnt, self.onnx.parity)

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        device: str = "auto",
        int8: bool = False,
        onnx: bool = True,
        torch: bool = True,
        provided: Model | None = None,
        proof: Proof | None = None,
    ) -> Predictor:
        """Open a model file, or the model of a run's directory.

        Arguments:
            path: of the file or the directory.
            device: auto, cpu, cuda, cuda:1, mps; the first two answer by ``model.onnx`` where it can.
            int8: whether ``model.int8.onnx`` answers, or nothing.
            onnx: False leaves those files alone, for who needs the weights in torch anyway.
            torch: False: torch is never imported; what the ONNX file cannot answer for is refused.
            provided: takes the weights of a file whose net is a module that only its own code can be (`striate.adopt`).
            proof: that of the ONNX file, where it was begun before.

        Errors: ModelError for anything that is not a whole model file of ours, or a run that has no model yet.
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
            return cls(path, facts, device=device, int8=int8, onnx=onnx, torch=torch, provided=provided, proof=proof)
        except ModelError as error:
            text = str(error)
            raise (error if str(path) in text else ModelError(f"{path}: {text}")) from None

    def __reduce__(self) -> tuple[Callable[..., Predictor], tuple[Path]]:
        """Travel to another process as the name of its file, which is opened again there.

        Raises ModelError for the model of a module that is in this process alone.
        """
        if self.path is None or self._provided is not None:
            raise ModelError(
                f"the model of {self.facts.net[:80]} is in this process alone and cannot be pickled; save it, and open"
                " the file in the other process"
            )
        how = partial(Predictor.open, device=self._device, int8=self._int8, onnx=self._onnx)
        return how, (self.path.absolute(),)

    @property
    def classes(self) -> tuple[str, ...]:
        """What its outputs are called, in their order."""
        return self.labels.names

    @cached_property
    def device(self) -> torch.device:
        """Where `model` is."""
        from striate.engine.device import choose_device

        return choose_device(self._device)

    @cached_property
    def model(self) -> Model:
        """The model as a torch module in evaluation mode, built when it is first asked for. Raises ModelError."""
        from striate.runs.rebuild import check_size, rebuilt

        if self.path is None:
            assert self._provided is not None
            tensors, facts = self._provided.state_dict(), self.facts
            return rebuilt(tensors, facts, self.preprocess, self._provided).to(self.device).eval()
        check_size(self.facts, tensorfile.read_header(self.path), self._provided)
        tensors, facts = weights.read(self.path)
        return rebuilt(tensors, facts, self.preprocess, self._provided).to(self.device).eval()

    def predict(
        self,
        pictures: Picture | Iterable[Picture],
        *,
        unknown: bool = True,
        batch_size: int = 64,
        tile: int | str | None = None,
    ) -> list[Prediction]:
        """Return a list of answers, one a picture; of one picture it has one.

        ``pictures``: a path, the bytes of a file, an open file, a Pillow picture, or one array: (H, W), (H, W, C), of
        torch (C, H, W); a list, a generator, or an array with one dimension more is many
        (`striate.data.pictures.given`). ``unknown=False`` never answers "none of these". ``batch_size`` changes the
        speed, an answer by rounding alone. ``tile``: see `predict_each`. Errors: PictureError that names the first bad.
        """
        return self._all(given(pictures), unknown=unknown, batch_size=batch_size, tile=tile)

    def answer(
        self, pictures: Picture | Iterable[Picture], *, unknown: bool = True, tile: int | str | None = None
    ) -> Prediction | list[Prediction]:
        """Return what `predict` does, but of one picture its answer (``pictures``, ``unknown``, ``tile`` as there)."""
        answers = self._all(what := given(pictures), unknown=unknown, tile=tile)
        return answers if what.many else answers[0]

    def _all(
        self, pictures: Given, *, unknown: bool, batch_size: int = 64, tile: int | str | None = None
    ) -> list[Prediction]:
        answers: list[Prediction] = []
        for _, answer in self.each(pictures, options={"unknown": unknown}, batch_size=batch_size, tile=tile):
            if isinstance(answer, PictureError):
                raise answer
            answers.append(answer)
        return answers

    def predict_each(
        self,
        pictures: Picture | Iterable[Picture],
        *,
        unknown: bool = True,
        batch_size: int = 64,
        seen: Seen | None = None,
        options: Mapping[str, Any] = NOTHING,
        tile: int | str | None = None,
        progress: Progress | None = None,
    ) -> Iterator[tuple[str, Prediction | PictureError]]:
        """Yield (key, answer) for each picture in order; for one that cannot be read, the reason in place of an answer.

        The key is the path as it was given, or ``picture 3`` (from 1). Pictures are read a batch at a time, so
        ``pictures`` may be endless; of a list, the next batches are decoded while this one is answered. A long list is
        answered by the ONNX file on every core at once, each computing a few pictures. ``unknown``, ``batch_size`` as
        in `predict`; ``seen`` is told of each picture, before its answer; ``options`` are more of the task's
        (`Answering.aims`). ``tile``: larger pictures are looked at tile by tile, each as many pixels of the picture
        long, or "auto": at the scale of those learnt from. ``progress`` is told how many tiles are done.
        """
        how = {"unknown": unknown, **options}
        return self.each(given(pictures), options=how, batch_size=batch_size, seen=seen, tile=tile, progress=progress)

    def each(
        self,
        pictures: Given,
        *,
        options: Mapping[str, Any],
        batch_size: int,
        seen: Seen | None = None,
        tile: int | str | None = None,
        progress: Progress | None = None,
    ) -> Iterator[tuple[str, Prediction | PictureError]]:
        """As `predict_each`: ``pictures``, ``options``, ``batch_size``, ``seen``, ``tile``, ``progress``."""
        if batch_size < 1:
            raise ValueError(f"batch_size {batch_size}: must be at least 1")
        if tile is not None:
            from striate.runs import tiled  # which few ask for

            yield from tiled.each(self, pictures, tile, options=options, seen=seen, progress=progress)
            return
        known = pictures.count
        lanes = min(_WORKERS, thread_count()) if self.onnx is not None else 0
        # A camera is not read before its picture is wanted; of a list, what comes next keeps every core busy.
        ahead = 0 if known is None else 2 * lanes or 1
        waiting = deque[Callable[[], _Answered]]()
        with (
            ThreadPoolExecutor(_WORKERS, thread_name_prefix="striate-decode") as decoding,
            ThreadPoolExecutor(lanes or 1, thread_name_prefix="striate-answer") as answering,
        ):
            try:
                called = enumerated(pictures.pictures)
                while chunk := list(islice(called, batch_size)):
                    reading = [(key, decoding.submit(self._pixels, key, picture)) for key, picture in chunk]
                    many = (known or len(reading)) > FEW
                    size = self._share(len(reading), lanes) if lanes and many else batch_size
                    for begin in range(0, len(reading), size):
                        some = partial(self._answered, reading[begin : begin + size], options=options, many=many)
                        waiting.append(answering.submit(some).result if lanes else some)
                    while len(waiting) > ahead:
                        yield from _told(waiting.popleft()(), seen)
                while waiting:
                    yield from _told(waiting.popleft()(), seen)
            finally:  # whoever stops early waits for no more than is under way
                answering.shutdown(cancel_futures=True)

    def _share(self, pictures: int, lanes: int) -> int:
        """Return how many pictures of a batch one thread answers for at a time."""
        heavy = 0 if self.onnx is None else self.onnx.path.stat().st_size // _HEAVY
        few = max(1, _SHARE // (self.preprocess.height * self.preprocess.width), heavy)
        return min(few, -(-pictures // lanes))

    def _answered(
        self, reading: list[tuple[str, Future[_Read]]], *, options: Mapping[str, Any], many: bool
    ) -> _Answered:
        """Return the answers to a batch."""
        read = [(key, *future.result()) for key, future in reading]
        pixels = [each for _, each, _, _ in read if not isinstance(each, PictureError)]
        answers = iter(self._answers(np.stack(pixels), options=options, many=many) if pixels else [])
        told: _Answered = []
        for key, each, deep, crop in read:
            answer = each if isinstance(each, PictureError) else next(answers)
            if crop is not None and isinstance(answer, Prediction):
                answer = answer.in_picture(crop)
            told.append((key, answer, deep, crop))
        return told

    def _pixels(self, key: str, picture: One | PictureError) -> _Read:
        """Return a picture as the network takes it, (H, W, C) uint8, or why it cannot be; its depth; its crop.

        The crop is None where answers lie nowhere in a picture.
        """
        try:
            content = content_of(picture)
            pixels, deep = self.preprocess.read(content)
            return pixels, deep, self.preprocess.crop_of(content) if self.task.placed else None
        except OSError as error:
            return unreadable(key, error), None, None
        except PictureError as error:
            return PictureError(f"{key}: {error}"), None, None

    def _answers(self, pixels: np.ndarray[Any, Any], *, options: Mapping[str, Any], many: bool) -> list[Prediction]:
        """Return the answers for pictures (N, H, W, C), some of ``many``."""
        try:
            return self.task.decode(self.ask(pixels, many=many), self.labels, self.learnt, options=options)
        except StriateError as error:  # NaN, or numbers that are not those of its names
            raise ModelError(f"{self.path or 'the model'}: {error}") from None

    def ask(self, pixels: NDArray[np.uint8], *, many: bool = False) -> Outputs:
        """Return the outputs for ``pixels`` (N, H, W, C), some of ``many``."""
        if self.onnx is not None:
            return self.onnx.ask(pixels, many=many or len(pixels) > FEW)
        from striate.data.store.store import Store
        from striate.engine.infer import infer

        rows, size = np.arange(len(pixels)), len(pixels)
        found = infer(self.model, Store(pixels, ()), rows, batch_size=size, device=self.device)
        return dict(zip((self.task.output, EMBEDDING), found, strict=True))


def _told(answers: _Answered, seen: Seen | None) -> Iterator[tuple[str, Prediction | PictureError]]:
    for key, answer, depth, crop in answers:
        if seen is not None and isinstance(answer, Prediction):
            seen(key, depth, crop)
        yield key, answer
