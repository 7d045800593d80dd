"""What lies over a picture of a page."""

import numpy as np
import pytest

from striate.errors import StriateError
from striate.tasks.overlays import Mark, MaskOverlay


def test_a_point_is_a_box_without_an_area() -> None:
    assert Mark((3.0, 4.0, 3.0, 4.0), "cell", "right").is_point
    assert not Mark((3.0, 4.0, 3.0, 5.0), "cell", "right").is_point


def test_masks_of_other_sizes_are_refused() -> None:
    with pytest.raises(StriateError, match=r"not \(2, 2\) and \(2, 3\)"):
        MaskOverlay(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8), ("a",))
