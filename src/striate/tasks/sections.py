"""Sections of a page as plain values: what a task has to show of an evaluation, before anybody draws it. No torch.

A task says what stands there and `striate.render` draws it, so that a new task needs no file of its own there. Words
are plain text: whoever draws them escapes them. A picture is named by its row among those that were evaluated.

section = Section(
    "How far off is it?",
    (Text("In pixels."), Table(("range", "bias"), (("0 to 10", Figure("0.4", "-0.2 to 1.0")),), label="bias by range")),
)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from striate.errors import StriateError
from striate.metrics.intervals import Interval
from striate.tasks.overlays import Overlay


@dataclass(frozen=True)
class Figure:
    """A figure as it is read: ``value`` ("98.3 %"), the ends of its interval ("97.1 to 99.0"), and what it is of."""

    value: str
    between: str = ""
    text: str = ""

    def __str__(self) -> str:
        return f"{self.value} ({self.between})" if self.between else self.value


Cell: TypeAlias = "str | Figure"


@dataclass(frozen=True)
class Text:
    """A paragraph. ``strong`` is a heading within a section."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under ``heads``, as many cells in each; the first cell of a row is what the row is of.

    ``label`` is what a screen reader says of it. ``folded`` hides it behind its label until it is asked for.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    label: str
    folded: bool = False

    def __post_init__(self) -> None:
        if odd := next((row for row in self.rows if len(row) != len(self.heads)), None):
            raise StriateError(f"a table of {len(self.heads)} columns has a row of {len(odd)}: {odd}")


@dataclass(frozen=True)
class Tile:
    """One picture: its ``row`` among the evaluated ones, and what stands under it. ``file`` also names its file.

    ``overlay``: what is there and what was said, in pixels of the network's input, to be drawn side by side. ``tags``
    are what it is found by, for each of the `Tiles.filters`.
    """

    row: int
    caption: str
    file: bool = True
    overlay: Overlay | None = None
    tags: tuple[frozenset[str], ...] = ()


MOST_FILTERS, MOST_TAGS = 3, 20  # of pictures, and of a filter: a page has a rule for each


@dataclass(frozen=True)
class Filter:
    """What pictures may be chosen by: a ``label``, and the tags among which one is chosen, or none."""

    label: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Tiles:
    """A row of pictures under a ``heading``; ``large`` where each is to be looked at, and not all at a glance.

    With ``filters`` a person chooses which of them are shown; each tile has as many sets of ``tags``.
    """

    tiles: tuple[Tile, ...]
    heading: str = ""
    large: bool = True
    filters: tuple[Filter, ...] = ()

    def __post_init__(self) -> None:
        if len(self.filters) > MOST_FILTERS or any(len(one.tags) > MOST_TAGS for one in self.filters):
            raise StriateError(f"pictures are chosen by {MOST_FILTERS} filters of {MOST_TAGS} tags each at most")
        if odd := next((one for one in self.tiles if self.filters and len(one.tags) != len(self.filters)), None):
            raise StriateError(f"pictures with {len(self.filters)} filters have one with {len(odd.tags)} sets of tags")


def chosen_by(tiles: Sequence[Tile], *filters: Filter, heading: str = "") -> Tiles:
    """Return pictures with filters of those tags alone that one of them has; each tile has its ``tags`` for each.

    Of ``Filter("Class", ("a", "b"))`` and one tile with ``tags=(frozenset({"b"}),)`` the tag ``b`` is left.
    """
    kept = tuple(
        Filter(one.label, tuple(tag for tag in one.tags if any(tag in tile.tags[place] for tile in tiles))[:MOST_TAGS])
        for place, one in enumerate(filters)
    )
    return Tiles(tuple(tiles), heading, filters=kept)


@dataclass(frozen=True)
class Bar:
    """One bar: its ``label``, how far it reaches, its 95 % interval where there is one, and its figure in words."""

    label: str
    value: float
    words: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Bars:
    """Bars on one scale, from 0 (or from the lowest below it) to ``top``, or to the highest of them."""

    bars: tuple[Bar, ...]
    label: str
    top: float | None = None


@dataclass(frozen=True, eq=False)
class Points:
    """Points (N,), (N,) on two axes. ``diagonal`` draws where both are the same; ``level`` a line at that height."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    x_label: str
    y_label: str
    alt: str
    diagonal: bool = False
    level: float | None = None

    def __post_init__(self) -> None:
        if np.shape(self.x) != np.shape(self.y) or np.ndim(self.x) != 1:
            raise StriateError(f"points need an x and a y each, not {np.shape(self.x)} and {np.shape(self.y)}")


@dataclass(frozen=True, eq=False)
class Matrix:
    """Numbers (rows, columns) under their names; the stronger the colour, the larger the ``shares`` of 0 to 1.

    ``corner`` says what rows and columns are: "is, called". ``words`` are what stands in each cell, by row.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    shares: NDArray[np.float64]
    words: tuple[tuple[str, ...], ...]
    corner: str
    label: str

    def __post_init__(self) -> None:
        wanted = (len(self.rows), len(self.columns))
        given = (len(self.words), len(self.words[0]) if self.words else 0)
        if np.shape(self.shares) != wanted or (given != wanted and all(wanted)):
            raise StriateError(f"a matrix of {wanted} has shares of {np.shape(self.shares)} and words of {given}")


Part: TypeAlias = "Text | Table | Tiles | Bars | Points | Matrix"


@dataclass(frozen=True)
class Section:
    """A question as a heading, and its answer in parts. ``half``: two of these stand side by side on a wide screen."""

    title: str
    parts: tuple[Part, ...]
    half: bool = False
    anchor: str = ""


def percent(share: Interval, text: str = "", *, places: int = 1) -> Figure:
    """Return a share with its interval as it is read: ``98.3 %``, ``97.1 to 99.0``."""
    value, low, high = (f"{100 * part:.{places}f}" for part in (share.value, share.low, share.high))
    return Figure(f"{value} %", f"{low} to {high}", text)


def number(value: Interval, text: str = "", *, unit: str = "", digits: int = 3) -> Figure:
    """Return a number with its interval to so many digits, both to the same place behind the point.

    Example: ``number(Interval(12.345, 11.9, 13.1), unit="deg")`` is ``Figure("12.3 deg", "11.9 to 13.1")``.
    """
    places = decimals(max(abs(value.value), abs(value.high - value.low)), digits)
    low, middle, high = (f"{part:.{places}f}" for part in (value.low, value.value, value.high))
    return Figure(f"{middle} {unit}".rstrip(), f"{low} to {high}", text)


def decimals(size: float, digits: int = 3) -> int:
    """Return how many places behind the point show a number of that size to so many digits."""
    if not np.isfinite(size) or size <= 0:
        return digits - 1
    return max(0, min(9, digits - 1 - int(np.floor(np.log10(size)))))


def spread_over(count: int, most: int) -> Sequence[int]:
    """Return at most so many of ``count`` places, evenly spread, the first and the last among them."""
    return sorted({round(place) for place in np.linspace(0, max(0, count - 1), min(most, count)).tolist()})
