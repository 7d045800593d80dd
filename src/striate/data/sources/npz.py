"""``.npz``: arrays saved by numpy. Never unpickled (``allow_pickle=False``).

Pictures are ``x``, ``images`` or ``data``, labels ``y``, ``labels`` or ``targets``; or, with splits, ``x_train``,
``y_train``, ``x_test``, ``y_test`` (``x_val``, ``y_val``), likewise ``train_images`` and so on. ``classes`` (or
``class_names``) may name the labels. Labels are whole numbers, -1 for none, or names.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate import files
from striate.data.labels.classes import SPLITS, in_order
from striate.data.labels.label_kinds import guess
from striate.data.labels.numbers import NUMBERS
from striate.data.labels.tags import TAGS, TagTable, told
from striate.data.sources.arrays import LARGEST, Block, array_source, as_pictures, origin
from striate.data.sources.items import ArraySource
from striate.errors import SourceError
from striate.words import counted, plural

PICTURES: Final = ("x", "images", "data")
LABELS: Final = ("y", "labels", "targets")
CLASSES: Final = ("classes", "class_names")


def npz_source(path: Path, *, name: str, kind: str | None = None) -> ArraySource:
    """Return the pictures of an .npz file; those labelled -1 have no label, which is said.

    ``kind`` is what the labels are, whatever they look like; None: it is guessed, and a note says so. Errors:
    SourceError naming the array that is missing or wrong.
    """
    arrays = _load(path)
    found = [(split, x, y) for split in (None, *SPLITS) if (x := _find(arrays, PICTURES, split))
             for y in [_find(arrays, LABELS, split)]]  # fmt: skip
    if not found:
        raise SourceError(
            f"{path} holds {_listed(arrays)}; wanted pictures as x, images or data (or x_train, x_test ...)"
            " and labels as y, labels or targets"
        )
    for split, x, y in found:
        if y is None:
            wanted = LABELS[PICTURES.index(x.lower())] if split is None else f"y_{split}"
            raise SourceError(f"{path} holds pictures as {x} but no labels for them; wanted {wanted}")
        if len(arrays[x]) != len(arrays[y]):
            raise SourceError(
                f"{path}: {x} holds {counted(len(arrays[x]), 'picture')} but {y} {counted(len(arrays[y]), 'label')}"
            )
    where = f"{path}: {', '.join(y for _, _, y in found if y)}"
    if kind == NUMBERS or (kind is None and any(y and _fractions(arrays[y]) for _, _, y in found)):
        return _numbers_source(path, name, arrays, found, "" if kind else f"{where} holds numbers: task regress")
    if kind == TAGS or (kind is None and all(y and _several(arrays[y]) for _, _, y in found)):
        return _tags_source(path, name, arrays, found, where, said=kind is not None)
    labels = {y: _labels(arrays[y], f"{path.name}: {y}") for _, _, y in found if y}
    classes, targets = _targets(labels, _find(arrays, CLASSES, None), arrays, path)
    notes: tuple[str, ...] = ()
    if kind is None and _find(arrays, CLASSES, None) is None:
        known = [classes[target] for y in targets for target in targets[y].tolist() if target >= 0]
        guessed = guess(known, what=where)
        if guessed.kind is None:
            raise SourceError(guessed.note)
        if guessed.kind == NUMBERS:
            return _numbers_source(path, name, arrays, found, guessed.note)
        notes = (guessed.note,) if guessed.note else ()
    without = sum(int((each < 0).sum()) for each in targets.values())
    if without:
        notes += (f"{counted(without, 'picture')} without a label (-1) {plural(without, 'is')} left out",)
    return replace(array_source(name, str(path), classes, _blocks(path, arrays, found, targets)), notes=notes)


_Found = Sequence[tuple[str | None, str, str | None]]


def _blocks(
    path: Path, arrays: Mapping[str, NDArray[Any]], found: _Found, targets: Mapping[str, NDArray[Any]]
) -> list[Block]:
    return [
        Block(SPLITS.get(split or ""), as_pictures(arrays[x], f"{path.name}: {x}"), targets[y], f"{origin(path)}:{x}")
        for split, x, y in found
        if y
    ]


def _fractions(values: NDArray[Any]) -> bool:
    """Whether an array holds numbers that can be no classes: fractions, or something missing among numbers."""
    return values.dtype.kind == "f" and not (np.isfinite(values).all() and (values == np.rint(values)).all())


def _numbers_source(path: Path, name: str, arrays: Mapping[str, NDArray[Any]], found: _Found, note: str) -> ArraySource:
    """Return the pictures with numbers (N,) or (N, D) to be predicted; rows that hold NaN or infinity have none."""
    targets: dict[str, NDArray[np.float64]] = {}
    for _, _, y in found:
        values = arrays[y or ""]
        if values.dtype.kind not in "iufb" or values.ndim not in (1, 2) or 0 in values.shape[1:]:
            raise SourceError(
                f"{path.name}: {y} holds {values.dtype} of shape {' x '.join(map(str, values.shape))}; wanted numbers,"
                " one a picture (N) or several (N x D)"
            )
        table = values.astype(np.float64).reshape(len(values), -1)
        table[~np.isfinite(table).all(axis=1)] = np.nan
        targets[y or ""] = table
    widths = {table.shape[1] for table in targets.values()}
    if len(widths) > 1:
        raise SourceError(
            f"{path}: {', '.join(targets)} hold {' and '.join(map(str, sorted(widths)))} numbers a picture"
        )
    names = tuple(f"number {column + 1}" for column in range(widths.pop()))
    without = sum(int(np.isnan(table).any(axis=1).sum()) for table in targets.values())
    notes: tuple[str, ...] = (note,) if note else ()
    if without:
        notes += (f"{counted(without, 'picture')} without a number {plural(without, 'is')} left out (NaN or infinite)",)
    source = array_source(
        name, str(path), ("number",) if len(names) == 1 else names, _blocks(path, arrays, found, targets)
    )
    return replace(source, notes=notes, kind=NUMBERS, label_facts={"units": [""] * len(names)})


def _several(values: NDArray[Any]) -> bool:
    """Whether an array has a column of 0 and 1 a tag, and a row with two of them."""
    binary = values.ndim == 2 and values.shape[1] > 1 and values.dtype.kind in "iufb" and np.isin(values, (0, 1)).all()
    return bool(binary and (values.sum(axis=1) > 1).any())


def _tags_source(
    path: Path, name: str, arrays: Mapping[str, NDArray[Any]], found: _Found, where: str, *, said: bool
) -> ArraySource:
    """Return the pictures with tags: a column of 0 and 1 each. Errors: SourceError for other labels."""
    for _, _, y in found:
        values = arrays[y or ""]
        if values.ndim != 2 or values.dtype.kind not in "iufb" or not np.isin(values, (0, 1)).all():
            raise SourceError(
                f"{path.name}: {y} holds {values.dtype} of shape {' x '.join(map(str, values.shape))}; wanted a column"
                " of 0 and 1 a tag (N x T)"
            )
    source = _numbers_source(path, name, arrays, found, "")
    key, width = _find(arrays, CLASSES, None), len(source.label_names)
    names = tuple(f"tag {column + 1}" for column in range(width)) if key is None else tuple(map(str, arrays[key]))
    if len(names) != width:
        raise SourceError(f"{path.name}: {key} names {len(names)} tags, and there are {counted(width, 'column')}")
    table = TagTable(names, np.concatenate([arrays[y or ""] for _, _, y in found]).astype(bool))
    shown = ", ".join(table.of(int(table.there.sum(axis=1).argmax())))
    notes = () if said else (told(table, shown=shown, what=where),)
    return replace(source, label_names=names, kind=TAGS, label_facts={}, notes=notes)


def _load(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with files.open_file(path, limit=files.ARRAYS) as file:
            with zipfile.ZipFile(file) as archive:
                size = sum(entry.file_size for entry in archive.infolist())
            if size > LARGEST:
                raise SourceError(f"{path} unpacks to {size:,} bytes, over {LARGEST:,}")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                return {key: arrays[key] for key in arrays.files}
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        if "pickle" in str(error).lower() or "object" in str(error).lower():
            raise SourceError(f"{path} holds pickled objects, which are never loaded; save plain arrays") from None
        raise SourceError(f"{path} does not read: {error}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, MemoryError, NotImplementedError) as error:
        raise SourceError(f"{path} is not an .npz file, or is damaged: {error}") from None


def _find(arrays: Mapping[str, NDArray[Any]], names: tuple[str, ...], split: str | None) -> str | None:
    wanted = [name if split is None else form for name in names for form in (f"{name}_{split}", f"{split}_{name}")]
    return next((key for name in wanted for key in arrays if key.lower() == name), None)


def _listed(arrays: Mapping[str, NDArray[Any]]) -> str:
    listed = ", ".join(f"{key} ({' x '.join(map(str, value.shape))})" for key, value in list(arrays.items())[:6])
    return listed or "no arrays"


def _labels(values: NDArray[Any], what: str) -> NDArray[Any]:
    """Return labels as (N,) int64 or text."""
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2 and values.shape[1] > 1 and np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all():
        values = values.argmax(axis=1)  # one column a class, as Keras has it
    if values.ndim != 1:
        raise SourceError(f"{what} has shape {' x '.join(map(str, values.shape))}; wanted one label per picture, N")
    if values.dtype.kind == "S":
        try:
            return np.char.decode(values, "utf-8")
        except UnicodeDecodeError:
            raise SourceError(f"{what} holds names that are not UTF-8") from None
    if values.dtype.kind == "U":
        return values
    if values.dtype.kind in "iub":
        if values.dtype.kind == "u" and values.size and values.max() > np.iinfo(np.int64).max:
            raise SourceError(f"{what}: a label is {values.max()}")
        return values.astype(np.int64)
    if values.dtype.kind == "f" and np.isfinite(values).all() and (values == np.rint(values)).all():
        return values.astype(np.int64)
    raise SourceError(
        f"{what} holds {values.dtype} that are not whole; wanted whole numbers or names of classes (or --task regress,"
        " which learns numbers)"
        if values.dtype.kind == "f"
        else f"{what} holds {values.dtype}; wanted whole numbers or names"
    )


def _targets(
    labels: Mapping[str, NDArray[Any]], named: str | None, arrays: Mapping[str, NDArray[Any]], path: Path
) -> tuple[tuple[str, ...], dict[str, NDArray[np.int64]]]:
    """Return the classes, and the target of every label of every array."""
    texts = {value.dtype.kind == "U" for value in labels.values()}
    if len(texts) > 1:
        raise SourceError(f"{path}: some labels are names and some are numbers")
    every = np.unique(np.concatenate(list(labels.values())))
    if texts == {True}:
        classes = in_order({str(value) for value in every if value})
        index = {name: place for place, name in enumerate(classes)}
        return classes, {
            key: np.array([index.get(str(value), -1) for value in values], np.int64) for key, values in labels.items()
        }
    if len(every) and every[0] < -1:
        raise SourceError(f"{path}: a label is {every[0]}; wanted 0 and up, or -1 for a picture without one")
    known = every[every >= 0]
    if named is not None:
        classes = tuple(str(value) for value in _labels(arrays[named], f"{path.name}: {named}"))
        if len(set(classes)) != len(classes):
            raise SourceError(f"{path}: {named} names a class twice")
        if len(known) and known[-1] >= len(classes):
            raise SourceError(f"{path}: a label is {known[-1]}, but {named} has {len(classes)} names, 0 the first")
        return classes, dict(labels)
    return tuple(map(str, known)), {
        key: np.where(values < 0, -1, np.searchsorted(known, values)) for key, values in labels.items()
    }
