"""Describe: a net on an input, as a Survey. Imports nets and spec; no torch, no numpy."""

from __future__ import annotations

from typing import Literal

from striate import nets
from striate.errors import ShapeError
from striate.spec.shape import Shape
from striate.spec.survey import Survey


def describe(
    net: str,
    input: Shape | tuple[int, int, int] | None = None,
    *,
    classes: int | None = None,
    fit: Literal["exact", "floor"] | None = None,
) -> Survey:
    """Return what every part of a net does to an input.

    Arguments:
        net: a name of the catalogue, the text of a net, or a file that holds one.
        input: (channels, height, width), in pixels; a published net has that of its paper by itself.
        classes: how many, for a net that leaves them open; a published net has its paper's by itself.
        fit: "exact" refuses a net that never sees part of its picture, "floor" accepts it; by itself a published net at
            its published size is taken as it is, any other exactly.

    Errors: DescribeError, with what would fit.

    Example: ``describe("conv 6 5x5 pad 2 >> tanh >> avgpool 2", Shape(1, 28, 28)).output`` is
    ``Shape(6, 14, 14)``.
    """
    entry = nets.CATALOG.get(net)
    if input is None:
        if entry is None:
            nets.resolve(net)  # a name that is not there is worth more words than a missing input
            raise ShapeError("which input? say --input CHANNELSxHEIGHTxWIDTH, for example --input 3x224x224")
        input = entry.input
    shape = input if isinstance(input, Shape) else Shape(*input)
    if entry is not None and classes is None:
        classes = entry.classes
    if fit is None:
        fit = "floor" if nets.published_at(net, shape) else "exact"
    return nets.resolve(net).on(shape.channels, shape.height, shape.width, classes=classes, fit=fit)


def parse_input(text: str) -> Shape:
    """Read ``3x224x224`` or ``1x28x28`` (channels x height x width).

    Errors: ShapeError that shows the form.
    """
    numbers = text.lower().replace("×", "x").split("x")
    plain = all(number.strip().isdecimal() and len(number) < 10 for number in numbers)
    if len(numbers) != 3 or not plain or not all(map(int, numbers)):
        raise ShapeError(f"the input {text!r} is not CHANNELSxHEIGHTxWIDTH in whole pixels, for example 3x224x224")
    channels, height, width = (int(number) for number in numbers)
    return Shape(channels, height, width)
