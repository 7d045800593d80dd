"""The intervals keep their promise: over simulated sets a 95 % interval holds the true value 92 to 98 times in 100."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from striate.metrics import intervals
from striate.metrics.classification import auroc, averages
from striate.metrics.intervals import Bootstrap, Interval, bootstrap_mean, f1_interval, mean_of, newcombe_auroc, wilson
from striate.metrics.reliability import calibration_error_of

SETS = 500


def covered(intervals: list[Interval], truth: float) -> float:
    return float(np.mean([one.low <= truth <= one.high for one in intervals]))


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (0, 30), (30, 30), (7, 12), (990, 1000), (1, 10**6)])
def test_wilson_equals_scipy(successes, trials):
    theirs = binomtest(successes, trials).proportion_ci(method="wilson")
    mine = wilson(successes, trials)
    assert mine is not None
    assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert mine.low <= mine.value <= mine.high


def test_nothing_tried_is_nothing_known():
    assert wilson(0, 0) is None
    assert f1_interval(0, 0, 0) is None


@pytest.mark.parametrize(("true", "trials"), [(0.9, 50), (0.99, 400), (0.5, 30)])
def test_wilson_covers(true, trials):
    generator = np.random.default_rng(1)
    found = [wilson(int(s), trials) for s in generator.binomial(trials, true, SETS)]
    assert 0.92 <= covered(found, true) <= 0.98


def confusions(pictures: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """A true confusion of three classes, and drawn ones."""
    true = np.array([[0.45, 0.03, 0.02], [0.04, 0.24, 0.02], [0.03, 0.05, 0.12]])
    drawn = np.random.default_rng(2).multinomial(pictures, true.ravel(), SETS).reshape(-1, 3, 3)
    return true, list(drawn)


def f1s(confusion: np.ndarray) -> np.ndarray:
    return 2 * confusion.diagonal() / (confusion.sum(axis=0) + confusion.sum(axis=1))


def test_f1_covers():
    true, drawn = confusions(150)
    for k in range(3):
        found = [f1_interval(int(c[k, k]), int(c[k].sum() - c[k, k]), int(c[:, k].sum() - c[k, k])) for c in drawn]
        assert 0.92 <= covered(found, f1s(true)[k]) <= 0.98


def test_averages_cover():
    true, drawn = confusions(200)
    found = [averages(c, resamples=200) for c in drawn]
    recalls = true.diagonal() / true.sum(axis=1)
    precisions = true.diagonal() / true.sum(axis=0)
    weights = true.sum(axis=1)
    for which, share in ((0, np.full(3, 1 / 3)), (1, weights)):
        assert 0.92 <= covered([f[which].recall for f in found], float(share @ recalls)) <= 0.985
        assert 0.92 <= covered([f[which].precision for f in found], float(share @ precisions)) <= 0.985
        assert 0.92 <= covered([f[which].f1 for f in found], float(share @ f1s(true))) <= 0.985


def test_averages_have_width_where_every_answer_is_right():
    macro, weighted = averages(np.diag([5, 5, 5]))
    for one in (macro.precision, macro.recall, macro.f1, weighted.f1):
        assert one.value == one.high == 1.0
        assert 0.5 < one.low < 0.95


def test_bootstrap_of_a_mean_covers():
    generator = np.random.default_rng(3)
    found = [bootstrap_mean(generator.gamma(2.0, size=100), seed=7, resamples=300) for _ in range(SETS)]
    assert 0.92 <= covered(found, 2.0) <= 0.98


@pytest.mark.parametrize("apart", [0.5, 2.0, 3.0])
def test_auroc_covers(apart):
    from statistics import NormalDist

    generator = np.random.default_rng(4)
    true = NormalDist().cdf(apart / np.sqrt(2))
    which = np.arange(120) >= 80
    found = [auroc(generator.normal(size=120) + apart * which, which) for _ in range(SETS)]
    assert 0.92 <= covered(found, true) <= 0.99


def test_auroc_interval_has_width_at_the_ends():
    assert newcombe_auroc(1.0, 20, 20).low < 0.95
    assert newcombe_auroc(1.0, 20, 20).high == 1.0
    assert newcombe_auroc(0.0, 20, 20).low == 0.0
    assert newcombe_auroc(0.0, 20, 20).high > 0.05


@pytest.mark.parametrize(("off", "pictures"), [(0.0, 200), (0.03, 100), (0.1, 400)])
def test_calibration_error_covers(off, pictures):
    # Confidences from 0.55 to 0.85 in the middles of bins, each ``off`` too sure: the true error is ``off``.
    generator = np.random.default_rng(5)
    levels = np.arange(8, 13) / 15 + 1 / 30
    found = []
    for _ in range(SETS):
        confidence = generator.choice(levels, size=pictures)
        right = generator.random(pictures) < confidence - off
        found.append(calibration_error_of(confidence, right, bootstrap=Bootstrap(pictures, resamples=200)))
    assert 0.92 <= covered(found, off) <= 0.99


def test_bootstrap_is_a_function_of_the_seed():
    values = np.random.default_rng(6).random(50)
    assert bootstrap_mean(values, seed=1) == bootstrap_mean(values, seed=1)
    assert bootstrap_mean(values, seed=1) != bootstrap_mean(values, seed=2)


def test_bootstrap_counts_add_up_and_are_the_same_kept_or_not(monkeypatch):
    values = np.random.default_rng(7).random((40, 3))
    kept = Bootstrap(40, seed=3, resamples=90)
    assert kept.sums(np.ones((40, 1))).ravel().tolist() == [40.0] * 90
    assert Bootstrap(3_000_000, resamples=5).sums(np.ones((3_000_000, 1))).ravel().tolist() == [3e6] * 5
    monkeypatch.setattr(intervals, "_KEPT", 0)
    assert Bootstrap(40, seed=3, resamples=90).sums(values).tolist() == kept.sums(values).tolist()
    # By hand: the draws themselves.
    drawn = np.random.Generator(np.random.PCG64([3, 0xB007])).integers(0, 40, size=(90, 40), dtype=np.int32)
    assert kept.sums(values) == pytest.approx(values[drawn].sum(axis=1), rel=1e-5)


def test_mean_of_one_is_itself_and_of_equals_is_narrower():
    one = Interval(0.5, 0.4, 0.7)
    assert vars(mean_of([one], np.ones(1))) == pytest.approx(vars(one))
    four = mean_of([one] * 4, np.ones(4))
    assert (four.low, four.high) == pytest.approx((0.45, 0.6))
