"""Why found boxes are wrong, kind by kind, and what each kind costs: TIDE (Bolya et al. 2020).

A box is right at an intersection over union of 0.5 with an object of its class that no surer box took. One that is not:

- ``place``: it overlaps an object of its class by 0.1 or more, and by less than 0.5;
- ``class``: it overlaps an object of another class by 0.5 or more;
- ``copy``: it overlaps an object of its class by 0.5 or more, which a surer box has;
- ``background``: it overlaps nothing by more than 0.1;
- ``both``: what is left, place and class are wrong.

The first of these that holds. ``missed`` are objects that no box has and none has in the wrong place or class. What a
kind costs is how much higher AP50 would be without it: boxes in the wrong place or class put right where their object
is free (the surest of them, the others left out), other wrong boxes left out, missed objects not counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.metrics.average_precision import ALL, AT_50, LIMITS, curve, mean_of_known
from striate.metrics.box_matching import ClassMatches
from striate.metrics.boxes import Found, Truth, iou
from striate.metrics.operating_points import checked_thresholds
from striate.metrics.probability import Bools, Floats, Ints

KINDS = ("class", "place", "both", "copy", "background", "missed")
FOREGROUND, BACKGROUND = 0.5, 0.1
_CLASS, _PLACE, _BOTH, _COPY, _BACKGROUND, _MISSED = range(len(KINDS))


@dataclass(frozen=True)
class BoxError:
    """One wrong box, or one missed object, of those that are said.

    ``picture`` is its row, ``found`` which box of the picture's `Found` it is (None for one that was missed), ``truth``
    which box of its `Truth` it is about (None for background); ``number`` is the class of the box, or of what was
    missed. ``overlap`` is that of the two.
    """

    kind: str
    picture: int
    number: int
    found: int | None
    truth: int | None
    score: float | None
    overlap: float

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON; class and boxes by number."""
        return dict(vars(self))


@dataclass(frozen=True, eq=False)
class BoxErrors:
    """What is wrong, by kind.

    ``ap50`` is AP50 as it is, ``costs`` how much higher it would be without each kind (0 to 1), of all boxes whatever
    their score. ``errors`` are those of the boxes that are said, surest first, then what is missed then;
    ``counts`` (K, 6) how many of each class and kind.
    """

    names: tuple[str, ...]
    ap50: float
    costs: Mapping[str, float]
    counts: Ints
    errors: tuple[BoxError, ...]

    @property
    def by_kind(self) -> dict[str, int]:
        """How many of each kind are said or missed, all classes together."""
        return dict(zip(KINDS, self.counts.sum(axis=0).tolist(), strict=True))

    def to_dict(self) -> dict[str, object]:
        """Return everything but the single errors, ready for JSON."""
        each = {
            name: dict(zip(KINDS, row, strict=True)) for name, row in zip(self.names, self.counts.tolist(), strict=True)
        }
        costs = {kind: None if np.isnan(cost) else cost for kind, cost in self.costs.items()}
        return {"counts": self.by_kind, "costs_AP50": costs, "per_class": each}


def box_errors(
    found: Sequence[Found],
    truth: Sequence[Truth],
    matches: Sequence[ClassMatches],
    names: Sequence[str],
    thresholds: ArrayLike,
) -> BoxErrors:
    """Return what is wrong with the boxes found, and what it costs.

    Arguments:
        found: what was found, a picture each.
        truth: what is there, in the same order.
        matches: of each class, `striate.metrics.box_matching.match` of the two.
        names: the names of the classes.
        thresholds: (K,) or (P, K), the score from which on boxes are said, for ``counts`` and ``errors``.

    Raises StriateError for thresholds of another shape.
    """
    cuts = checked_thresholds(thresholds, len(truth), len(names))
    flat = _Flat.of(matches)
    kinds, about, overlaps = _kinds(flat, found, truth)
    said = flat.scores >= cuts[flat.pictures, flat.classes]
    errors = _errors(flat, truth, kinds, about, overlaps, said)
    counts = np.zeros((len(names), len(KINDS)), np.int64)
    for one in errors:
        counts[one.number, KINDS.index(one.kind)] += 1
    ap50, costs = _costs(flat, truth, kinds, about, matches)
    return BoxErrors(tuple(names), ap50, dict(zip(KINDS, costs, strict=True)), counts, tuple(errors))


