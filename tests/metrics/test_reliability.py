"""Bins and calibration error against a loop written from the definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.errors import StriateError
from striate.metrics.probability import softmax
from striate.metrics.reliability import calibration_error_of, expected_calibration_error, reliability


def by_definition(confidence, right, bins):
    """A loop over pictures: bin m holds those above (m-1)/M and up to m/M."""
    sums = [[0, 0.0, 0] for _ in range(bins)]
    edges = np.linspace(0, 1, bins + 1)
    for sure, good in zip(confidence, right, strict=True):
        place = next(m for m in range(bins) if sure <= edges[m + 1])
        sums[place][0] += 1
        sums[place][1] += sure
        sums[place][2] += good
    return sum(abs(s - g) for _, s, g in sums) / len(confidence), [n for n, _, _ in sums]


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 5), st.sampled_from([1, 7, 15]))
@settings(max_examples=60)
def test_equals_the_definition(seed, pictures, classes, bins):
    generator = np.random.default_rng(seed)
    probabilities = softmax(np.round(generator.normal(size=(pictures, classes)) * 2))
    targets = generator.integers(0, classes, pictures)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == targets
    error, counts = by_definition(np.minimum(confidence, 1), right, bins)
    found = reliability(probabilities, targets, bins=bins)
    assert [one.pictures for one in found] == counts
    measured = expected_calibration_error(probabilities, targets, bins=bins)
    assert measured.value == pytest.approx(error, abs=1e-12)
    assert 0 <= measured.low <= measured.value <= measured.high
    for one in found:
        assert (one.confidence is None) == (one.accuracy is None) == (one.pictures == 0)
        if one.confidence is not None:
            assert one.low - 1e-12 <= one.confidence <= one.high + 1e-12


def test_perfectly_calibrated_by_hand():
    assert expected_calibration_error([[0.8, 0.2]] * 5, [0, 0, 0, 0, 1]).value == pytest.approx(0.0)
    assert expected_calibration_error([[1.0, 0.0]] * 4, [0, 0, 1, 1]).value == pytest.approx(0.5)


def test_adaptive_bins_hold_about_as_many_each_and_keep_equals_together():
    generator = np.random.default_rng(0)
    sure = generator.uniform(0.9, 1.0, 300)
    probabilities = np.column_stack([sure, 1 - sure])
    bins = reliability(probabilities, np.zeros(300, dtype=int), adaptive=True)
    assert len(bins) == 15
    assert {one.pictures for one in bins} == {20}
    together = reliability([[0.75, 0.25]] * 40, [0] * 40, adaptive=True)
    assert [one.pictures for one in together if one.pictures] == [40]
    few = reliability(probabilities[:3], [0, 0, 0], adaptive=True)
    assert sum(one.pictures for one in few) == 3


def test_adaptive_error_sees_what_equal_bins_average_away():
    # All answers in one wide bin: half too sure, half not sure enough.
    confidence = np.repeat([0.945, 0.985], 1000)
    right = np.concatenate([np.arange(1000) < 1000, np.arange(1000) < 930])
    wide, fine = calibration_error_of(confidence, right), calibration_error_of(confidence, right, adaptive=True)
    assert wide.value < 0.001
    assert fine.value == pytest.approx(0.055, abs=1e-6)


def test_logits_are_not_probabilities():
    with pytest.raises(StriateError, match="softmax"):
        expected_calibration_error([[3.0, -2.0]], [0])
    with pytest.raises(StriateError, match="at least 1"):
        reliability([[1.0, 0.0]], [0], bins=0)
    assert not math.isnan(expected_calibration_error([[1.0]], [0]).value)
