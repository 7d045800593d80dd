"""Boxes around objects: what was found and what is there, how far two boxes overlap, and which say the same thing.

A box is (left, top, right, bottom) in pixels of the person's picture, x to the right and y down, counted at the edges:
a box around the first pixel alone is (0, 0, 1, 1). Everything here is NumPy in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.errors import StriateError
from striate.metrics.probability import Bools, Floats, Ints

OVERLAP = 0.6  # of two boxes of a class the weaker one goes from here on


@dataclass(frozen=True, eq=False)
class Found:
    """The boxes that were found in one picture: D of them, with class numbers and scores, in any order.

    Arguments:
        boxes: (D, 4), left, top, right, bottom in pixels of the picture.
        classes: (D,), numbers from 0.
        scores: (D,), the higher the surer; any finite numbers, probabilities where they are calibrated.

    Raises StriateError where the three do not go together, or where a number is not finite.

    Example: ``len(Found([[0, 0, 10, 10]], [0], [0.9]))`` is 1.
    """

    boxes: Floats
    classes: Ints
    scores: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "boxes", checked_boxes(self.boxes))
        object.__setattr__(self, "classes", _classes(self.classes, len(self.boxes)))
        object.__setattr__(self, "scores", _numbers(self.scores, len(self.boxes), "scores"))

    def __len__(self) -> int:
        return len(self.boxes)

    def at(self, rows: ArrayLike) -> Found:
        """Return some of the boxes, ``rows`` being numbers or booleans (D,).

        Example: ``Found([[0, 0, 1, 1], [0, 0, 2, 2]], [0, 1], [0.9, 0.8]).at([1]).classes`` is ``[1]``.
        """
        kept = np.asarray(rows)
        if not kept.size:
            kept = np.zeros(0, np.int64)
        return Found(self.boxes[kept], self.classes[kept], self.scores[kept])


@dataclass(frozen=True, eq=False)
class Truth:
    """The G boxes that are in one picture, as somebody labelled them; none of them says that it is empty.

    Arguments:
        boxes: (G, 4), left, top, right, bottom in pixels of the picture.
        classes: (G,), numbers from 0.
        ignored: (G,), True for a crowd or a region that was left open: what is found there is neither right nor wrong,
            however often, and it is not missed. None: none of them.
        areas: (G,), square pixels of the picture that the object covers, which may be less than its box; sizes
            (small, medium, large) go by it. None: the areas of the boxes.
        unlooked: numbers of classes that nobody looked for in this picture: nothing is said of them.

    Raises StriateError where these do not go together, or where a number is not finite.

    Example: ``Truth([[0, 0, 10, 4]], [2]).areas`` is ``[40.0]``.
    """

    boxes: Floats
    classes: Ints
    ignored: Bools = None  # type: ignore[assignment]  # None only until it is made
    areas: Floats = None  # type: ignore[assignment]
    unlooked: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        boxes = checked_boxes(self.boxes)
        count = len(boxes)
        ignored = np.zeros(count, bool) if self.ignored is None else np.asarray(self.ignored)
        if not ignored.size:
            ignored = ignored.astype(bool)
        if ignored.shape != (count,) or ignored.dtype != bool:
            raise StriateError(
                f"{count} boxes need {count} times True or False of whether they are ignored, not {ignored.dtype} of"
                f" shape {ignored.shape}"
            )
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "classes", _classes(self.classes, count))
        object.__setattr__(self, "ignored", ignored)
        areas = box_areas(boxes) if self.areas is None else _numbers(self.areas, count, "areas")
        object.__setattr__(self, "areas", areas)
        object.__setattr__(self, "unlooked", tuple(sorted({int(one) for one in self.unlooked})))

    def __len__(self) -> int:
        return len(self.boxes)

    def at(self, rows: ArrayLike) -> Truth:
        """Return some of the boxes, ``rows`` being numbers or booleans (G,); what nobody looked for stays.

        Example: ``len(Truth([[0, 0, 1, 1], [0, 0, 2, 2]], [0, 1]).at([False, True]))`` is 1.
        """
        kept = np.asarray(rows)
        if not kept.size:
            kept = np.zeros(0, np.int64)
        return Truth(self.boxes[kept], self.classes[kept], self.ignored[kept], self.areas[kept], self.unlooked)


def checked_boxes(boxes: ArrayLike) -> Floats:
    """Return boxes as (N, 4) float64, or raise StriateError that names the first that is none.

    Example: ``checked_boxes([]).shape`` is ``(0, 4)``.
    """
    array = np.asarray(boxes, dtype=np.float64)
    if not array.size:
        return np.zeros((0, 4))
    if array.ndim != 2 or array.shape[1] != 4:
        raise StriateError(f"boxes must be (boxes, 4): left, top, right, bottom; not of shape {array.shape}")
    # Written so that NaN, which compares as False, is refused by it.
    sound = np.isfinite(array).all(axis=1) & (array[:, 2] >= array[:, 0]) & (array[:, 3] >= array[:, 1])
    if not sound.all():
        row = int(np.argmin(sound))
        raise StriateError(
            f"box {row} is {array[row].tolist()}: left, top, right, bottom must be finite, and right and bottom not"
            " below left and top"
        )
    return array


def box_areas(boxes: ArrayLike) -> Floats:
    """Return the areas (N,) of boxes (N, 4), in square pixels.

    Example: ``box_areas([[0, 0, 10, 4]])`` is ``[40.0]``.
    """
    array = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    areas: Floats = (array[:, 2] - array[:, 0]) * (array[:, 3] - array[:, 1])
    return areas


def iou(a: ArrayLike, b: ArrayLike, crowd: ArrayLike | None = None) -> Floats:
    """Return how far boxes (A, 4) and (B, 4) overlap, (A, B): the area of both together, as a share of either's.

    Arguments:
        a: the boxes that were found.
        b: the boxes that are there.
        crowd: (B,), True where a box of ``b`` is a crowd: the overlap is then a share of the box of ``a`` alone, so
            that one object inside the crowd overlaps it wholly (COCO's rule). None: none is.

    Boxes without area overlap nothing. Source: Jaccard 1901; the rule for crowds is that of pycocotools.

    Example: ``iou([[0, 0, 10, 10]], [[5, 0, 15, 10]])`` is ``[[0.333]]``, and of a crowd 0.5.
    """
    first, second = (np.asarray(one, dtype=np.float64).reshape(-1, 4) for one in (a, b))
    inside = _width(first[:, 0], first[:, 2], second[:, 0], second[:, 2])
    inside *= _width(first[:, 1], first[:, 3], second[:, 1], second[:, 3])
    own = box_areas(first)[:, None]
    whole = own + box_areas(second) - inside
    if crowd is not None:
        whole = np.where(np.asarray(crowd, dtype=bool), own, whole)
    return np.divide(inside, whole, out=np.zeros_like(inside), where=inside > 0)


def suppress(
    boxes: ArrayLike,
    scores: ArrayLike,
    classes: ArrayLike | None = None,
    *,
    overlap: float = OVERLAP,
    most: int | None = None,
) -> Ints:
    """Return which boxes say something that no surer box of the class says already: rows, the surest first.

    The greedy rule, exactly: boxes are taken in the order of their scores, equal ones in the order given, and one is
    dropped whose overlap with a box already kept of its class is above ``overlap``. However many there are, none is
    left out for their number.

    Arguments:
        boxes: (N, 4), left, top, right, bottom.
        scores: (N,), the higher the surer.
        classes: (N,), boxes of other classes do not drop each other; None: all are of one.
        overlap: the intersection over union above which the weaker of two goes, 0 to 1.
        most: how many are returned at most; None: all of them.

    Raises StriateError where these do not go together.

    Example: ``suppress([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]], [0.5, 0.9, 0.7])`` is ``[1, 2]``.
    """
    all_boxes = checked_boxes(boxes)
    count = len(all_boxes)
    sure = _numbers(scores, count, "scores")
    kinds = np.zeros(count, np.int64) if classes is None else _classes(classes, count)
    if not 0 <= overlap <= 1:
        raise StriateError(f"the overlap above which a box is dropped must be between 0 and 1, not {overlap}")
    order = np.argsort(-sure, kind="stable")
    of = kinds[order]
    kept = np.zeros(count, bool)
    for kind in np.unique(of):
        places = np.flatnonzero(of == kind)
        kept[places[_first_ones(all_boxes[order[places]], overlap)]] = True
    return np.asarray(order[kept][:most], np.int64)


def _first_ones(boxes: Floats, overlap: float) -> Ints:
    """Return which of boxes in order overlap none that was kept before.

    Only boxes whose left edges are near each other can overlap so far: where they share a part t of their union, the
    distance of the edges is at most (1 - t) of the width of the one to the left, and the widths differ by 1 / t at
    most. So the boxes stand sorted by that edge, and each kept one looks at a stretch of them.
    """
    by_left = np.argsort(boxes[:, 0], kind="stable")
    left, top, right, bottom = np.ascontiguousarray(boxes[by_left].T)
    areas = (right - left) * (bottom - top)
    width = right - left
    slack = 1e-9 * (np.abs(left) + width)  # what rounding may move an edge by, and far more
    back = (1 - overlap) / max(overlap, 1e-9) * width + slack
    first = np.searchsorted(left, left - back, side="left").tolist()
    last = np.searchsorted(left, left + (1 - overlap) * width + slack, side="right").tolist()
    place = np.empty(len(boxes), np.int64)
    place[by_left] = np.arange(len(boxes))
    alive = np.ones(len(boxes), bool)
    kept = []
    for row, here in enumerate(place.tolist()):
        if not alive[here]:
            continue
        kept.append(row)
        near = slice(first[here], last[here])
        inside = np.minimum(right[near], right[here]) - np.maximum(left[near], left[here])
        high = np.minimum(bottom[near], bottom[here]) - np.maximum(top[near], top[here])
        inside = np.maximum(inside, 0.0) * np.maximum(high, 0.0)
        whole = areas[near] + areas[here] - inside
        same = np.divide(inside, whole, out=np.zeros_like(inside), where=inside > 0) > overlap
        alive[near][same] = False
    return np.array(kept, np.int64)


def _width(low: Floats, high: Floats, other_low: Floats, other_high: Floats) -> Floats:
    """Return how long stretches (A,) and (B,) of one axis are together, (A, B)."""
    together: Floats = np.minimum(high[:, None], other_high) - np.maximum(low[:, None], other_low)
    return np.maximum(together, 0.0, out=together)


def _classes(classes: Any, count: int) -> Ints:
    array: NDArray[Any] = np.asarray(classes)
    if not array.size:
        array = array.astype(np.int64)
    if array.shape != (count,) or array.dtype.kind not in "iu" or (array < 0).any():
        raise StriateError(
            f"{count} boxes need {count} class numbers from 0, whole ones, not {array.dtype} of shape {array.shape}"
            + (f" with {int(array.min())} among them" if array.dtype.kind in "iu" and (array < 0).any() else "")
        )
    return array.astype(np.int64)


def _numbers(values: Any, count: int, name: str) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (count,) and array.size + count:
        raise StriateError(f"{count} boxes need {count} {name}, not an array of shape {array.shape}")
    if not np.isfinite(array).all():
        raise StriateError(
            f"the {name} of boxes must be finite; that of box {int(np.argmin(np.isfinite(array)))} is not"
        )
    return array.reshape(count)
