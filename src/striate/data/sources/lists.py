"""A list of files with labels: CSV, TSV or text. Paths are relative to the list's folder.

With a header the columns are known by name (columns.py); without, a line is ``path label``, with or without a number in
front. Files may be named without ending or folder (listed_files.py). What is left out is said, with a count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from striate import files
from striate.data.labels.classes import in_order
from striate.data.labels.columns import Columns, find_columns, part_of, read_cells
from striate.data.labels.label_kinds import guess
from striate.data.labels.numbers import NUMBERS, read_numbers
from striate.data.labels.tags import TAGS, TWICE, parts, separator_said, tag_table, told
from striate.data.sources.items import CLASSES, FolderSource, Item, Rejected, Target
from striate.data.sources.listed_files import ListedFiles
from striate.errors import SourceError
from striate.words import counted, plural


@dataclass(frozen=True)
class _Row:
    line: int
    path: str
    label: str
    split: str | None
    cells: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Read:
    """The labels of a list: ``targets`` a row, and what `Source` keeps of them."""

    kind: str
    names: tuple[str, ...]
    targets: tuple[Target, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def list_source(path: Path, *, name: str, kind: str | None = None, pictures: Path | None = None) -> FolderSource:
    """Return the pictures that a list names. A row without its file is rejected, one without a label has no target.

    ``kind`` is what the labels are, whatever they look like; None: it is guessed, and a note says so. ``pictures`` is
    the folder that the paths begin in, None: that of the list.

    Errors: SourceError naming the line for a row that does not read, an unknown split, or two labels of one picture; a
    question where the labels may be no classes.
    """
    columns, rows = _rows(path, kind=kind)
    read = _read(columns, rows, path, kind=kind)
    items: list[Item] = []
    rejected: list[Rejected] = []
    seen: dict[str, _Row] = {}
    places: dict[str, int] = {}
    root = path.parent if pictures is None else pictures
    there = ListedFiles.of(root, [row.path for row in rows])
    for row, target in zip(rows, read.targets, strict=True):
        key, exists, why = there.find(row.path)
        first = seen.setdefault(key, row)
        if first is not row:
            if kind == TAGS and first.split == row.split and key in places:  # a line a tag
                items[places[key]] = _joined(items[places[key]], target)
                continue
            if (first.label, first.split) != (row.label, row.split):
                raise SourceError(
                    f"{path}: {key} stands in line {first.line} ({_said(first)}) and in line {row.line}"
                    f" ({_said(row)}); {'keep one' if first.split != row.split else TWICE}"
                )
            rejected.append(Rejected(key, f"listed again in line {row.line} of {path.name}", bad=False))
        elif not exists:
            rejected.append(Rejected(key, f"{why} (line {row.line} of {path.name})"))
        else:
            places[key] = len(items)
            items.append(Item(key, target, row.split))
    if rows and not items:
        raise SourceError(
            f"{path}: none of its {len(rows)} files is there; paths are relative to {root}: {rejected[0].key}"
        )
    notes = (*read.notes, *_unused_note(columns))
    return FolderSource(
        name,
        str(path if pictures is None else pictures),
        read.names,
        tuple(items),
        rejected=tuple(rejected),
        notes=notes,
        root=root,
        kind=read.kind,
        label_facts=read.facts,
    )


def _read(columns: Columns, rows: Sequence[_Row], path: Path, *, kind: str | None) -> _Read:
    """Return the labels of all rows. Errors: SourceError, a question where a person has to say what they are."""
    column = f"the column {columns.label_name!r}" if columns.label_name else "its label column"
    notes: tuple[str, ...] = ()
    if kind is None and columns.numbers:
        kind = NUMBERS
        notes = (f"{path}: {_several(columns.number_names)} hold numbers: task regress",)
    elif kind is None and any(len(row.tags) > 1 for row in rows):
        kind = TAGS
        shown = next(", ".join(row.tags) for row in rows if len(row.tags) > 1)
        what = f"{path}: its columns of 0 and 1"
        notes = (told(tag_table([row.tags for row in rows]), shown=shown, what=what),)
    elif kind is None:
        found = guess([row.label for row in rows if row.label], what=f"{path}: {column}", column=columns.label_name)
        if found.kind is None:
            raise SourceError(found.note)
        kind, notes = found.kind, (found.note,) if found.note else ()
    if kind == NUMBERS:
        headers = columns.number_names or (columns.label_name or "number",)
        places = [f"line {row.line} ({row.path})" for row in rows]
        numbers = read_numbers([row.cells for row in rows], headers, places=places, where=str(path))
        targets = tuple(
            tuple(values) if known else None
            for values, known in zip(numbers.values.tolist(), numbers.known.tolist(), strict=True)
        )
        return _Read(kind, numbers.names, targets, {"units": list(numbers.units)}, (*notes, *numbers.notes))
    if kind == TAGS:
        return _tags_read(columns, rows, notes)
    classes = in_order({row.label for row in rows if row.label})
    index = {label: place for place, label in enumerate(classes)}
    return _Read(
        CLASSES, classes, tuple(index.get(row.label, -1) for row in rows), {}, (*notes, *_unlabelled_note(rows))
    )


def _tags_read(columns: Columns, rows: Sequence[_Row], notes: tuple[str, ...]) -> _Read:
    """Return which tags each row has, by its columns of 0 and 1 or by the parts of its label."""
    if columns.tags:
        each = [row.tags for row in rows]
        nobodys = [name for _, name in columns.tags if not any(name in tags for tags in each)]
        if nobodys:
            notes += (f"no picture has the {plural(len(nobodys), 'tag')} {', '.join(nobodys[:5])}: left out",)
    else:
        mark = separator_said([row.label for row in rows], column=columns.label_name)
        each = [parts(row.label, mark) for row in rows]
    table = tag_table(each)
    return _Read(TAGS, table.tags, tuple(tuple(row) for row in table.there.astype(float).tolist()), {}, notes)


def _joined(item: Item, target: Target) -> Item:
    """Return a picture with the tags of another of its lines too."""
    assert isinstance(item.target, tuple) and isinstance(target, tuple)
    return replace(item, target=tuple(max(pair) for pair in zip(item.target, target, strict=True)))


def _several(names: Sequence[str]) -> str:
    return f"{plural(len(names), 'column')} {', '.join(map(repr, names))}"


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


def _rows(path: Path, *, kind: str | None) -> tuple[Columns, list[_Row]]:
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
    columns = find_columns(cells, path, kind=kind)
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
    cells = columns.numbers or (() if columns.label is None else (columns.label,))
    return _Row(
        line,
        name,
        columns.text_of(row),
        part_of(columns, row, path, line),
        tuple(row[column].strip() for column in cells),
        columns.tags_of(row),
    )
