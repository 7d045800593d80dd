"""How far a measured number can be trusted: 95 % intervals.

Proportions get Wilson's score interval (1927), which keeps its promise near 0 and 1 and with few pictures; F1 is a
proportion in disguise and gets it too; AUROC gets Newcombe's; everything else a percentile bootstrap that draws whole
pictures with replacement, seeded, so that the same answers give the same interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.metrics.probability import Floats

Z95 = 1.959963984540054  # the normal's 97.5 % point
RESAMPLES = 1000
_TAILS = (2.5, 97.5)
_KEPT = 16_000_000  # counts kept for the next measure: 64 MB
_CHUNK = 1_000_000  # draws made at once: 8 MB while they are counted


@dataclass(frozen=True)
class Interval:
    """A measured value and the ends between which the true one lies with 95 % confidence.

    Example: ``wilson(9, 10)`` is ``Interval(value=0.9, low=0.596, high=0.982)``.
    """

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """Return value, low and high, ready for JSON."""
        return {"value": self.value, "low": self.low, "high": self.high}

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def wilson(successes: float, trials: int, *, design: float = 1.0) -> Interval | None:
    """Return the proportion with Wilson's score interval; None where there was no trial, for it is then unknown.

    ``design`` is the design effect: how many times the variance of as many independent trials it has (Kish 1965).

    Example: ``wilson(0, 0)`` is None, ``wilson(10, 10).low`` is 0.722.
    """
    if trials == 0:
        return None
    share = successes / trials
    effective = trials / design
    widen = Z95 * Z95 / effective
    centre = (share + widen / 2) / (1 + widen)
    half = Z95 / (1 + widen) * math.sqrt(share * (1 - share) / effective + widen / (4 * effective))
    # At the ends the formula gives exactly 0 or 1 but for rounding.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return Interval(share, low, high)


def f1_interval(hits: int, missed: int, false_alarms: int, *, design: float = 1.0) -> Interval | None:
    """Return F1 = 2 TP / (2 TP + FP + FN); None where the class neither occurs nor is ever answered.

    F1 = 2 J / (1 + J) where J = TP / (TP + FP + FN) is a proportion of the pictures that are of the class or are
    called so; the map rises, so the ends of J's Wilson interval are carried through it.

    Example: ``f1_interval(8, 1, 1).value`` is 0.889.
    """
    share = wilson(hits, hits + missed + false_alarms, design=design)
    if share is None:
        return None
    return Interval(*(2 * j / (1 + j) for j in (share.value, share.low, share.high)))


def mean_of(parts: list[Interval], weights: Floats) -> Interval:
    """Return the weighted mean of independent values, their intervals carried through (MOVER, Zou and Donner 2008)."""
    values = np.array([(part.value, part.low, part.high) for part in parts]).reshape(-1, 3)
    share = weights / weights.sum()
    value = float(share @ values[:, 0])
    below = math.sqrt(float((share**2 * (values[:, 0] - values[:, 1]) ** 2).sum()))
    above = math.sqrt(float((share**2 * (values[:, 2] - values[:, 0]) ** 2).sum()))
    return Interval(value, value - below, value + above)


def percentiles(value: float, resampled: ArrayLike) -> Interval:
    """Return the value with the 2.5th and 97.5th percentile of its bootstrap, widened to hold the value itself."""
    low, high = np.percentile(np.asarray(resampled, dtype=np.float64), _TAILS)
    return Interval(float(value), min(float(low), float(value)), max(float(high), float(value)))


def widened(interval: Interval, design: float, *, low: float = 0.0, high: float = math.inf) -> Interval:
    """Return an interval as wide as a design effect makes it, within what the value can be.

    Example: ``widened(Interval(0.5, 0.4, 0.6), 4.0)`` is ``Interval(0.5, 0.3, 0.7)``.
    """
    if design == 1.0:
        return interval
    value, factor = interval.value, math.sqrt(design)
    return Interval(
        value, max(low, value - factor * (value - interval.low)), min(high, value + factor * (interval.high - value))
    )


class Bootstrap:
    """Pictures drawn again with replacement, ``resamples`` times, as many as there are: one set for all measures.

    A function of (pictures, seed, resamples) alone. Whatever is a sum over pictures is taken from how often each was
    drawn: (resamples, pictures) float32, kept while that is at most 64 MB and drawn anew each time above.
    """

    def __init__(self, pictures: int, *, seed: int = 0, resamples: int = RESAMPLES) -> None:
        self.pictures, self.seed, self.resamples = pictures, seed, resamples
        self._kept = list(self._drawn()) if pictures * resamples <= _KEPT else None

    def sums(self, values: ArrayLike) -> Floats:
        """Return the sums (resamples, M) of M numbers a picture, (pictures, M), over each set drawn."""
        columns = np.asarray(values, dtype=np.float32)
        return np.concatenate([times @ columns for times in self.draws()]).astype(np.float64)

    def mean(self, values: ArrayLike) -> Interval:
        """Return the mean of one number a picture, (pictures,), with its percentile interval."""
        array = np.asarray(values, dtype=np.float64)
        return percentiles(float(array.mean()), self.sums(array[:, None])[:, 0] / self.pictures)

    def draws(self) -> Iterator[NDArray[np.float32]]:
        """Yield how often each picture was drawn, (some of the resamples, pictures), all resamples together."""
        yield from self._drawn() if self._kept is None else self._kept

    def _drawn(self) -> Iterator[NDArray[np.float32]]:
        generator = np.random.Generator(np.random.PCG64([self.seed, 0xB007]))
        most = max(1, _CHUNK // max(self.pictures, 1))
        for begin in range(0, self.resamples, most):
            rows = min(most, self.resamples - begin)
            drawn = generator.integers(0, self.pictures, size=(rows, self.pictures), dtype=np.int32)
            drawn += (np.arange(rows, dtype=np.int32) * self.pictures)[:, None]
            times = np.bincount(drawn.ravel(), minlength=rows * self.pictures)
            yield times.reshape(rows, self.pictures).astype(np.float32)


def bootstrap_mean(values: ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Return the mean of one number a picture with its percentile bootstrap over pictures.

    Example: ``bootstrap_mean([1.0, 2.0, 3.0]).value`` is 2.0.
    """
    return Bootstrap(len(np.asarray(values)), seed=seed, resamples=resamples).mean(values)


def newcombe_auroc(value: float, positives: int, negatives: int) -> Interval:
    """Return an AUROC with Newcombe's interval (Statistics in Medicine 2006, method 5).

    Like Wilson's, it asks which true values would make the measured one likely, with Hanley and McNeil's variance
    (1982) at each of them; so it has width even at 1.
    """
    mean_others = (positives + negatives) / 2 - 1

    def surprise(true: float) -> float:
        spread = 1 + mean_others * ((1 - true) / (2 - true) + true / (1 + true))
        return (value - true) ** 2 - Z95 * Z95 * true * (1 - true) * spread / (positives * negatives)

    def edge(inside: float, outside: float) -> float:
        if surprise(outside) <= 0:
            return outside
        for _ in range(60):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if surprise(middle) <= 0 else (inside, middle)
        return inside

    return Interval(value, edge(value, 0.0), edge(value, 1.0))


def student_quantile(share: float, freedom: float) -> float:
    """Return Student's quantile from the normal's (Abramowitz and Stegun 26.7.5)."""
    z = NormalDist().inv_cdf(share)
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )
