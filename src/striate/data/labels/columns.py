"""The columns of a list: which one names the files, which one the labels, which one the parts. Reads text alone.

Known by name, whatever their case and order; where a name is not known, by what stands in the column, if only one can
be meant. What is not used is said.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from striate.data.labels.classes import SPLITS
from striate.data.labels.numbers import NUMBERS, holds_numbers, name_and_unit
from striate.data.labels.tags import TAGS
from striate.data.sources.listing import SUFFIXES, UNREAD, suffix_of
from striate.errors import SourceError

PATH_COLUMNS: Final = (
    "path", "file", "filename", "image", "file_name", "image_path", "filepath", "file_path", "image_id", "img",
    "picture", "photo", "image_name", "imagename", "img_path", "image_file", "fname",
)  # fmt: skip
LABEL_COLUMNS: Final = (
    "label", "class", "target", "category", "species", "labels", "class_name", "classname", "label_name",
    "category_name", "tag", "tags", "y",
)  # fmt: skip
_SPLIT_COLUMNS: Final = ("split", "subset", "set", "partition", "phase", "fold")
_FLAGS: Final = {
    "is_valid": "val", "is_val": "val", "is_validation": "val", "valid": "val", "is_test": "test", "is_train": "train",
}  # fmt: skip
_INDEX: Final = ("", "unnamed:_0", "index", "idx", "id", "#", "row")
_MEASURES: Final = ("width", "height", "size", "bytes", "channels", "depth", "md5", "sha256", "url", "date")
_BOXES: Final = (
    ("xmin", "ymin", "xmax", "ymax"), ("x_min", "y_min", "x_max", "y_max"), ("x1", "y1", "x2", "y2"), ("bbox",),
    ("x", "y", "w", "h"), ("x", "y", "width", "height"), ("bbox_x", "bbox_y"), ("left", "top", "right", "bottom"),
    ("region_shape_attributes",), ("encodedpixels",), ("rle",), ("segmentation",),
)  # fmt: skip
_YES: Final = frozenset({"1", "1.0", "true", "yes", "t", "y"})
_NO: Final = frozenset({"0", "0.0", "false", "no", "f", "n", ""})

Cells = list[tuple[int, list[str]]]


@dataclass(frozen=True)
class Columns:
    """Where things stand in the rows of a list.

    ``path`` and ``label`` are columns; instead of a label there may be ``tags``, of one 0 or 1 a class, or ``numbers``,
    whose names are ``number_names``. ``parts``: the column
    of the split, ``flag`` one that says yes or no to the part ``flagged``. ``label_name`` is how the label's column is
    called ("" without a header), ``header`` whether the first row is one, ``unused`` the names of the other columns.
    """

    path: int
    label: int | None
    tags: tuple[tuple[int, str], ...] = ()
    numbers: tuple[int, ...] = ()
    number_names: tuple[str, ...] = ()
    parts: int | None = None
    flag: int | None = None
    flagged: str = ""
    label_name: str = ""
    header: bool = True
    unused: tuple[str, ...] = ()

    @property
    def needed(self) -> int:
        """How many columns a row has at least."""
        label = -1 if self.label is None else self.label
        return 1 + max([self.path, label, *(column for column, _ in self.tags), *self.numbers])

    def text_of(self, row: Sequence[str]) -> str:
        """Return the label of a row as it is written, "" for none."""
        if self.label is not None:
            text = row[self.label].strip()
            return "" if text.lower() == "nan" else text  # what pandas writes where there was none
        if self.numbers:
            return ", ".join(row[column].strip() for column in self.numbers)
        return "|".join(self.tags_of(row))

    def tags_of(self, row: Sequence[str]) -> tuple[str, ...]:
        """Return the names of the columns of 0 and 1 in which a row has a 1."""
        return tuple(name for column, name in self.tags if row[column].strip().lower() in _YES)


def read_cells(text: str, path: Path) -> Cells:
    """Return the cells of every line that is not empty, with its number. Errors: SourceError."""
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    commas = {mark: first.count(mark) for mark in ("\t", ",", ";")}
    mark = "\t" if path.suffix.lower() == ".tsv" else max(commas, key=lambda one: commas[one])
    if not commas[mark]:  # `path label`, the path may hold spaces
        return [(number, line.strip().rsplit(maxsplit=1)) for number, line in enumerate(lines, 1) if line.strip()]
    try:
        reader = csv.reader(text.splitlines(keepends=True), delimiter=mark, strict=True)
        return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise SourceError(f"{path} does not read as a list: {error}") from None


def find_columns(cells: Cells, path: Path, *, kind: str | None) -> Columns:
    """Return where files, labels and parts stand. ``kind`` is what the labels are, None where nobody has said.

    Errors: SourceError with the names of the columns, for a list of boxes or points, and where no column, or more than
    one, can be the label.
    """
    names = [name_and_unit(cell)[0].lower().replace(" ", "_").replace("-", "_") for cell in cells[0][1]]
    rows = [row for _, row in cells[1:]]
    where = _first(names, PATH_COLUMNS)
    if where is not None and len(names) > 1 and not suffix_of(names[where]):
        return _with_header(names, where, cells, path, kind=kind)
    if not any(_is_file(cell, path) for cell in cells[0][1]) and rows and len(names) > 1:
        named = [column for column, cell in enumerate(rows[0]) if _is_file(cell, path)]
        if named:  # "photo of the day,breed": no name that is known, but a header, for it names no file
            return _with_header(names, named[0], cells, path, kind=kind)
    return _without_header(cells, path)


def _with_header(names: Sequence[str], where: int, cells: Cells, path: Path, *, kind: str | None) -> Columns:
    shown = [cell.strip() for cell in cells[0][1]]
    rows = [row for _, row in cells[1:]]
    if kind is None:
        _refuse_boxes(names, shown, path)
    label = _first([name if column != where else "" for column, name in enumerate(names)], LABEL_COLUMNS)
    parts, flag = _parts(names, rows)
    taken = {where, label, parts, flag}
    others = [
        column
        for column, name in enumerate(names)
        if column not in taken and name not in _INDEX and name not in _SPLIT_COLUMNS
    ]
    counting = [column for column in others if _counts_up(rows, column)]
    if label is not None or kind != NUMBERS or counting != others:  # what numbers the rows is learnt where it is all
        others = [column for column in others if column not in counting]
    tags: tuple[tuple[int, str], ...] = ()
    numbers: tuple[int, ...] = ()
    if label is not None and kind == NUMBERS and not holds_numbers(_column(rows, label)):
        others, label = [label, *others], None
    if label is None:
        able = [column for column in others if names[column] not in _MEASURES]
        counts = tuple(column for column in able or others if holds_numbers(_column(rows, column)))
        flags = [column for column in able if _is_flag(rows, column)]
        if kind == NUMBERS and counts:
            numbers = counts
        elif kind == TAGS and flags:
            tags = tuple((column, shown[column]) for column in flags)
        elif len(able) == 1:
            label = able[0]
        elif able and len(flags) == len(able):
            tags = tuple((column, shown[column]) for column in able)
        elif able and kind is None and len(counts) == len(able):
            numbers = counts
        else:
            which = f"; which of {', '.join(shown[column] for column in able)} is it?" if able else "."
            if counting and not able:
                which = f"; {shown[counting[0]]} numbers the rows (--task regress learns it all the same)."
            raise SourceError(
                f"{path} has the columns {', '.join(names)}, none of them a label{which} Call it one of"
                f" {', '.join(LABEL_COLUMNS[:5])}"
            )
    used = {label, *(column for column, _ in tags), *numbers}
    unused = [shown[column] for column in others if column not in used]
    unused += [shown[column] for column, name in enumerate(names) if name in _SPLIT_COLUMNS and column != parts]
    return Columns(
        where,
        label,
        tags,
        numbers,
        tuple(shown[column] for column in numbers),
        parts,
        flag,
        "" if flag is None else _FLAGS[names[flag]],
        "" if label is None else shown[label],
        unused=tuple(unused),
    )


def _without_header(cells: Cells, path: Path) -> Columns:
    rows = [row for _, row in cells]
    width = len(rows[0])
    where = next((column for column, cell in enumerate(rows[0]) if _is_file(cell, path)), 0)
    if width <= 2:
        return Columns(where, 1 - where if width == 2 else 1, header=False)
    parts = next((column for column in range(width) if column != where and _is_parts(rows, column)), None)
    able = [column for column in range(width) if column not in (where, parts) and not _counts_up(rows, column)]
    if len(able) != 1:
        raise SourceError(
            f"{path} has {width} columns and no header that is known; say which is which in a first line, such as"
            " path,label"
        )
    return Columns(where, able[0], parts=parts, header=False)


def _refuse_boxes(names: Sequence[str], shown: Sequence[str], path: Path) -> None:
    for box in _BOXES:
        if all(name in names for name in box):
            columns = ", ".join(shown[names.index(name)] for name in box)
            raise SourceError(
                f"{path} holds boxes or outlines (columns {columns}), and a list has a line a picture; for classes,"
                " tags or numbers write a list with one line a picture, path,label"
            )
    if "x" in names and "y" in names and not any(name in names for name in LABEL_COLUMNS if name != "y"):
        raise SourceError(
            f"{path} holds points (columns x, y), and a list has a line a picture; for classes, tags or numbers write"
            " a list with one line a picture, path,label; two numbers a picture are columns of other names"
        )


def _parts(names: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[int | None, int | None]:
    """Return the column that names parts, and one that says yes or no to a part."""
    parts = names.index("split") if "split" in names else None
    for column, name in enumerate(names):
        if parts is None and name in _SPLIT_COLUMNS and _is_parts(rows, column):
            parts = column
    flag = next((column for column, name in enumerate(names) if name in _FLAGS and _is_flag(rows, column)), None)
    return parts, flag


def part_of(columns: Columns, row: Sequence[str], path: Path, line: int) -> str | None:
    """Return the part that a row says its picture is in. Errors: SourceError for a part that is none."""
    if columns.flag is not None and columns.flag < len(row):
        yes = row[columns.flag].strip().lower() in _YES
        return columns.flagged if yes else "val" if columns.flagged == "train" else "train"
    text = row[columns.parts].strip().lower() if columns.parts is not None and columns.parts < len(row) else ""
    if text and text not in SPLITS:
        raise SourceError(f"{path}, line {line}: the split {text!r} is none of {', '.join(SPLITS)}")
    return SPLITS.get(text)


def _first(names: Sequence[str], known: Sequence[str]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)


def _is_file(cell: str, path: Path) -> bool:
    text = cell.strip()
    if suffix_of(text) in SUFFIXES or suffix_of(text) in UNREAD:
        return True
    try:
        return bool(text) and (path.parent / text.replace("\\", "/")).is_file()
    except (OSError, ValueError):
        return False


def _column(rows: Sequence[Sequence[str]], column: int) -> list[str]:
    return [row[column].strip().lower() for row in rows if column < len(row)]


def _is_parts(rows: Sequence[Sequence[str]], column: int) -> bool:
    values = set(_column(rows, column)) - {""}
    return bool(values) and all(value in SPLITS for value in values)


def _is_flag(rows: Sequence[Sequence[str]], column: int) -> bool:
    values = _column(rows, column)
    return bool(values) and all(value in _YES or value in _NO for value in values)


def _counts_up(rows: Sequence[Sequence[str]], column: int) -> bool:
    """Return whether a column numbers the rows: each whole number one more than the one above it."""
    values = _column(rows, column)
    if len(values) < 3 or not all(value.isdecimal() and len(value) < 16 for value in values):
        return False
    return all(int(value) == int(values[0]) + row for row, value in enumerate(values))
