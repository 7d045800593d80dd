"""What is said beside an accuracy."""

from __future__ import annotations

import numpy as np

from striate.metrics.report import classification_report


def report(confusion: list[list[int]]) -> object:
    names = tuple("abcdefgh"[: len(confusion)])
    rows = [(target, said) for target, row in enumerate(confusion) for said, n in enumerate(row) for _ in range(n)]
    logits = np.zeros((len(rows), len(confusion)))
    logits[np.arange(len(rows)), [said for _, said in rows]] = 5.0
    return classification_report(logits, [target for target, _ in rows], classes=names)


def test_a_class_without_a_picture_is_named_and_left_out_of_averages() -> None:
    found = report([[40, 0], [0, 0]])
    assert found.to_dict()["unmeasured_classes"] == ["b"]
    text = found.text()
    assert "macro F1 (1 of 2 classes)" in text
    assert (
        "no picture to measure of class b: how well it is told is not known, and averages over classes leave it out"
        in text
    )


def test_a_recall_far_below_the_accuracy_is_said() -> None:
    found = report([[195, 0, 0], [0, 96, 4], [8, 2, 0]])
    assert "far below that: c (0 of 10 right, 0 %)" in found.text()


def test_nothing_is_said_where_nothing_is_hidden() -> None:
    text = report([[19, 1], [2, 18]]).text()
    assert "far below" not in text and "no picture to measure" not in text and "of 2 classes" not in text


def test_a_low_recall_of_very_few_may_be_chance() -> None:
    assert "far below" not in report([[3, 2], [1, 1]]).text()
