"""Moves: how the pictures of a batch became a network's inputs, so that whatever is labelled on them moves along.

One matrix a picture. `striate.data.batches.augment` draws it, `striate.data.batches.warp` moves pixels and masks by
it, and the methods of `Moves` move points, boxes and angles by the very same one. No torch.

Coordinates are those of `striate.data.pictures.affine`: (x, y) in pixels from the top left corner, edges of pixels at
whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.data.pictures.affine import Matrices, MovedBoxes, applied, boxes_within, inverse

Rows = int | NDArray[np.int64]  # which picture of the batch each label is on; a number where all are on one


@dataclass(frozen=True, eq=False)
class Moves:
    """How each of ``number`` pictures, ``source`` (height, width) pixels as stored, became an input of ``size``.

    ``geometry`` (N, 2, 3), ``colour`` (N, 3, 4) and ``erased`` (N, 4) are what was drawn, in the terms of
    `striate.data.batches.augment`, which hold at any size; None where nothing changes. With ``corners`` (N, 2), the
    inputs are windows of pictures moved in their own size, each with its left and top edge there, (x, y) in pixels.
    What a person works with is `matrices`, in pixels, and the methods. ``moves[a:b]`` are those of some of them.

    Example: a picture 8 wide and 4 high, mirrored; a point and a box on it:

    >>> mirror = Moves(1, (4, 8), (4, 8), geometry=np.array([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]))
    >>> mirror.points([[3.0, 1.0]]).tolist()
    [[5.0, 1.0]]
    >>> mirror.boxes([[0.0, 0.0, 3.0, 2.0]]).boxes.tolist()
    [[5.0, 0.0, 8.0, 2.0]]
    """

    number: int
    source: tuple[int, int]
    size: tuple[int, int]
    geometry: Matrices | None = None
    colour: Matrices | None = None
    erased: Matrices | None = None
    corners: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return self.number

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Moves:
        """Return the moves of some pictures, by a slice or by their numbers in the batch."""
        every = (self.geometry, self.colour, self.erased, self.corners)
        drawn: list[Any] = [None if values is None else values[rows] for values in every]
        return Moves(len(np.arange(self.number)[rows]), self.source, self.size, *drawn)

    @property
    def still(self) -> bool:
        """Whether every picture became its input as it was: nothing moved, nothing covered, the size its own."""
        unmoved = self.geometry is None and self.erased is None and self.corners is None
        return unmoved and self.source == self.size

    @property
    def moved_at(self) -> tuple[int, int]:
        """The (height, width) at which pictures are moved: that of the inputs, or before a window is cut their own."""
        return self.size if self.corners is None else self.source

    @cached_property
    def matrices(self) -> Matrices:
        """Return (N, 2, 3) float64: the point (x, y) of stored picture n is at ``matrices[n] @ (x, y, 1)`` of input n.

        Smaller inputs (progressive resizing) are in it, and so is the rounding of moves by whole pixels.

        >>> Moves(1, (8, 8), (4, 4)).matrices.tolist()
        [[[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]]]
        """
        (tall, wide), (height, width) = self.source, self.moved_at
        shrink = np.diag([width / wide, height / tall])
        matrices = np.zeros((self.number, 2, 3))
        if self.corners is not None:
            matrices[:, :, 2] = -self.corners
        if self.geometry is None:
            matrices[:, :, :2] = shrink
            return matrices
        read = in_pixels(self.geometry, height, width)
        forward = inverse(read[:, :, :2])
        middle = np.array([width / 2, height / 2])
        matrices[:, :, :2] = forward @ shrink
        matrices[:, :, 2] += middle - (forward @ (middle + read[:, :, 2])[:, :, None])[:, :, 0]
        return matrices

    @cached_property
    def mirrored(self) -> NDArray[np.bool_]:
        """Return (N,): whether each picture is seen as in a mirror."""
        return np.asarray(np.linalg.det(self.matrices[:, :, :2]) < 0)

    @cached_property
    def turned(self) -> NDArray[np.float64]:
        """Return (N,): by how many degrees, counter-clockwise as seen, each picture was turned after any mirroring.

        Of a move that also shears or stretches it is the turn nearest to it (the rotation of its polar decomposition);
        `angles` is exact for every direction. From -180 to 180.
        """
        linear = self.matrices[:, :, :2].copy()
        linear[self.mirrored, :, 0] *= -1
        down = np.arctan2(linear[:, 1, 0] - linear[:, 0, 1], linear[:, 0, 0] + linear[:, 1, 1])
        return np.asarray(-np.degrees(down) + 0.0)

    @cached_property
    def erased_boxes(self) -> NDArray[np.int64]:
        """Return (N, 4): the box of each input that was covered with the mean colour; empty (left = right): none."""
        (height, width), (tall, wide) = self.moved_at, self.size
        if self.erased is None:
            return np.zeros((self.number, 4), np.int64)
        boxes = np.floor(self.erased * (width, height, width, height) + 0.5).astype(np.int64)
        if self.corners is None:
            return boxes
        return np.clip(boxes - np.tile(self.corners, 2), 0, (wide, tall, wide, tall))

    def points(self, points: ArrayLike, of: Rows = 0) -> NDArray[np.float64]:
        """Return where points (K, 2) of the stored pictures are in the inputs, (K, 2); beyond an edge as they fall.

        ``of``: the picture of the batch that each point is on, (K,), or one for all. `sees` tells which are visible.

        >>> Moves(2, (8, 8), (4, 4)).points([[8.0, 8.0], [0.5, 0.5]], of=np.array([0, 1])).tolist()
        [[4.0, 4.0], [0.25, 0.25]]
        """
        given = np.asarray(points, np.float64).reshape(-1, 2)
        return applied(self.matrices[of], given)

    def points_back(self, points: ArrayLike, of: Rows = 0) -> NDArray[np.float64]:
        """Return where points (K, 2) of the inputs were in the stored pictures; the reverse of `points`."""
        given, matrices = np.asarray(points, np.float64).reshape(-1, 2), self.matrices[of]
        return applied(inverse(matrices[..., :2]), given - matrices[..., 2])

    def sees(self, points: ArrayLike, of: Rows = 0) -> NDArray[np.bool_]:
        """Return (K,): which points (K, 2) of the inputs are on them and not covered by erasing."""
        x, y = np.asarray(points, np.float64).reshape(-1, 2).T
        left, top, right, bottom = self.erased_boxes[of].T
        covered = (x >= left) & (x < right) & (y >= top) & (y < bottom)
        return np.asarray((x >= 0) & (x <= self.size[1]) & (y >= 0) & (y <= self.size[0]) & ~covered)

    def boxes(self, boxes: ArrayLike, of: Rows = 0) -> MovedBoxes:
        """Return the boxes (K, 4) of stored pictures in the inputs: the hull of what is left of each, and how much is.

        A turned box is no box any more: the hull holds its four corners, or, where it reaches beyond an edge, all of it
        that is within. ``visible`` is the share of its area that is within the input and not covered by erasing, from
        0 to 1. One that is not within at all comes back without area, at the edge nearest to it. ``of`` as in `points`.

        >>> half = Moves(1, (8, 8), (8, 8), geometry=np.array([[[1.0, 0.0, 0.25], [0.0, 1.0, 0.0]]]))  # 2 to the left
        >>> half.boxes([[0.0, 0.0, 4.0, 4.0]])
        MovedBoxes(boxes=array([[0., 0., 2., 4.]]), visible=array([0.5]))
        """
        given = np.asarray(boxes, np.float64).reshape(-1, 4)
        matrices = np.broadcast_to(self.matrices[of], (len(given), 2, 3))
        height, width = self.size
        everything = np.broadcast_to(np.array([0.0, 0.0, width, height]), given.shape)
        found = boxes_within(given, matrices, everything)
        if self.erased is None:
            return found
        covered = np.broadcast_to(self.erased_boxes[of].astype(np.float64), given.shape)
        hidden = boxes_within(given, matrices, covered).visible
        return MovedBoxes(found.boxes, np.clip(found.visible - hidden, 0.0, 1.0))

    def angles(
        self, degrees: ArrayLike, of: Rows | None = None, *, zero: str = "right", clockwise: bool = False
    ) -> NDArray[np.float64]:
        """Return what angles (K,) of things on the pictures are after the move, in degrees from 0 up to 360.

        ``zero`` is where an angle of 0 points on the picture, "right" (mathematics) or "up" (a compass); ``clockwise``
        the sense in which they grow. A mirror turns an angle the other way round, a shear turns each by its own amount.
        ``of`` as in `points`; by itself one angle a picture.

        >>> mirror = Moves(1, (8, 8), (8, 8), geometry=np.array([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]))
        >>> mirror.angles([30.0]).round(6).tolist(), mirror.angles([30.0], zero="up", clockwise=True).round(6).tolist()
        ([150.0], [330.0])
        """
        start, sense = {"right": 0.0, "up": 90.0}[zero], -1.0 if clockwise else 1.0
        seen = np.radians(start + sense * np.asarray(degrees, np.float64))  # counter-clockwise from the right
        ways = np.stack([np.cos(seen), -np.sin(seen)], axis=-1)  # y is down
        linear = (self.matrices if of is None else self.matrices[of])[..., :2]
        x, y = ((linear * ways[..., None, :]).sum(-1)).T
        return np.asarray((sense * (np.degrees(np.arctan2(-y, x)) - start)) % 360.0)

    def signs(self, numbers: ArrayLike, of: Rows | None = None) -> NDArray[np.float64]:
        """Return numbers (K,) whose sign is a side, such as left of a steering wheel: a mirror turns the sign.

        >>> mirror = Moves(1, (8, 8), (8, 8), geometry=np.array([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]))
        >>> mirror.signs([0.5]).tolist()
        [-0.5]
        """
        mirrored = self.mirrored if of is None else self.mirrored[of]
        return np.where(mirrored, -1.0, 1.0) * np.asarray(numbers, np.float64)


def by_whole_pixels(geometry: Matrices) -> NDArray[np.bool_]:
    """Return (N,): which matrices only shift and flip; those move by whole pixels."""
    linear = geometry[:, :, :2]
    straight = (linear[:, 0, 1] == 0) & (linear[:, 1, 0] == 0) & (linear[:, 1, 1] == 1)
    return np.asarray(straight & (np.abs(linear[:, 0, 0]) == 1))


def in_pixels(geometry: Matrices, height: int, width: int) -> Matrices:
    """Return drawn geometry (N, 2, 3) with its shift in pixels, rounded where a picture moves by whole pixels.

    So the input's position ``o`` is read at ``matrix @ (o, 1)`` of the picture, both counted from the middle.
    """
    pixels = geometry.copy()
    pixels[:, :, 2] *= (width, height)
    whole = by_whole_pixels(geometry)
    pixels[whole, :, 2] = np.floor(pixels[whole, :, 2] + 0.5)
    return pixels
