"""Pictures that a person holds in Python, put into a file, so that a run of them can be opened again. No torch.

A run knows its pictures by where they are. Arrays, data sets and tables in memory are nowhere, so they are written once
into ``<runs>/pictures/``, under a name that is the digest of what they hold: the same pictures are there once, however
many runs learn from them, and a picture that changed is another file.

- ``(x, y)``: pictures (N, H, W) or (N, H, W, C), labels (N,) or (N, D) -> an ``.npz``.
- A data set (``torch.utils.data.Dataset``, or any sequence of (picture, label)) -> an ``.npz`` where all pictures are
  of one size, else a folder of lossless PNGs with a list.
- A table (pandas, polars, a mapping of columns) that names files and labels -> a ``.csv`` with absolute paths.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.data.labels.columns import LABEL_COLUMNS, PATH_COLUMNS, find_columns
from striate.data.labels.numbers import holds_numbers
from striate.data.pictures.given import one
from striate.data.pictures.image import decode
from striate.errors import PictureError, SourceError
from striate.files import PICTURE, read_bytes
from striate.runs import durable
from striate.words import counted, readable_size

FOLDER: Final = "pictures"  # below the folder of runs
MOST: Final = 2 << 30  # bytes of pixels of a data set that are taken into memory
_Progress: TypeAlias = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Held:
    """Where pictures are now: ``location`` is what a recipe names as its source; ``note`` says so, for a person."""

    location: str
    note: str = ""


def hold(
    what: Any,
    runs_dir: Path,
    *,
    picture: str | None = None,
    label: str | Sequence[str] | None = None,
    progress: _Progress | None = None,
) -> Held:
    """Write pictures that are in memory into ``runs_dir`` and return where they are.

    ``picture`` and ``label`` name the columns of a table: the files, and what they show; several labels are numbers or
    tags. Without them they are known by the names that lists have. Errors: SourceError for what is neither pictures
    with labels nor a table of them, DiskError.

    Example: ``hold((np.zeros((4, 8, 8), np.uint8), [0, 0, 1, 1]), Path("runs")).location``
    """
    if columns := _columns(what):
        return _hold_table(columns, runs_dir, picture=picture, label=label)
    if picture is not None or label is not None:
        raise SourceError(f"picture and label name the columns of a table, and this is {_kind(what)}")
    if isinstance(what, tuple) and len(what) == 2 and not _is_pair_of_picture(what):
        return _hold_arrays(_array(what[0]), _array(what[1]), (), runs_dir)
    if hasattr(what, "__getitem__") and hasattr(what, "__len__"):
        return _hold_dataset(what, runs_dir, progress)
    raise SourceError(
        f"{_kind(what)} is no source of pictures: give a folder or a file by its path, (x, y) as arrays, a data set of"
        " (picture, label), or a table with picture= and label="
    )


def _is_pair_of_picture(what: tuple[Any, Any]) -> bool:
    """Whether a pair is two (picture, label) and not all pictures with all labels."""
    return all(isinstance(each, tuple) and len(each) == 2 for each in what)


# Arrays


def _array(what: Any) -> NDArray[Any]:
    if hasattr(what, "detach"):
        what = what.detach().cpu().numpy()
    return np.asarray(what)


def _hold_arrays(x: NDArray[Any], y: NDArray[Any], label_names: Sequence[str], runs_dir: Path) -> Held:
    if x.ndim not in (3, 4):
        raise SourceError(
            f"x of shape {' x '.join(map(str, x.shape))}: wanted pictures N x H x W, N x H x W x C or N x C x H x W"
        )
    if len(x) != len(y):
        raise SourceError(f"{counted(len(x), 'picture')} but {counted(len(y), 'label')}")
    if "O" in (x.dtype.kind, y.dtype.kind):
        which = "x" if x.dtype.kind == "O" else "y"
        raise SourceError(f"{which} holds Python objects, of which no array is made: give numbers or text of one type")
    arrays = {"x": x, "y": y} | ({"classes": np.array(label_names)} if label_names else {})
    digest = hashlib.sha256()
    for name, values in arrays.items():
        solid = np.ascontiguousarray(values)
        digest.update(f"{name} {solid.dtype} {solid.shape}\0".encode())
        digest.update(solid.view(np.uint8).data if solid.size else b"")
    path = _place(runs_dir, digest.hexdigest(), ".npz")
    if not path.exists():
        content = io.BytesIO()
        np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
        _write(path, content.getvalue())
    return _said(path, len(x))


# Data sets


def _hold_dataset(what: Any, runs_dir: Path, progress: _Progress | None) -> Held:
    pairs = list(_pairs(what, progress))
    labels = [label for _, label in pairs]
    label_names = tuple(str(name) for name in getattr(what, "classes", ()) or ())
    numbers = np.asarray(labels) if all(not isinstance(label, str) for label in labels) else None
    shapes = {pixels.shape for pixels, _ in pairs}
    if len(shapes) == 1:
        y = np.asarray(labels)
        return _hold_arrays(np.stack([pixels for pixels, _ in pairs]), y, _fitting(label_names, y), runs_dir)
    if numbers is not None and numbers.dtype.kind == "O":
        raise SourceError("the labels of the data set are not all of one shape")
    digest, files = hashlib.sha256(), dict[str, bytes]()
    rows = []
    for number, (pixels, label) in enumerate(pairs):
        content = io.BytesIO()
        Image.fromarray(pixels.squeeze(-1) if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels).save(
            content, "PNG"
        )
        name = f"{number:06}.png"
        files[name] = content.getvalue()
        rows.append((name, *_cells(label, label_names)))
    width = len(rows[0]) - 1
    head = ("path", *(("label",) if width == 1 else tuple(f"number {column + 1}" for column in range(width))))
    files["labels.csv"] = _csv(head, rows)
    for name, content_of in files.items():
        digest.update(f"{name} {len(content_of)}\0".encode() + content_of)
    folder = _place(runs_dir, digest.hexdigest(), "")
    if not (folder / "labels.csv").exists():
        durable.make_parents(folder)
        for name, content_of in files.items():  # the list last: without it, it is no set of pictures
            durable.write(folder / name, content_of)
    return _said(folder / "labels.csv", len(rows), size=sum(map(len, files.values())))


def _pairs(what: Any, progress: _Progress | None) -> Iterator[tuple[NDArray[np.uint8], Any]]:
    """Yield pixels (H, W) or (H, W, C) uint8 and label of each member of a data set."""
    count = len(what)
    if not count:
        raise SourceError("the data set holds no picture")
    taken = 0
    for number in range(count):
        member = what[number]
        if not isinstance(member, tuple | list) or len(member) != 2:
            raise SourceError(f"member {number} of the data set is {_kind(member)}; wanted (picture, label)")
        try:
            pixels = _pixels(member[0])
        except PictureError as error:
            raise SourceError(f"member {number} of the data set: {error}") from None
        taken += pixels.nbytes
        if taken > MOST:
            raise SourceError(
                f"the data set's pictures take over {readable_size(MOST)} (the first {number + 1:,} of {count:,} do);"
                " save them as files, in a folder a class or with a list, and give the path"
            )
        yield pixels, _label(member[1])
        if progress is not None:
            progress("reading the data set", number + 1, count)


def _pixels(what: Any) -> NDArray[np.uint8]:
    found = one(what)
    if isinstance(found, str | Path):
        found = read_bytes(found, limit=PICTURE)
    return decode(found) if isinstance(found, bytes) else found


def _label(what: Any) -> Any:
    if hasattr(what, "detach"):
        what = what.detach().cpu().numpy()
    return what.tolist() if hasattr(what, "tolist") else what


def _fitting(label_names: tuple[str, ...], y: NDArray[Any]) -> tuple[str, ...]:
    """Return the names where the labels are places in them."""
    whole = (
        y.ndim == 1 and y.dtype.kind in "iu" and len(y) > 0 and int(y.min()) >= 0 and int(y.max()) < len(label_names)
    )
    return label_names if whole else ()


def _cells(label: Any, label_names: tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(label, list | tuple):
        return tuple(str(part) for part in label)
    if label_names and isinstance(label, int) and not isinstance(label, bool) and 0 <= label < len(label_names):
        return (label_names[label],)
    return (str(label),)


# Tables


def _columns(what: Any) -> dict[str, list[Any]]:
    """Return a table's columns by name, in order; empty for what is no table."""
    if isinstance(what, Mapping):
        return {str(name): list(values) for name, values in what.items()}
    names = getattr(what, "columns", None)
    if names is None or not hasattr(what, "__getitem__"):
        return {}
    return {str(name): list(what[name]) for name in names}


