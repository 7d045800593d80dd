"""Intervals of predicted numbers hold the true figure as often as they say; bias by range finds a planted bias."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from striate.errors import StriateError
from striate.metrics.regression import mean_absolute_error, r2_score, root_mean_squared_error, spearman
from striate.metrics.regression_report import best_constants, bias_by_range, measures

SETS = 200


def drawn(generator: np.random.Generator, pictures: int) -> tuple[np.ndarray, np.ndarray]:
    targets = generator.normal(50, 10, pictures)
    return targets + generator.normal(1, 5, pictures), targets


def test_values_are_those_of_the_plain_functions():
    predicted, targets = drawn(np.random.default_rng(0), 80)
    found = measures(predicted, targets)
    assert found.mae.value == mean_absolute_error(predicted, targets)
    assert found.rmse.value == root_mean_squared_error(predicted, targets)
    assert found.bias.value == pytest.approx((predicted - targets).mean())
    assert found.r2 is not None
    assert found.r2.value == r2_score(predicted, targets)
    assert found.spearman is not None
    assert found.spearman.value == spearman(predicted, targets)
    assert found == measures(predicted, targets)  # seeded


def test_intervals_hold_the_true_figure_as_often_as_they_say():
    generator = np.random.default_rng(1)
    many = drawn(generator, 400_000)
    true = {
        "mae": mean_absolute_error(*many),
        "rmse": root_mean_squared_error(*many),
        "bias": 1.0,
        "r2": r2_score(*many),
        "spearman": spearman(*many),
    }
    found = [measures(*drawn(generator, 100), resamples=300) for _ in range(SETS)]
    for name, value in true.items():
        held = np.mean([getattr(one, name).low <= value <= getattr(one, name).high for one in found])
        assert 0.89 <= held <= 0.985, name  # 200 sets: 95 % plus or minus three deviations, and a bootstrap's haste


def test_copies_count_as_one_picture():
    predicted, targets = drawn(np.random.default_rng(2), 60)
    once = measures(predicted, targets)
    times = np.repeat(np.arange(60), 9)
    grouped = measures(predicted[times], targets[times], groups=times)
    alone = measures(predicted[times], targets[times])
    width = [one.mae.high - one.mae.low for one in (once, grouped, alone)]
    assert width[1] == pytest.approx(width[0], rel=1e-6)
    assert width[2] < 0.5 * width[0]
    assert grouped.spearman is not None
    assert once.spearman is not None
    assert grouped.spearman.low == pytest.approx(once.spearman.low)


def test_a_design_effect_widens():
    predicted, targets = drawn(np.random.default_rng(3), 60)
    once, wide = measures(predicted, targets), measures(predicted, targets, design=4.0)
    assert wide.mae.high - wide.mae.value == pytest.approx(2 * (once.mae.high - once.mae.value))
    assert wide.r2 is not None
    assert wide.r2.high <= 1.0


def test_units_large_and_small_and_far_from_zero_keep_their_digits():
    predicted, targets = drawn(np.random.default_rng(4), 60)
    once, other = measures(predicted, targets), measures(1e9 + predicted * 1e-4, 1e9 + targets * 1e-4)
    assert other.mae.low / 1e-4 == pytest.approx(once.mae.low, rel=1e-2)
    assert other.r2 is not None
    assert once.r2 is not None
    assert other.r2.low == pytest.approx(once.r2.low, abs=1e-2)


def test_targets_that_do_not_vary_have_no_r2_and_no_order():
    found = measures([1.0, 2.0, 3.0, 4.0, 5.0], [2.0] * 5)
    assert found.r2 is None
    assert found.spearman is None
    assert found.to_dict()["r2"] is None
    assert found.mae.value == pytest.approx(1.4)


def test_a_circle_has_no_order_and_no_seam():
    generator = np.random.default_rng(5)
    targets = generator.uniform(0, 360, 300)
    predicted = (targets + generator.normal(0, 5, 300)) % 360
    found = measures(predicted, targets, period=360)
    assert found.mae.value < 6
    assert found.spearman is None
    assert found.r2 is not None
    assert found.r2.value > 0.98
    assert found.r2.low <= found.r2.value <= found.r2.high


def test_a_model_drawn_to_the_mean_is_biased_at_both_ends():
    generator = np.random.default_rng(6)
    targets = generator.uniform(0, 100, 400)
    predicted = 50 + 0.5 * (targets - 50) + generator.normal(0, 1, 400)
    found = bias_by_range(predicted, targets)
    assert [one.pictures for one in found] == [40] * 10
    assert found[0].bias.low > 20
    assert found[-1].bias.high < -20
    assert all(one.bias.low <= one.bias.value <= one.bias.high for one in found)
    assert all(before.high < after.low for before, after in itertools.pairwise(found))


def test_few_pictures_are_one_range():
    assert len(bias_by_range([1.0, 2.0], [1.0, 3.0])) == 1
    assert bias_by_range([1.0, 2.0], [1.0, 3.0])[0].bias.value == -0.5


def test_what_constants_score():
    targets = [0.0] * 6 + [1.0, 2.0, 3.0, 14.0]
    found = best_constants(targets)
    assert found["mean"].value == 2.0
    assert found["mean"].rmse == pytest.approx(np.std(targets))
    assert found["median"].value == 0.0
    assert found["most frequent"].value == 0.0
    assert found["most frequent"].mae == 2.0
    circle = best_constants([350.0, 10.0, 0.0], period=360)
    assert circle["mean"].value == pytest.approx(0.0, abs=1e-9)
    assert circle["mean"].mae == pytest.approx(20 / 3)
    assert "median" not in circle


def test_groups_must_be_one_a_picture():
    with pytest.raises(StriateError, match="one a picture"):
        measures([0.0, 1.0], [0.0, 1.0], groups=[1])
    assert math.isfinite(measures([0.0, 1.0], [0.0, 1.0], groups=[7, 7]).mae.value)
