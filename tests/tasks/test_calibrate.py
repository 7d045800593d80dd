"""The temperature: SciPy's minimum, a planted one found again, and sense with few pictures."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from striate.errors import ModelError, StriateError
from striate.metrics.reliability import expected_calibration_error
from striate.tasks.calibrate import HIGHEST, LOWEST, Calibration, calibrate, fit_temperature, fold_temperatures, softmax


def planted(temperature, pictures=4000, classes=5, seed=0):
    """Logits whose probabilities are right at the given temperature."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(pictures, classes)) * 2
    sampled = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    return logits * temperature, sampled


def loss(b, logits, targets, mistake, spread=np.inf):
    """The loss as it is stated, b = 1/T: ``mistake`` of N + 1 pictures' worth lies on the likeliest other class."""
    n, rows = len(targets), np.arange(len(targets))
    others = logits.copy()
    others[rows, targets] = -np.inf
    aim = ((n + 1 - mistake) * logits[rows, targets] + mistake * others.max(axis=1)) / (n + 1)
    return (logsumexp(b * logits, axis=1) - b * aim).mean() + np.log(b) ** 2 / (2 * n * spread**2)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 60),
    st.integers(2, 5),
    st.sampled_from([0.1, 1.0, 5.0]),
    st.sampled_from([0.2, 1.0, 100.0]),
)
@settings(max_examples=60, deadline=None)
def test_is_scipys_minimum(seed, pictures, classes, scale, spread):
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(pictures, classes)) * scale
    targets = np.where(generator.random(pictures) < 0.7, logits.argmax(1), generator.integers(0, classes, pictures))
    found = minimize_scalar(
        lambda log_b: loss(np.exp(log_b), logits, targets, 0.5, spread),
        bounds=(-np.log(HIGHEST), -np.log(LOWEST)),
        method="bounded",
        options={"xatol": 1e-10},
    )
    mine = fit_temperature(logits, targets, spread=spread)
    assert LOWEST <= mine <= HIGHEST
    assert loss(1 / mine, logits, targets, 0.5, spread) <= found.fun + 1e-9


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_finds_a_planted_temperature(temperature):
    logits, targets = planted(temperature)
    assert fit_temperature(logits, targets) == pytest.approx(temperature, rel=0.06)
    # With many pictures the half mistake changes nothing to speak of.
    plain = minimize_scalar(lambda log_b: loss(np.exp(log_b), logits, targets, 0.0), bounds=(-3, 3), method="bounded")
    assert fit_temperature(logits, targets) == pytest.approx(np.exp(-plain.x), rel=2e-3)


def test_calibrating_helps_on_other_pictures():
    calibration = calibrate(*planted(3.0, seed=1))
    logits, targets = planted(3.0, seed=2)
    before = expected_calibration_error(softmax(logits), targets).value
    after = expected_calibration_error(softmax(logits, calibration.temperature), targets).value
    assert before > 0.1
    assert after < 0.03
    assert calibration.nll_after < calibration.nll_before
    assert calibration.ece_after < calibration.ece_before
    assert calibration.pictures == 4000
    assert calibration.note == ""


def test_all_right_does_not_make_certain():
    for count in (1, 5, 20, 200):
        logits = np.tile([3.0, 0.0, 0.0], (count, 1))
        sure = softmax(logits, fit_temperature(logits, np.zeros(count, dtype=int), spread=1e6)).max(axis=1)
        # Two classes would give (N + 1/2) / (N + 1) exactly; the third takes its part too.
        assert (count / (count + 1)) <= sure[0] <= (count + 0.6) / (count + 1)
    note = calibrate(np.tile([3.0, 0.0], (5, 1)), np.zeros(5, dtype=int)).note
    assert "5 pictures only" in note
    assert "answered rightly" in note


def test_few_answers_leave_it_near_one_and_many_decide():
    """Three answers used to give a temperature of 7.5; what three answers say is next to nothing."""
    wrong = np.tile([4.0, 0.0], (3, 1)), np.array([0, 1, 1])
    assert fit_temperature(*wrong, spread=1e6) > 5
    assert 1 < fit_temperature(*wrong) < 2.5
    few, more, many = (fit_temperature(*planted(3.0, pictures=pictures)) for pictures in (5, 30, 4000))
    assert 1 < few < more < 2.5 and many > 2.9


def test_out_of_fold_answers_are_measured_by_the_other_folds():
    logits, targets = planted(2.0, pictures=60)
    folds = np.arange(60) % 3
    each = fold_temperatures(logits, targets, folds)
    assert each[0] == fit_temperature(logits[folds != 0], targets[folds != 0]) != each[1]
    calibration = calibrate(logits, targets, folds=folds)
    assert calibration.temperature == fit_temperature(logits, targets)
    assert str(calibration) == "calibrated on 60 out-of-fold answers"
    changed = targets.copy()
    changed[0] = (changed[0] + 1) % 5
    assert fold_temperatures(logits, changed, folds)[0] == each[0]


def test_range_is_kept_and_said():
    always_wrong = calibrate(np.tile([50.0, 0.0], (40, 1)), np.ones(40, dtype=int))
    assert always_wrong.temperature == HIGHEST
    assert "end of its range" in always_wrong.note
    tiny = calibrate(np.tile([0.01, 0.0], (40_000, 1)), np.zeros(40_000, dtype=int))
    assert tiny.temperature == LOWEST


def test_nothing_to_fit_leaves_it_at_one():
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, dtype=int)) == 1.0
    assert fit_temperature(np.ones((4, 1)), np.zeros(4, dtype=int)) == 1.0
    assert fit_temperature(np.zeros((4, 3)), [0, 1, 2, 0]) == 1.0
    empty = calibrate(np.zeros((0, 3)), [])
    assert (empty.temperature, empty.ece_before) == (1.0, None)
    assert "not calibrated" in empty.note


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_huge_and_tiny_logits(scale):
    logits, targets = planted(1.0, pictures=200)
    assert LOWEST <= fit_temperature(logits * scale, targets) <= HIGHEST
    with pytest.raises(StriateError, match="NaN"):
        fit_temperature([[np.nan, 0.0]], [0])


def test_shift_of_the_logits_does_not_matter():
    logits, targets = planted(2.0, pictures=300)
    shifts = np.random.default_rng(3).normal(size=(300, 1)) * 100
    assert fit_temperature(logits + shifts, targets) == pytest.approx(fit_temperature(logits, targets), rel=1e-9)


def test_json_round_trip_and_refusal():
    calibration = calibrate(*planted(2.0, pictures=100))
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict()))) == calibration
    assert Calibration.from_dict({}) == Calibration()
    for wrong in ({"temperature": 0.0}, {"temperature": "hot"}, {"temperature": float("nan")}, {"warmth": 1.0}):
        with pytest.raises(ModelError, match="calibration"):
            Calibration.from_dict(wrong)
