"""How good predicted numbers are: pure functions on (N,) predictions and (N,) targets.

A circular target (an angle of 360 degrees, an hour of 24) has a ``period``: an error is then the shorter way round,
and R2 compares circular variances (Mardia and Jupp, "Directional Statistics", 2000, sections 2.3 and 11.3). The figures
with their intervals are in `metrics.regression_report`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from striate.errors import StriateError
from striate.metrics.probability import Floats
from striate.words import counted, plural


def errors(predicted: ArrayLike, targets: ArrayLike, *, period: float | None = None) -> Floats:
    """Return predicted minus true, (N,); with a ``period`` the shorter way round, from -period/2 up to period/2.

    Example: ``errors([359.0], [1.0], period=360)`` is ``[-2.0]``.
    """
    mine, wanted = checked_numbers(predicted, targets)
    difference: Floats = mine - wanted
    return difference if period is None else shorter_way(difference, period)


def shorter_way(difference: ArrayLike, period: float) -> Floats:
    """Return differences on a circle as the shorter way round, from -period/2 up to, not including, period/2.

    Raises StriateError for a period that is not a positive number.
    Example: ``shorter_way([350.0, -190.0], 360)`` is ``[-10.0, 170.0]``.
    """
    whole, half = checked_period(period), period / 2
    wrapped: Floats = np.mod(np.asarray(difference, np.float64) + half, whole) - half
    return np.where(wrapped >= half, -half, wrapped)  # rounding may bring the largest up to the half itself


def circular_mean(values: ArrayLike, period: float) -> float | None:
    """Return the mean direction of (N,) values on a circle, from 0 to ``period``; None where they cancel out.

    Source: Mardia and Jupp 2000, section 2.2. Example: ``circular_mean([350.0, 10.0], 360)`` is 0.0.
    """
    turns = np.asarray(values, np.float64) * (2 * math.pi / checked_period(period))
    cosine, sine = float(np.cos(turns).mean()), float(np.sin(turns).mean())
    if math.hypot(cosine, sine) < 1e-12:
        return None
    mean = math.atan2(sine, cosine) * period / (2 * math.pi)
    return 0.0 if abs(mean) < 1e-12 * period else mean % period


def mean_absolute_error(predicted: ArrayLike, targets: ArrayLike, *, period: float | None = None) -> float:
    """Return the mean of the absolute errors. Example: ``mean_absolute_error([1.0, 4.0], [2.0, 2.0])`` is 1.5."""
    return float(np.abs(errors(predicted, targets, period=period)).mean())


def root_mean_squared_error(predicted: ArrayLike, targets: ArrayLike, *, period: float | None = None) -> float:
    """Return the root of the mean squared error. Example: ``root_mean_squared_error([3.0], [1.0])`` is 2.0."""
    return float(np.sqrt((errors(predicted, targets, period=period) ** 2).mean()))


def r2_score(predicted: ArrayLike, targets: ArrayLike, *, period: float | None = None) -> float | None:
    """Return the share of the target's variance that is predicted; None where all targets are equal.

    1 is perfect, 0 what the mean scores for every picture, below 0 worse than that. Of a circular target it is 1 minus
    the mean of 1 - cos(error), divided by the circular variance, which is that of the circular mean.

    Example: ``r2_score([1.0, 2.0], [1.0, 3.0])`` is 0.5.
    """
    columns = sums_for_r2(*checked_numbers(predicted, targets), period)
    share = r2_of_sums(columns.sum(axis=0)[None, :], period)[0]
    return None if np.isnan(share) else float(share)


def spearman(predicted: ArrayLike, targets: ArrayLike) -> float | None:
    """Return the correlation of the ranks, -1 to 1, ties at their mean rank; None where one side does not vary.

    Source: Spearman 1904, "The proof and measurement of association between two things".
    Example: ``spearman([1.0, 2.0, 9.0], [10.0, 20.0, 30.0])`` is 1.0.
    """
    mine, wanted = (_ranks(values) for values in checked_numbers(predicted, targets))
    mine, wanted = mine - mine.mean(), wanted - wanted.mean()
    norm = math.sqrt(float(mine @ mine) * float(wanted @ wanted))
    return float(np.clip(mine @ wanted / norm, -1.0, 1.0)) if norm > 0 else None


def pinball_loss(predicted: ArrayLike, targets: ArrayLike, quantile: float) -> float:
    """Return the mean pinball loss, which the ``quantile`` of the target, and it alone, makes least.

    Source: Koenker and Bassett 1978, "Regression quantiles". Raises StriateError for a quantile outside 0 to 1.
    Example: ``pinball_loss([0.0], [2.0], 0.9)`` is 1.8.
    """
    if not 0 < quantile < 1:
        raise StriateError(
            f"a quantile lies between 0 and 1, such as 0.9 for the value that 9 of 10 stay below: not {quantile:g}"
        )
    below = -errors(predicted, targets)  # how far the answer is below the truth
    return float(np.maximum(quantile * below, (quantile - 1) * below).mean())


def most_frequent(targets: ArrayLike, *, share: float = 0.1) -> tuple[float, int] | None:
    """Return the value that most of (N,) targets have, and how many; None below a ``share`` of them, or for one alone.

    Example: ``most_frequent([0.0, 0.0, 0.0, 0.7])`` is ``(0.0, 3)``.
    """
    values, counts = np.unique(np.asarray(targets, np.float64), return_counts=True)
    if not len(values) or counts.max() < max(2, share * counts.sum()):
        return None
    place = int(counts.argmax())
    return float(values[place]), int(counts[place])


def checked_period(period: float) -> float:
    """Return a period, or raise StriateError when it is not a positive number."""
    if not (math.isfinite(period) and period > 0):
        raise StriateError(f"a circle has a positive length, such as 360 for degrees: not {period:g}")
    return float(period)


def checked_numbers(predicted: ArrayLike, targets: ArrayLike) -> tuple[Floats, Floats]:
    """Return both as (N,) float64, or raise StriateError that names what is wrong."""
    mine, wanted = np.asarray(predicted, np.float64), np.asarray(targets, np.float64)
    if mine.shape != wanted.shape or mine.ndim != 1:
        raise StriateError(
            f"predictions of shape {mine.shape} and targets of shape {wanted.shape} are not one a picture"
        )
    if not len(mine):
        raise StriateError("there are no pictures to measure; give at least one with its number")
    for what, values in (("predictions", mine), ("targets", wanted)):
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            raise StriateError(
                f"{len(wrong):,} of {counted(len(values), 'number')} among the {what} {plural(len(wrong), 'is')}"
                f" NaN or infinity (first: picture {wrong[0]}); leave such pictures out before measuring"
            )
    return mine, wanted


def sums_for_r2(mine: Floats, wanted: Floats, period: float | None) -> Floats:
    """Return (N, 4) numbers whose sums R2 is made from: 1, the error's term, and two of the target."""
    if period is None:
        spread = float(np.abs(wanted - wanted.mean()).max()) or 1.0
        centred = (wanted - wanted.mean()) / spread
        return np.column_stack([np.ones(len(mine)), ((mine - wanted) / spread) ** 2, centred, centred**2])
    turn = 2 * math.pi / checked_period(period)
    lost = 1 - np.cos((mine - wanted) * turn)
    return np.column_stack([np.ones(len(mine)), lost, np.cos(wanted * turn), np.sin(wanted * turn)])


def r2_of_sums(sums: Floats, period: float | None) -> Floats:
    """Return R2 of sums (R, 4); NaN where the targets do not vary."""
    number, lost, third, fourth = sums.T
    all_there_is = fourth - third**2 / number if period is None else number - np.hypot(third, fourth)
    varies = all_there_is > 1e-9 * number
    return np.where(varies, 1 - lost / np.where(varies, all_there_is, 1.0), np.nan)


def _ranks(values: Floats) -> Floats:
    """Return ranks from 1, equal values at the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle: Floats = np.cumsum(counts) - (counts - 1) / 2
    return middle[inverse.reshape(-1)]
