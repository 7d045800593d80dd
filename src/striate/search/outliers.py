"""Outliers: pictures unlike their class and unlike everything else, beyond what the folder's own spread explains.

How far a picture is, is the logarithm of its distance (1 less the cosine) to the 20 nearest, once of all pictures and
once of its class, each in deviations above the middle of its class; the mean of both is the score. No threshold is
fixed: the score's own spread over the folder, from its middle to where 2.5 % lie above, says from where on one picture
in as many as there are would be found by chance, were there no outlier.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

NEAREST: Final = 20
FEWEST: Final = 100  # pictures, below which the end of their spread is not known
FEWEST_OF_CLASS: Final = 20
_ROWS: Final = 1024
_TENTH: Final = NormalDist().inv_cdf(0.9)
_END: Final = 0.975  # of pictures lie below what the spread is measured by: so many at least are taken for none


@dataclass(frozen=True, eq=False)
class Far:
    """How far pictures lie: ``score`` (N,) in deviations, from ``threshold`` on an outlier; ``nearest`` (N,), a row."""

    score: NDArray[np.float64]
    threshold: float
    nearest: NDArray[np.int64]


def far(vectors: NDArray[np.float32], labels: NDArray[np.int64], groups: NDArray[np.int64]) -> Far | None:
    """Return how far pictures lie by vectors (N, D) of length 1; None where there are too few to know.

    Pictures of a class of fewer than 20 lie at 0. Those of one of ``groups`` (N,) are copies, and not each other's
    nearest.

    Example: ``far(np.eye(8, dtype=np.float32), np.zeros(8, np.int64), np.arange(8))`` is ``None``.
    """
    count = len(vectors)
    if count < FEWEST:
        return None
    every, own = np.zeros(count), np.zeros(count)
    nearest = np.zeros(count, np.int64)
    sizes = np.bincount(labels)
    for begin in range(0, count, _ROWS):
        some = slice(begin, min(count, begin + _ROWS))
        cosine = vectors[some] @ vectors.T
        cosine[groups[some, None] == groups[None, :]] = -2.0
        nearest[some] = cosine.argmax(axis=1)
        every[some] = _mean_of_highest(cosine, NEAREST)
        for label in np.unique(labels[some]):
            mine = np.flatnonzero(labels[some] == label)
            most = min(NEAREST, max(1, int(sizes[label]) // 2))
            own[begin + mine] = _mean_of_highest(cosine[mine][:, labels == label], most)
    big = sizes[labels] >= FEWEST_OF_CLASS
    if big.sum() < FEWEST:
        return None
    score = np.where(big, 0.5 * (_deviations(every, labels) + _deviations(own, labels)), 0.0)
    middle, end = np.quantile(score[big], (0.5, _END))
    spread = max(float(end - middle), 1e-9) / NormalDist().inv_cdf(_END)
    return Far(np.where(big, (score - middle) / spread, 0.0), NormalDist().inv_cdf(1 - 1 / int(big.sum())), nearest)


def _mean_of_highest(cosine: NDArray[np.float32], number: int) -> NDArray[np.float64]:
    number = min(number, cosine.shape[1])
    highest = -np.partition(-cosine, number - 1, axis=1)[:, :number]
    there = highest > -1.5  # copies are no neighbours
    total: NDArray[np.float64] = np.where(there, highest, 0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    return total


def _deviations(cosine: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    away = np.log(np.maximum(1 - cosine, 1e-3))
    found = np.zeros(len(away))
    for label in np.unique(labels):
        mine = labels == label
        middle, tenth = np.quantile(away[mine], (0.5, 0.9))
        found[mine] = (away[mine] - middle) / (max(float(tenth - middle), 1e-6) / _TENTH)
    return found
