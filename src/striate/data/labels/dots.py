"""Dots: one point an object, as a table (``file,x,y`` and a class, where there is one) or as a picture of dots.

Coordinates in tables that are all whole numbers are those of pixels, whose middles lie half a pixel further; others are
edges, as everywhere. A picture of dots is black but for one pixel, or one small spot, an object.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from striate import files
from striate.data.labels.classes import SPLITS
from striate.data.labels.columns import LABEL_COLUMNS, PATH_COLUMNS, read_cells
from striate.data.labels.marks import OBJECT
from striate.data.labels.parsed import number
from striate.data.pictures.stored import Stored
from striate.errors import PictureError, SourceError

DOTS_SHARE: Final = 0.05  # of a picture of dots that may be no background
_SIZES: Final = frozenset(("w", "h", "width", "height", "xmax", "ymax", "x2", "y2"))  # beside x, y: boxes
_SPLIT: Final = ("split", "subset", "set", "part")
_START: Final = 1 << 12


@dataclass(frozen=True)
class DotTable:
    """The dots of a table: for each file, as the table names it, its points (x, y, class) in the order of the table.

    ``splits`` has the part of each file that the table gives one. A file with no point is there too, where a line says
    so: one without x and y. ``whole``: whether all coordinates are whole numbers.
    """

    path: Path
    points: Mapping[str, Sequence[tuple[float, float, str]]]
    splits: Mapping[str, str] = field(default_factory=dict)
    whole: bool = False


def is_dot_table(path: Path) -> bool:
    """Return whether a CSV or TSV begins with a header of dots: a file, x and y, and nothing of a box.

    Example: ``is_dot_table(Path("cat.jpg"))`` is False.
    """
    if path.suffix.lower() not in (".csv", ".tsv"):
        return False
    try:
        with files.open_file(path, limit=files.LIST) as file:
            start = file.read(_START)
    except OSError:
        return False
    lines = start.decode("utf-8-sig", "replace").splitlines()
    try:
        cells = read_cells("\n".join(lines[:1]), path) if lines else []
    except SourceError:
        return False
    return bool(cells) and _columns(cells[0][1]) is not None


def _columns(head: Sequence[str]) -> tuple[int, int, int, int | None, int | None] | None:
    """Return the columns of file, x, y, class and part; None where these are no dots."""
    names = [cell.strip().lower().replace(" ", "_") for cell in head]
    file = next((names.index(name) for name in PATH_COLUMNS if name in names), None)
    if file is None or "x" not in names or "y" not in names or _SIZES & {*names}:
        return None
    labels = [names.index(name) for name in LABEL_COLUMNS if name in names and name != "y"]
    parts = [names.index(name) for name in _SPLIT if name in names]
    return file, names.index("x"), names.index("y"), labels[0] if labels else None, parts[0] if parts else None


def read_dots(path: Path) -> DotTable:
    r"""Return the dots of a table. Errors: SourceError naming the line that does not read.

    Example::

        Path("dots.csv").write_text("file,x,y\n1.jpg,3,4\n1.jpg,7,2\n2.jpg,,\n")
        dict(read_dots(Path("dots.csv")).points) == {"1.jpg": [(3, 4, "object"), (7, 2, "object")], "2.jpg": []}
    """
    try:
        cells = read_cells(files.read_text(path, limit=files.LIST).removeprefix("\ufeff"), path)
    except UnicodeDecodeError:
        raise SourceError(f"{path} is not UTF-8 text; save the list as UTF-8") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    columns = _columns(cells[0][1]) if cells else None
    if columns is None:
        raise SourceError(f"{path} is no list of dots; wanted a first line with file, x and y")
    file, x, y, label, part = columns
    points: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    splits: dict[str, str] = {}
    whole = True
    for line, row in cells[1:]:
        if len(row) < len(cells[0][1]) or not row[file].strip():
            raise SourceError(f"{path}, line {line}: {','.join(row)[:80]!r} has not the {len(cells[0][1])} columns")
        name = row[file].strip()
        if part is not None and (said := row[part].strip().lower()):
            if said not in SPLITS:
                raise SourceError(f"{path}, line {line}: the split {said!r} is none of {', '.join(SPLITS)}")
            if splits.setdefault(name, SPLITS[said]) != SPLITS[said]:
                raise SourceError(f"{path}, line {line}: {name} is in {splits[name]} above; keep one")
        here = points[name]
        if not row[x].strip() and not row[y].strip():
            continue
        across, down = number(row[x].strip()), number(row[y].strip())
        if not (math.isfinite(across) and math.isfinite(down)):
            raise SourceError(f"{path}, line {line}: {row[x]!r}, {row[y]!r} is no point; wanted x and y in pixels")
        whole = whole and across == int(across) and down == int(down)
        here.append((across, down, (row[label].strip() if label is not None else "") or OBJECT))
    return DotTable(path, points, splits, whole)


def dots_in(stored: Stored) -> tuple[list[tuple[float, float, int]], bool]:
    """Return the dots of a picture of dots, (x, y, value) each, and whether they are spots rather than pixels.

    What is black, and nothing else, is background. Where most of what touches is one pixel alone, every pixel is a dot;
    otherwise every spot of pixels that touch, at its middle. Errors: PictureError for a picture that is no dots.

    Example::

        values = np.eye(8, dtype=np.uint8)[:1].repeat(3, 0) * [[9], [0], [0]]
        dots_in(Stored(values.astype(np.uint8), False, None, "PNG")) == ([(0.5, 0.5, 9)], False)
    """
    values = stored.as_colours() if stored.palette is not None else stored.values
    rows, columns = np.nonzero(values)
    if len(rows) > DOTS_SHARE * values.size:
        raise PictureError(
            f"holds {len(rows):,} pixels that are not black ({100 * len(rows) / values.size:.0f} %): a mask or a"
            " photograph, and no dots"
        )
    spots = _spots(rows.tolist(), columns.tolist())
    single = sum(len(spot) == 1 for spot in spots) * 2 >= len(spots)
    if single:
        pairs = zip(rows.tolist(), columns.tolist(), strict=True)
        return [(column + 0.5, row + 0.5, int(values[row, column])) for row, column in pairs], False
    found = []
    for spot in spots:
        down, across = np.mean(spot, axis=0)
        each = [int(values[row, column]) for row, column in spot]
        found.append((float(across) + 0.5, float(down) + 0.5, max(set(each), key=each.count)))
    return found, True


def _spots(rows: Sequence[int], columns: Sequence[int]) -> list[list[tuple[int, int]]]:
    """Return the pixels that touch, by an edge or a corner, together."""
    left = dict.fromkeys(zip(rows, columns, strict=True))
    spots = []
    while left:
        waiting = [left.popitem()[0]]
        spot = []
        while waiting:
            row, column = waiting.pop()
            spot.append((row, column))
            for near in [(row + down, column + across) for down in (-1, 0, 1) for across in (-1, 0, 1)]:
                if near in left:
                    del left[near]
                    waiting.append(near)
        spots.append(sorted(spot))
    return sorted(spots)
