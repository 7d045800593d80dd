"""Whatever is queued is computed together; what cannot be answered, or came too late, is alone in that."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate.errors import ModelError, PictureError
from striate.runs.predictor import Predictor
from striate.web.server.batching import Answer, Batcher, Question
from striate.web.server.decoding import TooLate

BLACK, FATAL, POISON = 0, 99, 13


class Held:
    """A predictor that waits for ``go`` before its first batch, and fails at pictures of two values."""

    def __init__(self, of: Predictor) -> None:
        self.task, self.labels, self.learnt = of.task, of.labels, of.learnt
        self.of, self.go, self.begun, self.sizes = of, threading.Event(), threading.Event(), list[int]()

    def ask(self, pixels: np.ndarray, *, many: bool) -> dict[str, Any]:
        self.begun.set()
        assert self.go.wait(30)
        self.sizes.append(len(pixels))
        if (pixels == POISON).all(axis=(1, 2, 3)).any():
            raise ModelError("the answer is not finite")
        if (pixels == FATAL).all(axis=(1, 2, 3)).any():
            raise RuntimeError("a fault")
        return self.of.ask(pixels, many=many)


@pytest.fixture
def held(model: Path) -> Held:
    return Held(Predictor.open(model, torch=False))


def test_a_poisonous_picture_fails_alone(held: Held) -> None:
    told: dict[int, Any] = {}
    sizes: list[int] = []
    batcher = Batcher(held, most=4, seen=sizes.append)  # type: ignore[arg-type]

    def ask(number: int, value: int, *, left: float = 60.0, unknown: bool = True) -> None:
        pixels = np.full((8, 8, 1), value, np.uint8)
        options = (("unknown", unknown),)
        until = time.monotonic() + left
        batcher.ask(Question(pixels, None, options, until, lambda found: told.__setitem__(number, found)))

    ask(0, BLACK)
    assert held.begun.wait(30)
    for number, value in enumerate((POISON, 50, FATAL, 60, 70, 80), 1):
        ask(number, value, unknown=number % 2 == 0)
    ask(7, 90, left=-1.0)
    held.go.set()
    batcher.close()
    assert sizes == [1, 4, 2]  # and none computed of the last, which came too late
    assert isinstance(told[1], PictureError) and "not finite" in str(told[1])
    assert isinstance(told[3], RuntimeError) and isinstance(told[7], TooLate)
    for number, value in ((0, BLACK), (2, 50), (4, 60), (5, 70), (6, 80)):
        found = told[number]
        assert isinstance(found, Answer)
        alone = held.of.ask(np.full((1, 8, 8, 1), value, np.uint8), many=True)
        for name, output in alone.items():
            assert found.outputs[name] == pytest.approx(output[0], abs=1e-5)
