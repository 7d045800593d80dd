"""Which found boxes are right: boxes matched with what is there, by COCO's rule.

In each picture, class by class, the surest box chooses first. It takes, of the boxes not yet taken that it overlaps by
at least the threshold, the one that it overlaps most, of equal ones the last; one that is ignored only where it can
take no other, and a crowd any number of times. What takes an ignored box is neither right nor wrong; and where only
objects of some size are measured, neither is a box outside that size that takes nothing. Source: the evaluation code
of Lin et al., "Microsoft COCO" (2014), pycocotools.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from striate.errors import StriateError
from striate.metrics.boxes import Found, Truth, box_areas, iou
from striate.metrics.probability import Bools, Floats, Ints
from striate.words import counted

THRESHOLDS: Floats = np.linspace(0.5, 0.95, 10)  # overlaps from which on a box is right; COCO's mean is over them
SIZES: tuple[tuple[str, float, float], ...] = (
    ("all", 0.0, 1e10),
    ("small", 0.0, 32.0**2),
    ("medium", 32.0**2, 96.0**2),
    ("large", 96.0**2, 1e10),
)  # square pixels, both ends included
_WHOLE = 1 - 1e-10  # a threshold of 1 is met by what rounding leaves just below it


@dataclass(frozen=True, eq=False)
class ClassMatches:
    """The D boxes found of one class in P pictures, surest first, at T thresholds for A sizes.

    Attributes:
        scores: (D,).
        pictures: (D,), the row of each one's picture.
        rows: (D,), which box of that picture's `Found` it is.
        ranks: (D,), how many surer boxes of the class its picture has.
        right: (A, T, D), whether it took a box that counts.
        open: (A, T, D), whether it is neither right nor wrong.
        taken: (A, T, D), which box of the picture's `Truth` it took, -1 for none.
        present: (A, P), how many boxes that count each picture has.
    """

    scores: Floats
    pictures: Ints
    rows: Ints
    ranks: Ints
    right: Bools
    open: Bools
    taken: NDArray[np.int32]
    present: Ints

    def __len__(self) -> int:
        return len(self.scores)


def match(
    found: Sequence[Found],
    truth: Sequence[Truth],
    *,
    classes: int,
    thresholds: Floats = THRESHOLDS,
    sizes: Sequence[tuple[str, float, float]] = SIZES,
) -> tuple[ClassMatches, ...]:
    """Return the found boxes of every class, matched with what is there.

    Arguments:
        found: what was found, a picture each.
        truth: what is there, in the same order. A class that nobody looked for in a picture does not count there.
        classes: how many classes there are.
        thresholds: (T,), overlaps from which on a box is right, rising.
        sizes: A times a name, and the least and the largest area that counts, in square pixels.

    Raises StriateError for other numbers of pictures, and for a class that is none.

    Example: ``match([Found([[0, 0, 9, 9]], [0], [0.8])], [Truth([[0, 0, 9, 9]], [0])], classes=1)[0].right[0].all()``.
    """
    check_pictures(found, truth, classes)
    parts: list[list[tuple[int, Ints, Floats, _Group]]] = [[] for _ in range(classes)]
    present = np.zeros((classes, len(sizes), len(truth)), np.int64)
    bounds = np.array([size[1:] for size in sizes], np.float64).reshape(-1, 2)
    for picture, (answer, there) in enumerate(zip(found, truth, strict=True)):
        order = np.argsort(-answer.scores, kind="stable")
        areas = box_areas(answer.boxes)
        for kind in np.unique(np.concatenate([answer.classes, there.classes])).tolist():
            if kind in there.unlooked:
                continue
            rows = order[answer.classes[order] == kind]
            own = np.flatnonzero(there.classes == kind)
            ignored = there.ignored[own] | _outside(there.areas[own], bounds)
            present[kind, :, picture] = (~ignored).sum(axis=1)
            if len(rows):
                overlap = iou(answer.boxes[rows], there.boxes[own], there.ignored[own])
                group = _matched(overlap, own, ignored, there.ignored[own], _outside(areas[rows], bounds), thresholds)
                parts[kind].append((picture, rows, answer.scores[rows], group))
    return tuple(_together(parts[kind], present[kind], len(thresholds)) for kind in range(classes))


def check_pictures(found: Sequence[Found], truth: Sequence[Truth], classes: int) -> None:
    """Raise StriateError where there is not one answer a picture, or where a class number is none of ``classes``."""
    if len(found) != len(truth):
        raise StriateError(
            f"{counted(len(found), 'answer')} for {counted(len(truth), 'picture')}; there must be one a picture"
        )
    if not len(truth):
        raise StriateError("there are no pictures to measure; give at least one with its boxes")
    for name, some in (("found", [one.classes for one in found]), ("labelled", [one.classes for one in truth])):
        for picture, kinds in enumerate(some):
            if len(kinds) and kinds.max() >= classes:
                raise StriateError(
                    f"a box {name} in picture {picture} is of class {int(kinds.max())}; there are only"
                    f" {counted(classes, 'class')}, from 0"
                )


_Group = tuple[Bools, Bools, NDArray[np.int32]]


def _outside(areas: Floats, bounds: Floats) -> Bools:
    """Return which areas (N,) lie outside of sizes (A, 2), (A, N)."""
    outside: Bools = (areas < bounds[:, :1]) | (areas > bounds[:, 1:])
    return outside


def _matched(overlap: Floats, own: Ints, ignored: Bools, crowd: Bools, outside: Bools, thresholds: Floats) -> _Group:
    """Match D boxes, surest first, with G; ``ignored`` (A, G), ``outside`` (A, D): right, open, taken (A, T, D)."""
    shape = (len(ignored), len(thresholds), len(overlap))
    place = np.full(shape, -1, np.int32)  # which of the G
    cuts = np.minimum(thresholds, _WHOLE)
    near = overlap >= cuts[0]
    rows = np.flatnonzero(near.any(axis=1))
    free = np.ones((*shape[:2], overlap.shape[1]), bool)
    for row in rows.tolist():
        columns = np.flatnonzero(near[row])
        if len(columns) == 1:
            column = int(columns[0])
            hit = (overlap[row, column] >= cuts) & free[:, :, column]
            place[:, :, row][hit] = column
            if not crowd[column]:
                free[:, :, column][hit] = False
            continue
        of = overlap[row, columns]
        rank = np.empty(len(columns), np.int64)
        rank[np.argsort(of, kind="stable")] = np.arange(len(columns))  # of equal ones the last is the highest
        key = rank + len(columns) * ~ignored[:, columns]
        able = (of >= cuts[:, None]) & free[:, :, columns]
        best = np.where(able, key[:, None, :], -1)
        choice = columns[best.argmax(axis=2)]
        sizes, cutoffs = np.nonzero(best.max(axis=2) >= 0)
        chosen = choice[sizes, cutoffs]
        place[sizes, cutoffs, row] = chosen
        free[sizes, cutoffs, chosen] = crowd[chosen]
    hit = place >= 0
    if not hit.any():
        return hit, np.broadcast_to(outside[:, None, :], shape).copy(), place
    of_ignored = ignored[np.arange(len(ignored))[:, None, None], np.maximum(place, 0)] & hit
    taken = np.where(hit, own[np.maximum(place, 0)], -1).astype(np.int32)
    return hit & ~of_ignored, of_ignored | (~hit & outside[:, None, :]), taken


def _together(parts: list[tuple[int, Ints, Floats, _Group]], present: Ints, thresholds: int) -> ClassMatches:
    """Return the boxes of all pictures as one, surest first, of equal ones those of the first picture."""
    if not parts:
        none = np.zeros((len(present), thresholds, 0), bool)
        empty = np.zeros(0, np.int64)
        return ClassMatches(np.zeros(0), empty, empty, empty, none, none, none.astype(np.int32), present)
    scores = np.concatenate([part[2] for part in parts])
    order = np.argsort(-scores, kind="stable")
    pictures = np.concatenate([np.full(len(part[1]), part[0]) for part in parts])
    ranks = np.concatenate([np.arange(len(part[1])) for part in parts])
    right, left_open, taken = (np.concatenate([part[3][i] for part in parts], axis=2)[:, :, order] for i in range(3))
    rows = np.concatenate([part[1] for part in parts])
    return ClassMatches(
        scores[order], pictures[order], rows[order], ranks[order], right, left_open, taken.astype(np.int32), present
    )
