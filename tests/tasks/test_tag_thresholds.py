"""Thresholds: the best F1 where positives are many, what the probabilities expect where they are few."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_recall_curve

from striate.errors import StriateError
from striate.metrics.probability import sigmoid
from striate.tasks.tag_calibration import fit
from striate.tasks.tag_thresholds import choose_thresholds, fold_decisions


@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_without_a_prior_it_is_the_highest_f1_there_is(seed, pictures):
    generator = np.random.default_rng(seed)
    probabilities = generator.integers(1, 10, size=(pictures, 1)) / 10  # ties
    targets = generator.random((pictures, 1)) < probabilities
    targets[0] = True
    cut = choose_thresholds(probabilities, targets, prior=0.0)
    precision, recall, _ = precision_recall_curve(targets[:, 0], probabilities[:, 0])
    best = (2 * precision * recall / np.maximum(precision + recall, 1e-12)).max()
    assert f1_score(targets[:, 0], probabilities[:, 0] >= cut[0]) == pytest.approx(best)


def test_three_positives_do_not_decide():
    generator = np.random.default_rng(0)
    probabilities = np.full((300, 1), 0.01) + 0.02 * generator.random((300, 1))
    lucky = probabilities.copy()
    lucky[:3] = [[0.99], [0.98], [0.97]]
    targets = np.zeros((300, 1), bool)
    targets[:3] = True
    unlucky = lucky.copy()
    unlucky[2] = 0.011  # one of the three stands among the negatives
    alone = [float(choose_thresholds(p, targets, prior=0.0)[0]) for p in (lucky, unlucky)]
    assert alone[0] > 0.1  # without the prior a single picture moves the cut over all that lies between
    cuts = [float(choose_thresholds(p, targets)[0]) for p in (lucky, unlucky)]
    for cut in cuts:
        assert 0.03 < cut < 0.9


def test_many_positives_decide_whatever_the_probabilities_expect():
    generator = np.random.default_rng(0)
    probabilities = generator.random((4000, 1))
    targets = probabilities > 0.8  # the probabilities are far off: they would cut near 0.4
    cut = float(choose_thresholds(probabilities, targets)[0])
    assert cut == pytest.approx(0.8, abs=0.03)


def test_the_cut_of_calibrated_probabilities_is_half_the_f1_they_reach():
    generator = np.random.default_rng(1)
    probabilities = generator.beta(0.5, 2.0, size=(50_000, 1))
    targets = generator.random((50_000, 1)) < probabilities
    cut = choose_thresholds(probabilities, targets)
    assert cut[0] == pytest.approx(f1_score(targets[:, 0], probabilities[:, 0] >= cut[0]) / 2, abs=0.03)


def test_a_tag_without_positives_and_no_pictures():
    assert choose_thresholds(np.zeros((0, 2)), np.zeros((0, 2))).tolist() == [0.5, 0.5]
    cuts = choose_thresholds([[0.2, 0.0], [0.3, 0.0], [0.6, 0.0]], np.zeros((3, 2)))
    assert 0 < cuts[0] < 0.6
    assert cuts[1] == 0.5
    assert choose_thresholds([[0.2], [0.3]], [[0], [0]], prior=0.0).tolist() == [0.5]
    with pytest.raises(StriateError, match="from 0 to 1"):
        choose_thresholds([[3.0]], [[1]])


def test_a_fold_has_no_say_in_its_own_calibration_and_thresholds():
    generator = np.random.default_rng(2)
    logits = generator.normal(size=(60, 2))
    targets = generator.random((60, 2)) < sigmoid(logits)
    folds = np.arange(60) % 3
    scaled, cuts = fold_decisions(logits, targets, folds, spread=0.5)
    changed = targets.copy()
    changed[folds == 1] = ~changed[folds == 1]
    again = fold_decisions(logits, changed, folds, spread=0.5)
    for one, other in zip((scaled, cuts), again, strict=True):
        np.testing.assert_array_equal(one[folds == 1], other[folds == 1])
        assert not np.array_equal(one[folds == 0], other[folds == 0])
    temperature, shifts = fit(logits[folds != 2], targets[folds != 2], spread=0.5)
    expected = choose_thresholds(sigmoid(logits[folds != 2] / temperature + shifts), targets[folds != 2])
    np.testing.assert_array_equal(cuts[folds == 2][0], expected)
