"""Two models' answers to the same pictures, as a task compares them: is the difference real, and where do they differ?

`LossPaired` serves any task whose `Assessment.losses` say how bad each answer is. No torch.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from striate.metrics.intervals import Bootstrap, Interval, widened
from striate.metrics.probability import Floats, Ints
from striate.tasks.assessment import Assessment
from striate.tasks.sections import Table, number
from striate.words import counted


@dataclass(frozen=True, eq=False)
class Shared:
    """Two assessments and their rows (N,) of the same pictures, in the same order.

    ``design`` is the design effect of answers that are not independent (docs/decisions/0010).
    """

    a: Assessment
    b: Assessment
    rows_a: Ints
    rows_b: Ints
    design: float = 1.0


class Paired(ABC):
    """How two models, ``a`` and ``b`` by name, compare on N pictures."""

    question = "Where is {better} better than {worse}?"
    """Asked twice on a page, with either's name as the better one."""
    shows = "what {worse} said, and what is true."
    """What stands under those pictures."""
    measured = "In brackets the 95 % interval of each figure."
    """How the figures are to be read."""

    @abstractmethod
    def verdict(self, a: str, b: str) -> str:
        """Return in a sentence which is better, and whether that is more than noise."""

    @abstractmethod
    def table(self, a: str, b: str) -> Table:
        """Return the figures of both and their difference, each with its 95 % interval."""

    @abstractmethod
    def apart(self) -> tuple[Ints, Ints]:
        """Return the pictures on which a is better, and those on which b is; those that tell most first."""

    @abstractmethod
    def caption(self, row: int, side: int) -> str:
        """Say what a (``side`` 0) or b (1) answered of a picture, and what is true."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the figures, ready for JSON."""

    @abstractmethod
    def picture(self, row: int) -> dict[str, Any]:
        """Return what both said of a picture, ready for JSON."""


@dataclass(frozen=True, eq=False)
class LossPaired(Paired):
    """Compared by the mean loss of an answer, with the paired bootstrap over pictures: the difference is b - a.

    Example: ``LossPaired.of(shared).difference.value`` is 0.0.
    """

    shared: Shared
    name: str
    a: Interval
    b: Interval
    difference: Interval

    @classmethod
    def of(cls, shared: Shared) -> LossPaired:
        """Return the comparison of what is shared."""
        first, second = shared.a.losses[shared.rows_a], shared.b.losses[shared.rows_b]
        drawn, design = Bootstrap(len(first)), shared.design
        a, b = (widened(drawn.mean(each), design) for each in (first, second))
        return cls(shared, shared.a.loss_name, a, b, widened(drawn.mean(second - first), design, low=-math.inf))

    @property
    def real(self) -> bool:
        """Whether the interval of the difference leaves out 0."""
        return self.difference.low > 0 or self.difference.high < 0

    @property
    def _losses(self) -> tuple[Floats, Floats]:
        return self.shared.a.losses[self.shared.rows_a], self.shared.b.losses[self.shared.rows_b]

    def verdict(self, a: str, b: str) -> str:  # noqa: D102
        on = counted(len(self.shared.rows_a), "picture")
        span = f"{self.name} of {b} - {a} is {number(self.difference)} on {on}"
        if self.real:
            better, worse = (b, a) if self.difference.value < 0 else (a, b)
            return f"{better} is better than {worse}: {span}"
        return f"no difference that {on} can show: {span}"

    def table(self, a: str, b: str) -> Table:  # noqa: D102
        figures = tuple(number(each) for each in (self.a, self.b, self.difference))
        return Table(("", a, b, f"{b} - {a}"), ((self.name, *figures),), label="figures of both runs")

    def apart(self) -> tuple[Ints, Ints]:  # noqa: D102
        first, second = self._losses
        order = np.argsort(first - second, kind="stable")
        gap = (first - second)[order]
        return np.asarray(order[gap < 0], np.int64), np.asarray(order[gap > 0][::-1], np.int64)

    def caption(self, row: int, side: int) -> str:  # noqa: D102
        one = (self.shared.a, self.shared.b)[side]
        return one.caption(int((self.shared.rows_a, self.shared.rows_b)[side][row]))

    def to_dict(self) -> dict[str, Any]:  # noqa: D102
        figures = {"a": self.a.to_dict(), "b": self.b.to_dict(), "difference": self.difference.to_dict()}
        return {self.name: {**figures, "real": self.real}}

    def picture(self, row: int) -> dict[str, Any]:  # noqa: D102
        return {"a": self.caption(row, 0), "b": self.caption(row, 1)}
