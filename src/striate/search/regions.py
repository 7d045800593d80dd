"""Parts of pictures: where in a picture what was asked for is, by the vectors of its places."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.search.nearest import directions

BLOCK = 512  # pictures at a time: 25 MB of places
LOOKED_AT = 8  # times as many pictures as are wanted have their windows tried
NEARLY = 0.02  # of the cosine: of windows that are so near the best the largest is taken, which frames the whole thing


class Window(NamedTuple):
    """A part of a map: rows ``top`` to ``bottom`` and columns ``left`` to ``right``, the ends not in it."""

    top: int
    left: int
    bottom: int
    right: int


class Regions(NamedTuple):
    """The pictures that hold what was asked for: their ``rows`` (k,), ``cosine`` (k,), and the window of each."""

    rows: NDArray[np.int64]
    cosine: NDArray[np.float32]
    windows: tuple[Window, ...]


@cache
def windows_of(high: int, wide: int) -> tuple[Window, ...]:
    """Return the windows that are tried: every place where one of 1, 2, 3, 4, 5 rows or all and as many columns fits.

    None is more than twice as long as it is wide, but for the whole.

    >>> len(windows_of(7, 7)), windows_of(1, 1)
    (436, (Window(top=0, left=0, bottom=1, right=1),))
    """
    rows, columns = ({min(side, 5), *range(1, min(side, 5))} | {side} for side in (high, wide))
    found = [
        Window(top, left, top + tall, left + broad)
        for tall in sorted(rows)
        for broad in sorted(columns)
        if max(tall, broad) <= 2 * min(tall, broad) or (tall, broad) == (high, wide)
        for top in range(high - tall + 1)
        for left in range(wide - broad + 1)
    ]
    return tuple(found)


def regions(parts: NDArray[Any], query: NDArray[np.float32], number: int, *, centre: NDArray[np.float32]) -> Regions:
    """Return the ``number`` pictures that hold what is most like a query (D,) of length 1, and the window of each.

    ``parts`` (N, high, wide, D) are as an index keeps them, seen from ``centre`` (D,). All places of all pictures are
    compared; the windows of those whose best place, or whole, is nearest are then tried, 8 times as many as are wanted.
    """
    count, high, wide, width = parts.shape
    first = np.zeros(count, np.float32)
    for begin in range(0, count, BLOCK):
        some = np.asarray(parts[begin : begin + BLOCK], np.float32)
        whole = directions(some.mean(axis=(1, 2)), centre) @ query
        places = directions(some.reshape(-1, width), centre) @ query
        first[begin : begin + BLOCK] = np.maximum(whole, places.reshape(len(some), -1).max(axis=1))
    chosen = np.argsort(-first, kind="stable")[: LOOKED_AT * number]
    tried = windows_of(high, wide)
    areas = np.array([(window.bottom - window.top) * (window.right - window.left) for window in tried])
    best = np.full(len(chosen), -2.0, np.float32)
    at = np.zeros(len(chosen), np.int64)
    for place, row in enumerate(chosen):
        sums = np.zeros((high + 1, wide + 1, width), np.float32)
        sums[1:, 1:] = np.asarray(parts[row], np.float32).cumsum(0).cumsum(1)
        corners = np.array(tried)
        top, left, bottom, right = corners.T
        total = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        mean = total / ((bottom - top) * (right - left))[:, None]
        found = directions(mean, centre) @ query
        at[place] = np.where(found >= found.max() - NEARLY, areas, 0).argmax()
        best[place] = found[at[place]]
    order = np.argsort(-best, kind="stable")[:number]
    return Regions(chosen[order], best[order], tuple(tried[int(at[place])] for place in order))
