"""What raises a number and what lowers it: the question about a predicted number. Torch comes late."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from striate.errors import DescribeError
from striate.tasks.columns import Column, on_circle
from striate.tasks.question import Question

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class NumberQuestion(Question):
    """What raises the number ``name`` and what lowers it.

    ``begin`` is the first of its columns among a net's outputs, ``column`` how it is learnt. Of a circular number what
    is explained is its turn: a step along the circle from where the answer stands, ``cosine`` and ``sine`` of which
    these are.

    Example: ``NumberQuestion("angle", 0, Column()).title`` is ``"What raises the angle, and what lowers it?"``
    """

    name: str
    begin: int
    column: Column
    unit_name: str = ""
    cosine: float = 1.0
    sine: float = 0.0

    @property
    def signed(self) -> bool:
        """What lowers a number is asked about as much as what raises it."""
        return True

    @property
    def title(self) -> str:  # noqa: D102
        if self.column.period is not None:
            return f"What turns the {self.name} onwards, and what turns it back?"
        return f"What raises the {self.name}, and what lowers it?"

    @property
    def answer(self) -> str:  # noqa: D102
        return f"the {self.name}"

    @property
    def unit(self) -> str:  # noqa: D102
        return f"{self.name} as a share of the way from a picture of nothing (0) to this one (1)"

    def score(self, output: Tensor) -> Tensor:
        """Return what evidence is sought for, (N,) of outputs (N, W), in deviations of the number; of a turn radians.

        Errors: DescribeError for outputs that are not one vector a picture, or do not hold the number.
        """
        if output.dim() != 2:
            raise DescribeError(f"evidence is of a number of a picture; this net puts out {tuple(output.shape[1:])}")
        if not 0 <= self.begin <= output.shape[1] - self.column.width:
            raise DescribeError(f"the net has {output.shape[1]} outputs, and {self.name} is none of them")
        if self.column.period is None:
            return output[:, self.begin]
        return self.cosine * output[:, self.begin + 1] - self.sine * output[:, self.begin]

    def level(self, output: Tensor) -> Tensor:
        """Return how far each of (N, W) is on the way from row 1, a picture of nothing (0), to row 0, the whole (1).

        Where both say the same there is no such way, and all are 0.
        """
        import torch

        along = self._along(output)
        if len(along) < 2:
            return torch.ones_like(along)
        whole = along[0] - along[1]
        return torch.zeros_like(along) if float(whole.abs()) < 1e-6 else (along - along[1]) / whole

    def _along(self, output: Tensor) -> Tensor:
        """Return the number in deviations (N,); of a circular one the turn away from the answer, in radians."""
        if self.column.period is None:
            return self.score(output)
        ahead = self.score(output)
        beside = self.cosine * output[:, self.begin] + self.sine * output[:, self.begin + 1]
        return ahead.atan2(beside)

    def value(self, output: Tensor) -> float:
        """Return the number that row 0 says, in its unit."""
        first = output[0, self.begin : self.begin + self.column.width].double().tolist()
        if self.column.period is None:
            return first[0] * self.column.scale + self.column.mean  # type: ignore[no-any-return]
        turn = math.atan2(first[1], first[0]) * self.column.period / (2 * math.pi)
        return float(on_circle(turn, self.column.period, self.column.start))

    @property
    def kind(self) -> tuple[str, int]:
        """The number it is about."""
        return self.name, self.begin

    def renewed(self, output: Tensor) -> NumberQuestion:
        """Return the same about another network's answer: the same number; a turn from where that one stands."""
        if self.column.period is None:
            return self
        cosine, sine = output[0, self.begin : self.begin + 2].double().tolist()
        return asked(self.name, self.begin, self.column, self.unit_name, cosine, sine)


def asked(
    name: str, begin: int, column: Column, unit: str = "", cosine: float = 1.0, sine: float = 0.0
) -> NumberQuestion:
    """Return the question about a number; of a circular one ``cosine`` and ``sine`` are what the net says of it."""
    size = math.hypot(cosine, sine)
    if column.period is None or size < 1e-12:
        return NumberQuestion(name, begin, column, unit)
    return NumberQuestion(name, begin, column, unit, cosine / size, sine / size)
