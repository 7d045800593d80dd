"""Precision, recall and F1 by the score from which on something is said, and which score to say it from.

Of boxes, of classes and of tags. A box is right where it overlaps an object of its class by half of both together (an
intersection over union of 0.50).
Leaving out boxes below a score changes nothing about the surer ones, so one matching serves every threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from striate.errors import StriateError
from striate.metrics.average_precision import ALL, AT_50
from striate.metrics.box_matching import ClassMatches
from striate.metrics.intervals import Interval, wilson
from striate.metrics.picture_bootstrap import PictureBootstrap
from striate.metrics.probability import Bools, Floats, Ints


@dataclass(frozen=True)
class Point:
    """One class, its boxes said from ``threshold`` on: how many, how many of them right, how many objects missed.

    Boxes that are neither right nor wrong are not counted. None says that a figure has no meaning: precision where
    nothing is said, recall where nothing is there.
    """

    name: str
    threshold: float
    present: int
    said: int
    right: int
    precision: Interval | None
    recall: Interval | None
    f1: Interval | None

    @property
    def missed(self) -> int:
        """How many objects are there that no box found."""
        return self.present - self.right

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        shares = {
            kind: None if (one := getattr(self, kind)) is None else one.to_dict()
            for kind in ("precision", "recall", "f1")
        }
        counts = {"present": self.present, "said": self.said, "right": self.right, "missed": self.missed}
        return {"class": self.name, "threshold": self.threshold, **counts, **shares}


@dataclass(frozen=True, eq=False)
class OperatingPoints:
    """What one class comes to from each score on: ``scores`` (S,), the different ones, falling.

    ``right`` (S,) and ``said`` (S,) count the boxes from there on, ``present`` the objects that are there.

    Example: ``operating_points(match([Found([[0, 0, 9, 9]], [0], [0.8])], [Truth([[0, 0, 9, 9]], [0])], classes=1)[0])
    .best_f1()`` is 0.8.
    """

    scores: Floats
    right: Ints
    said: Ints
    present: int

    @property
    def precision(self) -> Floats:
        """The share of the said boxes that is right (S,); 1 where nothing counts as said."""
        return np.where(self.said > 0, self.right / np.maximum(self.said, 1), 1.0)

    @property
    def recall(self) -> Floats:
        """The share of the objects that is found (S,); NaN where none is there."""
        return self.right / self.present if self.present else np.full(len(self.right), np.nan)

    @property
    def f1(self) -> Floats:
        """F1 (S,): 2 x right / (said + present)."""
        return 2 * self.right / np.maximum(self.said + self.present, 1)

    def best_f1(self) -> float | None:
        """Return the score to say boxes from for the highest F1, of equal ones the highest; None without an object.

        It lies halfway between the last box said and the next one, so that it does not hang on either.
        """
        if not self.present or not len(self.scores) or not self.right[-1]:
            return None
        return self._below(int(np.argmax(self.f1)))

    def for_precision(self, wanted: float) -> float | None:
        """Return the lowest score from which on precision is at least that high; None where it never is.

        Errors: StriateError for what is no share.
        """
        able = np.flatnonzero((self.precision >= _share(wanted)) & (self.right > 0))
        return self._below(int(able[-1])) if len(able) else None

    def for_recall(self, wanted: float) -> float | None:
        """Return the highest score from which on recall is at least that high; None where it never is.

        Errors: StriateError for what is no share.
        """
        able = np.flatnonzero(self.recall >= _share(wanted))
        return self._below(int(able[0])) if len(able) else None

    def counts_from(self, thresholds: ArrayLike) -> tuple[Ints, Ints]:
        """Return how many are said from each threshold (T,) on, and how many of those are right.

        Example: ``points_of([0.9, 0.4], [True, False], present=1).counts_from([0.5])[0].tolist()`` is ``[1]``.
        """
        places = np.searchsorted(-self.scores, -np.asarray(thresholds, np.float64), side="right")
        said, right = (np.concatenate([[0], one])[places].astype(np.int64) for one in (self.said, self.right))
        return said, right

    def _below(self, place: int) -> float:
        here = float(self.scores[place])
        return here if place + 1 == len(self.scores) else (here + float(self.scores[place + 1])) / 2


@dataclass(frozen=True, eq=False)
class Cut:
    """What answers called ``name`` come to from each score on, and the score ``chosen``, which they are said from.

    ``design`` is the design effect of answers that are not independent; None where one picture has several of them,
    and Wilson's intervals would be too narrow.
    """

    name: str
    points: OperatingPoints
    chosen: float
    design: float | None = 1.0

    def at(self, threshold: float) -> Point:
        """Return what they come to from one score on, shares with their intervals where answers are independent."""
        said, right = (int(one[0]) for one in self.points.counts_from([threshold]))
        present, design = self.points.present, self.design
        precision, recall = (None if design is None else wilson(right, of, design=design) for of in (said, present))
        return Point(self.name, threshold, present, said, right, precision, recall, None)


def points_of(scores: ArrayLike, right: ArrayLike, present: int) -> OperatingPoints:
    """Return what answers (N,) come to from each of their scores on: which are right (N,), how many there are to find.

    Example: ``points_of([0.9, 0.4], [True, False], present=2).recall`` is ``[0.5, 0.5]``.
    """
    values, hits = np.asarray(scores, np.float64), np.asarray(right, bool)
    order = np.argsort(-values, kind="stable")
    falling = values[order]
    ends = np.flatnonzero(np.append(np.diff(falling) != 0, True)) if len(falling) else np.zeros(0, np.int64)
    return OperatingPoints(falling[ends], np.cumsum(hits[order])[ends], ends + 1, int(present))


def operating_points(one: ClassMatches) -> OperatingPoints:
    """Return precision and recall of a class from each of its scores on, at an overlap of 0.50, no box left out."""
    right, said = one.right[ALL, AT_50], ~one.open[ALL, AT_50]
    ends = np.flatnonzero(np.append(np.diff(one.scores) != 0, True)) if len(one) else np.zeros(0, np.int64)
    return OperatingPoints(one.scores[ends], np.cumsum(right)[ends], np.cumsum(said)[ends], int(one.present[ALL].sum()))


def points_at(
    matches: Sequence[ClassMatches], names: Sequence[str], thresholds: ArrayLike, pictures: PictureBootstrap
) -> tuple[Point, ...]:
    """Return precision, recall and F1 of every class at its threshold, with intervals by picture.

    Arguments:
        matches: the boxes of each class, at COCO's overlaps and sizes.
        names: the names of the classes.
        thresholds: (K,), the score from which on boxes of a class are said; or (P, K), each picture's own, where they
            were chosen by other pictures.
        pictures: the pictures to draw again.

    Raises StriateError for thresholds of another shape.
    """
    cuts = checked_thresholds(thresholds, len(pictures.group), len(names))
    found = []
    for kind, (one, name) in enumerate(zip(matches, names, strict=True)):
        said = one.scores >= cuts[one.pictures, kind]
        right = _by_picture(one, said & one.right[ALL, AT_50], len(cuts))
        counted = _by_picture(one, said & ~one.open[ALL, AT_50], len(cuts))
        present = one.present[ALL].astype(np.float64)
        found.append(
            Point(
                name=name,
                threshold=float(cuts[:, kind].mean()),
                present=int(present.sum()),
                said=int(counted.sum()),
                right=int(right.sum()),
                precision=pictures.share(right, counted),
                recall=pictures.share(right, present),
                f1=pictures.f1(right, present - right, counted - right) if present.sum() else None,
            )
        )
    return tuple(found)


def checked_thresholds(thresholds: ArrayLike, pictures: int, classes: int) -> Floats:
    """Return thresholds (K,) or (P, K) as (P, K), or raise StriateError that says what was given.

    Example: ``checked_thresholds([0.5, 0.4], 3, 2).shape`` is ``(3, 2)``.
    """
    given = np.asarray(thresholds, np.float64)
    if given.shape not in ((classes,), (pictures, classes)) or np.isnan(given).any():
        raise StriateError(
            f"there must be a threshold for each of {classes} classes, or one a picture and class; these are of shape"
            f" {given.shape}" + (" and hold NaN" if np.isnan(given).any() else "")
        )
    return np.ascontiguousarray(np.broadcast_to(given, (pictures, classes)))


def _by_picture(one: ClassMatches, marked: Bools, pictures: int) -> Floats:
    return np.bincount(one.pictures[marked], minlength=pictures).astype(np.float64)


def _share(wanted: float) -> float:
    if not 0 < wanted <= 1:
        raise StriateError(f"a share that is wanted lies above 0 and up to 1, unlike {wanted}")
    return wanted
