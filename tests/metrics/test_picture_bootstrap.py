"""Pictures drawn again: sums, shares and F1 with their intervals."""

import numpy as np
import pytest

from striate.errors import StriateError
from striate.metrics.intervals import wilson
from striate.metrics.picture_bootstrap import PictureBootstrap


def test_a_share_is_at_least_as_wide_as_wilsons_and_wider_where_pictures_differ() -> None:
    all_right = PictureBootstrap.of(10).share(np.full(10, 5), np.full(10, 5))
    assert all_right is not None
    assert (all_right.value, all_right.high) == (1.0, 1.0)
    assert all_right.low == pytest.approx(wilson(50, 50).low)
    halves = PictureBootstrap.of(10).share(np.repeat([0, 50], 5), np.full(10, 50))
    assert halves is not None
    assert halves.low < wilson(250, 500).low - 0.1  # pictures wholly right or wholly wrong: ten observations, not 500


def test_copies_are_drawn_together() -> None:
    right = np.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    alone = PictureBootstrap.of(8).share(right, np.ones(8))
    copies = PictureBootstrap.of(8, groups=[5, 5, 5, 5, 9, 9, 9, 9]).share(right, np.ones(8))
    assert copies.low < alone.low
    assert copies.high > alone.high
    assert PictureBootstrap.of(8, groups=[5, 5, 5, 5, 9, 9, 9, 9]).effect == 4.0


def test_sums_of_large_numbers_keep_their_digits() -> None:
    values = np.full((4, 1), 123_456_789_012.0)
    np.testing.assert_allclose(PictureBootstrap.of(4).sums(values), 4 * 123_456_789_012.0, rtol=1e-6)


def test_nothing_to_measure_is_none() -> None:
    pictures = PictureBootstrap.of(3)
    assert pictures.share([0, 0, 0], [0, 0, 0]) is None
    assert pictures.f1([0, 0, 0], [0, 0, 0], [0, 0, 0]) is None
    assert pictures.interval(float("nan"), np.zeros(4)) is None


def test_f1_by_hand() -> None:
    one = PictureBootstrap.of(2).f1([3, 1], [1, 0], [0, 2])
    assert one.value == pytest.approx(2 * 4 / (2 * 4 + 1 + 2))
    assert one.low < one.value < one.high <= 1


def test_no_pictures_and_odd_groups_are_refused() -> None:
    with pytest.raises(StriateError, match="no pictures"):
        PictureBootstrap.of(0)
    with pytest.raises(StriateError, match="one a picture"):
        PictureBootstrap.of(3, groups=[1, 2])
