"""A list of files with labels: CSV, TSV or text. Paths are relative to the list's folder.

With a header, the columns are known by name: path | file | filename | image, and label | class | target | category, and
split if there is one (train, val | valid | validation, test). Without, a line is ``path label``.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from striate import files
from striate.data.classes import SPLITS, in_order
from striate.data.items import FolderSource, Item, Rejected
from striate.errors import SourceError

PATH_COLUMNS: Final = ("path", "file", "filename", "image")
LABEL_COLUMNS: Final = ("label", "class", "target", "category")
SPLIT_COLUMNS: Final = ("split",)


@dataclass(frozen=True)
class _Row:
    line: int
    path: str
    label: str
    split: str | None


def list_source(path: Path, *, name: str) -> FolderSource:
    """Return the pictures that a list names. A row without its file is rejected, one without a label has target -1.

    Errors: SourceError naming the line for a row that does not read, an unknown split, or two labels of one picture.
    """
    rows = _rows(path)
    classes = in_order({row.label for row in rows if row.label})
    index = {label: place for place, label in enumerate(classes)}
    items: list[Item] = []
    rejected: list[Rejected] = []
    seen: dict[str, _Row] = {}
    for row in rows:
        key, exists = _key(row.path, path.parent)
        first = seen.setdefault(key, row)
        if first is not row:
            if (first.label, first.split) != (row.label, row.split):
                raise SourceError(
                    f"{path}: {key} stands in line {first.line} ({_said(first)}) and in line {row.line}"
                    f" ({_said(row)}); keep one"
                )
            rejected.append(Rejected(key, f"listed again in line {row.line} of {path.name}", bad=False))
        elif not exists:
            rejected.append(Rejected(key, f"no such file (line {row.line} of {path.name})"))
        else:
            items.append(Item(key, index.get(row.label, -1), row.split))
    if rows and not items:
        raise SourceError(
            f"{path}: none of its {len(rows)} files is there; paths are relative to {path.parent}: {rejected[0].key}"
        )
    return FolderSource(name, str(path), classes, tuple(items), rejected=tuple(rejected), root=path.parent)


def _said(row: _Row) -> str:
    return (row.label or "no label") + (f", {row.split}" if row.split else "")


def _key(text: str, folder: Path) -> tuple[str, bool]:
    """Return the key of a path as it is written in a list, and whether a file is there."""
    there = os.path.isfile(folder / text)  # noqa: PTH113  (pathlib raises where this says no)
    if not there and "\\" in text:  # written on Windows
        turned = text.replace("\\", "/")
        if os.path.isfile(folder / turned):  # noqa: PTH113
            text, there = turned, True
    return (text if os.sep == "/" else text.replace(os.sep, "/")).removeprefix("./"), there


def _rows(path: Path) -> list[_Row]:
    try:
        text = files.read_bytes(path, limit=files.LIST).decode("utf-8-sig")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SourceError(f"{path}: line {line} is not UTF-8 text; save the list as UTF-8") from None
    cells = _cells(text, path)
    if not cells:
        raise SourceError(f"{path} is empty; wanted lines of `path label`, or a header like `path,label`")
    header = [cell.strip().lower() for cell in cells[0][1]]
    where, label, split = (_column(header, names) for names in (PATH_COLUMNS, LABEL_COLUMNS, SPLIT_COLUMNS))
    if where is not None and label is not None:
        return [_row(line, row, where, label, split, path) for line, row in cells[1:]]
    if where is not None and not PurePosixPath(header[where]).suffix and len(header) > 1:
        raise SourceError(
            f"{path} has columns {', '.join(header)}, none of them a label; call it {', '.join(LABEL_COLUMNS)}"
        )
    return [_row(line, row, 0, 1, None, path) for line, row in cells]


def _column(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _row(line: int, row: Sequence[str], where: int, label: int, split: int | None, path: Path) -> _Row:
    if len(row) <= max(where, label):
        wanted = max(where, label) + 1
        raise SourceError(
            f"{path}, line {line}: {' '.join(row)[:80]!r} has {len(row)} of {wanted} columns; wanted path and label"
        )
    if not row[where].strip() or "\0" in row[where]:
        raise SourceError(f"{path}, line {line}: the path is empty or holds a zero byte")
    part = row[split].strip().lower() if split is not None and split < len(row) else ""
    if part and part not in SPLITS:
        raise SourceError(f"{path}, line {line}: the split {part!r} is none of {', '.join(SPLITS)}")
    return _Row(line, row[where].strip(), row[label].strip(), SPLITS.get(part))


def _cells(text: str, path: Path) -> list[tuple[int, list[str]]]:
    """Return the cells of every line that is not empty, with its number."""
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
