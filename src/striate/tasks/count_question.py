"""What made this count, of the picture or of a part of it: the question about a density. Torch comes late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.labels.marks import several
from striate.errors import DescribeError
from striate.metrics.probability import Floats
from striate.tasks.points import densities, peaks
from striate.tasks.question import AnswerCell, Place, Question

if TYPE_CHECKING:
    from torch import Tensor

NEAR: Final = 0.05  # of the longer side: how far a place reaches where fewer than two objects say how far they stand


@dataclass(frozen=True)
class CountQuestion(Question):
    """What made the count of class ``place``: which parts of the picture raise it, and which lower it.

    ``slope`` is what the sum of the density is multiplied by. Of a part of the picture ``shares`` are how much of each
    cell lies within it, float32 (h, w) as bytes, ``size`` is (h, w) and ``at`` says where in words; ``words`` are how
    much of the count is there, and ``highest`` is where in it the density is highest.
    """

    place: int
    name: str
    slope: float = 1.0
    at: str = ""
    size: tuple[int, int] = (0, 0)
    shares: bytes = b""
    words: str = ""
    highest: AnswerCell | None = None

    @property
    def title(self) -> str:  # noqa: D102
        return f"What made the count of {self._named}{self.at and f' {self.at}'}?"

    @property
    def answer(self) -> str:  # noqa: D102
        return f"the count of {self._named}{self.at and f' {self.at}'}"

    @property
    def _named(self) -> str:
        return several(self.name)

    @property
    def told(self) -> str:  # noqa: D102
        return self.words

    @property
    def cell(self) -> AnswerCell | None:
        """Where in the part asked about the density is highest."""
        return self.highest

    @property
    def unit(self) -> str:  # noqa: D102
        return f"{self.answer} as a share of the way from a picture of nothing (0) to this one (1)"

    def score(self, output: Tensor) -> Tensor:
        """Return the count (N,) of outputs (N, K, h, w). Errors: DescribeError for outputs that are no such maps."""
        import torch

        from striate.tasks import count_loss

        if output.dim() != 4 or self.place >= output.shape[1]:
            raise DescribeError(f"it is asked about maps of densities; this net puts out {tuple(output.shape[1:])}")
        there = count_loss.densities(output[:, self.place])
        if self.shares:
            if tuple(there.shape[1:]) != self.size:
                raise DescribeError(
                    f"it is asked about maps of {self.size}; this net puts out {tuple(there.shape[1:])}"
                )
            there = there * torch.frombuffer(bytearray(self.shares), dtype=torch.float32).view(self.size).to(
                there.device
            )
        return self.slope * there.sum((1, 2))

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
    def kind(self) -> tuple[str, int, bytes]:
        """The class it is about, and where."""
        return self.name, self.place, self.shares


def part_question(maps: NDArray[np.floating], kind: int, name: str, slope: float, place: Place) -> CountQuestion:
    """Return what made the count of a class in a part of maps (K, h, w): a box of the input, or around a point.

    Around a point is as far as half of what objects usually stand apart: the median over the places found of how far
    the nearest other one is; where there are fewer than two, a twentieth of the longer side.
    """
    size = (maps.shape[1], maps.shape[2])
    scale = np.array([size[1] / place.size[1], size[0] / place.size[0]])
    density = densities(maps[kind]) * slope
    left, top, right, bottom = np.asarray(place.box) * np.tile(scale, 2)
    if place.is_point:
        apart = _apart(peaks(density, int(density.sum() + 0.5)) / scale)
        reach = NEAR * max(place.size) if apart is None else apart / 2
        y, x = (np.arange(side) + 0.5 for side in size)
        far = np.hypot((x - left)[None] / scale[0], (y - top)[:, None] / scale[1])
        shares = (far <= max(reach, float(far.min()))).astype(np.float32)
    else:
        shares = np.outer(_within(top, bottom, size[0]), _within(left, right, size[1])).astype(np.float32)
    there = density * shares
    shown = several(name)
    words = f"{there.sum():.2f} of {density.sum():.1f} {shown} are counted {place.told}"
    if place.is_point:
        words += ", as far around as half of what two usually stand apart"
    row, column = divmod(int(there.argmax()), size[1])
    cell = AnswerCell(0, row, column, kind)
    return CountQuestion(kind, name, slope, place.told, size, shares.tobytes(), words, cell)


def _within(low: float, high: float, count: int) -> Floats:
    """Return which share of each of ``count`` cells lies between two edges."""
    begins = np.arange(count)
    return np.asarray(np.clip(np.minimum(begins + 1, high) - np.maximum(begins, low), 0.0, 1.0), np.float64)


def _apart(points: Floats) -> float | None:
    """Return how far from each other points (P, 2) usually are: the median of how far the nearest other one is."""
    if len(points) < 2:
        return None
    far = np.hypot(*(points[:, None] - points[None]).T)
    np.fill_diagonal(far, np.inf)
    return float(np.median(far.min(1)))
