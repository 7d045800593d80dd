"""Predicted numbers measured: every figure with its interval, bias by range of the target, what constants would score.

Intervals are 95 % percentile bootstraps over pictures (`metrics.intervals`); pictures of one group (copies of each
other) are drawn together, for they are one observation. Spearman's correlation has Bonett and Wright's interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.data.strata import value_ranges
from striate.errors import StriateError
from striate.metrics.intervals import RESAMPLES, Z95, Bootstrap, Interval, percentiles, widened
from striate.metrics.probability import Floats
from striate.metrics.regression import (
    checked_numbers,
    circular_mean,
    errors,
    mean_absolute_error,
    most_frequent,
    r2_of_sums,
    r2_score,
    root_mean_squared_error,
    spearman,
    sums_for_r2,
)
from striate.words import counted

RANGES = 10  # ranges of the target that bias is told by, at most
IN_A_RANGE = 10  # pictures (groups of copies) a range, at least in the mean
_FEWEST_RANKED = 4  # pictures, below which a correlation of ranks has no interval


@dataclass(frozen=True)
class NumberMeasures:
    """How far predicted numbers are from the true ones, in the unit of the target; intervals are 95 %.

    ``mae`` is the mean absolute error, ``rmse`` the root of the mean squared error, ``bias`` the mean of predicted
    minus true. ``r2`` is None where all targets are equal, ``spearman`` where the target is circular (it has no order),
    one side does not vary, or there are fewer than four pictures.
    """

    pictures: int
    mae: Interval
    rmse: Interval
    bias: Interval
    r2: Interval | None
    spearman: Interval | None

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        figures = ("mae", "rmse", "bias", "r2", "spearman")
        return {"pictures": self.pictures} | {
            name: None if (value := getattr(self, name)) is None else value.to_dict() for name in figures
        }


@dataclass(frozen=True)
class RangeBias:
    """The pictures whose target is from ``low`` to ``high``, both included: mean error and mean absolute error."""

    low: float
    high: float
    pictures: int
    bias: Interval
    mae: Interval

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        return {**vars(self), "bias": self.bias.to_dict(), "mae": self.mae.to_dict()}


@dataclass(frozen=True)
class Constant:
    """What a model would score that gives the same answer to every picture: the least that a figure must beat."""

    value: float
    mae: float
    rmse: float

    def to_dict(self) -> dict[str, float]:
        """Return the three, ready for JSON."""
        return dict(vars(self))


def measures(
    predicted: ArrayLike,
    targets: ArrayLike,
    *,
    period: float | None = None,
    groups: ArrayLike | None = None,
    design: float = 1.0,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> NumberMeasures:
    """Return all figures of (N,) predictions against (N,) targets.

    ``groups`` (N,) are numbers, equal for copies of a picture; ``design`` is the design effect of answers that are not
    independent (docs/decisions/0010). StriateError for no pictures, or numbers that are not finite.

    Example: ``str(measures([1.0, 2.5], [1.0, 2.0]).mae)`` is ``"0.250 (0.000 to 0.500)"``.
    """
    mine, wanted = checked_numbers(predicted, targets)
    wrong = errors(mine, wanted, period=period)
    scale = float(np.abs(wrong).max()) or 1.0  # sums are of float32: large and small units get the same digits
    group = _groups(groups, len(mine))
    columns = np.column_stack([np.ones(len(mine)), np.abs(wrong) / scale, (wrong / scale) ** 2, wrong / scale])
    drawn = Bootstrap(int(group.max()) + 1, seed=seed, resamples=resamples)
    number, absolute, squared, signed = drawn.sums(_grouped(columns, group)).T
    own = sums_for_r2(mine, wanted, period)
    share = r2_score(mine, wanted, period=period)

    def interval(value: float, resampled: Floats, **ends: float) -> Interval:
        return widened(percentiles(value, resampled), design, **ends)

    r2 = None
    if share is not None:
        found = r2_of_sums(drawn.sums(_grouped(own, group)), period)
        if np.isfinite(found).mean() > 0.5:
            r2 = widened(percentiles(share, found[np.isfinite(found)]), design, low=-math.inf, high=1.0)
    return NumberMeasures(
        pictures=len(mine),
        mae=interval(float(np.abs(wrong).mean()), scale * absolute / number),
        rmse=interval(float(np.sqrt((wrong**2).mean())), scale * np.sqrt(squared / number)),
        bias=interval(float(wrong.mean()), scale * signed / number, low=-math.inf),
        r2=r2,
        spearman=None if period is not None else _spearman_interval(mine, wanted, group, design),
    )


def bias_by_range(
    predicted: ArrayLike,
    targets: ArrayLike,
    *,
    period: float | None = None,
    groups: ArrayLike | None = None,
    ranges: int | None = None,
    design: float = 1.0,
    seed: int = 0,
) -> tuple[RangeBias, ...]:
    """Return the mean error of each range of the target, from the lowest: does it say too much of small ones?

    Ranges hold about as many pictures each; a value that as many pictures have is a range of its own, and no value is
    in two. ``ranges`` None: as many as leave ten pictures a range, ten at most.

    Example: ``[one.bias.value for one in bias_by_range([1.0, 1.0, 9.0, 9.0], [0.0, 0.0, 9.0, 9.0], ranges=2)]`` is
    ``[1.0, 0.0]``.
    """
    mine, wanted = checked_numbers(predicted, targets)
    wrong, group = errors(mine, wanted, period=period), _groups(groups, len(mine))
    different = int(group.max()) + 1
    count = ranges if ranges is not None else max(1, min(RANGES, different // IN_A_RANGE))
    place = value_ranges(wanted, count)
    number = int(place.max()) + 1
    scale = float(np.abs(wrong).max()) or 1.0
    inside = (place[:, None] == np.arange(number)).astype(np.float64)
    columns = np.column_stack([inside, inside * (wrong / scale)[:, None], inside * np.abs(wrong / scale)[:, None]])
    sums = Bootstrap(different, seed=seed).sums(_grouped(columns, group)).reshape(-1, 3, number)
    result = []
    for one in range(number):
        here, drawn = place == one, sums[:, :, one]
        drawn = drawn[drawn[:, 0] > 0]
        bias = percentiles(float(wrong[here].mean()), scale * drawn[:, 1] / drawn[:, 0])
        mae = percentiles(float(np.abs(wrong[here]).mean()), scale * drawn[:, 2] / drawn[:, 0])
        result.append(
            RangeBias(
                float(wanted[here].min()),
                float(wanted[here].max()),
                int(here.sum()),
                widened(bias, design, low=-math.inf),
                widened(mae, design),
            )
        )
    return tuple(result)


def best_constants(targets: ArrayLike, *, period: float | None = None) -> dict[str, Constant]:
    """Return what constant answers score: ``median`` (the least MAE), ``mean`` (the least RMSE), ``most frequent``.

    The last is there where one value is that of a tenth of the pictures at least. Of a circular target ``mean`` is the
    circular one, and there is no median.
    Example: ``best_constants([0.0, 0.0, 3.0])["median"].mae`` is 1.0.
    """
    _, wanted = checked_numbers(targets, targets)
    values: dict[str, float] = {}
    if period is None:
        values = {"median": float(np.median(wanted)), "mean": float(wanted.mean())}
    elif (mean := circular_mean(wanted, period)) is not None:
        values = {"mean": mean}
    if (often := most_frequent(wanted)) is not None:
        values["most frequent"] = often[0]
    return {
        name: Constant(
            value,
            mean_absolute_error(np.full(len(wanted), value), wanted, period=period),
            root_mean_squared_error(np.full(len(wanted), value), wanted, period=period),
        )
        for name, value in values.items()
    }


def _groups(groups: ArrayLike | None, pictures: int) -> NDArray[np.int64]:
    """Return the group of each picture, numbered from 0 without a gap."""
    if groups is None:
        return np.arange(pictures)
    given = np.asarray(groups)
    if given.shape != (pictures,):
        raise StriateError(
            f"groups of shape {given.shape} for {counted(pictures, 'picture')}; there must be one a picture"
        )
    return np.unique(given, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _grouped(columns: Floats, group: NDArray[np.int64]) -> Floats:
    """Return the sums (groups, M) of columns (N, M) over each group."""
    sums = np.zeros((int(group.max()) + 1, columns.shape[1]))
    np.add.at(sums, group, columns)
    return sums


def _spearman_interval(mine: Floats, wanted: Floats, group: NDArray[np.int64], design: float) -> Interval | None:
    """Return Spearman's correlation with Bonett and Wright's interval (Psychometrika 2000); copies count once."""
    value, effective = spearman(mine, wanted), (int(group.max()) + 1) / design
    if value is None or effective < _FEWEST_RANKED:
        return None
    half = Z95 * math.sqrt((1 + value**2 / 2) / (effective - 3))
    middle = math.atanh(float(np.clip(value, -1 + 1e-12, 1 - 1e-12)))
    return Interval(value, min(value, math.tanh(middle - half)), max(value, math.tanh(middle + half)))
