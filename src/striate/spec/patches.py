"""Parts of a map: sets of rows crossed with sets of columns, several of which together are any set of positions.

One path through a net sees rows crossed with columns, because height and width never mix in a window; branches see
the union. Nothing here is rounded: a position is missing exactly when no patch holds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from striate.spec.window import everything, positions


class Patch(NamedTuple):
    """A set of rows crossed with a set of columns (sets of positions as in `striate.spec.window`)."""

    rows: int
    columns: int

    def pixels(self) -> Iterator[tuple[int, int]]:
        """Every (row, column) in it."""
        columns = positions(self.columns)
        return ((row, column) for row in positions(self.rows) for column in columns)


Patches = tuple[Patch, ...]  # the positions they hold together


def whole(size: tuple[int, int]) -> Patch:
    """All positions of a map of (height, width)."""
    return Patch(everything(size[0]), everything(size[1]))


def together(patches: Iterable[Patch]) -> Patches:
    """The same positions without empty patches and without those that lie within another.

    >>> together([Patch(0b11, 0b01), Patch(0b01, 0b01), Patch(0b11, 0)])
    (Patch(rows=3, columns=1),)
    """
    kept: list[Patch] = []
    for patch in patches:
        rows, columns = patch
        if not rows or not columns:
            continue
        if any(rows & ~other.rows == 0 and columns & ~other.columns == 0 for other in kept):
            continue
        kept = [other for other in kept if other.rows & ~rows or other.columns & ~columns]
        kept.append(patch)
    return tuple(kept)


def missing(patches: Patches, size: tuple[int, int]) -> Patches:
    """The positions of a map of (height, width) that no patch holds, as patches that do not overlap.

    >>> missing((Patch(0b011, 0b111), Patch(0b111, 0b001)), (3, 3))        # the corner of row 2
    (Patch(rows=4, columns=6),)
    """
    all_rows, all_columns = whole(size)
    strips = {0: all_rows}  # columns held -> the rows in which exactly these are held
    for patch in patches:
        divided: dict[int, int] = {}
        for columns, rows in strips.items():
            for wider, among in ((columns | patch.columns, rows & patch.rows), (columns, rows & ~patch.rows)):
                if among:
                    divided[wider] = divided.get(wider, 0) | among
        strips = divided
    return tuple(Patch(rows, all_columns & ~columns) for columns, rows in strips.items() if all_columns & ~columns)


class Unseen(NamedTuple):
    """What nothing looks at in a map: whole rows, whole columns, and how many positions in all of how many.

    Rows and columns are counted from 0 at the top left.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    positions: int
    of: int

    @property
    def share(self) -> float:
        """The part of all positions that is unseen, 0 to 1."""
        return self.positions / self.of

    def to_dict(self) -> dict[str, object]:
        """The same as plain lists and numbers."""
        return {"rows": list(self.rows), "columns": list(self.columns), "positions": self.positions, "of": self.of}

    def __str__(self) -> str:
        named = (("row", self.rows), ("column", self.columns))
        parts = [f"{word}{'s' * (len(some) > 1)} {ranges(some)}" for word, some in named if some]
        return " and ".join(parts) if parts else f"{self.positions:,} of {self.of:,} positions"


def unseen(lost: Patches, size: tuple[int, int]) -> Unseen | None:
    """What `missing` found, told in rows and columns; None when nothing is missing."""
    if not lost:
        return None
    all_rows, all_columns = whole(size)
    rows = sum(patch.rows for patch in lost if patch.columns == all_columns)  # strips do not overlap
    columns = all_columns
    for patch in lost:
        columns &= patch.columns
    if sum(patch.rows for patch in lost) != all_rows:
        columns = 0  # in some row every column is seen
    count = sum(patch.rows.bit_count() * patch.columns.bit_count() for patch in lost)
    return Unseen(positions(rows), positions(columns), count, size[0] * size[1])


def ranges(numbers: Iterable[int], *, most: int = 6) -> str:
    """Numbers in order as people write them.

    >>> ranges([1, 2, 3, 7]), ranges(range(1, 28, 2), most=3)
    ('1-3, 7', '1, 3, 5 ... 27')
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    shown = [f"{first}" if first == last else f"{first}-{last}" for first, last in runs]
    return ", ".join(shown) if len(shown) <= most else f"{', '.join(shown[:most])} ... {shown[-1]}"
