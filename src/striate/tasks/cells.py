"""Cells: how the flat output of a net that finds boxes is laid out, and what its numbers mean.

The output of a picture is level after level, the finest first. A level is a map of K + 4 channels, flattened channel by
channel: a logit for each of K classes, then how far the object's left, top, right and bottom edge are from the middle
of the cell. All of it is the same for NumPy and for torch.

The score of a cell is sigmoid(logit + `PRIOR`): a fresh net, whose logits are about 0, says 1 % everywhere, without
which the many empty cells of the first batches would drown all else (Lin et al. 2017, "Focal Loss for Dense Object
Detection", section 4.1, where it is the bias of the last layer). A distance is log(1 + exp(number)) strides, less half
a stride: an edge of an object that is smaller than a cell may lie on the near side of the middle, by up to half a
stride. So a step of the number is at most a stride, whatever the size. (Of exp(number), as FCOS has it, the overlaps
were worse on drawn scenes after few steps, and beyond the end that it needs nothing is learnt.) No torch is imported.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from striate.errors import ShapeError, StriateError

if TYPE_CHECKING:
    from torch import Tensor

    from striate.metrics.probability import Floats
    from striate.spec.survey import Survey

PRIOR: Final = math.log(0.01 / 0.99)
SIDES: Final = 4
HALF: Final = 0.5
NARROW: Final = 0.25  # strides: a side that would be shorter, or reversed, nears 0 from above instead
_Array = TypeVar("_Array", "Tensor", NDArray[Any])


@dataclass(frozen=True)
class Cells:
    """The cells of a net: the height and width of each of its maps, and of its ``input``, and how many ``classes``.

    Example: ``Cells(((4, 4), (2, 2)), (32, 32), 3).numbers`` is 140.
    """

    sizes: tuple[tuple[int, int], ...]
    input: tuple[int, int]
    classes: int

    @classmethod
    def of(cls, facts: Mapping[str, Any], classes: int) -> Cells:
        """Return the cells that the facts of labels say (`laid_out`). Errors: StriateError for facts that do not."""
        sizes, size = facts.get("levels"), facts.get("input")
        pairs = [size, *(sizes if isinstance(sizes, list | tuple) else [None])]
        for pair in pairs:
            sound = isinstance(pair, list | tuple) and len(pair) == 2
            if not sound or not all(type(side) is int and 0 < side < 1 << 20 for side in pair):
                raise StriateError("it is not known how its output is laid out: there are no levels among its facts")
        return cls(tuple((one[0], one[1]) for one in pairs[1:]), (pairs[0][0], pairs[0][1]), classes)

    @property
    def channels(self) -> int:
        """How many numbers a cell has."""
        return self.classes + SIDES

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """How many cells each level has."""
        return tuple(height * width for height, width in self.sizes)

    @property
    def count(self) -> int:
        """How many cells there are."""
        return sum(self.counts)

    @property
    def numbers(self) -> int:
        """How many numbers the output of a picture has."""
        return self.channels * self.count

    @cached_property
    def strides(self) -> Floats:
        """How wide and how high a cell of each level is (L, 2), in pixels of the input."""
        height, width = self.input
        return np.array([(width / w, height / h) for h, w in self.sizes])

    @cached_property
    def each_stride(self) -> Floats:
        """The width and height of every cell (A, 2)."""
        return np.repeat(self.strides, self.counts, axis=0)

    @cached_property
    def middles(self) -> Floats:
        """The middle (x, y) of every cell (A, 2), in pixels of the input, level by level, row by row."""
        each = []
        for (height, width), (across, down) in zip(self.sizes, self.strides.tolist(), strict=True):
            y, x = np.divmod(np.arange(height * width), width)
            each.append(np.stack([(x + 0.5) * across, (y + 0.5) * down], 1))
        return np.concatenate(each)

    def split(self, output: _Array) -> tuple[_Array, _Array]:
        """Return the logits (N, K, A) of scores, the prior within, and the four numbers (N, 4, A) of every cell.

        ``output`` is (N, S), or one map (N, K + 4, h, w). Errors: StriateError for one that is laid out otherwise.
        """
        many, channels = len(output), self.channels
        flat = output.reshape(many, math.prod(output.shape[1:]))
        if flat.shape[1] != self.numbers:
            maps = ", ".join(f"{height}x{width}" for height, width in self.sizes)
            raise StriateError(
                f"{flat.shape[1]:,} numbers a picture are not {channels} for each cell of {maps}, {self.numbers:,}"
            )
        maps_of, at = [], 0
        for count in self.counts:
            maps_of.append(flat[:, at : at + channels * count].reshape(many, channels, count))
            at += channels * count
        if isinstance(flat, np.ndarray):
            whole = np.concatenate(maps_of, 2)
        else:
            import torch

            whole = torch.cat(maps_of, 2)
        return whole[:, : self.classes] + PRIOR, whole[:, self.classes :]

    def place(self, cell: int, channel: int) -> int:
        """Return where in the flat output a channel of a cell stands.

        Example: ``Cells(((2, 2), (1, 1)), (16, 16), 1).place(4, 0)`` is 20.
        """
        at = 0
        for count in self.counts:
            if cell < count:
                return at + channel * count + cell
            at, cell = at + self.channels * count, cell - count
        raise StriateError(f"there are {self.count} cells")

    def where(self, cell: int) -> tuple[int, int, int]:
        """Return on which map a cell is, and in which row and column of it.

        Example: ``Cells(((2, 2), (1, 1)), (16, 16), 1).where(3)`` is ``(0, 1, 1)``.
        """
        for level, (count, (_, width)) in enumerate(zip(self.counts, self.sizes, strict=True)):
            if cell < count:
                return level, *divmod(cell, width)
            cell -= count
        raise StriateError(f"there are {self.count} cells")


def distances(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return the distances, in strides, that numbers of a net stand for: above -0.5.

    Example: ``distances(np.array([0.0]))`` is ``[0.193]``.
    """
    return np.asarray(np.logaddexp(0.0, numbers) - HALF)


