"""How a number was made, as blocks of numbers with a title each: drawn as a page and as text from the same blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate import spec
from striate.interpret.arithmetic.contributions import Contributions, number, plus
from striate.interpret.arithmetic.dot import Dot

SHOWN = 8  # terms of many that are shown by themselves
_WIDEST = 12  # rows and columns of a window that are shown in full
_CHANNELS = 3  # up to so many channels of a window are shown in full
_COLOURS = ("red", "green", "blue")
_MEANS = (spec.AvgPool, spec.AdaptiveAvgPool, spec.GlobalAvgPool, spec.Subsample)


@dataclass(frozen=True, eq=False)
class Grid:
    """A small table of numbers under a label: ``cells`` as they are read, ``values`` for their colours, if any.

    Colours go to ``high`` either way, the same for all that is compared. ``marked`` cells (row, column) are the ones
    that won, ``quiet`` ones are padding. ``heads`` name the columns.
    """

    label: str
    cells: tuple[tuple[str, ...], ...]
    values: NDArray[np.float64] | None = None
    high: float = 0.0
    marked: frozenset[tuple[int, int]] = frozenset()
    quiet: frozenset[tuple[int, int]] = frozenset()
    heads: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Block:
    """Grids beside each other under a title, with a sentence behind them."""

    title: str
    grids: tuple[Grid, ...] = ()
    after: str = ""


def blocks(found: Dot) -> list[Block]:
    """Return what went into the number: windows in full where they are small, else the largest terms and the rest."""
    contributions = found.contributions
    if contributions.source is not None:
        return [_joined(found)]
    if contributions.window is None or max(contributions.window[1:]) > _WIDEST or contributions.window[1:] == (1, 1):
        return [_largest(found)] if len(contributions.values) > 1 else []
    channels = contributions.window[0]
    sums = contributions.terms.reshape(channels, -1).sum(1)
    order = np.argsort(-np.abs(sums), kind="stable")
    shown = list(range(channels)) if channels <= _CHANNELS else [int(order[0])]
    made = [_window(found, contributions, index, most=channels > _CHANNELS) for index in shown]
    return [*made, _by_channel(found, sums, order)] if channels > 1 else made


def _source(found: Dot, channel: int) -> str:
    part = found.given[0][0]
    if part == "input" and found.given[0][1].channels == 3:
        return f"channel {channel} ({_COLOURS[channel]}) of the picture"
    return f"channel {channel} of {'the picture' if part == 'input' else part}"


def _window(found: Dot, contributions: Contributions, index: int, *, most: bool) -> Block:
    """Return one channel of a window: its values, the weights, the products."""
    assert contributions.window is not None and contributions.padding is not None
    _, rows, columns = contributions.window
    piece = slice(index * rows * columns, (index + 1) * rows * columns)
    outside = contributions.padding[piece].reshape(rows, columns)
    quiet = frozenset((int(y), int(x)) for y, x in np.argwhere(outside))
    marked = frozenset({divmod(contributions.winner, columns)}) if contributions.winner is not None else frozenset()
    shape = rows, columns
    grids = [_grid("values", contributions.values, piece, shape, quiet=quiet, marked=marked)]
    pooled = isinstance(_layer(found), _MEANS)
    if contributions.weights is not None and not pooled:
        grids.append(_grid("weights", contributions.weights, piece, shape))
        grids.append(_grid("products", contributions.terms, piece, shape))
    channel, *first = (int(part) for part in contributions.places[piece][0])
    last = contributions.places[piece][-1]
    where = f"rows {first[0]} to {int(last[1])}, columns {first[1]} to {int(last[2])}"
    notes = [f"{len(quiet)} of them lie in the padding"] if quiet else []
    if found.given[0][0] == "input":
        scale, offset = (float(part[channel]) for part in found.probe.preprocess.scale_and_offset())
        notes.append(
            f"the values are the pixels (0 to 255) times {number(scale)} {plus(offset) if offset else ''}".rstrip()
        )
    given = f"{_source(found, channel)}, {where}" + (", which gives the most" if most else "")
    return Block(given, tuple(grids), "; ".join(notes))


def _layer(found: Dot) -> Any:
    layers = {row.path: net for row, net in zip(found.probe.survey.rows, found.probe.survey.layers, strict=True)}
    return layers[found.made.part]


def _grid(
    label: str,
    every: NDArray[np.float64],
    piece: slice,
    shape: tuple[int, int],
    *,
    quiet: frozenset[tuple[int, int]] = frozenset(),
    marked: frozenset[tuple[int, int]] = frozenset(),
) -> Grid:
    values = every[piece].reshape(shape)
    cells = tuple(tuple(number(float(value)) for value in row) for row in values)
    return Grid(label, cells, values, float(np.abs(every).max(initial=0)), marked, quiet)


def _by_channel(found: Dot, sums: NDArray[np.float64], order: NDArray[np.int64]) -> Block:
    """Return what each channel of the window gives to the sum, the largest first, and the rest together."""
    contributions = found.contributions
    assert contributions.window is not None
    area = contributions.window[1] * contributions.window[2]
    rows = [(str(int(contributions.places[index * area, 0])), number(float(sums[index]))) for index in order[:SHOWN]]
    rest = order[SHOWN:]
    if len(rest):
        rows.append((f"{len(rest):,} others", number(float(sums[rest].sum()))))
    return Block("what each channel of the input gives", (Grid("", tuple(rows), heads=("channel", "sum of products")),))


def _largest(found: Dot) -> Block:
    """Return the terms furthest from 0, and the sum of the others."""
    contributions = found.contributions
    order = contributions.largest(SHOWN)
    flat = contributions.window is None or contributions.window[1:] == (1, 1)
    heads = ["channel" if flat else "channel, row, column", "value"]
    named = {spec.Softmax: "share", spec.LocalResponseNorm: "square", spec.Rbf: "minus the square"}
    kind = type(_layer(found))
    weights = contributions.weights is not None and not isinstance(_layer(found), _MEANS)
    heads += ["prototype" if kind is spec.Rbf else "weight"] if weights else []
    summed = contributions.winner is None or kind in named
    heads += [named.get(kind, "product" if weights else "gives")] if summed else []
    before = _flattened(found) if flat else None
    heads[:1] = ["channel", f"place in {before[0]}"] if before else heads[:1]
    rows = []
    for index in order:
        place = contributions.places[index]
        cells = [
            str(int(place[0])) if flat else ", ".join(str(int(part)) for part in place),
            number(contributions.values[index]),
        ]
        if before is not None:
            channel, *where = np.unravel_index(int(place[0]), before[1])
            cells[1:1] = [f"{channel} at {','.join(str(int(part)) for part in where)}"]
        cells += [number(float(contributions.weights[index]))] if weights and contributions.weights is not None else []
        cells += [number(float(contributions.terms[index]))] if summed else []
        rows.append(tuple(cells))
    rest = len(contributions.terms) - len(order)
    if rest:
        others = float(contributions.terms.sum() - contributions.terms[order].sum())
        rows.append((f"{rest:,} others", *[""] * (len(heads) - 2), number(others) if summed else ""))
    title = f"the {len(order)} largest of {len(contributions.terms):,}" if rest else f"all {len(contributions.terms):,}"
    return Block(title, (Grid("", tuple(rows), heads=tuple(heads)),))


def _flattened(found: Dot) -> tuple[str, tuple[int, int, int]] | None:
    """Return the part whose map was laid out as the vector that the number was made from, and the map's shape."""
    source = found.given[0][0]
    kinds = dict(zip((row.path for row in found.probe.survey.rows), found.probe.survey.layers, strict=True))
    while isinstance(kinds.get(source), spec.Dropout | spec.Identity | spec.Flatten):
        before = found.probe.reads(source)[0]
        shape = found.probe.shape(before)
        if isinstance(kinds[source], spec.Flatten) and shape.is_map and shape.size != (1, 1):
            return before, (shape.channels, *shape.size)
        source = before
    return None


def _joined(found: Dot) -> Block:
    """Return the value of each branch; of a concatenation the one that it comes from."""
    contributions = found.contributions
    assert contributions.source is not None
    rows = []
    for index, place, value in zip(contributions.source, contributions.places, contributions.values, strict=True):
        part, shape = found.given[int(index)]
        where = f" at {int(place[1])},{int(place[2])}" if shape.is_map else ""
        rows.append((part, f"{int(place[0])}{where}", number(float(value))))
    return Block("what the branches give", (Grid("", tuple(rows), heads=("branch", "channel", "value")),))
