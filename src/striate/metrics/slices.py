"""Slices: what answers are worth on some of the pictures and on all others, and whether that is more than chance.

A difference is tested with the variance of both groups together: of right and wrong the pooled one with Yates'
correction, so that it comes to what shuffling the pictures gives; else Welch's. Who
looks at thirty slices finds one that stands out by chance, so p-values are those of Holm (Scandinavian Journal of
Statistics 1979): real is what is still below 0.05 among all slices that were looked at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from striate.errors import StriateError
from striate.metrics.intervals import Interval, bootstrap_mean, widened, wilson
from striate.metrics.probability import Floats, Ints

FEWEST: Final = 10  # pictures on either side from which on a difference is tested
LEAST: Final = 5  # pictures of which a mean is told at all: drawn again, one picture has no interval
LEVEL: Final = 0.05


@dataclass(frozen=True, eq=False)
class Slice:
    """What answers are worth on the pictures ``rows``: those that are ``name`` by ``by`` ("brightness").

    ``value`` is of these pictures, ``others`` of all that are not; ``p`` by Holm, None where a side has too few
    pictures.
    """

    by: str
    name: str
    rows: Ints
    value: Interval
    others: float | None
    p: float | None

    @property
    def pictures(self) -> int:
        """How many pictures it has."""
        return len(self.rows)

    @property
    def real(self) -> bool:
        """Whether the difference to the others is more than chance among so many slices makes."""
        return self.p is not None and self.p < LEVEL

    def to_dict(self) -> dict[str, object]:
        """Return everything but the rows, ready for JSON."""
        return {
            "by": self.by,
            "name": self.name,
            "pictures": self.pictures,
            "value": self.value.to_dict(),
            "others": self.others,
            "p": self.p,
            "real": self.real,
        }


def slices_of(
    groups: Sequence[tuple[str, str, Ints]], values: ArrayLike, *, design: float = 1.0, seed: int = 0
) -> tuple[Slice, ...]:
    """Return what answers are worth on each group of pictures, in the order that they have; of few no mean is told.

    Arguments:
        groups: by what, the name, and the rows of each; they may overlap, and none is empty.
        values: (N,), of every picture whether it is right (booleans), or how bad its answer is (numbers).
        design: the design effect of answers that are not independent.
        seed: of the bootstrap of means.

    Example: ``slices_of([("class", "cat", np.arange(2))], [True, False, True, True])[0].value.value`` is 0.5.
    """
    array = np.asarray(values)
    shares = array.dtype == np.bool_
    if empty := next((name for _, name, rows in groups if not len(rows)), None):
        raise StriateError(f"the slice {empty} has no pictures")
    found = []
    for by, name, rows in groups:
        if not shares and len(rows) < LEAST:
            continue
        mine, rest = array[rows], np.delete(array, rows)
        value = wilson(int(mine.sum()), len(mine), design=design) if shares else None
        if value is None:
            value = widened(bootstrap_mean(mine, seed=seed), design)
        others = float(rest.mean()) if len(rest) else None
        found.append(Slice(by, name, np.asarray(rows, np.int64), value, others, _chance(mine, rest, shares, design)))
    adjusted = holm([one.p for one in found])
    return tuple(
        Slice(one.by, one.name, one.rows, one.value, one.others, p) for one, p in zip(found, adjusted, strict=True)
    )


def holm(chances: Sequence[float | None]) -> list[float | None]:
    """Return p-values as they are among so many tests, by Holm; None stays None, and is no test.

    Example: ``holm([0.01, None, 0.04])`` is ``[0.02, None, 0.04]``.
    """
    order = sorted((p, place) for place, p in enumerate(chances) if p is not None)
    found: list[float | None] = [None] * len(chances)
    highest = 0.0
    for rank, (p, place) in enumerate(order):
        highest = max(highest, min(1.0, p * (len(order) - rank)))
        found[place] = highest
    return found


def quarters(values: ArrayLike) -> list[tuple[float, float, Ints]]:
    """Return up to four groups of about as many pictures by a number of theirs (N,), from low to high.

    Each is the lowest and the highest number in it, and its rows, ten at least; equal numbers stay together.

    Example: ``[(low, high) for low, high, _ in quarters(range(40))]`` is ``[(0, 9), (10, 19), (20, 29), (30, 39)]``.
    """
    array = np.asarray(values, np.float64)
    most = max(1, min(4, len(array) // FEWEST))
    if not len(array):
        return []
    ordered = np.sort(array)
    ends = np.unique(ordered[(np.arange(1, most + 1) * len(array)) // most - 1])
    which = np.searchsorted(ends, array, side="left")
    rows = [np.flatnonzero(which == place) for place in range(len(ends))]
    return [(float(array[some].min()), float(array[some].max()), some) for some in rows if len(some)]


def _chance(mine: Floats, rest: Floats, shares: bool, design: float) -> float | None:
    """Return the chance of a difference as large by chance alone, before there were other tests."""
    if min(len(mine), len(rest)) < FEWEST:
        return None
    apart = abs(float(mine.mean() - rest.mean()))
    if shares:
        apart = max(0.0, apart - (1 / len(mine) + 1 / len(rest)) / 2)
        share = (mine.sum() + rest.sum()) / (len(mine) + len(rest))
        variance = share * (1 - share) * (1 / len(mine) + 1 / len(rest))
    else:
        variance = float(mine.var(ddof=1) / len(mine) + rest.var(ddof=1) / len(rest))
    if variance <= 0:
        return 1.0
    return math.erfc(apart / math.sqrt(2 * variance * design))