def boxes_at(cells: Cells, numbers: NDArray[Any], at: NDArray[np.int64]) -> Floats:
    """Return the boxes (D, 4) that the numbers (D, 4) of cells ``at`` (D,) say, in pixels, within the input."""
    reach = distances(np.asarray(numbers, np.float64))
    side, shift = reach[:, :2] + reach[:, 2:], (reach[:, 2:] - reach[:, :2]) / 2
    half = np.where(side > NARROW, side, NARROW * np.exp(np.minimum(side / NARROW - 1, 0))) / 2
    middle, stride = cells.middles[at], cells.each_stride[at]
    boxes = np.concatenate([middle + (shift - half) * stride, middle + (shift + half) * stride], 1)
    height, width = cells.input
    return np.asarray(np.clip(boxes, 0.0, (width, height, width, height)))


def levels_of(survey: Survey, classes: int) -> Cells:
    """Return how the output of a surveyed net is laid out: by its flattened maps, or by the map that it ends in.

    Errors: ShapeError for a net that does not end in maps of a logit a class and four distances.
    """
    from striate.spec.layers import Flatten

    wanted, output = classes + SIDES, survey.output
    if output is not None and output.is_map and output.channels == wanted:
        return Cells((output.size,), survey.input.size, classes)
    given = [
        shape
        for row, net, shape in zip(survey.rows, survey.layers, survey.given, strict=False)
        if isinstance(net, Flatten) and shape.is_map and not row.auxiliary
    ]
    sizes = tuple(shape.size for shape in given)
    if output is None or output.is_map or not given or {shape.channels for shape in given} != {wanted}:
        raise ShapeError(_refusal(survey, given, classes))
    if sum(shape.elements for shape in given) != output.elements:
        raise ShapeError(_refusal(survey, given, classes))
    return Cells(sizes, survey.input.size, classes)


def _refusal(survey: Survey, given: Sequence[Any], classes: int) -> str:
    flattened = f" of {', '.join(map(str, given))}, flattened" if given else ""
    return (
        f"the net puts out {survey.output}{flattened}; boxes of {classes} {'class' if classes == 1 else 'classes'} take"
        f" maps of {classes + SIDES} channels, a logit a class and four distances: let it end in one such map"
        f" (conv {classes + SIDES} 1x1), or flatten several and lay them one after the other, the finest first"
    )