@dataclass(frozen=True, eq=False)
class _Flat:
    """The boxes of all classes in one row, class by class, as (D,) arrays; ``taken`` is -1 for none."""

    classes: Ints
    scores: Floats
    pictures: Ints
    rows: Ints
    ranks: Ints
    right: Bools
    open: Bools
    taken: Ints

    @classmethod
    def of(cls, matches: Sequence[ClassMatches]) -> _Flat:
        def joined(parts: list[NDArray[Any]], kind: type) -> NDArray[Any]:
            return np.concatenate([np.zeros(0, kind), *parts]).astype(kind)

        return cls(
            joined([np.full(len(one), number) for number, one in enumerate(matches)], np.int64),
            joined([one.scores for one in matches], np.float64),
            joined([one.pictures for one in matches], np.int64),
            joined([one.rows for one in matches], np.int64),
            joined([one.ranks for one in matches], np.int64),
            joined([one.right[ALL, AT_50] for one in matches], np.bool_),
            joined([one.open[ALL, AT_50] for one in matches], np.bool_),
            joined([one.taken[ALL, AT_50] for one in matches], np.int64),
        )


def _kinds(flat: _Flat, found: Sequence[Found], truth: Sequence[Truth]) -> tuple[Ints, Ints, Floats]:
    """Return of each box its kind of error (-1: none), which box there it is about (-1: none), and their overlap."""
    kinds, about, overlaps = (np.full(len(flat.scores), value) for value in (-1, -1, 0.0))
    wrong = np.flatnonzero(~flat.right & ~flat.open)
    wrong = wrong[np.argsort(flat.pictures[wrong], kind="stable")]
    ends = np.searchsorted(flat.pictures[wrong], np.arange(len(truth) + 1))
    for picture in np.unique(flat.pictures[wrong]).tolist():
        own = wrong[ends[picture] : ends[picture + 1]]
        there = np.flatnonzero(~truth[picture].ignored)
        if not len(there):
            kinds[own] = _BACKGROUND
            continue
        overlap = iou(found[picture].boxes[flat.rows[own]], truth[picture].boxes[there])
        same = flat.classes[own][:, None] == truth[picture].classes[there]
        mine, others = np.where(same, overlap, 0.0), np.where(same, 0.0, overlap)
        nearest, other = mine.argmax(axis=1), others.argmax(axis=1)
        most, most_other = mine.max(axis=1), others.max(axis=1)
        place = (most >= BACKGROUND) & (most < FOREGROUND)
        kind = np.select(
            [place, most_other >= FOREGROUND, most >= FOREGROUND, overlap.max(axis=1) <= BACKGROUND],
            [_PLACE, _CLASS, _COPY, _BACKGROUND],
            _BOTH,
        )
        kinds[own] = kind
        at = np.where((kind == _CLASS) | (kind == _BOTH), other, nearest)
        about[own] = np.where(kind == _BACKGROUND, -1, there[at])
        overlaps[own] = np.where(kind == _BACKGROUND, overlap.max(axis=1), overlap[np.arange(len(own)), at])
    return kinds, about, overlaps


def _missed(flat: _Flat, truth: Sequence[Truth], kinds: Ints, about: Ints, among: Bools) -> list[Ints]:
    """Return which boxes of each picture none of the boxes ``among`` has, nor has in the wrong place or class."""
    covered = [np.zeros(len(one), bool) for one in truth]
    hit = np.flatnonzero(among & flat.right)
    near = np.flatnonzero(among & ((kinds == _PLACE) | (kinds == _CLASS)))
    for places, rows in ((hit, flat.taken), (near, about)):
        for box in places.tolist():
            covered[int(flat.pictures[box])][int(rows[box])] = True
    return [
        np.flatnonzero(~seen & ~one.ignored & ~np.isin(one.classes, one.unlooked))
        for seen, one in zip(covered, truth, strict=True)
    ]


