"""What a model says against boxes: what it is sure of and nobody marked, another class, nothing at all there."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from striate.data.labels.marks import BoxMarks
from striate.errors import SearchError
from striate.search.marked import Marked
from striate.tasks.boxes import Boxes
from striate.verbs import predict as asking
from striate.verbs.box_doubts import box_doubts
from striate.verbs.workspace import HERE

NAMES = ("cell", "dot")
MARKS = BoxMarks((100, 100), ((0, 0, 20, 20), (30, 30, 50, 50), (60, 60, 80, 80)), (0, 0, 0))


def answer(*found: tuple[tuple[float, float, float, float], int, float]) -> Boxes:
    boxes, labels, scores = zip(*found, strict=True)
    return Boxes(NAMES, np.array(boxes, float), np.array(labels), np.array(scores), np.array([0.3, 0.3]))


def against(monkeypatch: pytest.MonkeyPatch, said: object, marks: BoxMarks = MARKS) -> tuple[Marked, str]:
    monkeypatch.setattr(asking, "open_predictor", lambda **_: SimpleNamespace())
    monkeypatch.setattr(asking, "predict", lambda _, files: [(file, said) for file in files])
    return box_doubts(Path("photos"), ("a.png", "b.png"), Marked(NAMES, (marks, None)), "run", HERE)


def test_each_contradiction_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found, why = against(
        monkeypatch,
        answer(
            ((0, 0, 20, 21), 0, 0.95),
            ((31, 30, 50, 50), 1, 0.9),  # another class
            ((80, 0, 99, 20), 1, 0.85),  # nobody marked it
            ((0, 80, 20, 99), 1, 0.4),  # said, and not surely
        ),
    )
    assert why == "" and found.asked == 1
    assert {(one.what, one.box[0], one.said) for one in found.doubts} == {
        ("missing", 80.0, "dot"),
        ("class", 30, "dot"),
        ("alone", 60, ""),
    }


def test_what_nobody_looked_for_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    only = BoxMarks((100, 100), MARKS.boxes[:1], (0,), labelled=(0,))
    found, _ = against(monkeypatch, answer(((0, 0, 20, 20), 0, 0.9), ((80, 0, 99, 20), 1, 0.95)), only)
    assert found.doubts == ()


def test_a_weak_model_says_nothing_and_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found, why = against(monkeypatch, answer(((80, 0, 99, 20), 1, 0.95)))
    assert found.doubts == () and "too weak" in why and "3 of 3" in why
    with pytest.raises(SearchError, match="finds no boxes"):
        against(monkeypatch, "a class")