def _hold_table(
    columns: dict[str, list[Any]], runs_dir: Path, *, picture: str | None, label: str | Sequence[str] | None
) -> Held:
    paths = _chosen(columns, picture, PATH_COLUMNS, "picture")
    wanted = [label] if isinstance(label, str) else list(label or ())
    labels = [_chosen(columns, name, (), "label") for name in wanted] or [
        _chosen(columns, None, LABEL_COLUMNS, "label")
    ]
    files = [str(Path(str(path)).expanduser().absolute()) for path in columns[paths]]
    parts = [name for name in ("split", "is_valid", "fold") if name in columns and name not in labels]
    rows = [
        (file, *(_text(columns[name][row]) for name in labels), *(_text(columns[name][row]) for name in parts))
        for row, file in enumerate(files)
    ]
    if not rows:
        raise SourceError("the table holds no row")
    head = ("path", *labels, *parts)
    if len(labels) == 1 and not _is_number(labels[0], rows):
        head = ("path", "label", *parts)
    content = _csv(head, rows)
    path = _place(runs_dir, hashlib.sha256(content).hexdigest(), ".csv")
    if not path.exists():
        _write(path, content)
    return Held(
        str(path), f"the table's {counted(len(rows), 'row')} are kept as {path}; its pictures stay where they are"
    )


