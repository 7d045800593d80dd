"""Classes that cannot be told apart, so that they may be one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.metrics.classification import auroc
from striate.metrics.intervals import Interval
from striate.search.examined import Case, Examined, Finding
from striate.search.told import Told

FEWEST: Final = 10  # pictures of each of two classes that were answered for
HARD: Final = 0.75  # of pairs, one of either class, that are told apart, below which two classes may be one
SHOWN: Final = 24


def overlap(examined: Examined) -> Iterator[Finding]:
    """Find pairs of classes that answers hardly tell apart: a finding a pair, what is told least first.

    Of a picture of each class, the one of which the first class is said with higher odds is taken for it. How many such
    pairs come out right is the area under the curve; where its interval ends below three of four, the classes may be
    one. With few pictures the interval is wide, and nothing is said.
    """
    told = examined.told
    if told is None:
        return
    found = []
    for one, other in _close(told, len(examined.names)):
        apart = told_apart(told, one, other)
        if apart is not None and apart.high < HARD:
            found.append((apart.value, one, other, apart))
    for _, one, other, apart in sorted(found):
        first, second = examined.names[one], examined.names[other]
        chance = "no better than by chance" if apart.low <= 0.5 else "hardly"
        mine = np.isin(told.labels, (one, other))
        taken = told.probabilities.argmax(axis=1)
        swapped = mine & np.isin(taken, (one, other)) & (taken != told.labels)
        yield Finding(
            "overlap",
            "doubtful",
            f"{first} and {second} are told apart {chance}: they may be one class",
            f"Of a picture of each, answers put {100 * apart.value:.0f} % of pairs the right way round"
            f" ({100 * max(0.0, apart.low):.0f} to {100 * apart.high:.0f} %), where 50 % is chance;"
            f" {int(swapped.sum()):,} of {int(mine.sum()):,} pictures are taken for the other. Either the"
            " pictures do not show what makes the difference, or labels were given by no rule, or there is none.",
            "Look at some of each as they are shown here: where you cannot tell them either, put them into one folder;"
            " where you can, the usual trunk sees too little of it (train with --tune all, larger pictures).",
            _cases(examined, told, swapped),
            float(mine.sum()) / max(1, len(examined)),
        )


def told_apart(told: Told, one: int, other: int) -> Interval | None:
    """Return the share of pairs of a picture of each class that come out the right way round; None of too few."""
    first, second = told.labels == one, told.labels == other
    if min(first.sum(), second.sum()) < FEWEST:
        return None
    mine = first | second
    chances = np.maximum(told.probabilities[mine][:, [one, other]], 1e-12)
    return auroc(np.log(chances[:, 0] / chances[:, 1]), first[mine])


def _close(told: Told, width: int) -> list[tuple[int, int]]:
    """Return the pairs of classes of which a tenth of either's pictures, at least, is taken for the other."""
    taken = told.probabilities.argmax(axis=1)
    confused = np.zeros((width, width), np.int64)
    np.add.at(confused, (told.labels, taken), 1)
    share: NDArray[np.float64] = confused / np.maximum(confused.sum(axis=1, keepdims=True), 1)
    least = np.maximum(share, share.T)
    return [(int(one), int(other)) for one, other in np.argwhere(np.triu(least >= 0.1, 1))]


def _cases(examined: Examined, told: Told, chosen: NDArray[np.bool_]) -> tuple[Case, ...]:
    rows = np.flatnonzero(chosen)
    sure = told.probabilities[rows].max(axis=1)
    return tuple(
        Case(
            (examined.paths[told.rows[row]],),
            f"labelled {examined.names[told.labels[row]]};"
            f" {examined.names[told.probabilities[row].argmax()]} by {100 * told.probabilities[row].max():.0f} %",
        )
        for row in rows[np.argsort(-sure, kind="stable")][:SHOWN].tolist()
    )
