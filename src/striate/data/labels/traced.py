"""The outlines of a mask: rings along the edges of its pixels, so that filling them gives the same mask again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from striate.data.labels.drawn import Points

_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))  # right, down, left, up


def traced(mask: NDArray[np.bool_], *, left: float = 0, top: float = 0) -> tuple[Points, ...]:
    """Return the rings around the pixels of a mask (H, W) that are set, its holes among them; none for an empty one.

    ``left`` and ``top`` are where the mask lies in the picture. Pixels that touch by a corner alone are in rings of
    their own. `striate.data.labels.filled.filled` gives the mask back.

    Example: ``traced(np.array([[True, True]]))`` is ``(((0, 0), (2, 0), (2, 1), (0, 1)),)``.
    """
    padded = np.pad(mask, 1)
    down, across = np.diff(padded.astype(np.int8), axis=0), np.diff(padded.astype(np.int8), axis=1)
    out: dict[tuple[int, int], list[int]] = {}  # where an edge begins, and which way it goes: the mask on its right
    for grid, value, (dx, dy), way in (
        (down[:, 1:-1], 1, (0, 0), 0),  # the upper edge of a pixel, from its left end
        (across[1:-1], -1, (0, 0), 1),  # the right edge, from above
        (down[:, 1:-1], -1, (1, 0), 2),  # the lower one, from its right end
        (across[1:-1], 1, (0, 1), 3),  # the left one, from below
    ):
        for y, x in zip(*(each.tolist() for each in np.nonzero(grid == value)), strict=True):
            out.setdefault((x + dx, y + dy), []).append(way)
    rings = []
    while out:
        start = next(iter(out))
        x, y = start
        way = out[start][0]
        corners: list[tuple[float, float]] = []
        before = -1
        while (x, y) in out:
            ways = out[x, y]
            if before >= 0:
                turn = (before + 1) % 4  # where two pixels touch by a corner, stay with the one that is followed
                way = turn if turn in ways else ways[0]
            ways.remove(way)
            if not ways:
                del out[x, y]
            if way != before:
                corners.append((x + left, y + top))
            before = way
            x, y = x + _STEPS[way][0], y + _STEPS[way][1]
            if (x, y) == start and ((x, y) not in out or (before + 1) % 4 not in out[x, y]):
                break
        rings.append(tuple(corners))
    return tuple(rings)
