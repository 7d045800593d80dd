"""The size of the input and the maps of the net, by how large boxes are."""

from __future__ import annotations

import numpy as np
import pytest

from striate.data.labels.marks import BoxMarks
from striate.spec import Shape
from striate.tasks.box_rows import rows_of
from striate.tasks.box_sizes import longest, strides
from striate.tasks.detect import Detect
from striate.tasks.task import Labels


def labels(side: float, *, ignored: tuple[int, ...] = ()) -> Labels:
    """Boxes of which two in four have this side, in a picture of 640 x 480."""
    boxes = tuple((10.0, 10.0, 10.0 + one, 10.0 + one) for one in (side, side, 210.0, 220.0))
    return Labels(("cell",), rows_of([BoxMarks((480, 640), boxes, (0,) * 4, ignored)], 1), np.ones(1, bool))


@pytest.mark.parametrize(
    ("side", "long", "maps"),
    [(100, 320, (8, 16, 32)), (4, 480, (4, 8, 16, 32))],
)
def test_small_boxes_take_larger_pictures_and_finer_maps(side, long, maps):
    few = labels(side)
    assert longest(few.values) in range(long - 40, long + 1)
    size = Detect().size_for(480, 640, few)
    assert max(size) in range(long - 40, long + 1) and all(one % 32 == 0 for one in size)
    assert strides(Shape(3, *size), few.values) == maps
    assert strides(Shape(3, *size), labels(4, ignored=(0, 1)).values) == (8, 16, 32), "nobody has to find them"


def test_without_a_box_it_is_as_usual():
    assert longest(rows_of([None, BoxMarks((8, 8))], 1)) == 320 == longest(np.zeros((0, 1, 7), np.float32))


@pytest.mark.parametrize(("side", "pictures", "whole"), [(240, 100, True), (240, 1000, False), (60, 100, False)])
def test_the_trunk_learns_too_where_pictures_are_few_and_objects_few_and_large(side, pictures, whole):
    box = (10.0, 10.0, 10.0 + side, 10.0 + side)
    marks = [BoxMarks((480, 640), (box,) * many, (0,) * many) for many in (1, 2, 0)] * (pictures // 3)
    assert Detect().learns_whole(Labels(("cell",), rows_of(marks, 1), np.ones(len(marks), bool))) is whole


def test_nobody_learns_a_whole_trunk_from_many_objects():
    rows = rows_of([BoxMarks((480, 640), ((10.0, 10.0, 300.0, 300.0),) * 4, (0,) * 4)], 1)
    assert not Detect().learns_whole(Labels(("cell",), rows, np.ones(1, bool)))
    assert not Detect().learns_whole(Labels(("cell",), rows_of([None], 1), np.zeros(1, bool)))
