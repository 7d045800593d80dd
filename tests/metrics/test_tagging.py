"""Every measure of tags against scikit-learn on drawn answers: ties, tags without pictures, pictures without tags."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from striate.errors import StriateError
from striate.metrics import tagging as ours
from striate.metrics.intervals import f1_interval, wilson
from striate.metrics.probability import log_sigmoid, sigmoid
from striate.metrics.reliability import reliability_of
from striate.metrics.tag_report import tag_report


@st.composite
def answers(draw, least_positives=0):
    tags, n = draw(st.integers(1, 6)), draw(st.integers(1, 40))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # Tenths make ties common, among them 0 and 1.
    probabilities = generator.integers(0, 11, size=(n, tags)) / 10
    share = generator.choice([0.0, 0.05, 0.3, 1.0], size=tags)
    targets = (generator.random((n, tags)) < share).astype(draw(st.sampled_from([np.int64, np.bool_, np.float32])))
    if targets.sum() < least_positives:
        targets[0, 0] = 1
    return probabilities, targets


@given(answers())
def test_average_precision_equals_scikit_learn_and_is_nan_for_a_tag_nobody_has(drawn):
    scores, targets = drawn
    found = ours.average_precisions(scores, targets)
    for tag, value in enumerate(found):
        if not targets[:, tag].any():
            assert np.isnan(value)
            continue
        assert value == pytest.approx(sk.average_precision_score(targets[:, tag], scores[:, tag]))


@given(answers(least_positives=1))
@settings(max_examples=40)
def test_macro_and_micro_equal_scikit_learn_within_their_intervals(drawn):
    scores, targets = drawn
    there = np.asarray(targets).any(axis=0)
    macro, micro = ours.mean_average_precision(scores, targets), ours.micro_average_precision(scores, targets)
    assert macro.value == pytest.approx(sk.average_precision_score(targets[:, there], scores[:, there]))
    flat = (np.asarray(targets).ravel(), scores.ravel())
    assert micro.value == pytest.approx(sk.average_precision_score(*flat))
    for one in (macro, micro):
        assert 0 <= one.low <= one.value + 1e-12 <= one.high + 2e-12 <= 1 + 1e-9
    assert ours.mean_average_precision(scores, targets) == macro  # the bootstrap is seeded


@given(answers(least_positives=1), st.integers(0, 10))
@settings(max_examples=40)
def test_f1_precision_and_recall_equal_scikit_learn(drawn, tenths):
    probabilities, targets = drawn
    cuts = np.linspace(tenths / 10, 1.0, probabilities.shape[1])
    given_tags = ours.said(probabilities, cuts)
    np.testing.assert_array_equal(given_tags, probabilities >= cuts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        each_tag = [
            sk.precision_recall_fscore_support(
                targets[:, t].astype(int), given_tags[:, t].astype(int), labels=[1], zero_division=np.nan
            )
            for t in range(len(cuts))
        ]
    expected = [[one[kind][0] for one in each_tag] for kind in range(4)]
    names = tuple(f"tag {t}" for t in range(len(cuts)))
    measured = ours.tag_measures(probabilities, targets, cuts, names)
    for tag, each in enumerate(measured):
        assert (each.name, each.support, each.threshold) == (names[tag], expected[3][tag], pytest.approx(cuts[tag]))
        assert each.predicted == given_tags[:, tag].sum()
        for mine, theirs in zip((each.precision, each.recall, each.f1), (e[tag] for e in expected), strict=False):
            assert (mine is None) == np.isnan(theirs)
            if mine is not None:
                assert mine.value == pytest.approx(theirs)
                assert 0 <= mine.low <= mine.value <= mine.high <= 1
    macro, micro = ours.f1_averages(given_tags, targets)
    there = np.asarray(targets).any(axis=0)
    whole = targets.astype(int)
    flat = (whole.ravel(), given_tags.ravel())
    assert micro.value == pytest.approx(sk.f1_score(*flat, zero_division=0))
    assert macro.value == pytest.approx(
        np.mean([sk.f1_score(whole[:, t], given_tags[:, t], zero_division=0) for t in np.flatnonzero(there)])
    )
    assert micro.low <= micro.value <= micro.high


def test_a_tag_told_perfectly_by_three_pictures_is_not_certain():
    found = ours.average_precision_intervals([[0.9], [0.8], [0.7], [0.1]], [[1], [1], [1], [0]])[0]
    assert found is not None
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(wilson(3, 3).low)
    macro = ours.mean_average_precision([[0.9], [0.8], [0.7], [0.1]], [[1], [1], [1], [0]])
    assert macro.low < 0.5


def test_bootstrap_of_average_precision_is_that_of_pictures_drawn_again():
    generator = np.random.default_rng(3)
    scores, targets = generator.random((50, 2)), generator.random((50, 2)) < 0.3
    ranking = ours._Ranking.of(scores[:, 0], targets[:, 0])
    rows = generator.integers(0, 50, size=(20, 50))
    times = np.stack([np.bincount(row, minlength=50) for row in rows]).astype(np.float32)
    expected = [sk.average_precision_score(targets[row, 0], scores[row, 0]) for row in rows]
    np.testing.assert_allclose(ranking.areas(times), expected)
    # A picture that is drawn twice counts twice for every tag.
    picture = np.repeat(np.arange(50), 2)
    both = ours._Ranking.of(scores.ravel(), targets.ravel(), picture).areas(times)
    expected = [sk.average_precision_score(targets[row], scores[row], average="micro") for row in rows]
    np.testing.assert_allclose(both, expected)


@given(answers())
@settings(max_examples=40)
def test_calibration_error_is_that_of_the_reliability_diagram(drawn):
    probabilities, targets = drawn
    errors = ours.calibration_errors(probabilities, targets)
    for tag, error in enumerate(errors):
        bins = reliability_of(probabilities[:, tag], np.asarray(targets)[:, tag].astype(bool))
        expected = sum(b.pictures * abs(b.accuracy.value - b.confidence) for b in bins if b.accuracy) / len(targets)
        assert error == pytest.approx(expected, abs=1e-12)
    pooled = ours.pooled_calibration_error(probabilities, targets)
    bins = reliability_of(probabilities.ravel(), np.asarray(targets).astype(bool).ravel())
    expected = sum(b.pictures * abs(b.accuracy.value - b.confidence) for b in bins if b.accuracy) / targets.size
    assert pooled.value == pytest.approx(expected, abs=1e-12)
    assert 0 <= pooled.low <= pooled.value <= pooled.high <= 1


def test_co_occurrence_counts_pictures():
    tags = [[1, 1, 0], [0, 1, 0], [1, 1, 1], [0, 0, 0]]
    np.testing.assert_array_equal(ours.co_occurrence(tags), [[2, 2, 1], [2, 3, 1], [1, 1, 1]])


def test_worst_misses_are_those_that_surprise_most():
    probabilities = [[0.9, 0.2], [0.7, 0.01], [0.4, 0.8]]
    targets = [[0, 0], [1, 1], [1, 1]]
    found = ours.worst_misses(probabilities, targets, [0.5, 0.5])
    assert [(m.index, m.tag, m.missed) for m in found] == [(1, 1, True), (0, 0, False), (2, 0, True)]
    assert found[0].nll == pytest.approx(-np.log(0.01))
    assert found[1].nll == pytest.approx(-np.log(0.1))
    assert len(ours.worst_misses(probabilities, targets, [0.5, 0.5], most=1)) == 1
    # Thresholds of each picture's own.
    each = np.array([[0.95, 0.5], [0.5, 0.005], [0.5, 0.5]])
    assert [(m.index, m.tag) for m in ours.worst_misses(probabilities, targets, each)] == [(2, 0)]


def test_sigmoid_is_exact_for_logits_of_any_size():
    assert sigmoid([[0.0, 800.0, -800.0]]).tolist() == [[0.5, 1.0, 0.0]]
    np.testing.assert_allclose(log_sigmoid([[-1000.0, 0.0]]), [[-1000.0, -np.log(2)]])


def test_a_report_of_tags():
    generator = np.random.default_rng(0)
    targets = generator.random((60, 3)) < [0.5, 0.2, 0.0]
    probabilities = np.clip(0.3 * targets + 0.7 * generator.random((60, 3)), 0, 1)
    report = tag_report(probabilities, targets, tags=("sea", "sunset", "snow"), thresholds=[0.5, 0.4, 0.9])
    assert report.unmeasured == ("snow",)
    assert report.without_tags == (~targets.any(axis=1)).sum()
    assert report.per_tag[2].average_precision is None
    exact = ((probabilities >= [0.5, 0.4, 0.9]) == targets).all(axis=1).mean()
    assert report.exact.value == pytest.approx(exact)
    expected = sk.log_loss(targets.ravel(), probabilities.ravel())
    assert report.log_loss.value == pytest.approx(expected)
    text = report.text()
    assert "mean average precision (2 of 3 tags)" in text
    assert "no picture to measure of the tag snow" in text or "no picture to measure of tag snow" in text
    values = report.to_dict()
    assert (
        values["per_tag"][0]["f1"]
        == f1_interval(*(int(x) for x in _counts(probabilities[:, 0] >= 0.5, targets[:, 0]))).to_dict()
    )
    assert values["macro_average_precision"] == report.macro.to_dict()


def _counts(given_tag, wanted):
    return (given_tag & wanted).sum(), (~given_tag & wanted).sum(), (given_tag & ~wanted).sum()


@pytest.mark.parametrize(
    ("scores", "targets", "words"),
    [
        (np.zeros((0, 2)), np.zeros((0, 2)), "no pictures to measure"),
        (np.zeros((2, 2)), np.zeros((2, 3)), r"2 x 2 as the scores are, not of shape \(2, 3\)"),
        (np.zeros((2, 2)), np.full((2, 2), 2), "1 or 0"),
        (np.zeros((2, 2)), np.array([["a", "b"]] * 2), "1 or 0"),
        (np.full((2, 2), np.nan), np.zeros((2, 2)), "NaN"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(scores, targets, words):
    with pytest.raises(StriateError, match=words):
        ours.average_precisions(scores, targets)


def test_nothing_to_measure_is_said():
    with pytest.raises(StriateError, match="no picture has a tag"):
        ours.mean_average_precision([[0.5]], [[0]])
    with pytest.raises(StriateError, match="no picture has a tag"):
        ours.micro_average_precision([[0.5]], [[0]])
    with pytest.raises(StriateError, match="sigmoid"):
        ours.calibration_errors([[2.0]], [[1]])
