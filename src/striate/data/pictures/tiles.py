"""Tiles: a picture much larger than the network's input, cut into parts that overlap, each as large as the input.

All tiles have one scale, that of the pictures a network learnt from, and together they lie like one input over the
whole picture: tile by tile the same `CropTransform`, moved on. So what is said in pixels, or in cells of the input of a
tile, is put together without being resampled. The picture is decoded once; a tile is cut when it is wanted. No torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.data.pictures.bounds import Limits
from striate.data.pictures.crop_transform import CropTransform
from striate.data.pictures.depth import Depth
from striate.data.pictures.image import decoding, header
from striate.data.pictures.modes import to_channels
from striate.data.pictures.preprocess import FILL, INTERPOLATIONS, Preprocess
from striate.errors import PictureError, StriateError

LIMITS: Final = Limits(pixels=500_000_000, memory=4_000_000_000, visits=20_000_000_000)
"""What is decoded for tiles: five times the pixels that a picture may have otherwise, as somebody asks for it."""
WIDEST: Final = 0.5  # of a tile, at most, that it shares with the next one
_AROUND: Final = 3  # pixels of a result around it that bicubic resampling looks at, with one to spare

Cut = Callable[[int, int], NDArray[np.uint8]]


@dataclass(frozen=True)
class Line:
    """Tiles along one side of a picture of ``side`` pixels, each ``reach`` pixels of the input long.

    A pixel of the input is ``scale`` pixels of the picture. Tile number i begins at ``starts[i]``, in pixels of the
    input; where the picture is shorter than its one tile, it begins ``ahead`` pixels of the input behind the tile.
    """

    side: int
    scale: float
    reach: int
    starts: tuple[int, ...]
    ahead: int = 0

    @classmethod
    def of(cls, side: int, scale: float, reach: int, *, share: float, step: int) -> Line:
        """Return the tiles of a side at about this scale, each sharing at least about ``share`` with the next one.

        They are the fewest that do, evenly spread, beginning at multiples of ``step``. For the last to end where the
        picture does, the scale gives way, by no more than half a step along the whole side.

        >>> Line.of(700, 2.0, 100, share=0.25, step=4)
        Line(side=700, scale=2.0114942528735633, reach=100, starts=(0, 64, 124, 184, 248), ahead=0)
        """
        whole = side / scale
        if whole <= reach:
            long = min(reach, max(1, round(whole)))
            return cls(side, side / long, reach, (0,), (reach - long) // 2)
        most = max(1, math.floor(reach * (1 - min(share, WIDEST)) / step)) * step  # from one to the next
        most = min(most, reach - step)
        more = max(1, round((whole - reach) / step))  # steps from the first tile to the last
        number = math.ceil(more * step / most)
        starts = tuple(round(more * at / number) * step for at in range(number + 1))
        return cls(side, side / (reach + more * step), reach, starts)

    @property
    def long(self) -> int:
        """How many pixels of the input all tiles are long together."""
        return self.starts[-1] + self.reach

    @property
    def begin(self) -> float:
        """Where the first tile begins, in pixels of the picture: 0, or before it."""
        return -self.ahead * self.scale

    def weights(self, cells: int) -> NDArray[np.float32]:
        """Return how much each of the ``cells`` of a tile's side counts, (tiles, cells).

        What several tiles see counts 1 in all: less and less towards the end of a tile, along all that it shares.

        >>> Line(12, 1.0, 8, (0, 4)).weights(4).tolist()
        [[1.0, 1.0, 0.75, 0.25], [0.25, 0.75, 1.0, 1.0]]
        """
        middle = (np.arange(cells) + 0.5) * (self.reach / cells)
        each = np.ones((len(self.starts), cells))
        for number, start in enumerate(self.starts):
            if number:
                shared = self.starts[number - 1] + self.reach - start
                each[number] *= np.minimum(1, middle / shared)
            if number + 1 < len(self.starts):
                shared = start + self.reach - self.starts[number + 1]
                each[number] *= np.minimum(1, (self.reach - middle) / shared)
        total = np.zeros(self.in_cells(self.long, cells))
        for start, weights in zip(self.starts, each, strict=True):
            at = self.in_cells(start, cells)
            total[at : at + cells] += weights
        for start, weights in zip(self.starts, each, strict=True):
            at = self.in_cells(start, cells)
            np.divide(weights, total[at : at + cells], out=weights)
        return each.astype(np.float32)

    def in_cells(self, pixels: int, cells: int) -> int:
        """Return pixels of the input in cells, of which a tile's side has so many."""
        found, left = divmod(pixels * cells, self.reach)
        if left:
            raise StriateError(f"tiles that begin between the {cells} cells of a side of {self.reach}")  # ours
        return found


