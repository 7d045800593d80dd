"""Batching without waiting: whatever is queued when the network is free is computed together, in one thread a model.

A batch of one is begun at once; while it is computed the next ones gather. So nobody waits for others, and under load
batches grow by themselves (`benchmarks/serve.py` has what that is worth).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.crop_transform import CropTransform
from striate.errors import PictureError, StriateError
from striate.runs.predictor import Predictor
from striate.tasks.prediction import Prediction
from striate.web.server.decoding import TooLate
from striate.web.server.worker import Worker

_PATIENCE: Final = 10.0  # seconds that the thread is waited for at the end

Raw: TypeAlias = Mapping[str, NDArray[Any]]
"""A picture's outputs, by name, without the dimension of the batch."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What a network says about a picture: the task's ``prediction``, in the person's picture, and its ``outputs``."""

    prediction: Prediction
    outputs: Raw


@dataclass(frozen=True, eq=False)
class Question:
    """Pixels (H, W, C) uint8, the ``options`` of `Task.decode`, and when (time.monotonic) they are too late.

    ``done`` hears of the answer, or of why there is none, in another thread.
    """

    pixels: NDArray[np.uint8]
    crop: CropTransform | None
    options: tuple[tuple[str, Any], ...]
    deadline: float
    done: Callable[[Answer | Exception], None] = field(repr=False)


@final
class Batcher:
    """Computes what it is asked, whatever is queued together. ``ask`` never waits.

    ``most`` pictures are computed at once; ``seen`` is told how many each batch has.
    """

    def __init__(self, predictor: Predictor, *, most: int, seen: Callable[[int], None] = lambda _: None) -> None:
        self._predictor, self._seen = predictor, seen
        self._worker = Worker(self._work, name="striate-batch", most=most)

    def ask(self, question: Question) -> None:
        """Have a picture answered."""
        self._worker.give(question)

    def close(self, patience: float = _PATIENCE) -> None:
        """Stop, once all that is queued is answered."""
        self._worker.close(patience)

    def _work(self, batch: list[Question]) -> None:
        now = time.monotonic()
        for late in (one for one in batch if one.deadline < now):
            late.done(TooLate())
        if batch := [one for one in batch if one.deadline >= now]:
            self._seen(len(batch))
            for one, found in zip(batch, self._answers(batch), strict=True):
                one.done(found)

    def _answers(self, batch: Sequence[Question]) -> list[Answer | Exception]:
        """Return an answer each; where the batch has none, of each picture by itself: one that has none is alone."""
        try:
            return list(self._together(batch))
        except Exception as error:  # this thread goes on, whatever it is
            if len(batch) == 1:
                return [PictureError(str(error)) if isinstance(error, StriateError) else error]
        return [found for one in batch for found in self._answers([one])]

    def _together(self, batch: Sequence[Question]) -> list[Answer]:
        predictor = self._predictor
        outputs = predictor.ask(np.stack([one.pixels for one in batch]), many=True)
        found: list[Answer | None] = [None] * len(batch)
        for options in dict.fromkeys(one.options for one in batch):
            rows = [row for row, one in enumerate(batch) if one.options == options]
            some = outputs if len(rows) == len(batch) else {name: each[rows] for name, each in outputs.items()}
            said = predictor.task.decode(some, predictor.labels, predictor.learnt, options=dict(options))
            for row, prediction in zip(rows, said, strict=True):
                crop = batch[row].crop
                placed = prediction if crop is None else prediction.in_picture(crop)
                found[row] = Answer(placed, {name: each[row] for name, each in outputs.items()})
        return [answer for answer in found if answer is not None]
