"""RegressionReport: every measure of predicted numbers as a value, as JSON and as text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from striate.errors import StriateError
from striate.metrics.intervals import Interval, wilson
from striate.metrics.probability import Floats
from striate.metrics.regression import errors
from striate.metrics.regression_report import (
    Constant,
    NumberMeasures,
    RangeBias,
    best_constants,
    bias_by_range,
    measures,
)
from striate.words import counted


@dataclass(frozen=True)
class NumberReport:
    """All measures of one number. ``coverage`` is the share of pictures whose number lies in its interval.

    ``level`` is what that share should be; ``width`` the mean width of the intervals, None where there are none.
    ``median`` is the median absolute error, ``constants`` are what answers that do not look would score.
    """

    name: str
    unit: str
    period: float | None
    measures: NumberMeasures
    median: float
    ranges: tuple[RangeBias, ...]
    constants: dict[str, Constant]
    level: float
    coverage: Interval | None
    width: float | None

    @property
    def constant(self) -> tuple[str, Constant]:
        """The constant with the least mean absolute error, and what it is called."""
        return min(self.constants.items(), key=lambda item: item[1].mae)

    @property
    def unvaried(self) -> str:
        """What has to be said where the true numbers do not vary, or on too few pictures to measure by; else ""."""
        if self.measures.r2 is not None:
            return ""
        low, high = self.ranges[0].low, self.ranges[-1].high
        unit = f" {self.unit}" if self.unit else ""
        if low == high:
            return f"{self.name} is {low:.4g}{unit} on all of these pictures, so no other number is measured"
        return f"{self.name} is another number on too few of these pictures to say how well it is told"

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        return {
            "name": self.name,
            "unit": self.unit,
            "period": self.period,
            **self.measures.to_dict(),
            "median": self.median,
            "ranges": [one.to_dict() for one in self.ranges],
            "constants": {name: one.to_dict() for name, one in self.constants.items()},
            "level": self.level,
            "coverage": None if self.coverage is None else self.coverage.to_dict(),
            "width": self.width,
        }


@dataclass(frozen=True)
class WorstNumber:
    """An answer far off: which picture (its row), which number, what was said and what is true."""

    index: int
    number: int
    predicted: float
    target: float

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON; the number by its place."""
        return dict(vars(self))