@dataclass(frozen=True)
class Tiling:
    """The tiles of a picture: ``rows`` down its height, ``columns`` along its width."""

    rows: Line
    columns: Line

    @classmethod
    def of(
        cls,
        size: tuple[int, int],
        tile: tuple[int, int],
        scale: tuple[float, float],
        *,
        share: tuple[float, float] = (0.25, 0.25),
        cells: tuple[int, ...] | None = None,
    ) -> Tiling:
        """Return the tiles of a picture of this ``size``; each pair is of height and width.

        Arguments:
            size: of the picture, as it is seen.
            tile: the size of the network's input.
            scale: how many pixels of the picture one of the input is.
            share: how much of a tile the next one sees too, at least; at most half.
            cells: the size of the map that the net answers with, for tiles to begin between its cells; None: anywhere.

        Errors: StriateError for a map whose cells do not divide the input evenly.
        """
        steps = (1, 1) if cells is None else tuple(own // math.gcd(own, n) for own, n in zip(tile, cells, strict=True))
        if cells is not None and any(step > own / 4 for step, own in zip(steps, tile, strict=True)):
            raise StriateError(
                f"a map of {cells} cells does not divide the input of {tile[0]} x {tile[1]} pixels evenly, so tiles"
                " cannot be put together; train at a size that is a multiple of 32 (--size)"
            )
        made = (
            Line.of(side, one, own, share=part, step=step)
            for side, one, own, part, step in zip(size, scale, tile, share, steps, strict=True)
        )
        return cls(*made)

    def __len__(self) -> int:
        return len(self.rows.starts) * len(self.columns.starts)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the picture."""
        return self.rows.side, self.columns.side

    @cached_property
    def whole(self) -> CropTransform:
        """Where the input that all tiles are together lies in the picture."""
        return self._crop(self.rows.begin, self.columns.begin, (self.rows.long, self.columns.long))

    def crop(self, row: int, column: int) -> CropTransform:
        """Return where a tile lies in the picture."""
        top = self.rows.begin + self.rows.starts[row] * self.rows.scale
        left = self.columns.begin + self.columns.starts[column] * self.columns.scale
        return self._crop(top, left, (self.rows.reach, self.columns.reach))

    def _crop(self, top: float, left: float, size: tuple[int, int]) -> CropTransform:
        return CropTransform(top, left, self.rows.scale, self.columns.scale, *self.size, size)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Yield row and column of each tile, row by row."""
        yield from np.ndindex(len(self.rows.starts), len(self.columns.starts))


def upright_size(picture: bytes | NDArray[np.uint8]) -> tuple[int, int]:
    """Return the (height, width) of a picture that tiles are to be cut from. Errors: PictureError."""
    if isinstance(picture, np.ndarray):
        return int(picture.shape[0]), int(picture.shape[1])
    told = header(picture, limits=LIMITS)
    return told.height, told.width


@contextmanager
def cutting(
    preprocess: Preprocess, picture: bytes | NDArray[np.uint8], tiling: Tiling
) -> Iterator[tuple[Cut, Depth | None]]:
    """Yield what cuts the tile in a row and a column, (H, W, C) uint8 as `Preprocess` makes it, and a file's depth.

    Several threads may cut at once. Of a JPEG no more is decoded than the tiles show. Beyond the picture, where it is
    shorter than a tile, a tile is gray as a padded picture is, or has the mean colour of those it learnt from, which
    the network takes for nothing as it does what is beyond the edges of any picture. Errors: PictureError.
    """
    if isinstance(picture, np.ndarray):
        yield _cut(preprocess, to_channels(picture, preprocess.channels), tiling), None
        return
    rows, columns = tiling.rows, tiling.columns
    least = math.ceil(rows.side / rows.scale), math.ceil(columns.side / columns.scale)
    with decoding(picture, channels=preprocess.channels, at_least=least, bits=preprocess.bits, limits=LIMITS) as (
        decoded,
        region,
        depth,
    ):
        yield _cut(preprocess, decoded, tiling, region), depth


def _cut(
    preprocess: Preprocess,
    decoded: NDArray[np.uint8] | Image.Image,
    tiling: Tiling,
    region: tuple[float, float, float, float] | None = None,
) -> Cut:
    high, wide = decoded.shape[:2] if isinstance(decoded, np.ndarray) else decoded.size[::-1]
    left, top, right, bottom = region or (0.0, 0.0, float(wide), float(high))
    down, across = (bottom - top) / tiling.rows.side, (right - left) / tiling.columns.side
    padded = preprocess.resize == "pad" or not preprocess.mean
    around = [FILL] * preprocess.channels if padded else [round(255 * one) for one in preprocess.mean]

    def cut(row: int, column: int) -> NDArray[np.uint8]:
        y, x = _stretch(tiling.rows, row), _stretch(tiling.columns, column)
        box = (left + x[0] * across, top + y[0] * down, left + x[1] * across, top + y[1] * down)
        size = y[3] - y[2], x[3] - x[2]
        found = _resampled(decoded, box, size, INTERPOLATIONS[preprocess.interpolation])
        tile = np.empty((tiling.rows.reach, tiling.columns.reach, preprocess.channels), np.uint8)
        if size != tile.shape[:2]:
            tile[:] = around
        tile[y[2] : y[3], x[2] : x[3]] = found.reshape(*size, -1)
        return tile

    return cut


def _stretch(line: Line, number: int) -> tuple[float, float, int, int]:
    """Return from where to where of the picture a tile shows something, and from where to where of the tile."""
    if len(line.starts) == 1:
        long = round(line.side / line.scale)
        return 0.0, float(line.side), line.ahead, line.ahead + long
    begin = line.starts[number] * line.scale
    return begin, min(begin + line.reach * line.scale, float(line.side)), 0, line.reach


def _resampled(
    decoded: NDArray[np.uint8] | Image.Image,
    box: tuple[float, float, float, float],
    size: tuple[int, int],
    how: Image.Resampling,
) -> NDArray[np.uint8]:
    """Return a box of a decoded picture in a size, as it is where whole pixels are kept."""
    high, wide = decoded.shape[:2] if isinstance(decoded, np.ndarray) else decoded.size[::-1]
    box = max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(wide)), min(box[3], float(high))
    if box[2] <= box[0] or box[3] <= box[1]:
        raise PictureError("it shows nothing where a tile is to be")  # ours
    if isinstance(decoded, np.ndarray):
        # Pillow takes a copy of what it resamples: of the whole picture for every tile that would be far too much.
        aside = math.ceil(_AROUND * max(1.0, (box[2] - box[0]) / size[1]))
        above = math.ceil(_AROUND * max(1.0, (box[3] - box[1]) / size[0]))
        left, top = max(0, int(box[0]) - aside), max(0, int(box[1]) - above)
        part = decoded[top : math.ceil(box[3]) + above, left : math.ceil(box[2]) + aside]
        decoded = Image.fromarray(np.ascontiguousarray(part[..., 0] if part.shape[2] == 1 else part))
        box = box[0] - left, box[1] - top, box[2] - left, box[3] - top
    whole = all(side == round(side) for side in box) and (box[3] - box[1], box[2] - box[0]) == size
    found = decoded.crop(tuple(map(round, box))) if whole else decoded.resize((size[1], size[0]), how, box=box)  # type: ignore[arg-type]
    return np.asarray(found)
