"""One temperature and a shift a tag: where they should end, how they are shrunk, that folds are honest."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.optimize import minimize

from striate.errors import ModelError
from striate.metrics.probability import sigmoid
from striate.tasks.tag_calibration import SHIFT_SPREAD, TagCalibration, calibrate_tags, fit, fold_scaled


def answers(pictures: int, tags: int, *, temperature: float = 1.0, shift: float = 0.0, seed: int = 0):
    """Return logits that are ``temperature`` times too large and ``shift`` off, and the tags drawn by the true ones."""
    generator = np.random.default_rng(seed)
    true = generator.normal(-1.0, 2.0, size=(pictures, tags))
    return (true - shift) * temperature, generator.random((pictures, tags)) < sigmoid(true)


def test_the_fit_is_the_minimum_that_a_general_solver_finds():
    logits, targets = answers(60, 3, temperature=2.0, shift=0.7, seed=1)
    n = targets.sum(axis=0)
    aims = np.where(targets, (n + 0.5) / (n + 1), 0.5 / (len(targets) - n + 1))

    def cost(values):
        scaled = np.exp(values[0]) * logits + values[1:]
        loss = (np.logaddexp(0, scaled) - aims * scaled).sum()
        return loss + values[0] ** 2 / (2 * 0.5**2) + (values[1:] ** 2).sum() / (2 * SHIFT_SPREAD**2)

    best = minimize(cost, np.zeros(4), method="BFGS", options={"gtol": 1e-9})
    temperature, shifts = fit(logits, targets, spread=0.5)
    assert -np.log(temperature) == pytest.approx(best.x[0], abs=1e-5)
    np.testing.assert_allclose(shifts, best.x[1:], atol=1e-5)


def test_many_answers_find_temperature_and_shift_again():
    logits, targets = answers(20_000, 2, temperature=3.0, shift=0.5)
    found = calibrate_tags(logits, targets)
    assert found.temperature == pytest.approx(3.0, rel=0.05)
    np.testing.assert_allclose(found.shifts, 0.5, atol=0.07)
    assert found.nll_after < found.nll_before
    assert found.ece_after < 0.02 < found.ece_before
    assert str(found) == "calibrated on 20,000 validation pictures"


def test_few_answers_change_little_and_none_change_nothing():
    logits, targets = answers(4, 3, temperature=3.0)
    assert 0.8 < calibrate_tags(logits, targets, spread=0.1).temperature < 1.3
    assert "4 pictures only" in calibrate_tags(logits, targets).note
    nothing = calibrate_tags(np.zeros((0, 3)), np.zeros((0, 3)))
    assert (nothing.temperature, nothing.pictures) == (1.0, 0)
    np.testing.assert_array_equal(nothing.probabilities([[0.0, 1.0, 2.0]]), sigmoid([[0.0, 1.0, 2.0]]))


def test_tags_told_without_a_mistake_do_not_become_certain():
    logits = np.array([[4.0], [5.0], [-4.0], [-6.0]])
    found = calibrate_tags(logits, logits > 0)
    assert found.temperature > 0.3
    assert np.isfinite(found.nll_after)


def test_a_known_shift_is_where_the_fit_begins():
    logits, targets = answers(5, 1)
    _, shifts = fit(logits + 4.0, targets, begin=np.array([-4.0]))
    assert shifts[0] == pytest.approx(-4.0, abs=1.0)
    assert fit(np.zeros((0, 1)), np.zeros((0, 1)), begin=np.array([-4.0]))[1].tolist() == [-4.0]


def test_out_of_fold_answers_are_scaled_by_what_the_other_folds_say():
    logits, targets = answers(90, 2, temperature=2.0)
    folds = np.arange(90) % 3
    scaled = fold_scaled(logits, targets, folds)
    changed = targets.copy()
    changed[folds == 0] = ~changed[folds == 0]  # what fold 0 holds says nothing about its own scaling
    again = fold_scaled(logits, changed, folds)
    np.testing.assert_array_equal(scaled[folds == 0], again[folds == 0])
    assert not np.allclose(scaled[folds == 1], again[folds == 1])
    assert calibrate_tags(logits, targets, folds=folds).on == "out-of-fold answers"


def test_it_goes_to_json_and_back():
    found = calibrate_tags(*answers(50, 2))
    assert TagCalibration.from_dict(json.loads(json.dumps(found.to_dict())), tags=2) == found
    assert TagCalibration.from_dict({}, tags=2) == TagCalibration()


@pytest.mark.parametrize(
    "values",
    [
        {"temperature": 0.0},
        {"temperature": "1"},
        {"shifts": [1.0]},
        {"shifts": [float("nan"), 0.0]},
        {"pictures": 1.5},
        {"note": 3},
        {"nll_after": "x"},
        {"strange": 1},
    ],
)
def test_what_no_version_wrote_is_refused(values):
    with pytest.raises(ModelError, match="calibration does not read"):
        TagCalibration.from_dict(values, tags=2)
