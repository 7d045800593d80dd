"""Walk: the arithmetic of a convolution, step by step. No torch; prints nothing."""

from __future__ import annotations

from striate.errors import DescribeError, ShapeError
from striate.inside.walk import MOST_STEPS, Walk, walk
from striate.spec import Conv, ConvTranspose, Shape

Pair = int | tuple[int, int]


def walk_of(
    size: tuple[int, int],
    kernel: Pair,
    *,
    stride: Pair = 1,
    padding: Pair | str = 0,
    dilation: Pair = 1,
    transposed: bool = False,
    output_padding: Pair = 0,
) -> Walk:
    """Return how a window passes over a map of ``size`` (height, width), at most `MOST_STEPS` places.

    Errors: DescribeError for numbers that make no layer, FitError for a window that does not fit, ShapeError for more
    places than anyone watches.

    Example: ``walk_of((5, 5), 3, stride=2, padding=1).steps  # 9``
    """
    if transposed:
        if isinstance(padding, str):
            raise DescribeError('padding "same" is for a convolution; a transposed one takes a number of pixels')
        layer: Conv | ConvTranspose = ConvTranspose(
            1, kernel, stride=stride, padding=padding, output_padding=output_padding, dilation=dilation
        )
    elif output_padding not in (0, (0, 0)):
        raise DescribeError("output padding is for transposed convolutions")
    else:
        layer = Conv(1, kernel, stride=stride, padding=padding, dilation=dilation)
    outputs = layer.sizes(Shape(1, *size))
    if outputs[0] * outputs[1] > MOST_STEPS:
        raise ShapeError(
            f"that walk has {outputs[0]} x {outputs[1]} = {outputs[0] * outputs[1]:,} steps, and at most {MOST_STEPS} "
            "are drawn: take a smaller input or a larger stride"
        )
    return walk(layer, *size)


def parse_pair(text: str, what: str, *, least: int = 0) -> Pair:
    """Read ``3`` or ``3x2`` (height x width). Errors: DescribeError that shows the form."""
    numbers = text.lower().replace("×", "x").split("x")
    if len(numbers) > 2 or not all(number.strip().isdecimal() and int(number) >= least for number in numbers):
        raise DescribeError(
            f"{what} {text!r} is neither a whole number from {least} on nor HEIGHTxWIDTH, such as 3 or 3x2"
        )
    first, *second = (int(number) for number in numbers)
    return (first, second[0]) if second else first
