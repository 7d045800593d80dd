"""How a convolution or a pooling walks: which inputs every output sees, step by step, with the arithmetic. No torch.

The pictures are those of Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning", for any
numbers. A transposed convolution is shown as they show it: its input pulled apart by zeros, padded, and passed over by
a window that moves by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from striate.errors import FitError, ShapeError
from striate.spec.layer import Layer
from striate.spec.shape import Shape
from striate.spec.window import Slide, Spread, everything, positions
from striate.spec.windowed import Windowed

MOST_STEPS = 400  # of an animation: more is watched by nobody


@dataclass(frozen=True)
class Axis:
    """One axis of a walk. ``slots`` is what the window passes over: the number of a pixel, or None for a zero.

    Output `j` sees the slots ``starts[j] + t * apart`` for its ``taps`` (0 to taps - 1). ``unseen`` are the pixels
    that no output sees, ``formula`` the number of outputs with its numbers, and how it was rounded where it was.
    """

    pixels: int
    slots: tuple[int | None, ...]
    starts: tuple[int, ...]
    taps: int
    apart: int
    unseen: tuple[int, ...]
    formula: str

    @property
    def outputs(self) -> int:
        """How many outputs there are."""
        return len(self.starts)

    def under(self, output: int) -> tuple[int, ...]:
        """Return the slots that an output sees, one for each tap."""
        return tuple(self.starts[output] + tap * self.apart for tap in range(self.taps))

    def seen(self, output: int) -> tuple[int | None, ...]:
        """Return the pixels that an output sees, one for each tap; None for a zero."""
        return tuple(self.slots[slot] for slot in self.under(output))


@dataclass(frozen=True)
class Walk:
    """A window passing over a map: its two axes, the layer, and why the net would be refused ("" where it would not).

    Example: ``walk(Conv(1, 3, stride=2, padding=1), 5, 5).height.outputs  # 3``
    """

    layer: Layer
    height: Axis
    width: Axis
    refused: str

    @property
    def steps(self) -> int:
        """How many places the window takes."""
        return self.height.outputs * self.width.outputs

    def places(self) -> Iterator[tuple[int, int]]:
        """The outputs (row, column) in the order they are made."""
        return product(range(self.height.outputs), range(self.width.outputs))

    @property
    def unseen(self) -> tuple[tuple[int, int], ...]:
        """The pixels (row, column) that no output sees, in order."""
        rows, columns = set(self.height.unseen), set(self.width.unseen)
        every = product(range(self.height.pixels), range(self.width.pixels))
        return tuple((row, column) for row, column in every if row in rows or column in columns)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values for JSON: for each output the pixels that it sees, by tap."""
        return {
            "layer": str(self.layer),
            "input": [self.height.pixels, self.width.pixels],
            "output": [self.height.outputs, self.width.outputs],
            "formula": {"height": self.height.formula, "width": self.width.formula},
            "refused": self.refused or None,
            "unseen": [list(pixel) for pixel in self.unseen],
            "sees": {
                "rows": [list(self.height.seen(output)) for output in range(self.height.outputs)],
                "columns": [list(self.width.seen(output)) for output in range(self.width.outputs)],
            },
        }


def walk(layer: Windowed, height: int, width: int) -> Walk:
    """Return how the window of a convolution, a transposed one or a pooling passes over ``height`` x ``width`` pixels.

    A layer that never sees some pixels is walked all the same, and ``refused`` says what `Net.on` says of it.
    Errors: FitError where the window does not fit at all, ShapeError for a layer without a window that moves.
    """
    layer.sizes(Shape(1, height, width))
    rows, columns = (axis(window, side) for window, side in zip(layer.windows, (height, width), strict=True))
    return Walk(layer, rows, columns, _refused(layer, height, width))


def axis(window: object, pixels: int) -> Axis:
    """Return one axis of a walk."""
    if isinstance(window, Slide):
        count = window.outputs(pixels)
        reach = max(pixels + window.after, (count - 1) * window.stride - window.before + window.span)
        slots = tuple(slot if 0 <= slot < pixels else None for slot in range(-window.before, reach))
        starts = tuple(output * window.stride for output in range(count))
        lost = positions(everything(pixels) & ~window.seen(pixels, everything(count)))
        return Axis(pixels, slots, starts, window.kernel, window.dilation, lost, _formula(window, pixels))
    if isinstance(window, Spread):
        count, first = window.outputs(pixels), window.padding - window.span + 1
        between = range(first, count + window.padding)
        slots = tuple(
            place // window.stride if place % window.stride == 0 and 0 <= place < pixels * window.stride else None
            for place in between
        )
        lost = positions(everything(pixels) & ~window.seen(pixels, everything(count)))
        return Axis(pixels, slots, tuple(range(count)), window.kernel, window.dilation, lost, window.formula(pixels))
    raise ShapeError("only convolutions and poolings have a window that walks")


def _formula(window: Slide, pixels: int) -> str:
    """Return the arithmetic of the outputs, and of a number that is not whole what is made of it."""
    said, count = window.formula(pixels), window.outputs(pixels)
    room, rest = divmod(pixels - window.span + window.before + window.after, window.stride)
    if not rest:
        return said if count == room + 1 else f"{said}, less the last, which would begin outside: {count}"
    if not window.ceil:
        return f"{said}, rounded down: {count}"
    less = "" if count == room + 2 else f", less the last, which would begin outside: {count}"
    return f"{said}, rounded up: {room + 2}{less}"


def _refused(layer: Layer, height: int, width: int) -> str:
    try:
        layer.on(1, height, width)
    except FitError as error:
        return str(error)
    return ""
