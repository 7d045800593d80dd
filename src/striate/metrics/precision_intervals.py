"""How far average precision can be trusted: 95 % intervals by drawing whole pictures again.

A picture that is drawn twice counts twice, with its boxes and its objects; so a resample is the same boxes in the same
order with other weights, and no box is matched again. The interval of a class is the wider of that and Wilson's for a
mean over as many objects, end by end, as `striate.metrics.tagging` has it; that of a mean over classes likewise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.metrics.average_precision import ALL, AT_50, AT_75, LIMITS, RECALLS, Precision, mean_of_known
from striate.metrics.box_matching import SIZES, THRESHOLDS, ClassMatches
from striate.metrics.intervals import RESAMPLES, Interval, mean_of, wilson
from striate.metrics.picture_bootstrap import PictureBootstrap
from striate.metrics.probability import Floats, Ints

_AT_ONCE = 2_000_000  # resampled boxes held at once: 16 MB an array
_WORTH = 300_000_000  # resampled boxes in all, over thresholds and sizes: some seconds; with more, fewer resamples
_NEAR = 1e-6  # a hundredth of recall that rounding left this much too low is reached


@dataclass(frozen=True)
class PrecisionIntervals:
    """AP with its interval, None where nothing is there to measure by.

    ``sizes`` are AP of small, medium and large; ``per_class`` and ``per_class_50`` AP and AP50 of every class.
    """

    ap: Interval | None
    ap50: Interval | None
    ap75: Interval | None
    sizes: Mapping[str, Interval | None]
    per_class: tuple[Interval | None, ...]
    per_class_50: tuple[Interval | None, ...]

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        return {
            "AP": _plain(self.ap),
            "AP50": _plain(self.ap50),
            "AP75": _plain(self.ap75),
            **{f"AP_{name}": _plain(one) for name, one in self.sizes.items()},
            "per_class": [_plain(one) for one in self.per_class],
            "per_class_50": [_plain(one) for one in self.per_class_50],
        }


def precision_intervals(
    precision: Precision, *, groups: ArrayLike | None = None, design: float = 1.0, seed: int = 0
) -> PrecisionIntervals:
    """Return average precision with its 95 % intervals.

    Arguments:
        precision: what `striate.metrics.average_precision.coco` found.
        groups: (P,), equal for copies of a picture; None where there are none.
        design: the design effect of answers that are not independent (docs/decisions/0010).
        seed: of the draws; the same gives the same intervals.

    Example: ``precision_intervals(coco([Found([[0, 0, 9, 9]], [0], [0.8])], [Truth([[0, 0, 9, 9]], [0])], ("cat",)))
    .ap.high`` is 1.0.
    """
    boxes = sum(len(one) for one in precision.matches) * 4 + precision.pictures
    resamples = min(RESAMPLES, _WORTH // (10 * boxes))
    pictures = PictureBootstrap.of(precision.pictures, groups=groups, design=design, seed=seed, resamples=resamples)
    # (resamples, 10, K, 4), NaN where a class is not among the pictures drawn.
    drawn = np.stack(
        [np.stack([_areas(one, size, pictures) for size in range(len(SIZES))], axis=2) for one in precision.matches],
        axis=2,
    )
    sizes = {
        name: _mean(precision, drawn, pictures, slice(None), place)
        for place, (name, _, _) in enumerate(SIZES)
        if place != ALL
    }
    kinds = range(len(precision.names))
    return PrecisionIntervals(
        ap=_mean(precision, drawn, pictures, slice(None), ALL),
        ap50=_mean(precision, drawn, pictures, slice(AT_50, AT_50 + 1), ALL),
        ap75=_mean(precision, drawn, pictures, slice(AT_75, AT_75 + 1), ALL),
        sizes=sizes,
        per_class=tuple(_one(precision, drawn, pictures, slice(None), kind) for kind in kinds),
        per_class_50=tuple(_one(precision, drawn, pictures, slice(AT_50, AT_50 + 1), kind) for kind in kinds),
    )


def _plain(one: Interval | None) -> dict[str, float] | None:
    return None if one is None else one.to_dict()


def _own(precision: Precision, at: slice, kind: int, size: int, effect: float) -> Interval | None:
    """Return the average precision of a class with Wilson's interval of a mean over its objects."""
    objects = int(precision.present[kind, size])
    value = mean_of_known(precision.precision[at, :, kind, size])
    return wilson(min(1.0, value) * objects, objects, design=effect) if objects else None


