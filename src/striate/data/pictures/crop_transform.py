"""Where the network's input lies in the person's picture: labels taken there, and answers taken back. No torch.

`striate.data.pictures.preprocess.Preprocess` gives its `CropTransform` for a picture of a given size. Coordinates are
those of `striate.data.pictures.affine`: (x, y) in pixels from the top left corner, edges of pixels at whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.data.pictures.affine import Matrices, MovedBoxes, applied, boxes_within, corners, inverse
from striate.errors import PictureError

VOID = 255  # what a mask says of a pixel that shows nothing of the picture


class Box(NamedTuple):
    """A rectangle of pixels: rows ``top`` up to, not including, ``bottom``; columns ``left`` up to ``right``.

    Whole numbers in pixels of the network's input; fractions where it was taken into the original picture.
    """

    top: float
    left: float
    bottom: float
    right: float

    @property
    def height(self) -> float:
        """Rows."""
        return self.bottom - self.top

    @property
    def width(self) -> float:
        """Columns."""
        return self.right - self.left

    def clipped(self, height: float, width: float) -> Box:
        """Return the part of it that lies within a picture of this size."""
        top, bottom = (min(max(side, 0), height) for side in (self.top, self.bottom))
        left, right = (min(max(side, 0), width) for side in (self.left, self.right))
        return Box(top, left, bottom, right)


@dataclass(frozen=True)
class CropTransform:
    """The network's input within its picture: row ``y`` of the input lies at ``top + y * down`` of the picture.

    And column ``x`` at ``left + x * across``, both in pixels of the picture as it is seen, upright, which is ``height``
    x ``width``. ``size`` is (height, width) of the input. What is padded lies beyond the picture's edges.

    The methods speak of the picture as it is seen. With an ``orientation`` of 2 to 8 they speak of the rows and columns
    of a file that has this EXIF orientation, before it is turned, as tools that ignore EXIF do.

    Example: a picture 8 high and 16 wide, of which a network of 4 x 4 takes the middle:

    >>> from striate.data.pictures.preprocess import Preprocess
    >>> crop = Preprocess(4, 4, 1).crop_transform(8, 16)
    >>> (crop.top, crop.left, crop.down, crop.across)
    (0.0, 4.0, 2.0, 2.0)
    >>> crop.points([[6.0, 2.0]]).tolist(), crop.boxes_back([[0.0, 0.0, 1.0, 4.0]]).tolist()
    ([[1.0, 1.0]], [[4.0, 0.0, 6.0, 8.0]])
    """

    top: float
    left: float
    down: float
    across: float
    height: int
    width: int
    size: tuple[int, int]
    orientation: int = 1

    def __post_init__(self) -> None:
        if self.orientation not in range(1, 9):
            raise PictureError(f"orientation {self.orientation}: EXIF has 1 (as it is seen) to 8")

    @property
    def picture(self) -> tuple[int, int]:
        """(height, width) of the picture that the methods speak of: as it is seen, or as its file holds it."""
        return (self.width, self.height) if self.orientation >= 5 else (self.height, self.width)

    @cached_property
    def matrix(self) -> Matrices:
        """Return (2, 3) float64: the point (x, y) of the picture is at ``matrix @ (x, y, 1)`` of the input."""
        turn = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
        if self.orientation >= 5:
            turn = turn[::-1].copy()
        if self._from_right:
            turn[0] = [*-turn[0, :2], self.width]
        if self._from_below:
            turn[1] = [*-turn[1, :2], self.height]
        turn[:, 2] -= (self.left, self.top)
        return np.asarray(turn / np.array([[self.across], [self.down]]) + 0.0)

    def points(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return where points (K, 2) of the picture are in the input, (K, 2); beyond an edge as they fall."""
        return applied(self.matrix, np.asarray(points, np.float64).reshape(-1, 2))

    def points_back(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return where points (K, 2) of the input are in the picture, (K, 2); the reverse of `points`."""
        given = np.asarray(points, np.float64).reshape(-1, 2)
        return applied(inverse(self.matrix[:, :2]), given - self.matrix[:, 2])

    def boxes(self, boxes: ArrayLike) -> MovedBoxes:
        """Return boxes (K, 4: left, top, right, bottom) of the picture in the input, clipped, and the share of each.

        One that the crop leaves out comes back without area, at the edge nearest to it, with a share of 0.
        """
        given = np.asarray(boxes, np.float64).reshape(-1, 4)
        matrices = np.broadcast_to(self.matrix, (len(given), 2, 3))
        return boxes_within(given, matrices, np.broadcast_to(np.array([0.0, 0.0, *self.size[::-1]]), given.shape))

    def boxes_back(self, boxes: ArrayLike) -> NDArray[np.float64]:
        """Return boxes (K, 4) of the input in the picture, (K, 4), clipped to it."""
        given = corners(np.asarray(boxes, np.float64).reshape(-1, 4))
        points = self.points_back(given.reshape(-1, 2)).reshape(given.shape)
        height, width = self.picture
        found = np.concatenate([points.min(1), points.max(1)], 1)
        return np.asarray(np.clip(found, 0.0, np.array([width, height, width, height], np.float64)))

    def masks(self, masks: NDArray[Any], *, void: int = VOID) -> NDArray[Any]:
        """Return masks (..., H, W) of the picture as masks (..., height, width) of the input, of the same dtype.

        A pixel takes the value of that pixel of the picture which its middle falls into; where it shows nothing of
        the picture (what was padded), it becomes ``void``. Errors: PictureError for a mask of another size.

        >>> from striate.data.pictures.preprocess import Preprocess
        >>> Preprocess(2, 2, 1).crop_transform(2, 4).masks(np.array([[1, 2, 3, 4], [5, 6, 7, 8]])).tolist()
        [[2, 3], [6, 7]]
        """
        if masks.shape[-2:] != self.picture:
            raise PictureError(
                f"a mask of {' x '.join(map(str, masks.shape[-2:]))} pixels for a picture of"
                f" {self.picture[0]} x {self.picture[1]}; it must have one value a pixel"
            )
        upright = self._upright(masks)
        rows = np.floor(self.top + (np.arange(self.size[0]) + 0.5) * self.down).astype(np.int64)
        columns = np.floor(self.left + (np.arange(self.size[1]) + 0.5) * self.across).astype(np.int64)
        return _taken(upright, rows, columns, void)

    def masks_back(self, masks: NDArray[Any], *, void: int = VOID) -> NDArray[Any]:
        """Return masks (..., h, w) over the whole input, of whatever resolution, as masks (..., H, W) of the picture.

        What the crop left out of the picture is ``void``.
        """
        places = self.places(masks.shape[-2:])
        rows, columns = (np.floor(place).astype(np.int64) for place in places)
        return self.stored(_taken(masks, rows, columns, void))

    def maps_back(self, maps: NDArray[np.floating[Any]], *, fill: float = float("nan")) -> NDArray[np.floating[Any]]:
        """Return maps (..., h, w) over the whole input, of whatever resolution, as maps (..., H, W) of the picture.

        Bilinear, a value standing in the middle of its cell; what the crop left out of the picture is ``fill``.

        >>> from striate.data.pictures.preprocess import Preprocess
        >>> Preprocess(1, 2, 1).crop_transform(1, 3).maps_back(np.array([[0.5, 0.25]])).tolist()
        [[0.5, 0.25, nan]]
        """
        rows, columns = self.places(maps.shape[-2:])
        there = _inside(rows, maps.shape[-2])[:, None] & _inside(columns, maps.shape[-1])
        found = _between(np.swapaxes(_between(np.swapaxes(maps, -1, -2), rows), -1, -2), columns)
        return self.stored(np.where(there, found, np.asarray(fill, maps.dtype)))

    def box(self, box: Box) -> Box:
        """Return where a box of the input lies in the picture as it is seen; it may reach beyond it."""
        return Box(
            self.top + box.top * self.down,
            self.left + box.left * self.across,
            self.top + box.bottom * self.down,
            self.left + box.right * self.across,
        )

    @property
    def _from_right(self) -> bool:
        """Whether what the file holds first, of each row or as its rows, is at the right of the picture as seen."""
        return self.orientation in (2, 3, 6, 7)

    @property
    def _from_below(self) -> bool:
        return self.orientation in (3, 4, 7, 8)

    def _upright(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return a view of what lies as in the file as it is seen."""
        turned = values.swapaxes(-1, -2) if self.orientation >= 5 else values
        return turned[..., :: -1 if self._from_below else 1, :: -1 if self._from_right else 1]

    def stored(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values (..., H, W) of the upright picture as the picture that the methods speak of has them."""
        turned = values[..., :: -1 if self._from_below else 1, :: -1 if self._from_right else 1]
        return np.ascontiguousarray(turned.swapaxes(-1, -2) if self.orientation >= 5 else turned)

    def places(self, cells: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return where the middles of the upright picture's rows (H,) and columns (W,) are, in ``cells`` of a map.

        The map (h, w) lies over the whole input; places outside of 0 to h, or 0 to w, are what the crop left out.

        >>> from striate.data.pictures.preprocess import Preprocess
        >>> [each.tolist() for each in Preprocess(2, 2, 1).crop_transform(2, 4).places((1, 1))]
        [[0.25, 0.75], [-0.25, 0.25, 0.75, 1.25]]
        """
        rows = (np.arange(self.height) + 0.5 - self.top) / self.down * (cells[0] / self.size[0])
        columns = (np.arange(self.width) + 0.5 - self.left) / self.across * (cells[1] / self.size[1])
        return np.asarray(rows, np.float64), np.asarray(columns, np.float64)


def _inside(places: NDArray[np.float64], count: int) -> NDArray[np.bool_]:
    return np.asarray((places >= 0) & (places < count))


def _taken(values: NDArray[Any], rows: NDArray[np.int64], columns: NDArray[np.int64], void: int) -> NDArray[Any]:
    """Return the values at all pairs of a row and a column, ``void`` for those that are not there."""
    height, width = values.shape[-2:]
    taken = values[..., rows.clip(0, height - 1), :][..., columns.clip(0, width - 1)]
    taken[..., (rows < 0) | (rows >= height), :] = void
    taken[..., (columns < 0) | (columns >= width)] = void
    return taken


def _between(values: NDArray[Any], places: NDArray[np.float64]) -> NDArray[Any]:
    """Return values (..., n) at places along their last axis, linearly; a value stands at its place plus a half."""
    at = np.clip(places - 0.5, 0, values.shape[-1] - 1)
    first = np.floor(at).astype(np.int64)
    second = np.minimum(first + 1, values.shape[-1] - 1)
    share = (at - first).astype(values.dtype)
    return np.asarray(values[..., first] * (1 - share) + values[..., second] * share)
