"""What sees what, by brute force: every position holds the set of pixels it sees, moved by plain loops."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import ceil

from striate.spec import (
    AdaptiveAvgPool,
    AuxHead,
    Concat,
    Conv,
    ConvTranspose,
    Crop,
    Flatten,
    Named,
    Net,
    Repeat,
    Row,
    Shape,
    Subsample,
    Upsample,
)
from striate.spec.windowed import GlobalPool, Pool

Pixels = frozenset[tuple[int, int]]
Grid = dict[tuple[int, int], Pixels]  # (row, column) -> the pixels of the picture it sees


def picture(shape: Shape) -> Grid:
    """Every pixel sees itself."""
    return {place: frozenset([place]) for place in product(*map(range, shape.size))}


def look(net: Net, grid: Grid) -> Grid:
    """The grid after a net. Channels are left out: all of them see the same in these nets."""
    if isinstance(net, Row):
        for part in net.nets:
            grid = look(part, grid)
        return grid
    if isinstance(net, Repeat):
        for _ in range(net.count):
            grid = look(net.net, grid)
        return grid
    if isinstance(net, Named):
        return look(net.net, grid)
    if isinstance(net, AuxHead):
        return grid
    if net.inside():
        return _joined([look(branch, grid) for branch in net.inside()], spread=not isinstance(net, Concat))
    if isinstance(net, Flatten | GlobalPool):
        return {(0, 0): frozenset().union(*grid.values())}
    return _layer(net, grid)


def _joined(grids: list[Grid], *, spread: bool) -> Grid:
    largest = max(grids, key=len)
    return {
        place: frozenset().union(
            *(grid[place] if len(grid) == len(largest) or not spread else grid[0, 0] for grid in grids)
        )
        for place in largest
    }


def _layer(layer: Net, grid: Grid) -> Grid:
    height, width = (1 + max(side) for side in zip(*grid, strict=True))
    rows, columns = (_looks(layer, axis, side) for axis, side in enumerate((height, width)))
    return {
        (row, column): frozenset().union(*(grid[place] for place in product(rows[row], columns[column])))
        for row in range(len(rows))
        for column in range(len(columns))
    }


def _looks(layer: Net, axis: int, side: int) -> list[list[int]]:
    """For each output along one axis the inputs it looks at."""

    def pick(name: str, default: int) -> int:
        value = getattr(layer, name, default)
        return value[axis] if isinstance(value, tuple) else value

    if isinstance(layer, Upsample):
        return _upsampled(layer.mode, pick("factor", 1), side)
    if isinstance(layer, AdaptiveAvgPool):
        bins = pick("size", 1)
        return [list(range(bin * side // bins, ceil((bin + 1) * side / bins))) for bin in range(bins)]
    if isinstance(layer, Crop):
        margin = pick("margin", 0)
        return [[position] for position in range(margin, side - margin)]
    if not isinstance(layer, Conv | ConvTranspose | Pool | Subsample):
        return [[position] for position in range(side)]
    kernel, dilation = pick("kernel", 1), pick("dilation", 1)
    stride = kernel if isinstance(layer, Subsample) else pick("stride", 1)
    if isinstance(layer, ConvTranspose):
        padding = pick("padding", 0)
        full = (side - 1) * stride + dilation * (kernel - 1) + 1 + pick("output_padding", 0)
        reached: list[list[int]] = [[] for _ in range(full)]
        for position, tap in product(range(side), range(kernel)):
            reached[position * stride + tap * dilation].append(position)
        return reached[padding : full - padding]
    span = dilation * (kernel - 1) + 1
    if getattr(layer, "padding", 0) == "same":
        before = (span - 1) // 2
        after = span - 1 - before
    else:
        before, after = sides if isinstance(sides := pick("padding", 0), tuple) else (sides, sides)
    looks = []
    start = -before
    while start + span <= side + after or (
        getattr(layer, "ceil", False) and _hangs_over(looks, start, span, side, after, stride)
    ):
        places = [start + tap * dilation for tap in range(kernel)]
        looks.append([place for place in places if 0 <= place < side])
        start += stride
    return looks


def _hangs_over(looks: list[list[int]], start: int, span: int, side: int, after: int, stride: int) -> bool:
    """With ceil, whether one more window is there: the first that does not fit, if it begins before the padding."""
    return start - stride + span < side + after and start < side


def _upsampled(mode: str, factor: int, side: int) -> list[list[int]]:
    if mode == "nearest":
        return [[output // factor] for output in range(side * factor)]
    looks = []
    for output in range(side * factor):
        place = max(Fraction(2 * output + 1, 2 * factor) - Fraction(1, 2), Fraction(0))
        below = int(place)
        looks.append([below] if place == below else sorted({below, min(below + 1, side - 1)}))
    return looks
