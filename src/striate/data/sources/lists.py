"""A list of files with labels: CSV, TSV or text. Paths are relative to the list's folder.

With a header the columns are known by name (columns.py); without, a line is ``path label``, with or without a number in
front. Files may be named without ending or folder (listed_files.py). What is left out is said, with a count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from striate import files
from striate.data.labels.classes import in_order
from striate.data.labels.columns import Columns, find_columns, part_of, read_cells
from striate.data.labels.label_kinds import question
from striate.data.sources.items import FolderSource, Item, Rejected
from striate.data.sources.listed_files import ListedFiles
from striate.errors import SourceError
from striate.words import counted, plural


@dataclass(frozen=True)
class _Row:
    line: int
    path: str
    label: str
    split: str | None


def list_source(path: Path, *, name: str, as_classes: bool = False) -> FolderSource:
    """Return the pictures that a list names. A row without its file is rejected, one without a label has target -1.

    ``as_classes`` takes labels for classes that look like numbers or like several tags a picture.

    Errors: SourceError naming the line for a row that does not read, an unknown split, or two labels of one picture; a
    question where the labels may be no classes.
    """
    columns, rows = _rows(path, as_classes=as_classes)
    if not as_classes:
        column = f"the column {columns.label_name!r}" if columns.label_name else "its label column"
        asked = question([row.label for row in rows if row.label], what=f"{path}: {column}", column=columns.label_name)
        if asked:
            raise SourceError(asked)
    classes = in_order({row.label for row in rows if row.label})
    index = {label: place for place, label in enumerate(classes)}
    items: list[Item] = []
    rejected: list[Rejected] = []
    seen: dict[str, _Row] = {}
    there = ListedFiles.of(path.parent, [row.path for row in rows])
    for row in rows:
        key, exists, why = there.find(row.path)
        first = seen.setdefault(key, row)
        if first is not row:
            if (first.label, first.split) != (row.label, row.split):
                raise SourceError(
                    f"{path}: {key} stands in line {first.line} ({_said(first)}) and in line {row.line}"
                    f" ({_said(row)}); keep one"
                )
            rejected.append(Rejected(key, f"listed again in line {row.line} of {path.name}", bad=False))
        elif not exists:
            rejected.append(Rejected(key, f"{why} (line {row.line} of {path.name})"))
        else:
            items.append(Item(key, index.get(row.label, -1), row.split))
    if rows and not items:
        raise SourceError(
            f"{path}: none of its {len(rows)} files is there; paths are relative to {path.parent}: {rejected[0].key}"
        )
    notes = (*_unlabelled_note(rows), *_unused_note(columns))
    return FolderSource(name, str(path), classes, tuple(items), rejected=tuple(rejected), notes=notes, root=path.parent)


def _unlabelled_note(rows: Sequence[_Row]) -> tuple[str, ...]:
    without = [row for row in rows if not row.label]
    if not without:
        return ()
    number = len(without)
    return (
        f"{counted(number, 'row')} without a label {plural(number, 'is')} left out; the first is line {without[0].line}"
        f" ({without[0].path})",
    )


def _unused_note(columns: Columns) -> tuple[str, ...]:
    if not columns.unused:
        return ()
    names = ", ".join(columns.unused[:5]) + (", ..." if len(columns.unused) > 5 else "")
    return (f"not used of the list: the {plural(len(columns.unused), 'column')} {names}",)


def _said(row: _Row) -> str:
    return (row.label or "no label") + (f", {row.split}" if row.split else "")


def _rows(path: Path, *, as_classes: bool) -> tuple[Columns, list[_Row]]:
    try:
        text = files.read_bytes(path, limit=files.LIST).decode("utf-8-sig")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SourceError(f"{path}: line {line} is not UTF-8 text; save the list as UTF-8") from None
    cells = read_cells(text, path)
    if not cells:
        raise SourceError(f"{path} is empty; wanted lines of `path label`, or a header like `path,label`")
    columns = find_columns(cells, path, as_classes=as_classes)
    return columns, [_row(line, row, columns, path) for line, row in cells[1 if columns.header else 0 :]]


def _row(line: int, row: Sequence[str], columns: Columns, path: Path) -> _Row:
    if len(row) < columns.needed:
        raise SourceError(
            f"{path}, line {line}: {' '.join(row)[:80]!r} has {len(row)} of {columns.needed} columns; wanted path and"
            " label"
        )
    name = row[columns.path].strip()
    if not name or "\0" in name:
        raise SourceError(f"{path}, line {line}: the path is empty or holds a zero byte")
    return _Row(line, name, columns.text_of(row), part_of(columns, row, path, line))
