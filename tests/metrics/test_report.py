"""The report: batches equal the whole, JSON is JSON, the text fits and reads."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as sk

from striate.errors import StriateError
from striate.metrics import classification as measures
from striate.metrics.probability import softmax
from striate.metrics.reliability import expected_calibration_error
from striate.metrics.report import ClassificationMeter, classification_report
from striate.metrics.report_text import columns_of


def drawn(pictures=300, classes=6, seed=0, strength=2.0):
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, classes, pictures)
    logits = generator.normal(size=(pictures, classes)).astype(np.float32)
    logits[np.arange(pictures), targets] += strength
    return logits, targets


def names(count):
    return tuple(f"class {k}" for k in range(count))


def test_says_what_the_functions_say():
    logits, targets = drawn()
    report = classification_report(logits, targets, classes=names(6), temperature=0.7, seed=3)
    assert report.accuracy == measures.accuracy(logits, targets)
    assert report.top_k == (), "of six classes three at a guess are half"
    assert report.log_loss == measures.log_loss(logits, targets, temperature=0.7, seed=3)
    assert report.raw_log_loss == measures.log_loss(logits, targets, seed=3)
    assert report.brier_score == measures.brier_score(softmax(logits, 0.7), targets, seed=3)
    assert report.calibration_error == expected_calibration_error(softmax(logits, 0.7), targets, seed=3)
    assert report.raw_calibration_error.value == pytest.approx(
        expected_calibration_error(softmax(logits), targets).value
    )
    assert report.macro.f1.value == pytest.approx(sk.f1_score(targets, logits.argmax(1), average="macro"))
    assert report.confusion.sum() == report.pictures == 300


def test_batches_equal_the_whole():
    logits, targets = drawn()
    meter = ClassificationMeter(classes=names(6), temperature=1.4, seed=1)
    for begin in range(0, 300, 77):
        meter.update(logits[begin : begin + 77], targets[begin : begin + 77])
    meter.update(logits[:0], targets[:0])
    whole = classification_report(logits, targets, classes=names(6), temperature=1.4, seed=1)
    assert meter.compute().to_dict() == whole.to_dict()
    assert meter.compute().to_dict() == whole.to_dict()  # computing changes nothing


@pytest.mark.parametrize(
    ("logits", "targets", "classes"),
    [
        ([[0.0]], [0], 1),
        ([[1e4, -1e4, 0.0]], [1], 3),
        ([[1.0, 0.0, 0.0]] * 4, [1, 1, 1, 1], 3),
        ([[0.0, 0.0]] * 3, [0, 1, 0], 2),
        (*drawn(40, 30), 30),
    ],
)
def test_json_has_no_nan(logits, targets, classes):
    report = classification_report(logits, targets, classes=names(classes))
    text = json.dumps(report.to_dict(), allow_nan=False)
    assert json.loads(text)["pictures"] == len(targets)
    assert report.text()


def test_worst_mistakes_are_the_surest_wrong_answers():
    logits = np.array([[0.0, 5.0], [0.0, 9.0], [9.0, 0.0], [0.0, 1.0]])
    report = classification_report(logits, [0, 0, 0, 0], classes=("a", "b"))
    assert [mistake.index for mistake in report.worst_mistakes] == [1, 0, 3]
    first = report.worst_mistakes[0]
    assert (first.target, first.predicted) == (0, 1)
    assert first.confidence + first.target_probability == pytest.approx(1.0)


def test_confused_pairs_are_counted_and_shared():
    logits = np.eye(3)[[1, 1, 2, 0, 0, 1]] * 4
    report = classification_report(logits, [0, 0, 0, 0, 1, 1], classes=("a", "b", "c"))
    assert [(p.target, p.predicted, p.pictures) for p in report.confused_pairs] == [(0, 1, 2), (0, 2, 1), (1, 0, 1)]
    assert report.confused_pairs[0].share == 0.5


def test_text_of_a_small_report():
    logits = np.array([[2.0, 0.0], [2.0, 0.0], [0.0, 2.0], [0.0, 2.0], [2.0, 0.0], [0.0, 2.0]])
    report = classification_report(logits, [0, 0, 1, 1, 1, 0], classes=("cat", "dog"), temperature=1.3)
    lines = report.text().splitlines()
    assert lines[0] == "6 pictures; 95 % intervals in brackets"
    assert lines[2] == "accuracy               66.67 %  [30.00 to 90.32]"
    assert lines[9:12] == [
        "class  pictures  precision  recall      F1",
        "cat           3       66.7    66.7    66.7  [26.1 to 91.9]",
        "dog           3       66.7    66.7    66.7  [26.1 to 91.9]",
    ]
    assert lines[-2:] == ["      1  cat called dog", "      1  dog called cat"]


def test_text_of_many_classes_shows_the_worst():
    logits, targets = drawn(2000, 60, strength=3.0)
    report = classification_report(logits, targets, classes=names(60))
    table = report.text(classes=10).split("\n\n")[2].splitlines()
    assert table[0].startswith("class (the worst 10 of 60)")
    worst = sorted(report.per_class, key=lambda measure: measure.f1.value)[:10]
    assert {line.split("  ")[0].strip() for line in table[1:]} == {measure.name for measure in worst}


def test_text_lines_up_wide_names_and_hides_control_letters():
    logits, targets = drawn(50, 3)
    report = classification_report(logits, targets, classes=("猫", "evil\x1b[31m\nname", "x" * 80))
    text = report.text()
    assert "\x1b" not in text
    assert max(columns_of(line) for line in text.splitlines()) <= 100
    _, *rows = text.split("\n\n")[2].splitlines()
    assert len({columns_of(line[: line.rindex("[")]) for line in rows}) == 1


def test_refusals():
    with pytest.raises(StriateError, match="no pictures"):
        classification_report(np.zeros((0, 2)), np.zeros(0, dtype=int), classes=("a", "b"))
    with pytest.raises(StriateError, match="3 columns but there are 2 classes"):
        classification_report([[0.0, 1.0, 2.0]], [0], classes=("a", "b"))
