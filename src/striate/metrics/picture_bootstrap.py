"""Intervals of figures that are sums over what is in pictures: boxes, pixels, counts.

What is in one picture is not independent (its light, its blur, who labelled it), so whole pictures are drawn again, and
copies of a picture together. A share also has Wilson's interval, which keeps its width near 0 and 1 where the bootstrap
has none: the wider of the two, end by end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.errors import StriateError
from striate.metrics.intervals import RESAMPLES, Bootstrap, Interval, f1_interval, percentiles, widened, wilson
from striate.metrics.probability import Floats, Ints
from striate.words import counted

_FEWEST = 100  # resamples, however much each costs


@dataclass(frozen=True, eq=False)
class PictureBootstrap:
    """P pictures drawn again with replacement: ``group`` (P,) says which belong together, numbered from 0.

    ``design`` is the design effect of answers that are not independent (docs/decisions/0010).

    Example: ``PictureBootstrap.of(2).share([1, 1], [2, 2]).value`` is 0.5.
    """

    bootstrap: Bootstrap
    group: Ints
    design: float = 1.0

    @classmethod
    def of(
        cls,
        pictures: int,
        *,
        groups: ArrayLike | None = None,
        design: float = 1.0,
        seed: int = 0,
        resamples: int = RESAMPLES,
    ) -> PictureBootstrap:
        """Return the bootstrap of so many pictures.

        ``groups`` (P,) are equal for copies of a picture, None where there are none. Errors: StriateError for no
        pictures, and for groups that are not one a picture.
        """
        if not pictures:
            raise StriateError("there are no pictures to measure; give at least one with its labels")
        given = np.arange(pictures) if groups is None else np.asarray(groups)
        if given.shape != (pictures,):
            raise StriateError(
                f"groups of shape {given.shape} for {counted(pictures, 'picture')}; there must be one a picture"
            )
        group = np.unique(given, return_inverse=True)[1].reshape(-1).astype(np.int64)
        drawn = Bootstrap(int(group.max()) + 1, seed=seed, resamples=max(_FEWEST, resamples))
        return cls(drawn, group, design)

    @property
    def effect(self) -> float:
        """The design effect with copies counted once, for Wilson's interval, which draws nothing together."""
        return self.design * len(self.group) / self.bootstrap.pictures

    def times(self) -> Iterator[NDArray[np.float32]]:
        """Yield how often each picture counts, (some of the resamples, P), all resamples together."""
        for drawn in self.bootstrap.draws():
            yield drawn if drawn.shape[1] == len(self.group) else drawn[:, self.group]

    def sums(self, values: ArrayLike) -> Floats:
        """Return the sums (resamples, M) of M numbers a picture, (P, M)."""
        columns = np.asarray(values, np.float64)
        scale = float(np.abs(columns).max(initial=0.0)) or 1.0  # sums are of float32: any unit gets the same digits
        together = np.zeros((self.bootstrap.pictures, columns.shape[1]))
        np.add.at(together, self.group, columns / scale)
        return scale * self.bootstrap.sums(together)

    def interval(
        self, value: float, resampled: Floats, *, low: float = 0.0, high: float = math.inf, own: Interval | None = None
    ) -> Interval | None:
        """Return a value with the percentiles of its resamples, those that are no number left out.

        ``low`` and ``high`` are what it can be; ``own`` is an interval that it has otherwise, the wider counts. Of
        one picture alone nothing is known of others: the ends are then ``low`` and ``high``. None where the value is no
        number.
        """
        if not np.isfinite(value):
            return None
        if self.bootstrap.pictures == 1 and own is None and math.isfinite(low) and math.isfinite(high):
            return Interval(value, low, high)
        known = resampled[np.isfinite(resampled)]
        found = widened(percentiles(value, known if known.size else np.array([value])), self.design, low=low, high=high)
        if own is None:
            return found
        return Interval(value, max(low, min(own.low, found.low)), min(high, max(own.high, found.high)))

    def mirrored(self, value: float, resampled: Floats) -> Interval | None:
        """Return the interval of an error of 0 to 1 that chance only ever pushes up, such as a calibration error.

        Drawing again pushes it up once more, so the ends are the percentiles' mirror images about the value, and the
        high one the percentile itself where that is higher (`striate.metrics.reliability`).
        """
        known = resampled[np.isfinite(resampled)]
        if not np.isfinite(value) or not known.size:
            return None
        if self.bootstrap.pictures == 1:
            return Interval(value, 0.0, 1.0)
        low, high = (float(end) for end in np.percentile(known, (2.5, 97.5)))
        found = Interval(value, min(value, 2 * value - high), max(high, 2 * value - low, value))
        wide = widened(found, self.design, low=0.0, high=1.0)
        return Interval(value, max(0.0, wide.low), min(1.0, wide.high))

    def share(self, right: ArrayLike, all_of_them: ArrayLike) -> Interval | None:
        """Return what share is right, of sums a picture (P,) and (P,); None where there is nothing."""
        hits, trials = (np.asarray(one, np.float64) for one in (right, all_of_them))
        if not trials.sum():
            return None
        drawn = self.sums(np.column_stack([hits, trials]))
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = drawn[:, 0] / drawn[:, 1]
        own = wilson(hits.sum(), trials.sum(), design=self.effect)
        return self.interval(float(hits.sum() / trials.sum()), shares, high=1.0, own=own)

    def f1(self, right: ArrayLike, missed: ArrayLike, alarms: ArrayLike) -> Interval | None:
        """Return F1 of what was right, missed and wrongly said in each picture, (P,) each; None where all are 0."""
        parts = np.column_stack([np.asarray(one, np.float64) for one in (right, missed, alarms)])
        hits, lost, wrong = parts.sum(axis=0)
        if not parts.sum():
            return None
        drawn = self.sums(parts)
        with np.errstate(invalid="ignore", divide="ignore"):
            values = 2 * drawn[:, 0] / (2 * drawn[:, 0] + drawn[:, 1] + drawn[:, 2])
        own = f1_interval(round(hits), round(lost), round(wrong), design=self.effect)
        return self.interval(float(2 * hits / (2 * hits + lost + wrong)), values, high=1.0, own=own)
