"""Strata: groups of pictures, of which each part of a split and each fold holds its share: classes, tags, ranges.

Numbers have no classes, so pictures are put in order by their numbers and cut into ranges of about equal size, which
`data.split` and `data.folds` then treat as they treat classes (Kohavi 1995 for classes; the same for ranges of numbers
in Breiman and Spector 1992, "Submodel selection and evaluation in regression").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

RANGES = 10
IN_A_RANGE = 10  # pictures a range at least, so that every part of a split gets some


@dataclass(frozen=True, eq=False)
class Strata:
    """In which groups each of N pictures is: one (N,), or any number of T (N, T).

    ``values`` (N,) int64 are the group's number, -1 for none; (N, T) booleans say for each group whether it is in it.
    ``known`` (N,) says which pictures are labelled: the others go nowhere. ``names`` are the groups that must have a
    picture to train on, by number, called ``noun`` each; without them a group may go without.
    """

    values: NDArray[np.int64] | NDArray[np.bool_]
    known: NDArray[np.bool_]
    names: tuple[str, ...] = ()
    noun: str = "class"

    @property
    def count(self) -> int:
        """How many groups there are."""
        if self.values.ndim == 2:
            return int(self.values.shape[1]) + 1
        return max(len(self.names), int(self.values.max(initial=-1)) + 1)

    @property
    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The group and the picture of every membership, both (M,), by pictures: of labelled pictures alone."""
        if self.values.ndim == 1:
            rows = np.flatnonzero(self.known)
            return self.values[rows].astype(np.int64), rows
        apart = self.known & ~self.values.any(axis=1)
        rows, groups = np.nonzero(np.column_stack([self.values & self.known[:, None], apart]))
        return groups.astype(np.int64), rows.astype(np.int64)

    @property
    def numbers(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of the groups each picture is in, rising; those of no group, but labelled, are a group apart."""
        if self.values.ndim == 1:
            return tuple((int(value),) if there else () for value, there in zip(self.values, self.known, strict=True))
        apart = (self.values.shape[1],)
        return tuple(
            (tuple(np.flatnonzero(row).tolist()) or apart) if there else ()
            for row, there in zip(self.values, self.known, strict=True)
        )


def strata_of(
    values: NDArray[np.float64], known: NDArray[np.bool_], *, periods: Sequence[float | None] = ()
) -> NDArray[np.int64]:
    """Return the range of every row, (N,) int64 from 0, -1 where it is not ``known``.

    ``values`` (N, D): several numbers are put in order along the direction in which, each in its deviation, they vary
    together most (their first principal component). ``periods`` (D,) of circular ones: these count as their cosine and
    sine, a single one as itself. Equal rows are in one range, whatever the order of the rows.

    Example: ``np.bincount(strata_of(np.arange(100.0)[:, None], np.ones(100, bool)))`` is ``[10] * 10``.
    """
    strata = np.full(len(values), -1, np.int64)
    some = np.asarray(values, np.float64)[known]
    if not len(some):
        return strata
    strata[known] = value_ranges(_line(some, periods), max(1, min(RANGES, len(some) // IN_A_RANGE)))
    return strata


def value_ranges(values: ArrayLike, count: int) -> NDArray[np.int64]:
    """Return the range, from 0, that each of (N,) values lies in: about ``count`` of them, as full as each other.

    Equal values are in one range; a value that fills one by itself has it to itself.
    Example: ``value_ranges([5.0, 0.0, 0.0, 0.0, 1.0], 2)`` is ``[1, 0, 0, 0, 1]``.
    """
    array = np.asarray(values, np.float64)
    unique, inverse, pictures = np.unique(array, return_inverse=True, return_counts=True)
    place, now = np.zeros(len(unique), np.int64), 0
    alone = pictures >= len(array) / max(1, count)
    full = float(pictures[~alone].sum()) / max(1, count - int(alone.sum()))  # what the others get of the ranges
    # A value that is alone stands between stretches of others, each of which is cut by itself.
    begins = np.flatnonzero(np.diff(alone.astype(int)) != 0) + 1
    for stretch in np.split(np.arange(len(unique)), begins):
        if not len(stretch):
            continue
        here = pictures[stretch]
        if alone[stretch[0]]:
            own = np.arange(len(stretch))
        else:
            parts = max(1, round(float(here.sum()) / full))
            middle = np.cumsum(here) - here / 2
            own = np.minimum((middle * (parts / here.sum())).astype(np.int64), parts - 1)
            own = np.unique(own, return_inverse=True)[1].reshape(-1)
        place[stretch] = now + own
        now += int(own.max()) + 1
    return place[inverse.reshape(-1)]


def _line(values: NDArray[np.float64], periods: Sequence[float | None]) -> NDArray[np.float64]:
    """Return one number a row that puts the rows in order."""
    each = list(periods) or [None] * values.shape[1]
    if values.shape[1] == 1:
        period = each[0]
        only: NDArray[np.float64] = values[:, 0] if period is None else values[:, 0] % period
        return only
    columns = []
    for column, period in zip(values.T, each, strict=True):
        if period is None:
            columns.append(column)
        else:
            turns = column * (2 * math.pi / period)
            columns += [np.cos(turns), np.sin(turns)]
    table = np.column_stack(columns)
    deviation = table.std(axis=0)
    table = (table - table.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    _, vectors = np.linalg.eigh(table.T @ table)
    line: NDArray[np.float64] = np.round(table @ vectors[:, -1], 9)  # rows that are equal stay so
    return line
