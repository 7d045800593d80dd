"""What made this count: the question about a density. Torch comes late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from striate.errors import DescribeError
from striate.tasks.question import Question

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class CountQuestion(Question):
    """What made the count of class ``place``: which parts of the picture raise it, and which lower it.

    ``slope`` is what the sum of the density is multiplied by.
    """

    place: int
    name: str
    slope: float = 1.0

    @property
    def signed(self) -> bool:
        """What lowers a count is asked about as much as what raises it."""
        return True

    @property
    def title(self) -> str:  # noqa: D102
        return f"What made the count of {self.name}?"

    @property
    def answer(self) -> str:  # noqa: D102
        return f"the count of {self.name}"

    @property
    def unit(self) -> str:  # noqa: D102
        return f"count of {self.name} as a share of the way from a picture of nothing (0) to this one (1)"

    def score(self, output: Tensor) -> Tensor:
        """Return the count (N,) of outputs (N, K, h, w). Errors: DescribeError for outputs that are no such maps."""
        from striate.tasks.count_loss import densities

        if output.dim() != 4 or self.place >= output.shape[1]:
            raise DescribeError(f"it is asked about maps of densities; this net puts out {tuple(output.shape[1:])}")
        return self.slope * densities(output[:, self.place]).sum((1, 2))

    def level(self, output: Tensor) -> Tensor:
        """Return how far each count is on the way from row 1, a picture of nothing (0), to row 0, the whole (1)."""
        import torch

        counts = self.score(output)
        if len(counts) < 2:
            return torch.ones_like(counts)
        whole = counts[0] - counts[1]
        return torch.zeros_like(counts) if float(whole.abs()) < 1e-6 else (counts - counts[1]) / whole

    def value(self, output: Tensor) -> float:
        """Return the count that row 0 says."""
        return float(self.score(output)[0])

    @property
    def kind(self) -> tuple[str, int]:
        """The class it is about."""
        return self.name, self.place