def _is_number(name: str, rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the column behind the paths holds numbers, and is known for that by its own name in a list."""
    if not holds_numbers([row[1] for row in rows]):
        return False
    try:
        cells = [(line, list(row)) for line, row in enumerate([("path", name), *(row[:2] for row in rows)], 1)]
        found = find_columns(cells, Path("table.csv"), kind=None)
    except SourceError:
        return False
    return found.label == 1 or found.numbers == (1,)


def _chosen(columns: Mapping[str, Any], said: str | None, usual: Sequence[str], what: str) -> str:
    if said is not None:
        if said not in columns:
            raise SourceError(f"the table has no column {said!r}; it has {', '.join(columns)}")
        return said
    found = [name for name in columns if name.lower() in usual]
    if not found:
        raise SourceError(
            f"no column of the table is known as the {what}s ({', '.join(columns)}); say which: {what}='COLUMN'"
        )
    return found[0]


def _text(value: Any) -> str:
    """Return a cell; what is missing is empty."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return "|".join(map(str, value)) if isinstance(value, list | tuple | set) else str(value)


# Files


def _csv(head: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8", "surrogateescape")


def _place(runs_dir: Path, digest: str, ending: str) -> Path:
    return (runs_dir / FOLDER / f"{digest[:16]}{ending}").absolute()


def _write(path: Path, content: bytes) -> None:
    durable.make_parents(path.parent)
    durable.write(path, content)


def _said(path: Path, pictures: int, *, size: int | None = None) -> Held:
    takes = readable_size(path.stat().st_size if size is None else size)
    return Held(
        str(path),
        f"the {counted(pictures, 'picture')} given are kept in {path} ({takes}), so that the run can be opened again",
    )


def _kind(what: object) -> str:
    return "None" if what is None else f"an object of type {type(what).__name__}"
