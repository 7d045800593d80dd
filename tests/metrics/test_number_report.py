"""The report of predicted numbers, as value, text and JSON; the verdict's rules, each by a case that it is for."""

from __future__ import annotations

import json

import numpy as np
import pytest

from striate.errors import StriateError
from striate.metrics.number_report import deviation, regression_report, span
from striate.metrics.number_verdict import number_verdict


def drawn(pictures: int = 200, noise: float = 3.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    targets = generator.normal(50, 10, (pictures, 1))
    return targets + generator.normal(0, noise, (pictures, 1)), targets


def report(predicted: np.ndarray, targets: np.ndarray, **more):
    return regression_report(predicted, targets, names=("angle",), units=("deg",), **more)


def test_text_and_json_say_all_of_it():
    predicted, targets = drawn()
    found = report(predicted, targets, halves=np.full((200, 1), 5.0))
    text = found.text()
    for words in (
        "200 pictures",
        "mean absolute error",
        "deg  [",
        "R2",
        "Spearman",
        "in its 90 % interval",
        "10 deg wide",
    ):
        assert words in text
    assert "always" in text
    assert "(the median) has a mean absolute error of" in text
    assert text.count(" to ") > 10
    kept = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    (one,) = kept["numbers"]
    assert one["coverage"]["value"] == pytest.approx(np.mean(np.abs(predicted - targets) <= 5))
    assert one["width"] == 10.0
    assert len(one["ranges"]) == 10
    worst = kept["worst"][0]
    assert worst["index"] == int(np.abs(predicted - targets).argmax())
    assert (worst["predicted"], worst["target"]) == (predicted[worst["index"], 0], targets[worst["index"], 0])


def test_without_intervals_nothing_is_said_of_them():
    found = report(*drawn(20))
    assert found.each[0].coverage is None
    assert "interval]" not in found.text()
    assert "in its" not in found.text()


def test_several_numbers_are_named_and_the_worst_is_farthest_off_in_deviations():
    generator = np.random.default_rng(1)
    targets = np.column_stack([generator.normal(0, 1000, 50), generator.uniform(0, 24, 50)])
    predicted = targets + np.column_stack([np.full(50, 10.0), np.zeros(50)])
    predicted[7, 1] += 11.0
    found = regression_report(predicted, targets, names=("mass", "hour"), units=("kg", "h"), periods=(None, 24.0))
    assert (found.worst[0].index, found.worst[0].number) == (7, 1)
    assert "mass: mean absolute error" in found.text()
    assert "hour: R2 (circular)" in found.text()
    with pytest.raises(StriateError, match="not of 1 number"):
        regression_report(predicted, targets, names=("mass",))


def test_deviations_and_spans():
    assert deviation(np.array([350.0, 10.0]), 360.0) == pytest.approx(10.0)
    assert deviation(np.array([0.0, 180.0]), 360.0) == pytest.approx(360 / np.sqrt(12))
    assert deviation(np.array([2.0, 2.0]), None) == 1.0
    assert (span(1.0, 1.0), span(0.25, 3.0)) == ("1", "0.25 to 3")


def test_each_verdict():
    predicted, targets = drawn()
    assert number_verdict(report(predicted, targets), learnt_from=30).kind == "learnt"
    assert number_verdict(report(predicted[:8], targets[:8])).kind == "few"
    generator = np.random.default_rng(2)
    blind = number_verdict(report(50 + generator.normal(0, 1, (200, 1)), targets), from_chance=True)
    assert blind.kind == "guess"
    assert "--start" in blind.text
    wild = targets.copy()
    wild[:4] += 90
    found = number_verdict(report(predicted, wild))
    assert found.kind == "labels"
    assert "4 answers are off by over 6 times the usual error" in found.text
    drawn_in = 50 + 0.6 * (targets - 50) + generator.normal(0, 0.5, (200, 1))
    weak = number_verdict(report(drawn_in, targets))
    assert weak.kind == "weak"
    assert "too" in weak.text and "deg" in weak.text
    fine = number_verdict(report(targets + generator.normal(0, 1.0, (200, 1)), targets))
    assert fine.kind == "fine"
    more = number_verdict(report(targets + generator.normal(0, 5.0, (400, 1))[:200], targets))
    assert more.kind in ("more", "weak")
    assert any("R2 is" in reason for reason in more.reasons)
    assert any("always" in reason for reason in more.reasons)


def test_of_several_numbers_the_verdict_is_on_the_worst():
    predicted, targets = drawn()
    other = np.random.default_rng(3).normal(0, 1, (200, 1))
    found = number_verdict(
        regression_report(np.hstack([targets, other]), np.hstack([predicted, -other]), names=("good", "bad"))
    )
    assert found.classes == ("bad",)
    assert found.kind == "guess"


def test_intervals_that_promise_too_much_are_no_fine_verdict():
    _, targets = drawn()
    off = np.random.default_rng(5).normal(0, 1.0, (len(targets), 1))
    honest, narrow = (
        number_verdict(regression_report(targets + off, targets, names=("angle",), halves=np.full(targets.shape, half)))
        for half in (1.7, 0.7)
    )
    assert honest.kind == "fine" and honest.text.startswith("Fine as it is: answers are ")
    assert narrow.kind == "weak" and narrow.text.startswith("Its 90 % intervals are too narrow: they hold ")


def test_a_number_that_is_always_the_same_is_named_and_not_hidden():
    predicted, targets = drawn()
    same = np.full_like(targets, 5.0)
    found = report(same + 0.1, same)
    assert "angle is 5 deg on all of these pictures, so no other number is measured" in found.text()
    told = number_verdict(found)
    assert told.kind == "untested"
    assert told.text.startswith("How well angle is told is not known: angle is 5 deg on all of these pictures")
    assert "--folds 5" in told.text
    both = regression_report(np.hstack([predicted, same]), np.hstack([targets, same]), names=("angle", "mass"))
    told = number_verdict(both, part="cross-validated")
    assert (told.kind, told.classes) == ("untested", ("mass",))
    assert "angle: answers are" in told.text and "--folds" not in told.text
    assert both.each[0].unvaried == ""
