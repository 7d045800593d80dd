"""Walk: the arithmetic of a convolution or a pooling, step by step. No torch; prints nothing."""

from __future__ import annotations

from typing import Final

from striate.errors import DescribeError, ShapeError
from striate.interpret.arithmetic.walk import MOST_STEPS, Walk, walk
from striate.spec import AvgPool, Conv, ConvTranspose, MaxPool, MinPool
from striate.spec.windowed import Windowed

Pair = int | tuple[int, int]
POOLS: Final[dict[str, type[MaxPool | MinPool | AvgPool]]] = {"max": MaxPool, "min": MinPool, "avg": AvgPool}


def walk_of(
    input: tuple[int, int],
    kernel: Pair,
    *,
    stride: Pair | None = None,
    padding: Pair | str = 0,
    dilation: Pair = 1,
    transposed: bool = False,
    output_padding: Pair = 0,
    pool: str | None = None,
    ceil: bool = False,
) -> Walk:
    """Return how a window passes over an ``input`` map (height, width), at most `MOST_STEPS` places.

    It is a convolution's, or that of a ``pool`` ("max", "min", "avg"), which ``ceil`` lets hang over the edge. Without
    ``stride`` a convolution moves by one and a pooling by its kernel.

    Errors: DescribeError for numbers that make no layer, FitError for a window that does not fit, ShapeError for more
    places than anyone watches.

    Example: ``walk_of((5, 5), 3, stride=2, padding=1).steps  # 9``
    """
    layer = _layer(kernel, stride, padding, dilation, transposed, output_padding, pool, ceil)
    output = layer.on(1, *input, fit="floor").output  # a window that does not fit is refused with what would
    assert output is not None
    outputs = output.size
    if outputs[0] * outputs[1] > MOST_STEPS:
        raise ShapeError(
            f"that walk has {outputs[0]} x {outputs[1]} = {outputs[0] * outputs[1]:,} steps, and at most {MOST_STEPS} "
            "are drawn: take a smaller input or a larger stride"
        )
    return walk(layer, *input)


def _layer(
    kernel: Pair,
    stride: Pair | None,
    padding: Pair | str,
    dilation: Pair,
    transposed: bool,
    output_padding: Pair,
    pool: str | None,
    ceil: bool,
) -> Windowed:
    if output_padding not in (0, (0, 0)) and not transposed:
        raise DescribeError("output padding is for transposed convolutions")
    if isinstance(padding, str) and (transposed or pool is not None):
        kind = "a transposed one" if transposed else "a pooling"
        raise DescribeError(f'padding "same" is for a convolution; {kind} takes a number of pixels')
    if pool is None and ceil:
        raise DescribeError("only a pooling can be rounded up (ceil); a convolution rounds down")
    if pool is not None:
        if transposed or dilation not in (1, (1, 1)):
            raise DescribeError("dilation and transposed are for convolutions; a pooling has a window without holes")
        if pool not in POOLS:
            raise DescribeError(f"no pooling is called {pool!r}; there are {', '.join(POOLS)}")
        assert not isinstance(padding, str)
        return POOLS[pool](kernel, stride=stride, padding=padding, ceil=ceil)
    moves = 1 if stride is None else stride
    if transposed:
        assert not isinstance(padding, str)
        return ConvTranspose(1, kernel, stride=moves, padding=padding, output_padding=output_padding, dilation=dilation)
    return Conv(1, kernel, stride=moves, padding=padding, dilation=dilation)


def parse_pair(text: str, what: str, *, least: int = 0) -> Pair:
    """Read ``3`` or ``3x2`` (height x width). Errors: DescribeError that shows the form."""
    numbers = text.lower().replace("×", "x").split("x")
    if len(numbers) > 2 or not all(
        number.strip().isdecimal() and len(number) < 10 and int(number) >= least for number in numbers
    ):
        raise DescribeError(
            f"{what} {text!r} is neither a whole number from {least} on nor HEIGHTxWIDTH, such as 3 or 3x2"
        )
    first, *second = (int(number) for number in numbers)
    return (first, second[0]) if second else first
