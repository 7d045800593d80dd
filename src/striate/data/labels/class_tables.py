"""Tables of classes beside masks: names, and the number or colour that stands for each.

Read are a name a line (``classes.txt``, numbered from 0 or 1), a number and a name, red, green, blue and a name, CVAT's
``labelmap.txt`` (``name:r,g,b::``), and CSV with a header (``name,r,g,b`` or ``Pixel Value, Class``, as Roboflow has).
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from striate import files
from striate.data.labels.classes import check_names
from striate.errors import SourceError

TABLES: Final = (
    "classes.txt", "class_names.txt", "labels.txt", "names.txt", "label_names.txt", "labelmap.txt", "label_colors.txt",
    "classes.csv", "_classes.csv", "class_dict.csv", "class_dict_seg.csv", "labels.csv",
)  # fmt: skip
_CVAT: Final = re.compile(r"(.+?):(\d{1,3}),(\d{1,3}),(\d{1,3}):.*")
_COLOUR: Final = re.compile(r"(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\S.*)")
_NUMBER: Final = re.compile(r"(\d{1,5})(?:\s*[:,;=]\s*|\s+)(\S.*)")
_VOID: Final = frozenset(
    ("void", "unlabelled", "unlabeled", "ignore", "ignored", "ignore label", "dont care", "don't care", "undefined")
)
_NAME: Final = ("name", "class", "label", "class_name", "classes")
_ID: Final = ("pixel value", "pixel", "value", "id", "class_id", "index")


@dataclass(frozen=True)
class ClassTable:
    """Names in the order of the table; ``ids`` or packed ``colours`` of each, where the table says them.

    Example: ``ClassTable(Path("classes.txt"), ("road", "sky")).ids`` is None.
    """

    path: Path
    names: tuple[str, ...]
    ids: tuple[int, ...] | None = None
    colours: tuple[int, ...] | None = None


def hexed(packed: int) -> str:
    """Return a packed colour as people write it. Example: ``hexed(255)`` is ``"#0000ff"``."""
    return f"#{packed:06x}"


def is_void(name: str) -> bool:
    """Return whether a class of this name is none: pixels of which nothing is said.

    Example: ``is_void("Void")`` is True, ``is_void("background")`` is False.
    """
    return re.sub(r"[\s_-]+", " ", name.strip().lower()) in _VOID


def find_table(*folders: Path) -> ClassTable | None:
    """Return the table of classes in the first of some folders that has one; None where none has.

    Errors: SourceError for one that does not read. Example: ``find_table(Path("pets"))`` is None.
    """
    for folder in folders:
        for name in TABLES:
            if (folder / name).is_file():
                return read_table(folder / name)
    return None


def read_table(path: Path) -> ClassTable:
    r"""Return a table of classes. Errors: SourceError for one without a name, or with a name or number twice.

    Example::

        Path("classes.txt").write_text("0 road\n1 sky\n")
        read_table(Path("classes.txt")).names == ("road", "sky")
    """
    try:
        text = files.read_text(path, limit=files.TEXT).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise SourceError(f"{path} is not UTF-8 text; save it again") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = (_csv(lines, path) if path.suffix.lower() == ".csv" else None) or _text(lines, path)
    if not found.names:
        raise SourceError(f"{path} names no class; write a line a class, or take it out")
    check_names(found.names, str(path))
    colours = tuple(map(hexed, found.colours or ()))
    for what, said in (("name", found.names), ("number", tuple(map(str, found.ids or ()))), ("colour", colours)):
        if twice := _twice(said):
            raise SourceError(f"{path} has the {what} {twice[0]} twice; keep one")
    return found


def _text(lines: Sequence[str], path: Path) -> ClassTable:
    if (rows := _all(_CVAT, lines)) is not None:
        return ClassTable(
            path, tuple(row[0].strip() for row in rows), colours=_colours([row[1:] for row in rows], path)
        )
    if (rows := _all(_COLOUR, lines)) is not None:
        return ClassTable(
            path, tuple(row[3].strip() for row in rows), colours=_colours([row[:3] for row in rows], path)
        )
    if (rows := _all(_NUMBER, lines)) is not None:
        return ClassTable(path, tuple(row[1].strip() for row in rows), ids=tuple(int(row[0]) for row in rows))
    return ClassTable(path, tuple(lines))


def _all(pattern: re.Pattern[str], lines: Sequence[str]) -> list[tuple[str, ...]] | None:
    found = [pattern.fullmatch(line) for line in lines]
    rows = [tuple(one.groups()) for one in found if one]
    return rows if rows and len(rows) == len(lines) else None


def _csv(lines: Sequence[str], path: Path) -> ClassTable | None:
    """Return the table of a CSV with a header that is known; None for another."""
    rows = [[cell.strip() for cell in row] for row in _cells(lines)]
    head = [cell.lower() for cell in rows[0]] if rows else []
    name = next((head.index(word) for word in _NAME if word in head), None)
    if name is None:
        return None
    body = [row for row in rows[1:] if len(row) >= len(head)]
    if len(body) < len(rows) - 1:
        raise SourceError(f"{path}: a line has fewer than {len(head)} cells; write one for each of {', '.join(head)}")
    names = tuple(row[name] for row in body)
    red = [head.index(word) for word in ("r", "g", "b") if word in head] or [
        head.index(word) for word in ("red", "green", "blue") if word in head
    ]
    if len(red) == 3:
        return ClassTable(path, names, colours=_colours([tuple(row[at] for at in red) for row in body], path))
    number = next((head.index(word) for word in _ID if word in head), None)
    if number is None:
        return ClassTable(path, names)
    if not all(re.fullmatch(r"\d{1,5}", row[number]) for row in body):
        raise SourceError(
            f"{path}: the column {head[number]!r} is not all whole numbers from 0; those are the ids of masks"
        )
    return ClassTable(path, names, ids=tuple(int(row[number]) for row in body))


def _cells(lines: Sequence[str]) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines)
    except csv.Error:
        return


def _colours(rows: Sequence[Sequence[str]], path: Path) -> tuple[int, ...]:
    packed = []
    for row in rows:
        if not all(re.fullmatch(r"\d{1,3}", cell) and int(cell) <= 255 for cell in row):
            raise SourceError(f"{path}: {', '.join(row)} is no colour; wanted red, green and blue from 0 to 255")
        red, green, blue = map(int, row)
        packed.append(red << 16 | green << 8 | blue)
    return tuple(packed)


def _twice(values: Sequence[str]) -> list[str]:
    """Return what stands there several times."""
    return [value for value, number in Counter(values).items() if number > 1]
