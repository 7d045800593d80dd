"""Boxes of many pictures as one array: rows padded to the fullest picture, and what else is said of each picture there.

(N, M, 7) float32. The first column says what a row is:

- a class, from 0: a box. Columns: class, left, top, right, bottom, ignored (0 or 1), area. The edges are in pixels of
  the network's input once they are placed (`placed`), before of the picture; the area stays that in the picture.
- `PADDING`: nothing.
- `UNLOOKED`: nobody looked for the class in column 1 in this picture.
- `FRAME`, one a picture: across, down, left, top, width, height. The point (x, y) of the input is at
  (left + across * x, top + down * y) of the picture, which is width x height pixels.
- `LEVEL`, in targets of the loss alone: height and width of one of the network's maps, height and width of its input,
  how many classes there are, and how many cells a picture has that answer for a box, on average.

No torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.metrics.boxes import Truth

if TYPE_CHECKING:
    from striate.data.batches.moves import Moves
    from striate.data.labels.marks import BoxMarks
    from striate.data.pictures.crop_transform import CropTransform
    from striate.metrics.probability import Floats

COLUMNS: Final = 7
PADDING: Final = -1.0
UNLOOKED: Final = -2.0
FRAME: Final = -3.0
LEVEL: Final = -4.0
VISIBLE: Final = 0.25  # of a box that shows less of itself than this nobody is asked whether it is there

Rows = NDArray[np.float32]


def rows_of(marks: Sequence[BoxMarks | None], classes: int) -> Rows:
    """Return the rows (N, M, 7) of marks, None for pictures of which nothing is known, of so many ``classes``.

    Example: ``rows_of([BoxMarks((6, 8), ((1, 2, 5, 6),), (0,))], 1)[0, 0].tolist()`` is ``[0, 1, 2, 5, 6, 0, 16]``.
    """
    unlooked = [
        () if one is None or one.labelled is None else tuple(sorted(set(range(classes)) - set(one.labelled)))
        for one in marks
    ]
    most = max((0 if one is None else len(one.boxes)) + len(none) for one, none in zip(marks, unlooked, strict=True))
    rows = np.zeros((len(marks), most + 1, COLUMNS), np.float32)
    rows[:, :, 0] = PADDING
    for picture, one, none in zip(rows, marks, unlooked, strict=True):
        picture[-1] = (FRAME, 1, 1, 0, 0, *((0, 0) if one is None else one.size[::-1]))
        if one is None:
            continue
        many = len(one.boxes)
        if many:
            boxes = np.asarray(one.boxes, np.float64)
            picture[:many, 0] = one.classes
            picture[:many, 1:5] = boxes
            picture[list(one.ignored), 5] = 1
            picture[:many, 6] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        picture[many : many + len(none), 0] = UNLOOKED
        picture[many : many + len(none), 1] = none
    return rows


def placed(rows: Rows, crops: Sequence[CropTransform]) -> Rows:
    """Return rows whose boxes lie in pixels of the input; what a crop leaves out of a picture is padding.

    A box of which less than a quarter is left is ignored: neither who finds it nor who does not is wrong.
    """
    found = rows.copy()
    for picture, crop in zip(found, crops, strict=True):
        there = np.flatnonzero(picture[:, 0] >= 0)
        moved = crop.boxes(picture[there, 1:5])
        _put(picture, there, moved.boxes, moved.visible)
        frame = int(np.flatnonzero(picture[:, 0] == FRAME)[0])
        height, width = crop.picture
        picture[frame, 1:] = (crop.across, crop.down, crop.left, crop.top, width, height)
    return found


def moved(rows: Rows, moves: Moves) -> Rows:
    """Return the rows of a batch (N, M, 7), taken along by the moves of its pictures; levels of a smaller input too."""
    found = np.array(rows, np.float32)
    picture, place = np.nonzero(found[:, :, 0] >= 0)
    if len(picture):
        there = moves.boxes(found[picture, place, 1:5], of=picture)
        _put(found, (picture, place), there.boxes, there.visible)
    if moves.size != moves.source:
        levels = found[:, :, 0] == LEVEL
        shrunk = np.asarray(moves.size, np.float64) / np.asarray(moves.source, np.float64)
        # A map of stride 2 has the half of its input's side, rounded up; so have maps of maps.
        found[levels, 1:3] = np.ceil(found[levels, 1:3] * shrunk - 1e-6)
        found[levels, 3:5] = moves.size
    return found


def _put(rows: Rows, at: Any, boxes: Floats, visible: Floats) -> None:
    """Write moved boxes: those that are gone become padding, those that are hardly seen are ignored."""
    some = rows[at]
    some[:, 1:5] = boxes
    some[visible < VISIBLE, 5] = 1
    gone = (visible <= 0) | (boxes[:, 2] <= boxes[:, 0]) | (boxes[:, 3] <= boxes[:, 1])
    some[gone, 0] = PADDING
    rows[at] = some


def truths(rows: Rows) -> list[Truth]:
    """Return what is there in each picture, in pixels of the picture.

    Example: ``truths(rows_of([None], 1))[0].boxes.shape`` is ``(0, 4)``.
    """
    found = []
    for picture in rows:
        boxes = picture[picture[:, 0] >= 0].astype(np.float64)
        unlooked = picture[picture[:, 0] == UNLOOKED, 1]
        found.append(
            Truth(
                in_picture(boxes[:, 1:5], picture),
                boxes[:, 0].astype(np.int64),
                boxes[:, 5] > 0,
                boxes[:, 6],
                tuple(unlooked.astype(int).tolist()),
            )
        )
    return found


def in_picture(boxes: Floats, picture: Rows) -> Floats:
    """Return boxes (D, 4) of the input in the pixels of the picture whose rows (M, 7) these are, clipped to it."""
    across, down, left, top, width, height = picture[picture[:, 0] == FRAME][0, 1:].astype(np.float64)
    taken = boxes * (across, down, across, down) + (left, top, left, top)
    return np.asarray(np.clip(taken, 0.0, (width, height, width, height)))


def counts(rows: Rows, classes: int) -> NDArray[np.int64]:
    """Return how many boxes of each class each picture has (N, K), ignored ones left out."""
    found = np.zeros((len(rows), classes), np.int64)
    picture, place = np.nonzero((rows[:, :, 0] >= 0) & (rows[:, :, 5] == 0))
    np.add.at(found, (picture, rows[picture, place, 0].astype(np.int64)), 1)
    return found
