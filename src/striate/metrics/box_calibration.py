"""Does a score of 87 % mean 87 %: of boxes with about that score, how many are right.

A box is right where it overlaps an object of its class, that no surer box took, by an intersection over union of 0.50;
boxes that are neither right nor wrong do not count. The error is sum over bins of (boxes in it / all) x |share that is
right - mean score| (Naeini et al. 2015; for boxes Kueppers et al. 2020). Boxes with scores near 0 are many, and are
hardly ever right, so that counting them hides what the others do: count those that are said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from striate.errors import StriateError
from striate.metrics.average_precision import ALL, AT_50
from striate.metrics.box_matching import ClassMatches
from striate.metrics.intervals import Interval
from striate.metrics.operating_points import checked_thresholds
from striate.metrics.picture_bootstrap import PictureBootstrap
from striate.metrics.probability import Bools, Floats, Ints
from striate.metrics.reliability import BINS


@dataclass(frozen=True)
class ScoreBin:
    """The boxes with a score above ``low`` and up to ``high``: how many, their mean score, how many are right."""

    low: float
    high: float
    boxes: int
    score: float | None
    right: Interval | None

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        return {**vars(self), "right": None if self.right is None else self.right.to_dict()}


@dataclass(frozen=True)
class BoxCalibration:
    """How far scores are from the share that is right: ``error``, None where no box is said; ``bins``.

    ``chance`` is what the error would be in the mean of scores that are exactly right, as there are only so many boxes;
    None as the error is.
    """

    boxes: int
    error: Interval | None
    bins: tuple[ScoreBin, ...]
    chance: float | None = None

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        error = None if self.error is None else self.error.to_dict()
        return {
            "boxes": self.boxes,
            "error": error,
            "by_chance": self.chance,
            "bins": [one.to_dict() for one in self.bins],
        }


def box_calibration(
    matches: Sequence[ClassMatches], thresholds: ArrayLike, pictures: PictureBootstrap, *, bins: int = BINS
) -> BoxCalibration:
    """Return the calibration of the scores of boxes that are said.

    Arguments:
        matches: the boxes of each class.
        thresholds: (K,) or (P, K), the score from which on boxes are said.
        pictures: the pictures to draw again.
        bins: how many equally wide ones.

    Raises StriateError for scores that are no probabilities.
    """
    cuts = checked_thresholds(thresholds, len(pictures.group), len(matches))
    scores, right, picture = said_boxes(matches, cuts)
    if len(scores) and (scores.min() < 0 or scores.max() > 1 + 1e-6):
        raise StriateError(
            f"scores that are calibrated lie from 0 to 1, these from {scores.min():.3g} to {scores.max():.3g}"
        )
    edges = np.linspace(0.0, 1.0, bins + 1)
    which = np.clip(np.searchsorted(edges, scores, side="left") - 1, 0, bins - 1)
    count, hits, sums = (_sums(picture, which, values, len(cuts), bins) for values in (None, right, scores))
    found = tuple(
        ScoreBin(
            float(edges[one]),
            float(edges[one + 1]),
            int(count[:, one].sum()),
            float(sums[:, one].sum() / count[:, one].sum()) if count[:, one].any() else None,
            pictures.share(hits[:, one], count[:, one]),
        )
        for one in range(bins)
    )
    if not len(scores):
        return BoxCalibration(0, None, found)
    gaps = hits - sums
    value = float(np.abs(gaps.sum(axis=0)).sum() / len(scores))
    drawn = pictures.sums(np.column_stack([gaps, count.sum(axis=1)]))
    with np.errstate(invalid="ignore", divide="ignore"):
        resampled = np.abs(drawn[:, :-1]).sum(axis=1) / drawn[:, -1]
    return BoxCalibration(len(scores), pictures.mirrored(value, resampled), found, by_chance(scores, which, bins))


def by_chance(scores: Floats, which: Ints, bins: int = BINS) -> float:
    """Return the mean error of scores (D,) in bins ``which`` (D,) where each is the very chance that its box is right.

    The boxes right in a bin are then a sum of coins, and how far it lies from the sum of the scores is in the mean
    sqrt(2 / pi) of its standard deviation, by the normal distribution; boxes of a picture are taken for independent, so
    that it is more rather than less. Source: Bröcker and Smith 2007, "Increasing the Reliability of Reliability
    Diagrams", who draw the coins.

    Example: ``by_chance(np.full(100, 0.5), np.zeros(100, int))`` is 0.0399.
    """
    spread = np.bincount(which, scores * (1 - scores), minlength=bins)
    return float(np.sqrt(2 / np.pi * np.maximum(spread, 0.0)).sum() / len(scores))


def said_boxes(matches: Sequence[ClassMatches], cuts: Floats) -> tuple[Floats, Bools, Ints]:
    """Return of the boxes said from thresholds (P, K) on that count: score, whether it is right, picture."""
    parts = []
    for number, one in enumerate(matches):
        said = (one.scores >= cuts[one.pictures, number]) & ~one.open[ALL, AT_50]
        parts.append((one.scores[said], one.right[ALL, AT_50][said], one.pictures[said]))
    scores = np.concatenate([np.zeros(0), *(part[0] for part in parts)])
    right = np.concatenate([np.zeros(0, bool), *(part[1] for part in parts)])
    return scores, right, np.concatenate([np.zeros(0, np.int64), *(part[2] for part in parts)])


def _sums(picture: Ints, which: Ints, values: Floats | Bools | None, pictures: int, bins: int) -> Floats:
    weights = None if values is None else values.astype(np.float64)
    sums = np.bincount(picture * bins + which, weights, minlength=pictures * bins)
    return sums.reshape(pictures, bins).astype(np.float64)
