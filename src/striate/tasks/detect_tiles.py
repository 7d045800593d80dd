"""Boxes found in tiles that overlap, as the boxes of the picture: none twice, and none lost at a seam. No torch.

A tile shows an object whole or cut by its edge. One that is cut, and that a neighbour sees whole, is that neighbour's
to find; of one that both see whole it is the one whose side of what they share its middle is on. By where they lie
alone the boxes of all other tiles are dropped, so that each object is judged once, as in a single picture: the surest
of several looks would find more that is not there. About the middle between two tiles both keep theirs, as each puts a
box a little elsewhere, and the weaker of two that overlap goes, as within a tile.

What no tile sees whole, because it is longer than what tiles share, is laid together of its parts: two boxes of a class
are of one object where they say the same of what both tiles see.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.tiles import Line, Tiling
from striate.metrics.boxes import iou, suppress
from striate.metrics.probability import Bools, Floats, Ints
from striate.tasks.box_candidates import candidates
from striate.tasks.boxes import Boxes
from striate.tasks.detect_answering import SPARE
from striate.tasks.detect_state import LearntBoxes
from striate.tasks.stitcher import Stitcher
from striate.tasks.values import NOTHING, LabelFacts, Outputs

NEAR: Final = 2.0  # pixels of the input about the middle between two tiles where both keep their boxes, at least
JITTER: Final = 0.1  # and of a box's own length: two tiles put its middle so far apart at most
SAME: Final = 0.5  # of what both tiles see, from which on two boxes are parts of one object


class BoxStitcher(Stitcher):
    """Takes the boxes of tiles; see above."""

    def __init__(
        self, tiling: Tiling, facts: LabelFacts, learnt: LearntBoxes, options: Mapping[str, Any] = NOTHING
    ) -> None:
        self._tiling, self._facts, self._learnt, self._options = tiling, facts, learnt, options
        self._found: list[
            tuple[Floats, Ints, Floats, Bools]
        ] = []  # of each tile: boxes, classes, scores, which are cut
        self._tiles: list[int] = []  # the number of each tile, for each of its boxes

    def add(self, row: int, column: int, outputs: Outputs) -> None:
        """Take the boxes of a tile, but those that a neighbour sees whole."""
        (found,) = candidates(outputs, self._facts, self._learnt, options=self._options)
        rows, columns = self._tiling.rows, self._tiling.columns
        across = _seen(found.boxes[:, 0], found.boxes[:, 2], columns, column)
        down = _seen(found.boxes[:, 1], found.boxes[:, 3], rows, row)
        cut = across.cut | down.cut
        # Whole on both axes, be it in this tile or in the next one: then a tile there sees it whole on both.
        kept = np.flatnonzero(~(across.whole & down.whole & (across.elsewhere | down.elsewhere)))
        boxes = self._tiling.crop(row, column).boxes_back(found.boxes[kept])
        solid = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        kept, boxes = kept[solid], boxes[solid]
        self._found.append((boxes, found.classes[kept], found.scores[kept], cut[kept]))
        self._tiles += [row * len(columns.starts) + column] * len(kept)

    def answer(self) -> Boxes:
        """Return the boxes of the picture."""
        boxes = np.concatenate([one[0] for one in self._found])
        kinds = np.concatenate([one[1] for one in self._found])
        scores = np.concatenate([one[2] for one in self._found])
        cut = np.concatenate([one[3] for one in self._found])
        boxes, stays = self._joined(boxes, kinds, scores, np.array(self._tiles, np.int64), cut)
        boxes, kinds, scores = boxes[stays], kinds[stays], scores[stays]
        kept = suppress(boxes, scores, kinds, overlap=self._learnt.overlap)
        thresholds = self._learnt.cuts(self._options)
        return Boxes(self._facts.names, boxes[kept], kinds[kept], scores[kept], thresholds, missed=self._learnt.missed)

    def _joined(self, boxes: Floats, kinds: Ints, scores: Floats, tiles: Ints, cut: Bools) -> tuple[Floats, Bools]:
        """Return boxes with the parts of one object laid together in the surest of them, and which remain."""
        boxes, stays = boxes.copy(), np.ones(len(boxes), bool)
        parts = np.flatnonzero(cut)
        group = {int(part): int(part) for part in parts}

        def first(one: int) -> int:
            while group[one] != one:
                one = group[one]
            return one

        of = {int(tile): parts[tiles[parts] == tile] for tile in np.unique(tiles[parts])}
        for here, mine in of.items():
            for there in self._neighbours(here):
                if there not in of:
                    continue
                theirs = of[there]
                seen = self._seen_by_both(here, there)
                same = _alike(boxes[mine], boxes[theirs], seen) & (kinds[mine][:, None] == kinds[theirs])
                for one, other in np.argwhere(same).tolist():
                    group[first(int(mine[one]))] = first(int(theirs[other]))
        together: dict[int, list[int]] = {}
        for part in group:
            together.setdefault(first(part), []).append(part)
        for members in together.values():
            if len(members) == 1:
                continue
            surest = max(members, key=lambda one: scores[one])
            every = boxes[members]
            stays[members] = False
            stays[surest] = True
            boxes[surest] = [*every[:, :2].min(0), *every[:, 2:].max(0)]
        return boxes, stays

    def _neighbours(self, tile: int) -> list[int]:
        """Return the tiles right of and below one, and aslant: each pair is looked at once."""
        wide, high = len(self._tiling.columns.starts), len(self._tiling.rows.starts)
        row, column = divmod(tile, wide)
        beside = ((row, column + 1), (row + 1, column - 1), (row + 1, column), (row + 1, column + 1))
        return [r * wide + c for r, c in beside if r < high and 0 <= c < wide]

    def _seen_by_both(self, here: int, there: int) -> Floats:
        """Return the part of the picture (4,) that two tiles see."""
        wide, found = len(self._tiling.columns.starts), []
        for tile in (here, there):
            crop = self._tiling.crop(*divmod(tile, wide))
            found.append(crop.boxes_back([[0.0, 0.0, crop.size[1], crop.size[0]]])[0])
        one, other = found
        return np.concatenate([np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])])


class _Seen(NamedTuple):
    """Boxes (D,) on one axis: which an inner edge may cut, which this tile or the next sees whole, which that has."""

    cut: Bools
    whole: Bools
    elsewhere: Bools


def _seen(low: Floats, high: Floats, line: Line, number: int) -> _Seen:
    """Return what a tile and its neighbours see of boxes that begin and end at ``low`` and ``high``, in its pixels."""
    start, reach, none = line.starts[number], line.reach, np.zeros(len(low), bool)
    middle, spare = (low + high) / 2, np.maximum(NEAR, JITTER * (high - low))
    left = right = there = off = none
    if number:
        before = line.starts[number - 1]
        left = low < SPARE
        there = high + start <= before + reach - SPARE
        off = there & (left | (middle < (before + reach - start) / 2 - spare))
    if number + 1 < len(line.starts):
        behind = line.starts[number + 1]
        right = high > reach - SPARE
        whole_behind = low + start >= behind + SPARE
        off = off | (whole_behind & (right | (middle > (reach + behind - start) / 2 + spare)))
        there = there | whole_behind
    return _Seen(left | right, ~(left | right) | there, off)


def _alike(mine: Floats, theirs: Floats, seen: NDArray[np.float64]) -> Bools:
    """Return which pairs (A, B) of boxes say the same of the part of the picture that both were found in."""
    within = [
        np.concatenate([np.maximum(b[:, :2], seen[:2]), np.minimum(b[:, 2:], seen[2:])], 1) for b in (mine, theirs)
    ]
    for each in within:
        each[:, 2:] = np.maximum(each[:, 2:], each[:, :2])
    return np.asarray(iou(*within) > SAME)
