"""Ranges of numbers: in order, about equally full, no value in two; copies and equal rows stay together."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from striate.data.folds import fold
from striate.data.strata import strata_of, value_ranges


@settings(max_examples=80, deadline=None)
@given(
    arrays(np.float64, st.integers(1, 60), elements=st.sampled_from([0.0, 1.0, 2.0, 3.5, 7.0, 9.0])), st.integers(1, 8)
)
def test_ranges_are_in_order_without_gaps_and_divide_no_value(values, count):
    place = value_ranges(values, count)
    assert sorted(set(place.tolist())) == list(range(place.max() + 1))
    order = np.argsort(values, kind="stable")
    assert (np.diff(place[order]) >= 0).all()
    for value in set(values.tolist()):
        assert len(set(place[values == value].tolist())) == 1


def test_a_value_that_most_pictures_have_is_a_range_of_its_own():
    values = np.concatenate([np.zeros(70), np.linspace(-1, -0.1, 15), np.linspace(0.1, 1, 15)])
    place = value_ranges(values, 5)
    assert set(values[place == place[0]].tolist()) == {0.0}
    assert np.bincount(value_ranges(np.arange(100.0), 5)).tolist() == [20] * 5


def test_every_fold_holds_every_range_in_proportion():
    generator = np.random.default_rng(0)
    values = np.where(generator.random(500) < 0.7, 0.0, generator.normal(size=500))
    strata = strata_of(values[:, None], np.ones(500, bool))
    digests = [f"{number:016d}".encode() for number in range(500)]
    folds = fold(strata, digests, range(500), seed=0, count=5)
    assert folds is not None
    zeros = [int((values[folds.held(0, number)] == 0).sum()) for number in range(5)]
    assert max(zeros) - min(zeros) <= 1
    means = [values[folds.held(0, number)].mean() for number in range(5)]
    assert np.ptp(means) < 0.15


def test_what_is_not_known_is_in_none_and_few_pictures_are_in_one():
    known = np.array([True] * 50 + [False])
    strata = strata_of(np.arange(51.0)[:, None], known)
    assert strata[-1] == -1
    assert np.bincount(strata[:-1]).tolist() == [10] * 5
    assert set(strata_of(np.arange(9.0)[:, None], np.ones(9, bool)).tolist()) == {0}
    assert strata_of(np.zeros((3, 1)), np.zeros(3, bool)).tolist() == [-1] * 3


def test_several_numbers_are_put_in_order_together_and_a_circle_has_no_seam():
    generator = np.random.default_rng(1)
    size = generator.uniform(0, 100, 300)
    strata = strata_of(np.column_stack([size, 3 * size + generator.normal(0, 1, 300)]), np.ones(300, bool))
    means = [size[strata == number].mean() for number in range(10)]
    assert (np.diff(means) > 0).all() or (np.diff(means) < 0).all()
    turns = generator.uniform(0, 360, 300)
    whole = strata_of(turns[:, None], np.ones(300, bool), periods=[360.0])
    again = strata_of(turns[:, None] - 720.0, np.ones(300, bool), periods=[360.0])
    assert (whole == again).all()
    both = strata_of(np.column_stack([size, turns]), np.ones(300, bool), periods=[None, 360.0])
    assert set(both.tolist()) == set(range(10))
    assert math.isclose(np.bincount(both).mean(), 30)
