"""Outlines filled to masks: which pixels lie in a polygon, with holes and in several parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from striate.data.labels.objects import PictureObjects, Ring
from striate.data.pictures.crop_transform import VOID


def filled(rings: Sequence[Ring], height: int, width: int) -> NDArray[np.bool_]:
    """Return (height, width): whether the middle of a pixel lies in an object of these rings, (N, 2) x and y each.

    A ring all of whose pixels lie in the others is a hole; any other is a part.

    Example: ``filled([np.array([(0, 0), (2, 0), (2, 1), (0, 1)])], 2, 3).tolist()`` is
    ``[[True, True, False], [False, False, False]]``.
    """
    inside = np.zeros((height, width), np.bool_)
    for _, at in sorted(((-_area(ring), at) for at, ring in enumerate(rings))):
        window, one = _drawn(rings[at], height, width)
        here = inside[window]
        inside[window] = here & ~one if one.any() and not (one & ~here).any() else here | one
    return inside


def joined(rings: Sequence[Ring], height: int, width: int) -> NDArray[np.bool_]:
    """Return (height, width): whether the middle of a pixel lies in any of these rings, which have no holes then.

    Example: ``joined([np.array([(0, 0), (2, 0), (2, 1), (0, 1)])], 1, 3).tolist()`` is ``[[True, True, False]]``.
    """
    inside = np.zeros((height, width), np.bool_)
    for ring in rings:
        window, one = _drawn(ring, height, width)
        inside[window] |= one
    return inside


def _drawn(ring: Ring, height: int, width: int) -> tuple[tuple[slice, slice], NDArray[np.bool_]]:
    """Return the part of a picture around a ring, and which of its pixels' middles lie in it."""
    left, top = np.clip(np.floor(ring.min(0)), 0, (width, height)).astype(int).tolist()
    right, bottom = np.clip(np.ceil(ring.max(0)), 0, (width, height)).astype(int).tolist()
    window = (slice(top, max(top, bottom)), slice(left, max(left, right)))
    return window, _ring(ring - (left, top), max(0, bottom - top), max(0, right - left))


def _area(ring: Ring) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def _ring(ring: Ring, height: int, width: int) -> NDArray[np.bool_]:
    """Return which pixels' middles lie in one ring, by how often a row crosses it before them (even-odd).

    Source of the method: the scan-line fill of Foley and others, "Computer Graphics", 2nd ed., section 3.6.
    """
    crossed = np.zeros((height, width + 1), np.int32)
    x0, y0 = ring.T
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    down = y0 > y1
    x0, x1 = np.where(down, x1, x0), np.where(down, x0, x1)
    y0, y1 = np.where(down, y1, y0), np.where(down, y0, y1)
    # Rows whose middle an edge crosses: its upper end belongs to it, its lower one to the next.
    first = np.clip(np.ceil(y0 - 0.5), 0, height).astype(np.int64)
    last = np.clip(np.ceil(y1 - 0.5), 0, height).astype(np.int64)
    count = np.maximum(last - first, 0)
    edge = np.repeat(np.arange(len(ring)), count)
    row = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    at = x0[edge] + (row + 0.5 - y0[edge]) * (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
    column = np.clip(np.ceil(at - 0.5), 0, width).astype(np.int64)
    np.add.at(crossed, (row, column), 1)
    return (np.cumsum(crossed, axis=1)[:, :-1] & 1).astype(np.bool_)


def mask_of(picture: PictureObjects, classes: Sequence[int], *, background: int) -> NDArray[np.uint8]:
    """Return the class of every pixel of a picture, (H, W): ``classes`` has that of each class of the picture's set.

    Objects are drawn from the largest to the smallest. What is to be ignored, and an object that is known by its box
    alone, is void (255) as far as nothing lies over it; so is what no object covers where not all classes were looked
    for, and the ``background`` otherwise.

    Example: ``mask_of(PictureObjects.of("a.jpg", 2, 1, [], []), [1], background=0).tolist()`` is ``[[0, 0]]``.
    """
    mask = np.full((picture.height, picture.width), background if picture.labelled is None else VOID, np.uint8)
    objects = [rings or (_corners(*box),) for rings, box in zip(picture.outlines, picture.boxes.tolist(), strict=True)]
    order = sorted(range(len(objects)), key=lambda at: (bool(picture.outlines[at]), -sum(map(_area, objects[at]))))
    for at in order:
        points = np.concatenate(objects[at])
        left, top = np.maximum(np.floor(points.min(0)), 0).astype(int).tolist()
        right, bottom = np.minimum(np.ceil(points.max(0)), (picture.width, picture.height)).astype(int).tolist()
        if left >= right or top >= bottom:
            continue
        inside = filled([ring - (left, top) for ring in objects[at]], bottom - top, right - left)
        void = picture.ignored[at] or not picture.outlines[at]
        mask[top:bottom, left:right][inside] = VOID if void else classes[picture.classes[at]]
    return mask


def _corners(left: float, top: float, right: float, bottom: float) -> Ring:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
