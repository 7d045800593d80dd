"""Answers to tiles put together: by nets that are worked out by hand, whose answer about the whole is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from striate.data.pictures.tiles import Tiling
from striate.errors import StriateError
from striate.metrics.boxes import iou
from striate.tasks.boxes import Boxes
from striate.tasks.cells import PRIOR, Cells
from striate.tasks.conformal import Conformal
from striate.tasks.count_answering import LearntCounts
from striate.tasks.detect_state import LearntBoxes
from striate.tasks.masks import Masks
from striate.tasks.points import LATE, Count
from striate.tasks.segment_answering import LearntMasks
from striate.tasks.table import TASKS
from striate.tasks.values import LabelFacts

INPUT = (64, 96)
CELLS = Cells(((16, 24), (4, 6)), INPUT, 2)
FACTS = LabelFacts(("disc", "square"), {"levels": [[16, 24], [4, 6]], "input": list(INPUT), "extent": [20.0, 20.0]})


def said_of(boxes: NDArray[np.float64], kinds: NDArray[np.int64], crop: Any, score: float = 4.0) -> NDArray[Any]:
    """The output of a net that finds everything: of each box what a tile shows of it, from the cell in its middle."""
    output = np.zeros(CELLS.numbers)
    for count, offset in zip(CELLS.counts, (0, CELLS.counts[0] * CELLS.channels), strict=True):
        output[offset : offset + 2 * count] = -20
    moved = crop.boxes(boxes)
    free = set(range(CELLS.count))
    for (left, top, right, bottom), visible, kind in zip(moved.boxes, moved.visible, kinds, strict=True):
        if right - left < 1.0 or bottom - top < 1.0:
            continue
        x, y = (left + right) / 2, (top + bottom) / 2
        order = np.argsort(np.hypot(*(CELLS.middles - (x, y)).T) + (np.arange(CELLS.count) >= CELLS.counts[0]) * 50)
        cell = next(int(one) for one in order if int(one) in free)
        free.remove(cell)
        middle, stride = CELLS.middles[cell], CELLS.each_stride[cell]
        reach = np.array([*(middle - (left, top)), *((right, bottom) - middle)]) / np.tile(stride, 2)
        numbers = np.log(np.expm1(np.maximum(reach + 0.5, 1e-3)))
        output[CELLS.place(cell, int(kind))] = score + visible - PRIOR
        for side, number in enumerate(numbers):
            output[CELLS.place(cell, 2 + side)] = number
    return output[None]


def found_in(size: tuple[int, int], boxes: Any, kinds: Any, scale: tuple[float, float] = (1.5, 2.0)) -> Boxes:
    task = TASKS["detect"]
    tiling = Tiling.of(size, INPUT, scale, share=task.overlap(FACTS))
    stitcher = task.stitcher(tiling, FACTS, LearntBoxes.nothing(2))
    for place in tiling:
        output = said_of(np.asarray(boxes, float).reshape(-1, 4), np.asarray(kinds), tiling.crop(*place))
        stitcher.add(*place, {"boxes": output})
    answer = stitcher.answer()
    assert isinstance(answer, Boxes)
    return answer


@pytest.mark.parametrize("seed", range(6))
def test_every_object_is_found_once_wherever_it_lies(seed: int) -> None:
    random = np.random.default_rng(seed)
    size = (int(random.integers(60, 700)), int(random.integers(200, 900)))
    boxes: list[list[float]] = []
    for _ in range(200):  # the smallest and the largest that were trained on, none upon another
        wide, high = random.uniform(8, 40, 2) * (1, 0.75)
        left, top = random.uniform(0, size[1] - wide), random.uniform(0, size[0] - high)
        box = [left, top, left + wide, top + high]
        if not boxes or iou([[left - 3, top - 3, left + wide + 3, top + high + 3]], np.array(boxes)).max() == 0:
            boxes.append(box)
    kinds = random.integers(0, 2, len(boxes))
    answer = found_in(size, boxes, kinds)
    assert answer.counts == {"disc": int((kinds == 0).sum()), "square": int((kinds == 1).sum())}
    overlap = iou(np.array(boxes), answer.boxes[answer.said])
    assert (overlap.max(1) > 0.85).all()
    assert (answer.classes[answer.said][overlap.argmax(1)] == kinds).all()


def test_an_object_at_a_seam_is_seen_whole_and_said_once() -> None:
    tiling = Tiling.of((96, 640), INPUT, (1.5, 2.0), share=TASKS["detect"].overlap(FACTS))
    seams = [s * tiling.columns.scale for s in tiling.columns.starts[1:]]
    seams += [(s + 96) * tiling.columns.scale for s in tiling.columns.starts[:-1]]
    for seam in seams:
        for aside in range(-30, 31, 3):
            middle = seam + aside
            if not 20 < middle < 620:
                continue
            answer = found_in((96, 640), [[middle - 18, 30, middle + 18, 60]], [1])
            assert answer.counts == {"disc": 0, "square": 1}, middle
            assert answer.boxes[answer.said[0]] == pytest.approx([middle - 18, 30, middle + 18, 60], abs=0.1)


def test_what_no_tile_sees_whole_is_laid_together_of_its_parts() -> None:
    long = [[20.0, 30.0, 560.0, 70.0]]
    answer = found_in((96, 640), long, [0])
    assert answer.counts == {"disc": 1, "square": 0}
    assert answer.boxes[answer.said[0]] == pytest.approx(long[0], abs=1)
    two = [[20.0, 10.0, 560.0, 40.0], [30.0, 50.0, 600.0, 90.0]]  # one below the other, of one class
    assert found_in((96, 640), two, [0, 0]).counts == {"disc": 2, "square": 0}
    assert found_in((96, 640), two, [0, 1]).counts == {"disc": 1, "square": 1}


def test_nothing_is_found_in_what_is_empty() -> None:
    answer = found_in((300, 500), np.zeros((0, 4)), [])
    assert str(answer) == "nothing" and len(answer.boxes) == 0


MAP = LabelFacts(("dark", "bright"))


def test_areas_of_tiles_are_those_of_the_whole() -> None:
    random = np.random.default_rng(1)
    field = np.cumsum(np.cumsum(random.normal(size=(2, 48, 80)), 1), 2) / 20
    tiling = Tiling.of((192, 320), (64, 96), (1.0, 1.0), cells=(16, 24))
    assert tiling.whole.size == (192, 320)
    stitcher = TASKS["segment"].stitcher(tiling, MAP, LearntMasks(0.5, 3))
    for row, column in tiling:
        top, left = tiling.rows.starts[row] // 4, tiling.columns.starts[column] // 4
        stitcher.add(row, column, {"masks": field[None, :, top : top + 16, left : left + 24]})
    answer = stitcher.answer()
    assert isinstance(answer, Masks)
    whole = Masks(MAP.names, field / 0.5).in_picture(tiling.whole)
    assert (answer.ids == whole.ids).mean() > 0.9999 and answer.ids.shape == (192, 320)
    assert answer.confidence == pytest.approx(whole.confidence, abs=1e-4)
    assert answer.shares == pytest.approx(whole.shares, abs=1e-4) and str(answer) == str(whole)
    assert answer.certainty == pytest.approx(whole.certainty, abs=1e-4)


def test_at_its_edge_a_tile_has_no_say_against_one_that_sees_further() -> None:
    tiling = Tiling.of((64, 160), (64, 96), (1.0, 1.0), share=(0.0, 0.33), cells=(16, 24))
    assert tiling.columns.starts == (0, 64)
    stitcher = TASKS["segment"].stitcher(tiling, MAP, LearntMasks())
    for column, sure in ((0, 1.0), (1, -1.0)):
        maps = np.zeros((1, 2, 16, 24))
        maps[:, 1] = sure
        stitcher.add(0, column, {"masks": maps})
    answer = stitcher.answer()
    assert isinstance(answer, Masks)
    assert (answer.ids[:, :79] == 1).all() and (answer.ids[:, 81:] == 0).all()  # the middle of what both see


def test_every_object_counts_once_in_a_sum_of_tiles() -> None:
    random = np.random.default_rng(2)
    density = random.exponential(0.05, (2, 96, 160))
    raw = np.log(np.expm1(density)) + LATE
    sizes = np.array([2.0] * 20)
    learnt = LearntCounts(np.array([1.0, 1.5]), (Conformal(sizes, 20, np.zeros(0), np.zeros(0)),) * 2)
    tiling = Tiling.of((192, 320), (64, 96), (1.0, 1.0), cells=(32, 48))
    stitcher = TASKS["count"].stitcher(tiling, MAP, learnt)
    for row, column in tiling:
        top, left = tiling.rows.starts[row] // 2, tiling.columns.starts[column] // 2
        stitcher.add(row, column, {"density": raw[None, :, top : top + 32, left : left + 48]})
    answer = stitcher.answer()
    assert isinstance(answer, Count)
    wanted = density.sum((1, 2)) * (1.0, 1.5)
    assert answer.counts == pytest.approx(wanted, rel=1e-5)
    assert answer.high - answer.counts == pytest.approx([2.0 * 10] * 2)  # ten times as large as a tile
    assert answer.crop == tiling.whole


def test_what_is_said_of_beyond_the_picture_is_not_counted() -> None:
    tiling = Tiling.of((31, 300), (64, 96), (1.0, 1.0), cells=(16, 24))
    raw = np.full((1, 2, 16, 24), float(np.log(np.expm1(0.25)) + LATE))
    stitcher = TASKS["count"].stitcher(tiling, MAP, LearntCounts(np.ones(2), (Conformal.of(
        {"sizes": [], "at": [], "spread": []}, 0),) * 2))  # fmt: skip
    for place in tiling:
        stitcher.add(*place, {"density": raw})
    answer = stitcher.answer()
    assert isinstance(answer, Count)
    assert answer.counts == pytest.approx([0.25 * 31 / 4 * 300 / 4] * 2, rel=1e-4)
    assert str(answer) == "145 dark, 145 bright"


def test_a_task_that_answers_about_a_whole_picture_has_none() -> None:
    tiling = Tiling.of((200, 300), INPUT, (1.0, 1.0))
    for name in ("classify", "tag", "regress"):
        with pytest.raises(StriateError, match="tiles are for answers that lie in the picture: boxes, masks, counts"):
            TASKS[name].stitcher(tiling, LabelFacts(("a",)), None)


def test_maps_that_would_not_fit_into_memory_are_refused() -> None:
    names = LabelFacts(tuple(f"class {number}" for number in range(200)))
    tiling = Tiling.of((20_000, 20_000), (64, 64), (1.0, 1.0), cells=(16, 16))
    stitcher = TASKS["segment"].stitcher(tiling, names, LearntMasks())
    with pytest.raises(StriateError, match=r"5,000 x 5,000 cells and 200 classes take 18.6 GiB"):
        stitcher.add(0, 0, {"masks": np.zeros((1, 200, 16, 16))})


def test_half_of_a_tile_is_shared_where_nothing_is_known_of_the_boxes() -> None:
    task = TASKS["detect"]
    assert task.overlap(FACTS) == (0.5, 36 / 96)
    assert task.overlap(LabelFacts(("a",))) == (0.5, 0.5)
    assert task.overlap(LabelFacts(("a",), {"extent": [2.0, 3.0], "input": [256, 320]})) == (0.2, 0.2)
    assert task.overlap(LabelFacts(("a",), {"extent": "high", "input": [256, 320]})) == (0.5, 0.5)
