"""Leaks: what copies on both sides of a split are worth to who measures by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.metrics.intervals import Interval, bootstrap_mean, wilson
from striate.search.kernel_answers import Floats, answered, kernel
from striate.search.left_out import MOST
from striate.search.told import Leak

FEWEST: Final = 10  # pictures of the test, below which nothing is measured


def leak(
    vectors: Floats, labels: NDArray[np.int64], width: int, groups: NDArray[np.int64], parts: Sequence[str]
) -> Leak | None:
    """Return what copies of test pictures among those that are trained on are worth; None where there are none.

    The test pictures are answered for by all others, and again by all others but the copies. Of more than 4,500 others
    so many are taken, the copies and some by chance. Where nothing is called test, what is called val is measured on.
    """
    named = np.array(parts)
    test = named == ("test" if np.any(named == "test") else "val")
    train = ~test
    copies = train & np.isin(groups, groups[test])
    leaked = np.isin(groups, groups[copies]) & test
    if not leaked.any() or test.sum() < FEWEST:
        return None
    others = np.flatnonzero(train & ~copies)
    most = max(0, MOST - int(copies.sum()))
    others = np.sort(np.random.default_rng(0).permutation(others)[:most])
    asked, clean = np.flatnonzero(test), others
    if len(np.unique(labels[clean])) < 2:
        return None
    whole = np.sort(np.concatenate([others, np.flatnonzero(copies)]))

    def right(by: NDArray[np.int64]) -> NDArray[np.bool_]:
        alike, to = kernel(vectors[by], vectors[by]), kernel(vectors[asked], vectors[by])
        return np.asarray(answered(alike, labels[by], width, to).argmax(axis=1) == labels[asked])

    apparent, real, mine = right(whole), right(clean), leaked[asked]
    return Leak(
        int(mine.sum()),
        len(asked),
        _share(apparent),
        _share(real),
        bootstrap_mean(apparent.astype(np.float64) - real.astype(np.float64)),
        _share(apparent[mine]),
        _share(real[mine]),
    )


def _share(right: NDArray[np.bool_]) -> Interval:
    found = wilson(int(right.sum()), len(right))
    assert found is not None  # of at least one
    return found
