"""What a place of an answer sees, in figures worked by hand; what was missed, drawn where it lies."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from striate.data.pictures.crop_transform import Box
from striate.render.look_scene import _inside, _share
from striate.render.png.missed_drawn import BoxDrawn, drawn_boxes


def test_shares_of_a_box_and_of_what_lies_in_it() -> None:
    assert _share(Box(0, 0, 10, 10), Box(5, 0, 20, 8)) == pytest.approx(0.4), "5 x 8 of 100"
    assert _share(Box(0, 0, 10, 10), Box(20, 20, 30, 30)) == 0 and _share(Box(1, 1, 1, 1), Box(0, 0, 2, 2)) == 0
    values = np.zeros((4, 4))
    values[1, 1], values[2, 3] = 3.0, 1.0
    assert _inside(values, (0, 0, 2, 2)) == 0.75
    assert _inside(values, (1.5, 0, 4, 4)) == pytest.approx((1.5 + 1) / 4), "half of the row of the larger one"
    assert _inside(np.zeros((2, 2)), (0, 0, 2, 2)) == 0


def test_boxes_are_drawn_in_their_colours_where_they_lie() -> None:
    picture = Image.new("RGB", (360, 180), (90, 90, 90))
    boxes = [BoxDrawn((100, 50, 200, 150), "1 RBC 0.90", "other"), BoxDrawn((20, 20, 60, 60), "RBC 0.20", "candidate")]
    drawn = np.asarray(drawn_boxes(picture, boxes, (300.0, 90.0)))
    assert drawn.shape == (360, 720, 3)
    assert drawn[200, 200].tolist() == [0x56, 0xB4, 0xE9] and drawn[100, 40].tolist() == [0xE6, 0x9F, 0x00]
    assert drawn[180, 600].tolist() == [255, 255, 255], "the cross"
    assert drawn[200, 300].tolist() == [90, 90, 90], "within a box the picture stays"