def _one(precision: Precision, drawn: Floats, pictures: PictureBootstrap, at: slice, kind: int) -> Interval | None:
    value = mean_of_known(precision.precision[at, :, kind, ALL])
    own = _own(precision, at, kind, ALL, pictures.effect)
    return pictures.interval(value, drawn[:, at, kind, ALL].mean(axis=1), high=1.0, own=own)


def _mean(precision: Precision, drawn: Floats, pictures: PictureBootstrap, at: slice, size: int) -> Interval | None:
    """Return the mean over the classes that are there, of a resample over those that were drawn."""
    value = mean_of_known(precision.precision[at, :, :, size])
    each = [_own(precision, at, kind, size, pictures.effect) for kind in range(len(precision.names))]
    there = [one for one in each if one is not None]
    if not there:
        return None
    means = drawn[:, at, :, size].mean(axis=1)
    known = ~np.isnan(means)
    with np.errstate(invalid="ignore"):
        resampled = np.where(known, means, 0.0).sum(axis=1) / known.sum(axis=1)
    return pictures.interval(value, resampled, high=1.0, own=mean_of(there, np.ones(len(there))))


def _areas(one: ClassMatches, size: int, pictures: PictureBootstrap) -> Floats:
    """Return the average precision (resamples, 10) of a class at one size; NaN where none of it was drawn."""
    within = one.ranks < LIMITS[-1]
    picture, present = one.pictures[within], one.present[size].astype(np.float64)
    marks = [
        (np.flatnonzero(one.right[size, place][within]), np.flatnonzero(one.open[size, place][within]))
        for place in range(len(THRESHOLDS))
    ]
    found = []
    for times in pictures.times():
        step = max(1, _AT_ONCE // max(len(picture), 1))
        for begin in range(0, len(times), step):
            some = times[begin : begin + step]
            there = some @ present
            weights = some[:, picture]
            said = np.cumsum(weights, axis=1, dtype=np.float64)
            each = [_area(weights, said, right, left_open, there) for right, left_open in marks]
            found.append(np.stack(each, axis=1))
    return np.concatenate(found)


def _area(weights: NDArray[np.float32], said: Floats, right: Ints, left_open: Ints, there: Floats) -> Floats:
    """Return the mean precision over the recalls (B,), of boxes that count ``weights`` (B, D) times each.

    Precision falls between two right boxes and its best is at the next one, so the right ones are enough.
    """
    if not len(right):
        return np.where(there > 0, 0.0, np.nan)
    hits = np.cumsum(weights[:, right], axis=1, dtype=np.float64)
    counted = said[:, right]
    if len(left_open):
        neither = np.cumsum(weights[:, left_open], axis=1, dtype=np.float64)
        before = np.searchsorted(left_open, right) - 1  # the last that is neither, before each right one
        counted = counted - np.where(before >= 0, neither[:, np.maximum(before, 0)], 0.0)
    precision = hits / np.maximum(counted, 1.0)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        reached = np.where(there[:, None] > 0, hits / there[:, None], 0.0)
    # How many of the recalls 0.00, 0.01 ... are reached with each right box, and were not before it. A box of a picture
    # that was not drawn reaches none.
    steps = np.floor((len(RECALLS) - 1) * reached + _NEAR) + 1
    gained = np.diff(steps, axis=1, prepend=0.0)
    areas = (best * gained).sum(axis=1) / len(RECALLS)
    return np.where(there > 0, areas, np.nan)
