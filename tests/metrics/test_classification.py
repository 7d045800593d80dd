"""Every measure against scikit-learn on drawn answers: ties, classes without pictures, one class, huge logits."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax as scipy_log_softmax
from sklearn import metrics as sk

from striate.errors import StriateError
from striate.metrics import classification as ours
from striate.metrics.probability import log_softmax, softmax

ANY = st.integers(1, 6)


@st.composite
def answers(draw, classes=ANY):
    k, n = draw(classes), draw(st.integers(1, 40))
    scale = draw(st.sampled_from([0.0, 1.0, 3.0, 1e4]))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # Whole numbers make ties common; a scale of 0 makes everything one tie.
    logits = generator.integers(-3, 4, size=(n, k)) * scale
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return logits.astype(dtype), generator.integers(0, k, size=n)


@given(answers())
def test_accuracy_and_confusion_equal_scikit_learn(drawn):
    logits, targets = drawn
    predicted = logits.argmax(axis=1)
    labels = range(logits.shape[1])
    assert ours.accuracy(logits, targets).value == pytest.approx(sk.accuracy_score(targets, predicted))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a single label
        expected = sk.confusion_matrix(targets, predicted, labels=labels)
    np.testing.assert_array_equal(ours.confusion_matrix(logits, targets), expected)


@given(answers())
def test_class_measures_equal_scikit_learn_and_none_where_it_has_nothing_to_say(drawn):
    logits, targets = drawn
    predicted, labels = logits.argmax(axis=1), np.arange(logits.shape[1])
    expected = sk.precision_recall_fscore_support(targets, predicted, labels=labels, zero_division=np.nan)
    measured = ours.precision_recall_f1(ours.confusion_matrix(logits, targets))
    for k, measure in enumerate(measured):
        for mine, theirs in zip(
            (measure.precision, measure.recall, measure.f1), (e[k] for e in expected), strict=False
        ):
            assert (mine is None) == np.isnan(theirs)
            if mine is not None:
                assert mine.value == pytest.approx(theirs)
                assert 0 <= mine.low <= mine.value <= mine.high <= 1
        assert measure.support == expected[3][k]


@given(answers())
@settings(max_examples=50)
def test_averages_equal_scikit_learn_over_the_classes_that_occur(drawn):
    logits, targets = drawn
    predicted, present = logits.argmax(axis=1), np.unique(targets)
    found = ours.averages(ours.confusion_matrix(logits, targets), resamples=50)
    for name, average in zip(("macro", "weighted"), found, strict=True):
        expected = sk.precision_recall_fscore_support(
            targets, predicted, labels=present, average=name, zero_division=0.0
        )
        for mine, theirs in zip((average.precision, average.recall, average.f1), expected, strict=False):
            assert mine.value == pytest.approx(theirs)
            assert -1e-12 <= mine.low <= mine.value <= mine.high <= 1 + 1e-12


@given(answers(classes=st.integers(3, 7)), st.integers(1, 7))
def test_top_k_equals_scikit_learn_with_ties_to_the_first_class(drawn, k):
    logits, targets = drawn
    classes = logits.shape[1]
    # scikit-learn lets the last of equal classes win; with the columns turned round that is the first.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # k as large as the classes
        theirs = sk.top_k_accuracy_score(classes - 1 - targets, logits[:, ::-1], k=k, labels=np.arange(classes))
    assert ours.top_k_accuracy(logits, targets, k=k).value == pytest.approx(theirs)


@given(answers(classes=st.integers(2, 6)), st.sampled_from([0.3, 1.0, 4.0]))
@settings(max_examples=50)
def test_log_loss_and_brier_equal_the_oracles(drawn, temperature):
    logits, targets = drawn
    wide = logits.astype(np.float64) / temperature
    rows = np.arange(len(targets))
    assert ours.log_loss(logits, targets, temperature=temperature).value == pytest.approx(
        -scipy_log_softmax(wide, axis=1)[rows, targets].mean(), rel=1e-9, abs=1e-12
    )
    probabilities = softmax(logits, temperature)
    np.testing.assert_allclose(probabilities, np.exp(scipy_log_softmax(wide, axis=1)), atol=1e-12)
    assert (probabilities.sum(axis=1) == pytest.approx(1.0, abs=1e-12)) if len(targets) else True
    certain = np.eye(logits.shape[1])[targets]
    assert ours.brier_score(probabilities, targets).value == pytest.approx(
        ((probabilities - certain) ** 2).sum(axis=1).mean()
    )
    if np.ptp(wide, axis=1).max() < 30:  # scikit-learn clips what is nearer to 0
        labels = np.arange(logits.shape[1])
        assert ours.log_loss(logits, targets, temperature=temperature).value == pytest.approx(
            sk.log_loss(targets, probabilities, labels=labels)
        )


def test_brier_of_two_classes_is_twice_the_one_sided_one():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]])
    one_sided = sk.brier_score_loss([0, 1, 1], probabilities[:, 1])
    assert ours.brier_score(probabilities, [0, 1, 1]).value == pytest.approx(2 * one_sided)


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=60))
def test_auroc_equals_scikit_learn_with_ties(pairs):
    scores, positive = np.array([p[0] for p in pairs]) / 2, np.array([p[1] for p in pairs])
    if positive.all() or not positive.any():
        with pytest.raises(StriateError, match="two kinds"):
            ours.auroc(scores, positive)
    else:
        found = ours.auroc(scores, positive)
        assert found.value == pytest.approx(sk.roc_auc_score(positive, scores))
        assert 0 <= found.low <= found.value <= found.high <= 1


def test_worked_by_hand():
    scores = [[5, 1, 0], [5, 1, 0], [1, 5, 0], [0, 1, 5], [0, 5, 1]]
    targets = [0, 1, 1, 1, 1]
    assert ours.confusion_matrix(scores, targets).tolist() == [[1, 0, 0], [1, 2, 1], [0, 0, 0]]
    first, second, third = ours.precision_recall_f1(ours.confusion_matrix(scores, targets), ("a", "b", "c"))
    assert (first.precision.value, first.recall.value, first.f1.value) == pytest.approx((1 / 2, 1, 2 / 3))
    assert (second.precision.value, second.recall.value, second.f1.value) == pytest.approx((1, 1 / 2, 2 / 3))
    assert (third.precision.value, third.recall, third.f1.value, third.support, third.predicted) == (0, None, 0, 0, 1)
    assert ours.target_ranks(scores, targets).tolist() == [0, 1, 0, 1, 0]
    assert ours.top_k_accuracy(scores, targets, k=2).value == 1.0


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
def test_huge_logits_stay_finite(dtype):
    big = np.array([[6e4, -6e4], [-6e4, 6e4]]).astype(dtype)
    assert np.isfinite(log_softmax(big)).all()
    assert ours.log_loss(big, [0, 0]).value == pytest.approx((0 + 120_000) / 2, rel=1e-2)


@pytest.mark.parametrize(
    ("scores", "targets", "message"),
    [
        (np.zeros((0, 3)), [], "no pictures"),
        (np.zeros(3), [0], "shape"),
        (np.zeros((2, 0)), [0, 0], "at least one class"),
        ([[0.0, np.nan]], [0], "NaN or infinity .first: row 0"),
        ([[0.0, 1.0], [np.inf, 0]], [0, 0], "row 1"),
        ([[0.0, 1.0]], [2], "target 2 of picture 0 is none of the classes 0..1"),
        ([[0.0, 1.0]], [-1], "without a label"),
        ([[0.0, 1.0]], [0, 1], "1 row of scores but 2 targets"),
        ([[0.0, 1.0]], [0.5], "whole numbers"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_words(scores, targets, message):
    with pytest.raises(StriateError, match=message):
        ours.accuracy(scores, targets)


def test_temperature_and_k_are_checked():
    with pytest.raises(StriateError, match="positive"):
        softmax([[0.0, 1.0]], 0.0)
    with pytest.raises(StriateError, match="at least 1"):
        ours.top_k_accuracy([[0.0, 1.0]], [0], k=0)