def _errors(
    flat: _Flat, truth: Sequence[Truth], kinds: Ints, about: Ints, overlaps: Floats, said: Bools
) -> list[BoxError]:
    wrong = np.flatnonzero(said & (kinds >= 0))
    wrong = wrong[np.argsort(-flat.scores[wrong], kind="stable")]
    errors = [
        BoxError(
            KINDS[int(kinds[box])],
            int(flat.pictures[box]),
            int(flat.classes[box]),
            int(flat.rows[box]),
            int(about[box]) if about[box] >= 0 else None,
            float(flat.scores[box]),
            float(overlaps[box]),
        )
        for box in wrong.tolist()
    ]
    for picture, rows in enumerate(_missed(flat, truth, kinds, about, said)):
        errors += [
            BoxError("missed", picture, int(truth[picture].classes[row]), None, row, None, 0.0) for row in rows.tolist()
        ]
    return errors


def _costs(
    flat: _Flat, truth: Sequence[Truth], kinds: Ints, about: Ints, matches: Sequence[ClassMatches]
) -> tuple[float, list[float]]:
    """Return AP50, and how much higher it would be without each kind of error."""
    within = flat.ranks < LIMITS[-1]
    counts = np.array([int(one.present[ALL].sum()) for one in matches], np.int64)
    plain = _ap50(flat.classes, flat.scores, flat.right, flat.open, within, counts, counts)
    mended, into = _mended(flat, truth, kinds, about, within)
    costs = []
    for kind in range(len(KINDS)):
        left, classes, right, objects = within.copy(), flat.classes.copy(), flat.right.copy(), counts.copy()
        wrong = kinds == kind
        if kind == _MISSED:
            for one, rows in zip(truth, _missed(flat, truth, kinds, about, within), strict=True):
                np.subtract.at(objects, one.classes[rows], 1)
        elif kind in (_PLACE, _CLASS):
            left &= ~wrong | mended
            right |= wrong & mended
            classes = np.where(wrong & mended, into, classes)
        else:
            left &= ~wrong
        costs.append(max(0.0, _ap50(classes, flat.scores, right, flat.open, left, objects, counts) - plain))
    return plain, [float("nan")] * len(KINDS) if np.isnan(plain) else costs


def _mended(flat: _Flat, truth: Sequence[Truth], kinds: Ints, about: Ints, within: Bools) -> tuple[Bools, Ints]:
    """Return which boxes in the wrong place or class are the surest for an object nobody has, and its class."""
    mended, into = np.zeros(len(kinds), bool), flat.classes.copy()
    taken = {(int(flat.pictures[box]), int(flat.taken[box])) for box in np.flatnonzero(within & flat.right).tolist()}
    near = np.flatnonzero(within & ((kinds == _PLACE) | (kinds == _CLASS)))
    for box in near[np.argsort(-flat.scores[near], kind="stable")].tolist():
        at = int(flat.pictures[box]), int(about[box])
        if at not in taken:
            taken.add(at)
            mended[box] = True
            into[box] = truth[at[0]].classes[at[1]]
    return mended, into


def _ap50(
    classes: Ints, scores: Floats, right: Bools, left_open: Bools, among: Bools, objects: Ints, present: Ints
) -> float:
    """Return AP50 over the classes that are ``present``, of the boxes ``among``, where ``objects`` count.

    Where none of a class counts any more, what is said of it is wrong, and it is left out where nothing is said.
    """
    values = []
    for number in np.flatnonzero(present > 0).tolist():
        rows = np.flatnonzero(among & (classes == number))
        if objects[number]:
            rows = rows[np.argsort(-scores[rows], kind="stable")]
            values.append(float(curve(right[None, rows], left_open[None, rows], int(objects[number])).mean()))
        elif len(rows):
            values.append(0.0)
    return mean_of_known(np.array(values))
