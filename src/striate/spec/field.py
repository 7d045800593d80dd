"""The receptive field: which pixels of the picture a position of a feature map can see.

Two answers, both along each axis by itself:

* `Field`, the window people quote: its size in pixels, its jump from one position to the next, and where the first
  one starts (below 0: in the padding). It is the smallest window that moves evenly and holds all that a position
  sees, on a picture without end. Side by side the union counts. Three things have no evenly moving window, and then
  the one given is larger than what is seen: a position that enlarging made (upsample, convtranspose), by less than
  one jump at each end; adaptive pooling into bins of unequal size; and branches that step differently, where it moves
  with the larger jump and is wide enough for every position of the map. Past global pooling or flatten it is the whole
  picture, with jump 0.
* `footprint` in `striate.spec.trace`, the very pixels: with the holes of dilation, cut off at the edge.

Statistics over a picture (group norm) are not counted as seeing. The formulas: Araujo, Norris and Sim, "Computing
Receptive Fields of Convolutional Neural Networks", Distill 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor
from typing import TYPE_CHECKING, NamedTuple

from striate.spec.window import Whole, Window

if TYPE_CHECKING:
    from striate.spec.window import Steps


class Reach(NamedTuple):
    """One axis of a field: position `j` sees within pixels ``first + j * jump`` to ``last + j * jump``."""

    first: Steps
    last: Steps
    jump: Steps

    @property
    def size(self) -> int:
        """How many pixels it covers at the most."""
        return floor(self.last - self.first) + 1

    @property
    def start(self) -> int:
        """The first pixel it covers at position 0."""
        return ceil(self.first)

    def span(self, position: int) -> tuple[int, int]:
        """The first and the last pixel it covers at a position; they may lie outside the picture."""
        return ceil(self.first + position * self.jump), floor(self.last + position * self.jump)

    def through(self, window: Window, side: int) -> Reach:
        """What an output of the window reaches, given what its inputs reach, on a picture with this `side`."""
        if isinstance(window, Whole):
            return Reach(0, side - 1, 0)
        return Reach(
            self.first + window.first * self.jump,
            self.last + window.last * self.jump,
            self.jump * window.step,
        )


PIXEL = Reach(0, 0, 1)  # what a pixel of the picture sees


def union(reaches: Sequence[Reach], *, positions: int, side: int) -> Reach:
    """What positions see whose value comes from several branches: ``positions`` of them, on a picture of `side`.

    >>> union([Reach(-1, 1, 1), Reach(0, 2, 1)], positions=5, side=5)
    Reach(first=-1, last=2, jump=1)
    """
    if any(reach.jump == 0 and reach.first <= 0 and reach.last >= side - 1 for reach in reaches):
        return Reach(0, side - 1, 0)
    jump = max(reach.jump for reach in reaches)
    last_position = positions - 1
    # A branch that steps by less falls behind the window, most at the last position.
    first = min(min(reach.first, reach.first + (reach.jump - jump) * last_position) for reach in reaches)
    last = max(max(reach.last, reach.last + (reach.jump - jump) * last_position) for reach in reaches)
    return Reach(first, last, jump)


class Field(NamedTuple):
    """What one position of a feature map sees of the picture, in pixels: a window for height and one for width.

    >>> from striate.spec import Conv, MaxPool
    >>> field = (Conv(1, 3) >> MaxPool(3) >> Conv(1, 2)).on(1, 12, 12, fit="floor").field
    >>> field.size, field.jump, field.start
    ((8, 8), (3, 3), (0, 0))
    """

    height: Reach
    width: Reach

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the window."""
        return self.height.size, self.width.size

    @property
    def jump(self) -> tuple[Steps, Steps]:
        """How far the window moves from one position to the next; 0 where every position sees the same."""
        return self.height.jump, self.width.jump

    @property
    def start(self) -> tuple[int, int]:
        """Row and column where the window of the first position begins; below 0 in the padding."""
        return self.height.start, self.width.start

    def to_dict(self) -> dict[str, list[float]]:
        """Sizes, jumps and starts as plain numbers, height first."""
        jumps = [jump if isinstance(jump, int) else float(jump) for jump in self.jump]
        return {"size": list(self.size), "jump": jumps, "start": list(self.start)}
