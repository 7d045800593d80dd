"""Counts of objects, measured by hand."""

import numpy as np
import pytest

from striate.errors import StriateError
from striate.metrics.counting import count_measures


def test_by_hand() -> None:
    counted = [[3.0, 0.0], [5.2, 1.0], [9.0, 2.0]]
    truth = [[3, 0], [7, 1], [8, 4]]
    cells, dots = count_measures(counted, truth, ("cell", "dot"))
    assert cells.measures.mae.value == pytest.approx((0 + 1.8 + 1) / 3)
    assert cells.measures.bias.value == pytest.approx((0 - 1.8 + 1) / 3)
    assert cells.measures.rmse.value == pytest.approx(np.sqrt((1.8**2 + 1) / 3))
    assert cells.exact.value == pytest.approx(1 / 3)
    assert (cells.objects, cells.counted) == (18, pytest.approx(17.2))
    assert cells.constant == ("median", cells.constants["median"])
    assert cells.constants["median"].mae == pytest.approx((4 + 0 + 1) / 3)
    assert dots.exact.value == pytest.approx(2 / 3)
    assert dots.coverage is None
    assert dots.to_dict()["class"] == "dot"


def test_where_nobody_counted_is_left_out() -> None:
    truth = [[3, np.nan], [7, np.nan]]
    cells, dots = count_measures([[3.0, 4.0], [7.0, 5.0]], truth, ("cell", "dot"))
    assert dots is None
    assert cells.pictures == 2
    (half,) = count_measures([[3.0], [7.0]], [[np.nan], [8]], ("cell",))
    assert half.pictures == 1
    assert half.measures.mae.value == 1.0


def test_intervals_hold_the_share_they_hold() -> None:
    counted = np.array([[3.0], [5.0], [9.0], [2.0]])
    ends = np.stack([counted - 1, counted + 1], axis=-1)
    (one,) = count_measures(counted, [[3], [7], [10], [2]], ("cell",), intervals=ends, level=0.9)
    assert one.coverage.value == 0.75
    assert one.width == 2.0
    assert one.level == 0.9
    ends[0] = 0, np.inf  # of one picture nothing is known
    (part,) = count_measures(counted, [[3], [7], [10], [2]], ("cell",), intervals=ends)
    assert part.coverage.value == pytest.approx(2 / 3)
    ends[:] = 0, np.inf
    (none,) = count_measures(counted, [[3], [7], [10], [2]], ("cell",), intervals=ends)
    assert none.coverage is none.width is None


def test_what_does_not_belong_together_is_refused() -> None:
    with pytest.raises(StriateError, match="not of 1 class in the same pictures"):
        count_measures([[1.0, 2.0]], [[1]], ("cell",))
    with pytest.raises(StriateError, match="no pictures"):
        count_measures(np.zeros((0, 1)), np.zeros((0, 1)), ("cell",))
    with pytest.raises(StriateError, match="cannot be -1"):
        count_measures([[1.0]], [[-1]], ("cell",))
    with pytest.raises(StriateError, match="intervals"):
        count_measures([[1.0]], [[1]], ("cell",), intervals=[[1.0]])
