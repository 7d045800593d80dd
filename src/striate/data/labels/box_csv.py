"""Boxes as a table: a line an object, with the columns that TensorFlow's tutorials made common.

Read are a header with a file and the corners (``xmin ymin xmax ymax``, ``x1 y1 x2 y2``, ``left top right bottom``) or a
corner and a size (``x y width height``, ``bbox_x ...``), and a class where there is one; edges in pixels, from 0.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from striate import files
from striate.data.labels.classes import SPLITS
from striate.data.labels.columns import LABEL_COLUMNS, PATH_COLUMNS, read_cells
from striate.data.labels.drawn import Box, Drawn, DrawnPicture, Reading
from striate.data.labels.marks import OBJECT
from striate.data.labels.objects import ObjectSet
from striate.data.labels.parsed import number, plain, size_of
from striate.data.labels.picture_files import files_below
from striate.errors import SourceError

HEAD: Final = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax", "ignored")
_CORNERS: Final = (
    ("xmin", "ymin", "xmax", "ymax"), ("x_min", "y_min", "x_max", "y_max"), ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
)  # fmt: skip
_SIZED: Final = (
    ("x", "y", "w", "h"), ("x", "y", "width", "height"), ("bbox_x", "bbox_y", "bbox_width", "bbox_height"),
    ("bbox_x", "bbox_y", "bbox_w", "bbox_h"),
)  # fmt: skip
_WIDE: Final = ("width", "image_width", "img_width")
_HIGH: Final = ("height", "image_height", "img_height")
_START: Final = 1 << 12


@dataclass(frozen=True)
class _Columns:
    file: int
    box: tuple[int, ...]
    corners: bool
    label: int | None
    size: tuple[int, int] | None
    split: int | None
    ignored: int | None


def is_box_table(path: Path) -> bool:
    """Return whether a CSV or TSV begins with a header of boxes.

    Example: ``is_box_table(Path("cat.jpg"))`` is False.
    """
    if path.suffix.lower() not in (".csv", ".tsv"):
        return False
    try:
        with files.open_file(path, limit=files.LIST) as file:
            lines = file.read(_START).decode("utf-8-sig", "replace").splitlines()
        cells = read_cells("\n".join(lines[:1]), path) if lines else []
    except (OSError, SourceError):
        return False
    return bool(cells) and _columns(cells[0][1]) is not None


def _columns(head: Sequence[str]) -> _Columns | None:
    names = [cell.strip().lower().replace(" ", "_") for cell in head]

    def first(known: Sequence[str], taken: Sequence[int] = ()) -> int | None:
        return next((names.index(name) for name in known if name in names and names.index(name) not in taken), None)

    file = first(PATH_COLUMNS)
    found = next(((each, each in _CORNERS) for each in (*_CORNERS, *_SIZED) if all(one in names for one in each)), None)
    if file is None or found is None:
        return None
    box = tuple(names.index(one) for one in found[0])
    wide, high = first(_WIDE, box), first(_HIGH, box)
    return _Columns(
        file, box, found[1], first([name for name in LABEL_COLUMNS if name != "y"], box),
        None if wide is None or high is None else (wide, high), first(("split", "subset", "set")),
        first(("ignored", "difficult", "iscrowd")),
    )  # fmt: skip


def read_csv(path: Path) -> Reading:
    r"""Return what a table of boxes says, or all of a folder.

    A line without a box is that of a picture without objects.

    Errors: SourceError for a table that is none, and a line that does not read.
    Example::

        Path("boxes.csv").write_text("filename,class,xmin,ymin,xmax,ymax\n1.jpg,cat,1,2,3,4\n")
        read_csv(Path("boxes.csv")).pictures[0].drawn == (Drawn("cat", (1, 2, 3, 4)),)
    """
    reading = Reading("CSV")
    for file in files_below(path, "csv", "tsv") if path.is_dir() else [path]:
        if not path.is_dir() or is_box_table(file):
            _read(file, reading)
    return reading


def _read(path: Path, reading: Reading) -> None:
    """Add what one table says."""
    try:
        cells = read_cells(files.read_text(path, limit=files.LIST).removeprefix("\ufeff"), path)
    except UnicodeDecodeError:
        raise SourceError(f"{path} is not UTF-8 text; save the table as UTF-8") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    columns = _columns(cells[0][1]) if cells else None
    if columns is None:
        raise SourceError(f"{path} is no table of boxes; wanted a first line such as {','.join(HEAD[:8])}")
    drawn: dict[str, list[Drawn]] = {}
    sizes: dict[str, tuple[int, int] | None] = {}
    splits: dict[str, str] = {}
    for line, row in cells[1:]:
        if len(row) < len(cells[0][1]) or not row[columns.file].strip():
            raise SourceError(f"{path}, line {line}: {','.join(row)[:80]!r} has not the {len(cells[0][1])} columns")
        name = row[columns.file].strip()
        here = drawn.setdefault(name, [])
        size = size_of(row[columns.size[0]].strip(), row[columns.size[1]].strip()) if columns.size else None
        if sizes.setdefault(name, size) != size:
            raise SourceError(f"{path}, line {line}: {name} has another size than above; keep one")
        splits[name] = SPLITS.get(row[columns.split].strip().lower(), "") if columns.split is not None else ""
        texts = [row[at].strip() for at in columns.box]
        if any(texts):
            label = (row[columns.label].strip() if columns.label is not None else "") or OBJECT
            ignored = columns.ignored is not None and row[columns.ignored].strip().lower() in ("1", "true")
            here.append(Drawn(label, _box([number(text) for text in texts], corners=columns.corners), ignored=ignored))
    reading.pictures += [
        DrawnPicture(name, path, tuple(each), sizes[name], split=splits[name]) for name, each in drawn.items()
    ]


def _box(numbers: Sequence[float], *, corners: bool) -> Box:
    left, top, third, fourth = numbers
    return (left, top, third, fourth) if corners else (left, top, left + third, top + fourth)


def write_csv(objects: ObjectSet) -> dict[str, bytes]:
    """Return the table, one file by the name "". A picture without objects has a line with its size alone.

    Coordinates are edges in pixels, from 0.
    Example: ``write_csv(ObjectSet("x", (), ()))[""][:22]`` is ``b"filename,width,height,"``.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEAD)
    for picture in objects.pictures:
        start = (picture.key, picture.width, picture.height)
        if not len(picture):
            table.writerow((*start, *[""] * 6))
        for box, index, ignored in zip(picture.boxes, picture.classes, picture.ignored, strict=True):
            table.writerow((*start, objects.classes[index], *map(plain, box), int(ignored)))
    return {"": text.getvalue().encode("utf-8", "surrogateescape")}
