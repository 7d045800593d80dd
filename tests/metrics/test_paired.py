"""Two models on the same pictures: against SciPy, published examples, and what must hold always."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from striate.errors import StriateError
from striate.metrics.paired import difference_interval, mcnemar, paired_accuracy

counts = st.integers(0, 60)


@given(counts, counts)
def test_mcnemar_is_the_mid_p_of_the_binomial(only_a: int, only_b: int) -> None:
    n, k = only_a + only_b, min(only_a, only_b)
    exact = min(1.0, 2 * binom.cdf(k, n, 0.5))
    half = binom.pmf(k, n, 0.5)
    expected = 1.0 if n == 0 else 1 - half / 2 if only_a == only_b else min(1.0, exact - half)
    assert mcnemar(only_a, only_b) == pytest.approx(expected, abs=1e-9)


def test_newcombes_published_example() -> None:
    # Newcombe 1998, table III, method 10: cells 36, 12, 2, 0 give +0.2000 with 0.0569 to 0.3404.
    found = difference_interval(36, 2, 12, 0)
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0569, 0.3404), abs=5e-5)


@given(counts, counts, counts, counts)
def test_the_interval_holds_its_value_and_turns_with_the_order(both: int, a: int, b: int, neither: int) -> None:
    if both + a + b + neither == 0:
        with pytest.raises(StriateError):
            difference_interval(both, a, b, neither)
        return
    found, turned = difference_interval(both, a, b, neither), difference_interval(both, b, a, neither)
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert (found.low, found.high) == pytest.approx((-turned.high, -turned.low), abs=1e-9)


def test_equals_are_called_different_about_as_often_as_is_said() -> None:
    random = np.random.default_rng(0)
    real = 0
    for _ in range(400):
        skill = random.random(200) < 0.8  # what both find easy
        a = np.where(random.random(200) < 0.1, ~skill, skill)
        b = np.where(random.random(200) < 0.1, ~skill, skill)
        real += paired_accuracy(a, b).real
    assert 4 <= real <= 36  # 20 of 400 expected


def test_who_is_right_where() -> None:
    found = paired_accuracy([True, True, False, False, True], [True, False, True, False, True])
    assert (found.both_right, found.only_a, found.only_b, found.both_wrong) == (2, 1, 1, 1)
    assert found.difference.value == 0 and not found.real
    assert found.to_dict()["real"] is False and found.needed is None


def test_as_many_pictures_as_are_said_show_the_difference_four_times_of_five() -> None:
    random = np.random.default_rng(0)
    draw = random.choice(4, 100, p=[0.7, 0.05, 0.15, 0.1])  # both, a alone, b alone, neither
    found = paired_accuracy(np.isin(draw, (0, 1)), np.isin(draw, (0, 2)))
    shares = np.array([found.both_right, found.only_a, found.only_b, found.both_wrong]) / found.pictures
    assert found.needed is not None
    drawn = random.multinomial(found.needed, shares, size=500)
    shown = sum(mcnemar(int(a), int(b)) < 0.05 for _, a, b, _ in drawn)
    assert 360 <= shown <= 440


def test_other_pictures_are_refused() -> None:
    with pytest.raises(StriateError, match="same pictures"):
        paired_accuracy([True], [True, False])


def test_answers_that_are_not_independent_count_for_fewer() -> None:
    a, b = np.arange(200) % 10 > 0, np.arange(200) % 5 > 0
    alone, together = paired_accuracy(a, b), paired_accuracy(a, b, design=1.5)
    assert together.difference.value == alone.difference.value and together.p_value > alone.p_value
    assert together.difference.low < alone.difference.low and together.a.high > alone.a.high
