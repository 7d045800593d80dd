"""Learning curve: how right answers become with more pictures, and how much of that can be known.

The error of what is learnt from n pictures falls as a power of their number down to what no number takes away,
a n^-b + c (Cortes et al., "Learning curves: asymptotic values and rate of convergence", 1993; Hestness et al., "Deep
learning scaling is predictable, empirically", 2017). From parts of the pictures that curve is fitted and carried on to
twice their number; the pictures are drawn again a few hundred times (bootstrap), for how far the end can be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.metrics.intervals import Interval

POWERS: Final = np.linspace(0.1, 1.2, 23)
DRAWN: Final = 400
_TAILS: Final = (0.025, 0.975)


@dataclass(frozen=True, eq=False)
class Curve:
    """How right answers were that were learnt from so many ``pictures`` (F,).

    ``right`` are accuracies with their intervals; ``now`` is that of all ``of`` pictures that there are, carried on
    where fewer were measured; ``twice`` is what twice as many come to, ``gain`` by how much that is more.
    """

    pictures: tuple[int, ...]
    right: tuple[Interval, ...]
    of: int
    now: Interval
    twice: Interval
    gain: Interval


def learning_curve(pictures: NDArray[np.int64], right: NDArray[np.float64], *, of: int = 0, seed: int = 0) -> Curve:
    """Return the curve of answers that were ``right`` (F, M), by how many ``pictures`` (F,) they were learnt from.

    M are the pictures that were answered for, the same at each number; a share where there were several answers. ``of``
    is how many there are, where that is more than the last number.

    >>> right = np.arange(100) < np.array([[60], [70], [78], [84]])
    >>> 0.84 < learning_curve(np.array([100, 200, 400, 800]), right).twice.value < 0.95
    True
    """
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, right.shape[1], (DRAWN, right.shape[1]))
    errors = np.concatenate([1 - right.mean(axis=1)[None], 1 - right.T[chosen].mean(axis=1)])  # (1 + DRAWN, F)
    numbers, of = pictures.astype(np.float64), max(of, int(pictures[-1]))
    # Where copies are left out a few are missing, which is no other number.
    here = errors[:, -1] if of < 1.1 * numbers[-1] else carried_on(numbers, errors, float(of))
    now, then = 1 - here, 1 - carried_on(numbers, errors, 2.0 * of)
    each = tuple(_interval(1 - errors[:, place]) for place in range(len(pictures)))
    return Curve(tuple(int(one) for one in pictures), each, of, _interval(now), _interval(then), _interval(then - now))


def carried_on(pictures: NDArray[np.float64], errors: NDArray[np.float64], at: float) -> NDArray[np.float64]:
    """Return the error (B,) at a number of pictures, of errors (B, F) at ``pictures`` (F,): a n^-b + c, a and c >= 0.

    >>> pictures = np.array([100.0, 200.0, 400.0, 800.0])
    >>> np.round(carried_on(pictures, (0.02 + pictures**-0.5)[None], 1600.0), 4)
    array([0.045])
    """
    best, value = np.full(len(errors), np.inf), np.zeros(len(errors))
    for power in POWERS:
        falls, there = (pictures / pictures[-1]) ** -power, (at / pictures[-1]) ** -power
        about = falls - falls.mean()
        slope = np.maximum((errors - errors.mean(axis=1, keepdims=True)) @ about / (about @ about), 0.0)
        rest = errors.mean(axis=1) - slope * falls.mean()
        alone = errors @ falls / (falls @ falls)  # without what stays
        slope, rest = np.where(rest < 0, alone, slope), np.maximum(rest, 0.0)
        off = ((slope[:, None] * falls + rest[:, None] - errors) ** 2).sum(axis=1)
        better = off < best
        value = np.where(better, slope * there + rest, value)
        best = np.where(better, off, best)
    return value


def _interval(values: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(values[1:], _TAILS)
    return Interval(float(values[0]), float(min(low, values[0])), float(max(high, values[0])))