@dataclass(frozen=True)
class RegressionReport:
    """Every measure of one evaluation of N pictures. Intervals are 95 %.

    ``worst`` are the answers that are farthest off, in deviations of their number, farthest first.
    """

    pictures: int
    each: tuple[NumberReport, ...]
    worst: tuple[WorstNumber, ...]

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON: a number without meaning is None, never NaN."""
        return {
            "pictures": self.pictures,
            "numbers": [one.to_dict() for one in self.each],
            "worst": [one.to_dict() for one in self.worst],
        }

    def text(self) -> str:
        """Return a summary for the terminal."""
        lines = [f"{counted(self.pictures, 'picture')}; 95 % intervals in brackets"]
        for one in self.each:
            unit = f" {one.unit}" if one.unit else ""
            named = f"{one.name}: " if len(self.each) > 1 else ""
            figures: list[tuple[str, str]] = [
                ("mean absolute error", _with_interval(one.measures.mae, unit)),
                ("root mean squared error", _with_interval(one.measures.rmse, unit)),
            ]
            if one.measures.r2 is not None:
                figures.append(("R2" if one.period is None else "R2 (circular)", _with_interval(one.measures.r2, "")))
            if one.measures.spearman is not None:
                figures.append(("Spearman", _with_interval(one.measures.spearman, "")))
            figures.append(("bias (said - true)", _with_interval(one.measures.bias, unit)))
            if one.coverage is not None and one.width is not None:
                share = one.coverage
                figures.append(
                    (
                        f"in its {100 * one.level:g} % interval",
                        f"{100 * share.value:.1f} %  [{100 * share.low:.1f} to {100 * share.high:.1f}], {one.width:.4g}"
                        f"{unit} wide in the mean",
                    )
                )
            width = max(len(name) for name, _ in figures)
            lines += ["", *(f"{named}{name:<{width}}  {words}" for name, words in figures)]
            name, constant = one.constant
            alone = f"{named}always {constant.value:.4g}{unit} (the {name})"
            lines.append(one.unvaried or f"{alone} has a mean absolute error of {constant.mae:.4g}{unit}")
            if len(one.ranges) > 1:
                lines += ["", f"{named}{'true number':<24}  pictures  said - true"]
                wide = 24 + len(named)
                lines += [
                    f"{span(part.low, part.high):<{wide}}  {part.pictures:>8,}  {_with_interval(part.bias, '')}"
                    for part in one.ranges
                ]
        return "\n".join(lines)


def regression_report(
    predicted: ArrayLike,
    targets: ArrayLike,
    *,
    names: Sequence[str],
    units: Sequence[str] = (),
    periods: Sequence[float | None] = (),
    halves: ArrayLike | None = None,
    level: float = 0.9,
    scales: Sequence[float] = (),
    groups: ArrayLike | None = None,
    design: float = 1.0,
    seed: int = 0,
    worst: int = 100,
) -> RegressionReport:
    """Return every measure of predicted numbers (N, D) against the true ones (N, D).

    ``halves`` (N, D) is how far the interval of each reaches to either side, infinite where there is none; ``level``
    what share of them should hold the truth. ``scales`` (D,) are the deviations that answers in several numbers are
    ranked by, the targets' own by itself. ``groups`` (N,) are equal for copies of a picture, ``design`` is the
    design effect (docs/decisions/0010). StriateError for no pictures, or numbers that are not finite.

    Example: ``regression_report([[1.0], [4.0]], [[2.0], [2.0]], names=("angle",), units=("deg",)).each[0].measures
    .mae.value``
    is 1.5.
    """
    mine, wanted = np.asarray(predicted, np.float64), np.asarray(targets, np.float64)
    if mine.shape != wanted.shape or mine.ndim != 2 or mine.shape[1] != len(names):
        raise StriateError(
            f"predictions {mine.shape} and targets {wanted.shape} are not of {counted(len(names), 'number')}"
        )
    reach = np.full(mine.shape, np.inf) if halves is None else np.asarray(halves, np.float64)
    effect = design if groups is None else design * len(mine) / max(1, len(np.unique(np.asarray(groups))))
    each, wrong = [], np.zeros(mine.shape)
    for place, name in enumerate(names):
        period = periods[place] if periods else None
        one, true = mine[:, place], wanted[:, place]
        found = measures(one, true, period=period, groups=groups, design=design, seed=seed)
        off = np.abs(errors(one, true, period=period))
        bounded = np.isfinite(reach[:, place])
        coverage, width = None, None
        if bounded.any():
            inside = int((off <= reach[:, place] * (1 + 1e-12))[bounded].sum())
            coverage = wilson(inside, int(bounded.sum()), design=effect)
            width = float(2 * reach[bounded, place].mean())
        each.append(
            NumberReport(
                name,
                units[place] if units else "",
                period,
                found,
                float(np.median(off)),
                bias_by_range(one, true, period=period, groups=groups, design=design, seed=seed),
                best_constants(true, period=period),
                level,
                coverage,
                width,
            )
        )
        wrong[:, place] = off / (scales[place] if scales else deviation(true, period))
    return RegressionReport(len(mine), tuple(each), _worst(wrong, mine, wanted, worst))


def deviation(targets: Floats, period: float | None) -> float:
    """Return the deviation of (N,) targets, on a circle that around the circular mean; 1 where they do not vary."""
    if period is None:
        return float(targets.std()) or 1.0
    mean = best_constants(targets, period=period).get("mean")
    return period / np.sqrt(12) if mean is None else mean.rmse or 1.0


def span(low: float, high: float) -> str:
    """Return a range as it is read. Example: ``span(1.0, 2.5)`` is ``"1 to 2.5"``."""
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def _worst(wrong: Floats, mine: Floats, wanted: Floats, most: int) -> tuple[WorstNumber, ...]:
    order = np.argsort(-wrong.ravel(), kind="stable")[:most]
    rows, places = np.divmod(order, wrong.shape[1])
    return tuple(
        WorstNumber(int(row), int(place), float(mine[row, place]), float(wanted[row, place]))
        for row, place in zip(rows, places, strict=True)
        if wrong[row, place] > 0
    )


def _with_interval(value: Interval, unit: str) -> str:
    return f"{value.value:.4g}{unit}  [{value.low:.4g} to {value.high:.4g}]"
