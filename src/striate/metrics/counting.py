"""How good counts of objects are: how far off, too many or too few, and what answers that do not look would score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from striate.errors import StriateError
from striate.metrics.intervals import Interval, wilson
from striate.metrics.probability import Floats, Ints
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
class CountMeasure:
    """Counts of one class, measured on the pictures whose count is known. Intervals are 95 %, by picture.

    Attributes:
        name: the class.
        pictures: how many pictures it was counted in.
        objects: how many there are in all; ``counted`` how many were counted.
        counted: how many were counted in all.
        measures: mean absolute error, root mean squared error, bias (counted - true), R2, Spearman.
        exact: the share of pictures whose count, to the nearest whole number, is right.
        ranges: bias by range of the true count.
        constants: what constant answers would score, such as the median.
        level: what share of the intervals should hold the true count.
        coverage: the share that does, None where there are no intervals.
        width: their mean width.
    """

    name: str
    pictures: int
    objects: float
    counted: float
    measures: NumberMeasures
    exact: Interval
    ranges: tuple[RangeBias, ...]
    constants: dict[str, Constant]
    level: float
    coverage: Interval | None
    width: float | None

    @property
    def constant(self) -> tuple[str, Constant]:
        """The constant with the least mean absolute error, and what it is called."""
        return min(self.constants.items(), key=lambda item: item[1].mae)

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        return {
            "class": self.name,
            "objects": self.objects,
            "counted": self.counted,
            **self.measures.to_dict(),
            "exact": self.exact.to_dict(),
            "ranges": [one.to_dict() for one in self.ranges],
            "constants": {name: one.to_dict() for name, one in self.constants.items()},
            "level": self.level,
            "coverage": None if self.coverage is None else self.coverage.to_dict(),
            "width": self.width,
        }


def count_measures(
    counts: ArrayLike,
    truth: ArrayLike,
    names: Sequence[str],
    *,
    intervals: ArrayLike | None = None,
    level: float = 0.9,
    groups: ArrayLike | None = None,
    design: float = 1.0,
    seed: int = 0,
) -> tuple[CountMeasure | None, ...]:
    """Return the measures of the counts of every class; None for a class that was counted in no picture.

    Arguments:
        counts: (N, K), what was counted, whole numbers or not.
        truth: (N, K), how many there are, NaN where nobody counted.
        names: the names of the K classes.
        intervals: (N, K, 2), the ends between which a count is said to lie, infinite where there is none; None: there
            are none at all.
        level: what share of them should hold the true count.
        groups: (N,), equal for copies of a picture.
        design: the design effect of answers that are not independent (docs/decisions/0010).
        seed: of the bootstrap.

    Raises StriateError for no pictures, arrays that do not belong together, and counts that are no numbers.

    Example: ``count_measures([[3.0], [5.0]], [[3], [7]], ("cell",))[0].measures.mae.value`` is 1.0.
    """
    mine, wanted = np.asarray(counts, np.float64), np.asarray(truth, np.float64)
    if mine.shape != wanted.shape or mine.ndim != 2 or mine.shape[1] != len(names):
        raise StriateError(
            f"counts of {mine.shape} and true ones of {wanted.shape} are not of {counted(len(names), 'class')} in the"
            " same pictures"
        )
    if not len(mine):
        raise StriateError("there are no pictures to measure; give at least one with its count")
    if (wanted < 0).any():
        raise StriateError(f"a count cannot be {float(wanted[wanted < 0][0]):g}")
    ends = None if intervals is None else np.asarray(intervals, np.float64)
    if ends is not None and ends.shape != (*mine.shape, 2):
        raise StriateError(f"the intervals of counts of {mine.shape} must be of {(*mine.shape, 2)}, not {ends.shape}")
    group = np.arange(len(mine)) if groups is None else np.asarray(groups).astype(np.int64)
    return tuple(
        _measured(
            name, mine[:, kind], wanted[:, kind], None if ends is None else ends[:, kind], group, level, design, seed
        )
        for kind, name in enumerate(names)
    )


def _measured(
    name: str, mine: Floats, wanted: Floats, ends: Floats | None, group: Ints, level: float, design: float, seed: int
) -> CountMeasure | None:
    known = ~np.isnan(wanted)
    if not known.any():
        return None
    one, true, own = mine[known], wanted[known], group[known]
    effect = design * len(own) / len(np.unique(own))
    exact = wilson(int((np.floor(one + 0.5) == true).sum()), len(true), design=effect)
    assert exact is not None  # there is a picture
    coverage, width = None, None
    if ends is not None:
        low, high = ends[known].T
        bounded = np.isfinite(high) & np.isfinite(low)
        if bounded.any():
            inside = int(((true >= low - 1e-9) & (true <= high + 1e-9))[bounded].sum())
            coverage = wilson(inside, int(bounded.sum()), design=effect)
            width = float((high - low)[bounded].mean())
    return CountMeasure(
        name=name,
        pictures=len(true),
        objects=float(true.sum()),
        counted=float(one.sum()),
        measures=measures(one, true, groups=own, design=design, seed=seed),
        exact=exact,
        ranges=bias_by_range(one, true, groups=own, design=design, seed=seed),
        constants=best_constants(true),
        level=level,
        coverage=coverage,
        width=width,
    )
