"""Figures of predicted numbers equal scikit-learn's and scipy's over random cases; circular ones are worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn import metrics

from striate.errors import StriateError
from striate.metrics.regression import (
    circular_mean,
    errors,
    mean_absolute_error,
    most_frequent,
    pinball_loss,
    r2_score,
    root_mean_squared_error,
    shorter_way,
    spearman,
)

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3))


@st.composite
def pairs(draw):
    length = draw(st.integers(2, 40))
    # Drawn from few values half of the time, so that there are ties.
    each = draw(st.sampled_from([NUMBERS, st.sampled_from([-1.0, 0.0, 0.5, 2.0])]))
    return draw(arrays(np.float64, length, elements=each)), draw(arrays(np.float64, length, elements=each))


@settings(max_examples=40, deadline=None)
@given(pairs(), st.floats(0.01, 0.99))
def test_figures_equal_scikit_learns(pair, quantile):
    predicted, targets = pair
    assert mean_absolute_error(predicted, targets) == pytest.approx(metrics.mean_absolute_error(targets, predicted))
    theirs = math.sqrt(metrics.mean_squared_error(targets, predicted))
    assert root_mean_squared_error(predicted, targets) == pytest.approx(theirs)
    loss = metrics.mean_pinball_loss(targets, predicted, alpha=quantile)
    assert pinball_loss(predicted, targets, quantile) == pytest.approx(loss)
    mine = r2_score(predicted, targets)
    if np.ptp(targets) == 0:
        assert mine is None
    elif np.ptp(targets) > 1e-3 * np.abs(targets).max():
        assert mine == pytest.approx(metrics.r2_score(targets, predicted), rel=1e-6, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(pairs())
def test_spearman_equals_scipys(pair):
    predicted, targets = pair
    mine = spearman(predicted, targets)
    if np.ptp(predicted) == 0 or np.ptp(targets) == 0:
        assert mine is None
    else:
        assert mine == pytest.approx(stats.spearmanr(predicted, targets).statistic, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.float64, st.integers(1, 30), elements=st.floats(-720, 720)), st.sampled_from([360.0, 24.0, 2 * math.pi])
)
def test_the_shorter_way_is_never_more_than_half_round_and_arrives(difference, period):
    way = shorter_way(difference, period)
    assert (way >= -period / 2).all()
    assert (way < period / 2).all()
    turns = (way - difference) / period
    assert turns == pytest.approx(np.round(turns), abs=1e-6)


def test_an_error_across_the_seam_is_the_shorter_way_round():
    assert errors([359.0, 1.0, 180.0], [1.0, 359.0, 0.0], period=360).tolist() == [-2.0, 2.0, -180.0]
    assert mean_absolute_error([359.0], [1.0], period=360) == 2.0
    assert mean_absolute_error([359.0], [1.0]) == 358.0
    assert root_mean_squared_error([350.0, 0.0], [10.0, 0.0], period=360) == pytest.approx(20 / math.sqrt(2))


def test_circular_means_equal_scipys_and_opposites_have_none():
    drawn = np.random.default_rng(0).uniform(0, 24, 50)
    assert circular_mean(drawn, 24) == pytest.approx(stats.circmean(drawn, high=24))
    assert circular_mean([350.0, 10.0], 360) == 0.0
    assert circular_mean([0.0, 180.0], 360) is None


def test_circular_r2_is_one_minus_the_ratio_of_circular_variances():
    generator = np.random.default_rng(1)
    targets = generator.vonmises(0.3, 2.0, 400) * 180 / math.pi
    predicted = targets + generator.normal(0, 10, 400)
    turn = math.pi / 180
    ours = stats.circvar(targets, high=360)
    around_zero = 1 - np.cos((predicted - targets) * turn).mean()
    assert r2_score(predicted % 360, targets % 360, period=360) == pytest.approx(1 - around_zero / ours)
    mean = circular_mean(targets, 360)
    assert r2_score(np.full(400, mean), targets, period=360) == pytest.approx(0.0, abs=1e-9)
    assert r2_score([10.0, 20.0], [10.0, 370.0], period=360) is None  # the targets are one direction


def test_the_pinball_loss_is_least_at_the_quantile():
    drawn = np.random.default_rng(2).exponential(size=2001)
    tried = np.linspace(0, 6, 601)
    losses = [pinball_loss(np.full(len(drawn), value), drawn, 0.9) for value in tried]
    assert tried[int(np.argmin(losses))] == pytest.approx(np.quantile(drawn, 0.9), abs=0.02)


def test_the_most_frequent_value():
    assert most_frequent([0.0, 0.0, 0.0, 0.7]) == (0.0, 3)
    assert most_frequent([1.0, 2.0, 3.0]) is None
    assert most_frequent([1.0, 1.0, *map(float, range(2, 40))]) is None


def test_what_is_no_number_is_named():
    with pytest.raises(
        StriateError, match=r"1 of 2 numbers among the predictions is NaN or infinity \(first: picture 1\)"
    ):
        mean_absolute_error([0.0, math.nan], [0.0, 1.0])
    with pytest.raises(StriateError, match="no pictures"):
        mean_absolute_error([], [])
    with pytest.raises(StriateError, match="not one a picture"):
        mean_absolute_error([0.0], [0.0, 1.0])
    with pytest.raises(StriateError, match="a positive length, such as 360"):
        errors([0.0], [0.0], period=0)
    with pytest.raises(StriateError, match="between 0 and 1"):
        pinball_loss([0.0], [0.0], 1.0)
