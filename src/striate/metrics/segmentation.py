"""How good a class for every pixel is: counts of pixels over the whole set, and the shares that come of them.

The intersection over union of a class is the pixels that are of it and are called so, as a share of those that are
either; mean IoU is the mean over the classes that are there, of one count over all pictures (not a mean over pictures).
Dice is twice the pixels that are both, as a share of the sum of the two (F1 of pixels). A class of which no pixel is
there is not a number: what is called so counts against the others alone. Pixels that are void do not count at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import StriateError
from striate.metrics.intervals import Interval
from striate.metrics.picture_bootstrap import PictureBootstrap
from striate.metrics.probability import Floats, Ints
from striate.metrics.reliability import BINS
from striate.words import counted

VOID = 255  # the number in a mask of pixels of which nothing is said


@dataclass(frozen=True, eq=False)
class PixelCounts:
    """Pixels of P pictures and K classes, counted; void ones left out.

    Attributes:
        confusion: (K, K), of the whole set: rows are what a pixel is, columns what it is called.
        hits: (P, K), pixels that are of a class and are called so.
        there: (P, K), pixels that are of a class.
        called: (P, K), pixels that are called so.
        bins: (P, 15, 3), by confidence: how many pixels, how many of them right, the sum of their confidences; all 0
            where no confidences were given.
    """

    confusion: Ints
    hits: Ints
    there: Ints
    called: Ints
    bins: Floats

    @property
    def pictures(self) -> int:
        """How many pictures were counted."""
        return len(self.hits)

    @property
    def iou(self) -> Floats:
        """The intersection over union of every class (K,), NaN where no pixel is of it."""
        return iou_of(self.hits.sum(axis=0), self.there.sum(axis=0), self.called.sum(axis=0))

    @property
    def dice(self) -> Floats:
        """Dice of every class (K,), NaN where no pixel is of it."""
        return dice_of(self.hits.sum(axis=0), self.there.sum(axis=0), self.called.sum(axis=0))

    @property
    def accuracy(self) -> float:
        """The share of all pixels that is right; NaN where all are void."""
        total = int(self.confusion.sum())
        return float(self.confusion.trace() / total) if total else float("nan")

    @property
    def by_picture(self) -> Floats:
        """The mean IoU (P,) over the classes that are there in each picture; NaN where all of it is void."""
        each = iou_of(self.hits, self.there, self.called)
        known = ~np.isnan(each)
        with np.errstate(invalid="ignore"):
            means: Floats = np.where(known, each, 0.0).sum(axis=1) / np.where(
                known.any(axis=1), known.sum(axis=1), np.nan
            )
        return means


def pixel_counts(
    answers: Iterable[NDArray[Any]],
    truths: Iterable[NDArray[Any]],
    classes: int,
    confidences: Iterable[NDArray[Any]] | None = None,
) -> PixelCounts:
    """Count what answers and truth have in common, picture by picture; sizes may differ from picture to picture.

    Arguments:
        answers: (H, W) each, class numbers.
        truths: (H, W) each, class numbers, `VOID` where nothing is said.
        classes: how many classes there are.
        confidences: (H, W) each, the probability given to the answer; None: they are not measured.

    Raises StriateError for no pictures, sizes that differ, and numbers that are no class.

    Example: ``pixel_counts([np.array([[0, 1]])], [np.array([[0, 0]])], 2).iou[0]`` is 0.5.
    """
    rows: list[tuple[Ints, Floats]] = []
    sure = iter(confidences) if confidences is not None else None
    for picture, (answer, truth) in enumerate(zip(answers, truths, strict=True)):
        rows.append(_counted(picture, answer, truth, classes, None if sure is None else next(sure)))
    if not rows:
        raise StriateError("there are no pictures to measure; give at least one with its mask")
    each = np.stack([row[0] for row in rows])
    return PixelCounts(
        confusion=each.sum(axis=0),
        hits=np.diagonal(each, axis1=1, axis2=2).copy(),
        there=each.sum(axis=2),
        called=each.sum(axis=1),
        bins=np.stack([row[1] for row in rows]),
    )


def _counted(
    picture: int, answer: NDArray[Any], truth: NDArray[Any], classes: int, sure: NDArray[Any] | None
) -> tuple[Ints, Floats]:
    given, wanted = np.asarray(answer), np.asarray(truth)
    if given.shape != wanted.shape or given.ndim != 2:
        raise StriateError(
            f"the answer to picture {picture} is of {given.shape} and its mask of {wanted.shape}; both must be (height,"
            " width) and the same"
        )
    valid = wanted != VOID
    mine, there = given[valid].astype(np.int64), wanted[valid].astype(np.int64)
    for name, some in (("answer", mine), ("mask", there)):
        if some.size and (some.min() < 0 or some.max() >= classes):
            odd = int(some[(some < 0) | (some >= classes)][0])
            raise StriateError(
                f"the {name} of picture {picture} holds {odd}; there are only {counted(classes, 'class')}, from 0, and"
                f" {VOID} for pixels that nothing is said of"
            )
    confusion = np.bincount(there * classes + mine, minlength=classes * classes).reshape(classes, classes)
    bins = np.zeros((BINS, 3))
    if sure is not None and there.size:
        chance = np.asarray(sure, np.float64)
        if chance.shape != wanted.shape:
            raise StriateError(f"the confidences of picture {picture} are of {chance.shape}, its mask {wanted.shape}")
        chance = chance[valid]
        if not (chance.min() >= 0 and chance.max() <= 1 + 1e-6):  # NaN is refused by it too
            raise StriateError(f"confidences lie from 0 to 1; those of picture {picture} do not")
        which = np.clip(np.ceil(chance * BINS).astype(np.int64) - 1, 0, BINS - 1)
        for column, weights in enumerate((None, (mine == there).astype(np.float64), chance)):
            bins[:, column] = np.bincount(which, weights, minlength=BINS)
    return confusion.astype(np.int64), bins


def iou_of(hits: NDArray[Any], there: NDArray[Any], called: NDArray[Any]) -> Floats:
    """Return intersection over union of pixel counts of any one shape, NaN where nothing is there."""
    return _ratio(hits, np.asarray(there, np.float64) + called - hits, there)


def dice_of(hits: NDArray[Any], there: NDArray[Any], called: NDArray[Any]) -> Floats:
    """Return Dice of pixel counts of any one shape, NaN where nothing is there."""
    return _ratio(2.0 * np.asarray(hits), np.asarray(there, np.float64) + called, there)


def _ratio(part: NDArray[Any], whole: Floats, there: NDArray[Any]) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        shares: Floats = np.where(np.asarray(there) > 0, part / whole, np.nan)
    return shares


@dataclass(frozen=True)
class PixelMeasure:
    """One class: how many pixels and pictures have it, how many are called so; None where no pixel is of it."""

    name: str
    pixels: int
    pictures: int
    called: int
    iou: Interval | None
    dice: Interval | None
    precision: Interval | None
    recall: Interval | None

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        shares = {
            kind: None if (one := getattr(self, kind)) is None else one.to_dict()
            for kind in ("iou", "dice", "precision", "recall")
        }
        return {
            "class": self.name,
            "pixels": self.pixels,
            "pictures": self.pictures,
            "called": self.called,
            **shares,
        }


@dataclass(frozen=True)
class PixelMeasures:
    """The figures of a class for every pixel; None where nothing is there to measure by.

    ``calibration_error`` is how far confidences are from the share of pixels that is right.
    """

    mean_iou: Interval | None
    mean_dice: Interval | None
    accuracy: Interval | None
    calibration_error: Interval | None
    per_class: tuple[PixelMeasure, ...]

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON: a number without meaning is None, never NaN."""
        names = ("mean_iou", "mean_dice", "accuracy", "calibration_error")
        shares = {name: None if (one := getattr(self, name)) is None else one.to_dict() for name in names}
        return {**shares, "per_class": [one.to_dict() for one in self.per_class]}


