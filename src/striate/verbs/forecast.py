"""Forecast: how long a head on maps will take, said before it begins, from what was timed on this machine just now."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from striate.words import counted

if TYPE_CHECKING:
    from striate.engine.state import Training

WHOLE = 3.0  # times as long as by ONNX Runtime the whole net takes by torch, by which it is measured at the end
ENDS = 10.0  # seconds: the model file, its graph proved, the report
SMALLER = 0.75  # of the sides, the size that a shorter training is told of


@dataclass(frozen=True)
class Forecast:
    """How long a training on maps will take, in seconds: making the ``maps``, its ``steps``, and its ``end``.

    ``number`` steps take ``each``; behind them ``epochs`` of the whole net take ``whole`` altogether.
    """

    maps: float
    steps: float
    end: float
    number: int
    each: float
    epochs: int = 0
    whole: float = 0.0

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.maps + self.steps + self.whole + self.end

    def words(self, size: tuple[int, int]) -> str:
        """Return it as a line: how long, on what the guess stands, what a smaller size (of pictures) would cost.

        >>> Forecast(30.0, 100.0, 20.0, 800, 0.125).words((256, 320))
        'about 2.5 min (800 steps of 0.12 s and 30 s of maps, timed here just now); with --size 256 about 1.5 min'
        """
        smaller = max(32, round(max(size) * SMALLER / 32) * 32)
        share = (smaller / max(size)) ** 2
        less = (self.maps + self.steps + self.whole) * share + self.end
        steps = f"{counted(self.number, 'step')} of {self.each:.2g} s"
        if self.epochs:
            steps += f", {counted(self.epochs, 'epoch')} of the whole net of {self.whole / self.epochs:.0f} s"
        guess = f"{steps} and {self.maps:.0f} s of maps, timed here just now"
        tail = f"; with --size {smaller} about {minutes(less)}" if less < 0.9 * self.seconds else ""
        return f"about {minutes(self.seconds)} ({guess}){tail}"


def minutes(seconds: float) -> str:
    """Return seconds as a person says them: 40 s, 2.5 min, 1.5 h.

    >>> minutes(38.0), minutes(151.0), minutes(5400.0)
    ('40 s', '2.5 min', '1.5 h')
    """
    if seconds < 60:
        return f"{max(5, round(seconds / 5) * 5)} s"
    if seconds < 3600:
        return f"{round(seconds / 30) / 2:g} min"
    return f"{round(seconds / 360) / 10:g} h"


def forecast(
    training: Training,
    view: Callable[[], object],
    *,
    views: int,
    asked: int,
    threads: int,
    whole: Training | None = None,
    folds: int = 0,
) -> Forecast:
    """Return how long a training will take of which nothing is done yet, by timing a step and a view of a picture.

    ``training`` may be on maps of zeros: its gradients are thrown away. ``view`` makes the maps of one picture, as many
    as ``views`` are made, by ``threads`` at once; of ``asked`` pictures the whole net is asked in the end. ``whole`` is
    the training of the whole net behind it, where there is one, and ``folds`` how many heads answer for the pictures
    that they have not seen, each trained on the others.
    """
    each = _step_seconds(training, training.batch)
    once = timed(view)
    number = training.steps * training.epochs * max(1, folds)  # the kept one's, and of each fold's a share is missing
    end = asked * once * WHOLE / threads + ENDS
    if whole is None:
        return Forecast(views * once / threads, number * each, end, number, each)
    judged = len(whole.split.val) * once * WHOLE / threads
    epoch = whole.steps * _step_seconds(whole, 2) + judged
    return Forecast(views * once / threads, number * each, end, number, each, whole.epochs, whole.epochs * epoch)


def _step_seconds(training: Training, most: int) -> float:
    """Return how long a step takes, by one of ``most`` pictures at most."""
    size, rows = training.batch, list(training.split.train[: min(most, training.batch)])
    pixels = training.store.pixels[: len(rows)]
    height, width = pixels.shape[1:3]
    import numpy as np
    import torch

    from striate.data.batches.loader import Batch
    from striate.data.batches.moves import Moves
    from striate.engine.step import gradients

    batch = Batch(
        torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2),
        torch.from_numpy(training.targets[rows]),
        np.array(rows, np.int64),
        Moves(len(rows), (height, width), (height, width)),
    )
    training.train_mode()

    def step() -> None:
        gradients(training, batch)
        training.optimiser.zero_grad(set_to_none=True)

    return timed(step) * size / max(1, len(rows))


def timed(work: Callable[[], object], turns: int = 2) -> float:
    """Return the shortest of some turns of a work in seconds; the first is not counted.

    Example: ``timed(lambda: None) < 1``
    """
    work()
    found = []
    for _ in range(turns):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)
