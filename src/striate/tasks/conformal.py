"""Intervals that hold the true number as often as they say: conformal prediction. No torch.

A model's errors on pictures it had not seen (validation pictures, or all of them, each answered out of its fold) are
sorted; the k-th smallest of n, k = ceil((n + 1) level), is how far the interval of a new picture reaches (Vovk,
Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005; Lei et al., "Distribution-free predictive
inference for regression", 2018). With validation pictures this holds the true number with probability ``level`` at
least, whatever the model and the numbers; with out-of-fold errors around the model that has seen all pictures it is the
method called "CV" by Barber, Candes, Ramdas and Tibshirani ("Predictive inference with the jackknife+", 2021), which
they show to keep its promise where models are stable; ours are measured (`python -m benchmarks conformal`).

Where a model errs more on some pictures than on others, an error is divided by how large errors are there before it is
sorted, and multiplied by it again for a new picture (Papadopoulos, Vovk and Gammerman 2011). How large they are is a
curve over the answer itself (of a circular number over its certainty), fitted to the errors of the other folds. It is
used only where that makes the intervals narrower. Copies of a picture count as one (Dunn, Wasserman and Ramdas 2023).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.errors import StriateError
from striate.metrics.probability import Floats
from striate.metrics.regression import errors, shorter_way
from striate.words import counted

LEVEL = 0.9
KEPT = 4096  # sorted errors that are kept at most; of more, every so many, always the larger
KNOTS = 8  # points of the curve of how large errors are, at most
A_KNOT = 25  # pictures a point, at least
PRIOR = 10  # pictures that a point's mean is drawn towards the mean of all by
NARROWER = 0.95  # of the plain width: what a curve has to bring to be used
_FOLDS = 5  # that the curve is fitted on where nobody dealt any


@dataclass(frozen=True, eq=False)
class Conformal:
    """What is known of a model's errors in one number.

    ``sizes`` (M,) float64 are sorted errors on unseen pictures, each divided by how large errors are where it lies;
    they stand for ``count`` different pictures. ``at`` and ``spread`` (B,) are the curve of how large errors are by
    the answer, empty where it is not used. ``period`` is that of a circular number.
    """

    sizes: Floats
    count: int
    at: Floats
    spread: Floats
    period: float | None = None

    def __post_init__(self) -> None:
        sizes, at, spread = (np.array(one, np.float64) for one in (self.sizes, self.at, self.spread))
        fits = sizes.ndim == at.ndim == 1 and at.shape == spread.shape and len(sizes) == min(self.count, KEPT)
        if not fits:
            raise StriateError("the errors that intervals are made from do not belong together")
        for one in (sizes, at, spread):
            if not np.isfinite(one).all():
                raise StriateError("the errors that intervals are made from are not finite")
            one.setflags(write=False)
        if (np.diff(sizes) < 0).any() or (np.diff(at) < 0).any() or (spread <= 0).any():
            raise StriateError("the errors that intervals are made from are not in order")
        for name, one in (("sizes", sizes), ("at", at), ("spread", spread)):
            object.__setattr__(self, name, one)

    @property
    def adaptive(self) -> bool:
        """Whether intervals are wider where errors are larger."""
        return len(self.at) > 0

    def size(self, level: float = LEVEL) -> float:
        """Return the error, divided by how large errors are there, that a new picture stays within; may be infinite.

        With too few pictures nothing short of infinity is sure: 9 different ones are the fewest at 90 %.
        """
        wanted = rank(self.count, level)
        if wanted > self.count:
            return math.inf
        kept = np.ceil(np.arange(1, len(self.sizes) + 1) * (self.count / len(self.sizes)) - 1e-9)
        return float(self.sizes[int(np.searchsorted(kept, wanted))])

    def halves(self, where: ArrayLike, level: float = LEVEL) -> Floats:
        """Return how far the intervals of (N,) answers reach to either side; of a circle at most half of it.

        ``where``: the answers themselves, of a circular number the certainty of each.
        """
        positions = np.asarray(where, np.float64)
        size = self.size(level)
        reach: Floats = np.full(positions.shape, size)
        if self.adaptive and math.isfinite(size):
            reach = size * np.interp(positions, self.at, self.spread)
        if self.period is not None:
            reach = np.where(reach >= self.period / 2, math.inf, reach)
        return reach

    def to_arrays(self) -> dict[str, Floats]:
        """Return what a model file keeps: ``sizes``, ``at`` and ``spread``."""
        return {"sizes": self.sizes, "at": self.at, "spread": self.spread}

    @classmethod
    def of(cls, arrays: Mapping[str, ArrayLike], count: int, period: float | None = None) -> Conformal:
        """Return what `to_arrays` gave. Errors: StriateError where it is damaged."""
        each = (np.asarray(arrays[name], np.float64) for name in ("sizes", "at", "spread"))
        sizes, at, spread = each
        return cls(sizes, count, at, spread, period)


def rank(count: int, level: float) -> int:
    """Return which of ``count`` sorted errors a level asks for, from 1; above ``count`` where there are too few.

    Example: ``rank(9, 0.9)`` is 9, ``rank(8, 0.9)`` is 9 as well: of 8 errors there is no ninth.
    """
    if not 0 < level < 1:
        raise StriateError(f"a level lies between 0 and 1, such as 0.9 for 90 %: not {level:g}")
    return math.ceil((count + 1) * level - 1e-9)


def fit_conformal(
    predicted: ArrayLike,
    targets: ArrayLike,
    *,
    where: ArrayLike | None = None,
    folds: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    period: float | None = None,
    level: float = LEVEL,
    adaptive: bool | None = None,
    known: tuple[ArrayLike, ArrayLike] | None = None,
) -> Conformal:
    """Return what a model's errors on (N,) pictures it had not seen say of its next ones.

    ``where`` (N,) is what the size of errors may depend on, else the answers; ``folds`` (N,) the fold that held each,
    ``groups`` (N,) equal numbers for copies. ``adaptive`` None: a curve where it makes intervals narrower, judged by
    errors that it was not fitted to, at this ``level``. ``known``: a curve that is known beforehand, (B,) positions in
    rising order and how large errors are there, up to a factor; it takes the place of equal widths.

    Example: ``fit_conformal([1.0] * 10, [2.5] * 10, adaptive=False).halves([12.3])`` is ``[1.5]``.
    """
    wrong = np.abs(errors(predicted, targets, period=period)) if len(np.asarray(targets)) else np.zeros(0)
    position = np.asarray(predicted if where is None else where, np.float64)
    weight = _weights(groups, len(wrong))
    count = round(float(weight.sum()))
    none = np.zeros(0)
    before, spread_before = (none, none) if known is None else (np.asarray(one, np.float64) for one in known)
    usual = np.interp(position, before, spread_before) if len(before) else np.ones(len(wrong))
    plain = Conformal(_kept(wrong / usual, weight, count), count, before, spread_before, period)
    if adaptive is False or count < 2 * A_KNOT or not wrong.any():
        return plain
    held = _dealt(folds, groups, len(wrong))
    expected = np.ones(len(wrong))
    for fold in np.unique(held):
        mine = held == fold
        if mine.all():  # one fold: nothing is left to fit the curve to
            return plain
        expected[mine] = np.interp(position[mine], *_curve(position[~mine], wrong[~mine]))
    at, spread = _curve(position, wrong)
    curved = Conformal(_kept(wrong / expected, weight, count), count, at, spread, period)
    if adaptive is None:
        now = plain.size(level) * float(np.average(usual, weights=weight))
        if not curved.size(level) * float(np.average(expected, weights=weight)) < NARROWER * now:
            return plain
    return curved


def covered(low: ArrayLike, high: ArrayLike, targets: ArrayLike, *, period: float | None = None) -> NDArray[np.bool_]:
    """Return of each of (N,) targets whether it lies in its interval, ends included.

    On a circle an interval goes from ``low`` upwards to ``high``, past the seam where it must.
    Example: ``covered([350.0], [370.0], [5.0], period=360)`` is ``[True]``.
    """
    lows, highs, wanted = (np.asarray(one, np.float64) for one in (low, high, targets))
    if period is None:
        inside: NDArray[np.bool_] = (lows <= wanted) & (wanted <= highs)
        return inside
    whole = ~(np.isfinite(lows) & np.isfinite(highs))
    first, last = np.where(whole, 0.0, lows), np.where(whole, 0.0, highs)
    away = np.abs(shorter_way(wanted - (first + last) / 2, period))
    return whole | (away <= (last - first) / 2)


def too_few(count: int, level: float = LEVEL) -> str:
    """Return, where ``count`` different pictures are too few for intervals, the sentence that says so; else "".

    Example: ``too_few(5)``
    """
    if rank(count, level) <= count:
        return ""
    least = math.ceil(level / (1 - level) - 1e-9)
    return (
        f"no intervals: an error on {counted(count, 'unseen picture')} was measured, and {100 * level:g} % takes"
        f" {least:,} different ones at least"
    )


def _weights(groups: ArrayLike | None, pictures: int) -> Floats:
    """Return the weight of each picture: those of a group have 1 together."""
    if groups is None:
        return np.ones(pictures)
    given = np.asarray(groups)
    if given.shape != (pictures,):
        raise StriateError(
            f"groups of shape {given.shape} for {counted(pictures, 'picture')}; there must be one a picture"
        )
    _, inverse, counts = np.unique(given, return_inverse=True, return_counts=True)
    weight: Floats = 1.0 / counts[inverse.reshape(-1)]
    return weight


def _kept(sizes: Floats, weight: Floats, count: int) -> Floats:
    """Return for each of ``count`` ranks the smallest error up to which that much weight lies; of many some."""
    if not count:
        return np.zeros(0)
    order = np.argsort(sizes, kind="stable")
    reached = np.cumsum(weight[order])
    most = min(count, KEPT)
    ranks = np.ceil(np.arange(1, most + 1) * (count / most) - 1e-9)
    place = np.minimum(np.searchsorted(reached, ranks - 1e-6), len(order) - 1)
    kept: Floats = sizes[order][place]
    return kept


def _dealt(folds: ArrayLike | None, groups: ArrayLike | None, pictures: int) -> NDArray[np.int64]:
    """Return the fold of each picture; where nobody dealt them, in turns, copies together."""
    if folds is not None:
        return np.asarray(folds, np.int64)
    number = np.arange(pictures) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    dealt: NDArray[np.int64] = number.reshape(-1).astype(np.int64) % _FOLDS
    return dealt


def _curve(position: Floats, wrong: Floats) -> tuple[Floats, Floats]:
    """Return the knots of the curve: positions in rising order, and the mean error around each."""
    order = np.argsort(position, kind="stable")
    parts: Sequence[NDArray[np.int64]] = np.array_split(order, max(1, min(KNOTS, len(order) // A_KNOT)))
    mean = float(wrong.mean())
    least = 1e-3 * mean if mean > 0 else 1.0  # nowhere is an error of nothing expected
    at = np.array([position[part].mean() for part in parts])
    spread = np.array([(wrong[part].sum() + PRIOR * mean) / (len(part) + PRIOR) for part in parts])
    return at, np.maximum(spread, least)