def pixel_measures(counts: PixelCounts, names: Sequence[str], pictures: PictureBootstrap) -> PixelMeasures:
    """Return the figures of pixels that were counted, with intervals by picture.

    Example: ``pixel_measures(pixel_counts([np.array([[0, 1]])], [np.array([[0, 0]])], 2), ("sky", "sea"),
    PictureBootstrap.of(1)).mean_iou.value`` is 0.5.
    """
    kinds = len(names)
    if counts.hits.shape[1] != kinds:
        raise StriateError(f"{counts.hits.shape[1]} classes were counted, and {kinds} are named")
    drawn = pictures.sums(np.concatenate([counts.hits, counts.there, counts.called], axis=1))
    hits, there, called = (drawn[:, part * kinds : (part + 1) * kinds] for part in range(3))
    # Sums of float32: what is nearly nothing is nothing.
    there = np.where(there < 0.5, 0.0, there)
    ious, dices = iou_of(hits, there, called), dice_of(hits, there, called)

    def mean(value: Floats, resampled: Floats) -> Interval | None:
        if np.isnan(value).all():
            return None
        known = ~np.isnan(resampled)
        with np.errstate(invalid="ignore"):
            means = np.where(known, resampled, 0.0).sum(axis=1) / known.sum(axis=1)
        return pictures.interval(float(np.nanmean(value)), means, high=1.0)

    def share(part: Ints, whole: Ints, some: Floats, all_of_them: Floats) -> Interval | None:
        if not whole.sum():
            return None
        with np.errstate(invalid="ignore", divide="ignore"):
            return pictures.interval(float(part.sum() / whole.sum()), some / all_of_them, high=1.0)

    own_iou, own_dice = counts.iou, counts.dice
    each = []
    for kind, name in enumerate(names):
        present = bool(counts.there[:, kind].sum())
        part = counts.hits[:, kind], counts.called[:, kind], hits[:, kind], called[:, kind]
        each.append(
            PixelMeasure(
                name=name,
                pixels=int(counts.there[:, kind].sum()),
                pictures=int((counts.there[:, kind] > 0).sum()),
                called=int(counts.called[:, kind].sum()),
                iou=pictures.interval(float(own_iou[kind]), ious[:, kind], high=1.0),
                dice=pictures.interval(float(own_dice[kind]), dices[:, kind], high=1.0),
                precision=share(*part) if present else None,
                recall=share(counts.hits[:, kind], counts.there[:, kind], hits[:, kind], there[:, kind]),
            )
        )
    return PixelMeasures(
        mean_iou=mean(own_iou, ious),
        mean_dice=mean(own_dice, dices),
        accuracy=share(counts.hits, counts.there, hits.sum(axis=1), there.sum(axis=1)),
        calibration_error=_calibration_error(counts, pictures),
        per_class=tuple(each),
    )


def _calibration_error(counts: PixelCounts, pictures: PictureBootstrap) -> Interval | None:
    """Return the expected calibration error of pixels, its ends as `striate.metrics.box_calibration` has them."""
    total = counts.bins[:, :, 0].sum()
    if not total:
        return None
    gaps = counts.bins[:, :, 1] - counts.bins[:, :, 2]
    value = float(np.abs(gaps.sum(axis=0)).sum() / total)
    drawn = pictures.sums(np.column_stack([gaps, counts.bins[:, :, 0].sum(axis=1)]))
    with np.errstate(invalid="ignore", divide="ignore"):
        resampled = np.abs(drawn[:, :-1]).sum(axis=1) / drawn[:, -1]
    return pictures.mirrored(value, resampled)
