"""2x3 matrices at work on what is labelled: points and boxes taken from one picture to another. No torch.

Coordinates are (x, y) in pixels from the top left corner of a picture, x to the right and y down. They count edges, not
pixels: pixel (row r, column c) is the square from (c, r) to (c + 1, r + 1), and its middle is (c + 0.5, r + 0.5). A
picture of width 8 reaches from x = 0 to x = 8, so a mirror takes x to 8 - x, and a picture at half its size has its
points at half their coordinates. A box is (left, top, right, bottom), its edges where those lines are: the box around
pixel (0, 0) alone is (0, 0, 1, 1).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Matrices = NDArray[np.float64]
ROUNDING: Final = 1e-9  # of a coordinate: nearer than this to a line is on it


class MovedBoxes(NamedTuple):
    """``boxes`` (K, 4) within a picture, and ``visible`` (K,): the share of each box's area that is within it."""

    boxes: NDArray[np.float64]
    visible: NDArray[np.float64]


def applied(matrices: NDArray[Any], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points (K, 2) under one matrix (2, 2 or 3), or each under its own (K, 2, 2 or 3).

    >>> applied(np.array([[-1.0, 0.0, 8.0], [0.0, 1.0, 0.0]]), np.array([[0.5, 2.0]])).tolist()
    [[7.5, 2.0]]
    """
    moved = (matrices[..., :2] * points[:, None, :]).sum(-1)
    return np.asarray(moved + matrices[..., 2] if matrices.shape[-1] == 3 else moved)


def inverse(linear: Matrices) -> Matrices:
    """Return the inverses of (..., 2, 2); written out, so that what is exact (a flip, a half) stays exact.

    >>> inverse(np.array([[0.5, 0.0], [0.0, -1.0]])).tolist()
    [[2.0, 0.0], [0.0, -1.0]]
    """
    a, b, c, d = linear[..., 0, 0], linear[..., 0, 1], linear[..., 1, 0], linear[..., 1, 1]
    turned = np.stack([np.stack([d, -b], -1), np.stack([-c, a], -1)], -2)
    return np.asarray(turned / (a * d - b * c)[..., None, None] + 0.0)


def corners(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the four corners of boxes (K, 4), in their order around each: (K, 4, 2)."""
    left, top, right, bottom = boxes.T
    return np.stack([np.stack(pair, -1) for pair in ((left, top), (right, top), (right, bottom), (left, bottom))], 1)


def boxes_within(boxes: NDArray[np.float64], matrices: Matrices, windows: NDArray[np.float64]) -> MovedBoxes:
    """Return what boxes (K, 4), each moved by its matrix (K, 2, 3), have in common with their windows (K, 4).

    That is the hull of it, and the share that it is of the moved box; a box without area is wholly seen or not at all.
    One with nothing in common has its hull, without area, at the edge nearest to it.

    Both are convex, so their common part is the polygon of three kinds of corners: the ends of the box's sides as far
    as they are within the window (Liang and Barsky, "A New Concept and Method for Line Clipping", 1984), and the
    window's own corners that are within the box.

    >>> boxes_within(np.array([[0.0, 0, 4, 4]]), np.array([[[1.0, 0, -2], [0, 1, 0]]]), np.array([[0.0, 0, 8, 8]]))
    MovedBoxes(boxes=array([[0., 0., 2., 4.]]), visible=array([0.5]))
    """
    quads = (matrices[:, None, :, :2] * corners(boxes)[:, :, None, :]).sum(-1) + matrices[:, None, :, 2]  # (K, 4, 2)
    ways = np.roll(quads, -1, axis=1) - quads
    low, high = windows[:, None, :2], windows[:, None, 2:]
    slack = ROUNDING * (1 + np.abs(high))
    still = np.abs(ways) <= slack  # parallel to an edge: within for all of its length, or for none
    inside = (quads >= low - slack) & (quads <= high + slack)
    steps = np.where(still, 1.0, ways)
    one, other = (low - quads) / steps, (high - quads) / steps
    enters = np.where(still, np.where(inside, -np.inf, np.inf), np.minimum(one, other)).max(-1).clip(min=0.0)
    leaves = np.where(still, np.where(inside, np.inf, -np.inf), np.maximum(one, other)).min(-1).clip(max=1.0)
    hits = enters <= leaves
    ends = [quads + np.where(hits, at, 0.0)[..., None] * ways for at in (enters, leaves)]
    own = corners(windows)
    back = (inverse(matrices[..., :2])[:, None] * (own - matrices[:, None, :, 2])[:, :, None, :]).sum(-1)
    slack = ROUNDING * (1 + np.abs(boxes).max(1))[:, None, None]  # a corner on a side belongs to it
    held = ((back >= boxes[:, None, :2] - slack) & (back <= boxes[:, None, 2:] + slack)).all(-1)
    points = np.clip(np.concatenate([*ends, own], axis=1), low, high)  # rounding carries none over an edge
    valid = np.concatenate([hits, hits, held], axis=1)
    common: NDArray[np.bool_] = np.asarray(valid.any(1))
    lowest = np.where(valid[..., None], points, np.inf).min(1)
    highest = np.where(valid[..., None], points, -np.inf).max(1)
    nearest = np.clip(quads.mean(1), windows[:, :2], windows[:, 2:])
    hull = np.where(common[:, None], np.concatenate([lowest, highest], 1), np.concatenate([nearest, nearest], 1))
    whole = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) * np.abs(_determinants(matrices))
    share = np.where(whole > 0, _areas(points, valid) / np.where(whole > 0, whole, 1.0), common)
    return MovedBoxes(hull, np.clip(share, 0.0, 1.0))


def _determinants(matrices: Matrices) -> NDArray[np.float64]:
    return np.asarray(matrices[..., 0, 0] * matrices[..., 1, 1] - matrices[..., 0, 1] * matrices[..., 1, 0])


def _areas(points: NDArray[np.float64], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the area (K,) of each convex polygon that some of the points (K, P, 2) are the corners of."""
    count = np.maximum(valid.sum(1), 1)
    middle = np.where(valid[..., None], points, 0.0).sum(1) / count[:, None]
    around = np.where(valid[..., None], points - middle[:, None], 0.0)
    order = np.argsort(np.where(valid, np.arctan2(around[..., 1], around[..., 0]), np.inf), axis=1)
    x, y = np.moveaxis(np.take_along_axis(around, order[..., None], 1), -1, 0)
    # Points that are none lie at the end of the order; they take the place of the first, which adds nothing.
    none = np.arange(points.shape[1])[None] >= count[:, None]
    x, y = np.where(none, x[:, :1], x), np.where(none, y[:, :1], y)
    return np.asarray(np.abs((x * np.roll(y, -1, 1) - np.roll(x, -1, 1) * y).sum(1)) / 2)
