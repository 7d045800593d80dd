"""Stitcher: what a task makes of answers to the tiles of a large picture: one answer, as if it had been seen at once.

No torch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from striate.tasks.prediction import Prediction
from striate.tasks.values import Outputs


class Stitcher(ABC):
    """Takes what a network says of the tiles of one picture, one after the other, row by row."""

    @abstractmethod
    def add(self, row: int, column: int, outputs: Outputs) -> None:
        """Take the outputs, each (1, ...), of one tile. Errors: StriateError for those that are none of the task."""

    @abstractmethod
    def answer(self) -> Prediction:
        """Return the answer, in pixels of the picture, once every tile was taken."""
