"""Maps that tiles answer with, laid together over the whole picture: areas blended, densities counted once. No torch.

Tiles begin between cells (`striate.data.pictures.tiles`), so cells of one lie on those of the next, and what several
tiles say of one is their mean, weighted by a window that falls towards the edges of each. The weights of all that see a
cell are 1 in sum: of a density no part is counted twice, and none is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.tiles import Line, Tiling
from striate.errors import StriateError
from striate.tasks.count_answering import DENSITY, LearntCounts
from striate.tasks.maps import checked_maps
from striate.tasks.masks import Masks
from striate.tasks.points import Count, densities
from striate.tasks.segment_answering import MASKS, LearntMasks
from striate.tasks.stitcher import Stitcher
from striate.tasks.values import NOTHING, LabelFacts, Outputs

MOST: Final = 1 << 31  # bytes of the maps of a picture


class _Maps:
    """Maps of K classes over all tiles of a picture, made of those of each."""

    def __init__(self, tiling: Tiling, names: int) -> None:
        self.tiling, self.names = tiling, names
        self._sum: NDArray[np.float32] | None = None  # (h, w, K), as those who read single pixels want it
        self._cells: tuple[int, int] = (0, 0)  # of a tile
        self._weights: tuple[NDArray[np.float32], NDArray[np.float32]]

    def add(self, row: int, column: int, maps: NDArray[np.floating]) -> None:
        """Add the maps (K, h, w) of a tile."""
        rows, columns = self.tiling.rows, self.tiling.columns
        _, high, wide = maps.shape
        if self._sum is None:
            size = rows.in_cells(rows.long, high), columns.in_cells(columns.long, wide)
            if 4 * size[0] * size[1] * self.names > MOST:
                raise StriateError(
                    f"maps of {size[1]:,} x {size[0]:,} cells and {self.names} classes take"
                    f" {4 * size[0] * size[1] * self.names / 2**30:.1f} GiB, and no more than {MOST >> 30} GiB are laid"
                    " together: give larger tiles (--tile SIZE), or cut the picture"
                )
            self._sum = np.zeros((*size, self.names), np.float32)
            self._cells, self._weights = (high, wide), (rows.weights(high), columns.weights(wide))
        down, across = self._weights
        window = down[row][:, None] * across[column]
        top, left = rows.in_cells(rows.starts[row], high), columns.in_cells(columns.starts[column], wide)
        self._sum[top : top + high, left : left + wide] += np.moveaxis(maps * window, 0, -1)

    @property
    def found(self) -> NDArray[np.float32]:
        """The maps (K, h, w) of the picture."""
        if self._sum is None:
            raise StriateError("nothing was said of any tile")  # ours
        return np.moveaxis(self._sum, -1, 0)

    def within(self) -> NDArray[np.float32]:
        """Return which share of each cell (h, w) lies within the picture; 1 but where that is shorter than a tile."""
        high, wide = self._cells
        return _within(self.tiling.rows, high)[:, None] * _within(self.tiling.columns, wide)


class MaskStitcher(Stitcher):
    """Takes the logits of tiles, calibrated."""

    def __init__(
        self, tiling: Tiling, facts: LabelFacts, learnt: LearntMasks, options: Mapping[str, Any] = NOTHING
    ) -> None:
        self._facts, self._learnt, self._maps = facts, learnt, _Maps(tiling, len(facts.names))

    def add(self, row: int, column: int, outputs: Outputs) -> None:
        """Add what a tile says of each class."""
        (maps,) = checked_maps(outputs[MASKS], len(self._facts.names), "class")
        self._maps.add(row, column, maps / np.float32(self._learnt.temperature))

    def answer(self) -> Masks:
        """Return the class of every pixel of the picture."""
        return Masks(self._facts.names, self._maps.found).in_picture(self._maps.tiling.whole)


class CountStitcher(Stitcher):
    """Takes the densities of tiles.

    How far counts of tiles are off is likely alike in all tiles of a picture, so the interval is as many times as wide
    as that of a tile of mean density as the picture is larger: it is rather too wide than too narrow.
    """

    def __init__(
        self, tiling: Tiling, facts: LabelFacts, learnt: LearntCounts, options: Mapping[str, Any] = NOTHING
    ) -> None:
        self._facts, self._learnt, self._maps = facts, learnt, _Maps(tiling, len(facts.names))
        self._level = options.get("level") or learnt.level

    def add(self, row: int, column: int, outputs: Outputs) -> None:
        """Add the density of a tile."""
        (maps,) = checked_maps(outputs[DENSITY], len(self._facts.names), "class")
        self._maps.add(row, column, densities(maps) * self._learnt.slopes[:, None, None])

    def answer(self) -> Count:
        """Return how many there are in the picture. What a tile says of what lies beyond it is left out."""
        tiling, found = self._maps.tiling, self._maps.found
        found *= self._maps.within()
        counts, larger = found.sum((1, 2), dtype=np.float64), 1.0
        for line in (tiling.rows, tiling.columns):
            larger *= max(1.0, line.side / (line.scale * line.reach))
        mean = counts / larger
        half = (self._learnt.within(mean[None], self._level)[1][0] - mean) * larger
        answer = Count(self._facts.names, found, np.maximum(0.0, counts - half), counts + half, self._level)
        return answer.in_picture(tiling.whole)


def _within(line: Line, cells: int) -> NDArray[np.float32]:
    """Return which share of each cell lies within the picture, along a side of all its tiles, each of ``cells``."""
    total, step = line.in_cells(line.long, cells), line.reach / cells
    edges = np.arange(total + 1) * step
    inside = np.clip(edges, line.ahead, line.ahead + round(line.side / line.scale))
    return np.asarray(np.diff(inside) / step, np.float32)
