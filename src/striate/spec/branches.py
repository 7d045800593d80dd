# ruff: noqa: D102  (what an overriding method answers is said once, at its base)
"""Nets side by side on one input, their outputs added, multiplied, or laid one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from striate.errors import ShapeError
from striate.spec.net import Net, Several
from striate.spec.shape import Shape


class Branches(Several):
    """Nets side by side on one input, their outputs joined. (Abstract: `Add`, `Concat`, `Multiply`.)"""

    sign: ClassVar[str]

    def join(self, shapes: Sequence[Shape], names: Sequence[str]) -> Shape:
        """The shape of the outputs joined. Raises `ShapeError` naming the branches that do not go together."""
        first = shapes[0]
        for shape, name in zip(shapes, names, strict=True):
            if shape != first:
                raise ShapeError(
                    f"{self.keyword} needs outputs of one shape, but {names[0]} gives {first} and {name} gives {shape}"
                )
        return first


class Add(Branches):
    """The sum of outputs of one shape."""

    keyword: ClassVar[str] = "add"
    sign: ClassVar[str] = "+"


class Concat(Branches):
    """The channels of outputs of one height and width, one after the other."""

    keyword: ClassVar[str] = "concat"
    sign: ClassVar[str] = "|"

    def join(self, shapes: Sequence[Shape], names: Sequence[str]) -> Shape:
        first = shapes[0]
        for shape, name in zip(shapes, names, strict=True):
            if (shape.height, shape.width) != (first.height, first.width):
                raise ShapeError(
                    "concat needs outputs of one height and width, "
                    f"but {names[0]} gives {first} and {name} gives {shape}"
                )
        return Shape(sum(shape.channels for shape in shapes), first.height, first.width)


class Multiply(Branches):
    """The product of outputs of one shape; a 1x1 map is spread over a larger one (squeeze and excitation)."""

    keyword: ClassVar[str] = "multiply"
    sign: ClassVar[str] = "*"

    def join(self, shapes: Sequence[Shape], names: Sequence[str]) -> Shape:
        largest = max(shapes, key=lambda shape: shape.elements)
        for shape, name in zip(shapes, names, strict=True):
            if shape != largest and (shape.channels, shape.size, shape.is_map) != (largest.channels, (1, 1), True):
                raise ShapeError(
                    "multiply needs outputs of one shape, or 1x1 maps with as many channels, "
                    f"but {names[shapes.index(largest)]} gives {largest} and {name} gives {shape}"
                )
        return largest


def add(first: Net, second: Net, *others: Net) -> Add:
    """Return a net that adds the outputs of ``first``, ``second`` and ``others`` on the same input, all of one shape.

    Example: ``add(Conv(3, 1), Conv(3, 1)).on(1, 4, 4).output`` is ``Shape(3, 4, 4)``.
    """
    return Add((first, second, *others))


def concat(first: Net, second: Net, *others: Net) -> Concat:
    """Return a net that lays the channels of ``first``, ``second`` and ``others`` one after the other.

    They work on the same input and give maps of the same height and width.

    Example: ``concat(Conv(3, 1), Conv(2, 1)).on(1, 4, 4).output`` is ``Shape(5, 4, 4)``.
    """
    return Concat((first, second, *others))


def multiply(first: Net, second: Net, *others: Net) -> Multiply:
    """Return a net that multiplies the outputs of ``first``, ``second`` and ``others`` on the same input.

    A map of 1x1 is spread over a larger one.

    Example: ``multiply(Conv(3, 1), GlobalAvgPool() >> Conv(3, 1)).on(1, 4, 4).output`` is ``Shape(3, 4, 4)``.
    """
    return Multiply((first, second, *others))
