"""Which labels are worth a look: planted ones are found and stand first, by confident learning's rule by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from striate.metrics.mistakes import SURE, label_issues
from striate.metrics.outcomes import outcomes
from striate.metrics.reliability import BINS
from striate.metrics.report import classification_report
from striate.metrics.verdict import verdict


def logits_of(shares: list[list[float]]) -> np.ndarray:
    return np.log(np.array(shares))


def test_by_hand() -> None:
    # Mean self-confidence: of class 0 (0.9 + 0.5 + 0.04) / 3 = 0.48, of class 1 (0.6 + 0.7 + 0.48) / 3 = 0.593.
    shares = [[0.9, 0.1], [0.5001, 0.4999], [0.04, 0.96], [0.4, 0.6], [0.3, 0.7], [0.52, 0.48]]
    found = label_issues(outcomes(logits_of(shares), [0, 0, 0, 1, 1, 1]), classes=2)
    assert [(one.index, one.target, one.predicted) for one in found] == [(2, 0, 1), (5, 1, 0)]
    assert found[0].target_probability == pytest.approx(0.04) and found[0].confidence == pytest.approx(0.96)
    # The same answer of 0.52 where class 0 is told better: below what its own pictures have, so it does not count.
    shares[1] = [0.95, 0.05]
    shares[2] = [0.9, 0.1]
    assert not label_issues(outcomes(logits_of(shares), [0, 0, 0, 1, 1, 1]), classes=2)


def test_planted_wrong_labels_stand_first() -> None:
    draws = np.random.default_rng(3)
    truth = np.repeat(np.arange(4), 100)
    logits = draws.normal(0, 1, (400, 4))
    logits[np.arange(400), truth] += 5
    labels = truth.copy()
    planted = draws.choice(400, 12, replace=False)
    labels[planted] = (labels[planted] + 1) % 4
    found = [one.index for one in label_issues(outcomes(logits, labels), classes=4)]
    assert set(found[:12]) == set(planted.tolist())
    rest = [one.target_probability for one in label_issues(outcomes(logits, labels), classes=4)]
    assert rest == sorted(rest)


def test_what_the_verdict_calls_sure_is_all_there() -> None:
    draws = np.random.default_rng(0)
    targets = np.repeat([0, 1], 200)
    logits = np.zeros((400, 2))
    logits[np.arange(400), targets] = draws.uniform(4, 9, 400)  # the rest is surer than 13/15 on average
    logits[:8] = [0.0, 2.0]  # 0.88, which no class's own pictures have on average
    report = classification_report(logits, targets, classes=("cat", "dog"))
    found = verdict(report)
    assert found.kind == "labels" and "8 of 8 mistakes were answered with great confidence" in found.text
    assert found.wants_a_look
    assert [one.index for one in report.label_issues] == list(range(8))
    assert json.loads(json.dumps(report.to_dict()))["label_issues"][0]["index"] == 0
    assert pytest.approx((BINS - 2) / BINS) == SURE, "the two highest bins, which the verdict counts"


def test_a_class_without_pictures_is_answered_all_the_same() -> None:
    found = label_issues(outcomes(logits_of([[0.02, 0.03, 0.95], [0.1, 0.3, 0.6]]), [0, 0]), classes=3)
    assert [one.index for one in found] == [0]
