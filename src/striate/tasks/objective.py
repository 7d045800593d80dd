"""Objective: what a training is told of what it learns, as one value. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from striate.tasks.task import LabelFacts, Labels, Task
from striate.train_config import TrainConfig


@dataclass(frozen=True, eq=False)
class Objective:
    """What a training is told of what it learns: the task, the labels of all pictures of its store, how it goes."""

    task: Task
    labels: Labels
    config: TrainConfig
    targets: NDArray[Any] = field(init=False)
    """(N, ...): `Task.encode` of every row."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", self.task.encode(self.labels))

    @property
    def facts(self) -> LabelFacts:
        """What of the labels is kept."""
        return self.labels.kept

    @property
    def width(self) -> int:
        """How many numbers the main output has for a picture."""
        return self.task.width(self.labels.kept)

    @property
    def told_apart(self) -> tuple[str, ...]:
        """The terms of the loss where it has several; none of one, which is the loss."""
        return self.task.terms if len(self.task.terms) > 1 else ()
