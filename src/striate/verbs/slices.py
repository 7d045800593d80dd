"""Slices: on which kinds of pictures a model is better and worse: by label, by their size, by their brightness."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.labels.marks import BoxMarks, DotMarks
from striate.data.sources.items import FolderSource, Item, Source, file_header
from striate.errors import PictureError, RunError
from striate.metrics.probability import Ints
from striate.metrics.slices import Slice, quarters, slices_of
from striate.verbs.evaluate_folds import DESIGN

if TYPE_CHECKING:
    from striate.verbs.evaluation import Evaluation

LOOKED: Final = 20_000  # pictures whose sizes are read out of their files
CLASSES: Final = 200  # labels that are told apart
_Group = tuple[str, str, Ints]


def slices(evaluation: Evaluation) -> tuple[Slice, ...]:
    """Return what a model is worth by label, by size and by brightness of the pictures that it was evaluated on.

    Of answers that are right or wrong it is the share that is right, else the mean of how bad they are
    (`Assessment.loss_name`). Size is the side of a square of as many pixels as the picture has, of files as they lie;
    brightness the mean of the pixels that the network is given, in hundredths of white.

    Errors: RunError for an evaluation that does not hold its pictures.

    Example: ``[one.name for one in slices(evaluate("pets-1")) if one.real]``
    """
    source, pixels = evaluation.source, evaluation.pixels
    if source is None or pixels is None:
        raise RunError(f"the evaluation of {evaluation.name} does not hold its pictures")
    items = [source.items[row] for row in evaluation.indices.tolist()]
    groups = [
        *_labels(items, source.label_names),
        *_ranges("size", _sides(source, evaluation.indices), "pixels"),
        *_ranges("brightness", _brightness(pixels, evaluation.indices), "%"),
    ]
    found, design = evaluation.found, 1.0 if evaluation.folds is None else DESIGN
    return slices_of(groups, found.losses if found.right is None else found.right, design=design)


def _labels(items: list[Item], names: tuple[str, ...]) -> list[_Group]:
    """Return the pictures of each class, with each tag, or in which each class is marked; of numbers by their size."""
    rows: dict[str, list[int]] = {}
    first = items[0].target if items else None
    if isinstance(first, tuple) and not all(value in (0, 1) for item in items[:200] for value in _numbers(item)):
        values = np.array([_numbers(item)[0] for item in items])
        return _ranges(f"label {names[0]}" if names else "label", values, "")
    for row, item in enumerate(items):
        for name in _named(item, names):
            rows.setdefault(name, []).append(row)
    order = [name for name in (*names, "nothing") if name in rows][:CLASSES]
    return [("label", name, np.array(rows[name], np.int64)) for name in order] if len(order) > 1 else []


def _numbers(item: Item) -> tuple[float, ...]:
    return item.target if isinstance(item.target, tuple) else (math.nan,)


def _named(item: Item, names: tuple[str, ...]) -> set[str]:
    if isinstance(item.target, tuple):
        return {name for name, value in zip(names, item.target, strict=True) if value}
    if isinstance(item.target, BoxMarks | DotMarks):
        return {names[place] for place in item.target.marked} or {"nothing"}
    return {names[item.place]} if item.place >= 0 else set()


def _ranges(by: str, values: NDArray[np.float64] | None, unit: str) -> list[_Group]:
    if values is None or np.isnan(values).any():
        return []
    found = quarters(values)
    if len(found) < 2:
        return []
    return [(by, f"{_plain(low)} to {_plain(high)} {unit}".rstrip(), rows) for low, high, rows in found]


def _plain(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _sides(source: Source, rows: Ints) -> NDArray[np.float64] | None:
    """Return the side of a square as large as each picture, in pixels; None where that is not known."""
    found = np.full(len(rows), np.nan)
    for place, row in enumerate(rows.tolist()):
        target = source.items[row].target
        if isinstance(target, BoxMarks | DotMarks):
            found[place] = math.sqrt(target.size[0] * target.size[1])
        elif isinstance(source, FolderSource) and len(rows) <= LOOKED:
            with suppress(PictureError, OSError):
                header = file_header(source.path(row))
                found[place] = math.sqrt(header.width * header.height)
    return None if np.isnan(found).any() else found


def _brightness(pixels: NDArray[np.uint8], rows: Ints) -> NDArray[np.float64]:
    """Return the mean of each picture's pixels, in hundredths of white."""
    return np.array([pixels[row].mean() for row in rows.tolist()]) / 2.55
