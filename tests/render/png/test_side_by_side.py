"""Truth and answer drawn side by side."""

import numpy as np
import pytest

from striate.errors import StriateError
from striate.render.png.masks_drawn import class_colours
from striate.render.png.side_by_side import legend, side_by_side
from striate.tasks.overlays import Mark, MarkOverlay, MaskOverlay

BLACK = np.zeros((60, 120, 3), np.uint8)
GREEN, ORANGE, YELLOW = (0, 158, 115), (213, 94, 0), (240, 228, 66)


def has(part: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((part == np.array(colour)).all(axis=-1).any())


def halves(overlay, pixels: np.ndarray = BLACK) -> tuple[np.ndarray, np.ndarray]:
    page = np.asarray(side_by_side(pixels, overlay, side=240))
    assert page.shape == (120, 486, 3)
    return page[:, :240], page[:, 246:]


def test_boxes_are_green_where_right_and_orange_where_not() -> None:
    there = Mark((10, 10, 40, 40), "cell", "right"), Mark((70, 10, 90, 40), "cell", "missed")
    said = Mark((12, 10, 41, 40), "cell 0.93", "right"), Mark((60, 45, 80, 58), "dot 0.81", "wrong")
    left, right = halves(MarkOverlay(there, said))
    assert has(left[:, :90], GREEN) and not has(left[:, :90], ORANGE)
    assert has(left[:, 120:], ORANGE) and not has(left[:, 120:], GREEN)
    assert has(right[:, :100], GREEN)
    assert has(right[80:], ORANGE)
    assert tuple(left[20, 40]) == GREEN  # the upper edge stands where the box begins, twice as large


def test_boxes_beyond_the_edge_and_gray_pictures_are_drawn() -> None:
    gray = np.full((60, 120, 1), 90, np.uint8)
    left, right = halves(MarkOverlay((Mark((-20, -9, 300, 90), "x" * 300, "missed"),), ()), gray)
    assert has(left, ORANGE)
    assert (right == 90).all()


def test_dots_lie_where_they_are_in_their_own_frame() -> None:
    dot = Mark((2.0, 1.0, 2.0, 1.0), "cell", "open")
    left, _ = halves(MarkOverlay((dot,), (), size=(2, 4)))  # the middle of the picture
    rows, columns = np.nonzero((left == np.array(YELLOW)).all(axis=-1))
    assert (rows.mean(), columns.mean()) == (pytest.approx(60, abs=1), pytest.approx(120, abs=1))
    assert legend(MarkOverlay((dot,), ())).endswith("a dot each.")


def test_masks_have_the_colours_of_their_classes_and_void_is_left() -> None:
    truth = np.zeros((60, 120), np.uint8)
    truth[:, 60:] = 255
    left, right = halves(MaskOverlay(truth, np.ones((60, 120), np.uint8), ("a", "b")))
    colours = class_colours(2)
    assert (left[10, 200] == 0).all()
    assert np.abs(left[5, 5].astype(int) - 0.45 * colours[0]).max() <= 2
    assert np.abs(right[5, 200].astype(int) - 0.45 * colours[1]).max() <= 2
    with pytest.raises(StriateError, match="cannot lie over"):
        side_by_side(BLACK[:, :50], MaskOverlay(truth, truth, ("a", "b")))
