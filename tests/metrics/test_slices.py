"""Slices: shares and means of groups against counting, chances against permutations, Holm by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from striate.errors import StriateError
from striate.metrics.intervals import wilson
from striate.metrics.slices import holm, quarters, slices_of


def test_shares_are_counted_and_a_difference_has_the_chance_that_shuffling_gives() -> None:
    draw = np.random.default_rng(0)
    right = np.concatenate([draw.random(60) < 0.6, draw.random(90) < 0.9])
    (found,) = slices_of([("label", "cat", np.arange(60))], right)
    assert found.value == wilson(int(right[:60].sum()), 60) and found.others == pytest.approx(right[60:].mean())
    apart = abs(right[:60].mean() - right[60:].mean())
    shuffled = [draw.permutation(right) for _ in range(20_000)]
    chance = np.mean([abs(one[:60].mean() - one[60:].mean()) >= apart - 1e-12 for one in shuffled])
    assert found.p == pytest.approx(chance, abs=0.01) and found.real


def test_means_have_the_chance_that_shuffling_gives() -> None:
    draw = np.random.default_rng(1)
    losses = np.concatenate([draw.exponential(1.0, 80), draw.exponential(1.4, 80)])
    (found,) = slices_of([("size", "small", np.arange(80))], losses)
    apart = abs(losses[:80].mean() - losses[80:].mean())
    shuffled = [draw.permutation(losses) for _ in range(20_000)]
    chance = np.mean([abs(one[:80].mean() - one[80:].mean()) >= apart for one in shuffled])
    assert found.p == pytest.approx(chance, abs=0.01)
    assert found.value.low < losses[:80].mean() < found.value.high


def test_of_many_slices_of_one_kind_of_picture_none_is_real() -> None:
    draw = np.random.default_rng(2)
    hits = 0
    for _ in range(100):
        right = draw.random(400) < 0.8
        groups = [("label", str(kind), np.arange(kind, 400, 20)) for kind in range(20)]
        hits += any(one.real for one in slices_of(groups, right))
    assert hits <= 10, "one in twenty is what was promised"


def test_too_few_are_not_tested_and_the_design_effect_widens() -> None:
    right = np.array([True] * 9 + [False] * 40)
    few, other = slices_of([("label", "a", np.arange(9)), ("label", "b", np.arange(9, 49))], right)
    assert few.p is None and other.p is None and not few.real
    losses = np.arange(20.0)
    (whole,) = slices_of([("x", "a", np.arange(4)), ("x", "b", np.arange(4, 20))], losses)
    assert whole.name == "b", "of four pictures no mean is told"
    plain, wide = (slices_of([("x", "b", np.arange(10))], losses, design=design)[0] for design in (1.0, 2.0))
    assert wide.value.high - wide.value.low > plain.value.high - plain.value.low
    assert plain.p is not None and wide.p is not None and wide.p > plain.p
    with pytest.raises(StriateError, match="has no pictures"):
        slices_of([("x", "none", np.zeros(0, np.int64))], losses)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, None]) == pytest.approx([0.03, 0.06, 0.06, None])


def test_quarters_hold_every_picture_once_and_keep_equal_ones_together() -> None:
    draw = np.random.default_rng(3)
    values = draw.integers(0, 12, 300)
    found = quarters(values)
    rows = np.sort(np.concatenate([one for _, _, one in found]))
    assert rows.tolist() == list(range(300)) and 2 <= len(found) <= 4
    for (_, high, _), (low, _, _) in pairwise(found):
        assert high < low
    assert len(quarters([7.0] * 50)) == 1 and quarters([]) == [] and len(quarters(range(15))) == 1
