"""Marks compare, hash, go into JSON and back, and are told in words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from striate.data.labels.marks import BoxMarks, DotMarks, Marks, MaskMarks, marks_from
from striate.data.labels.objects import PictureObjects
from striate.data.sources.items import ArraySource, Item
from striate.runs.fields import FILES
from striate.runs.run import RunDirectory
from striate.verbs.reopen import known_pictures

BOXES = BoxMarks((60, 80), ((1.5, 2, 9, 8), (0, 0, 4, 4), (5, 5, 9, 9)), (0, 2, 0), ignored=(2,))
EVERY: list[Marks] = [
    BOXES,
    BoxMarks((60, 80)),
    BoxMarks((60, 80), labelled=(1,)),
    DotMarks((60, 80), ((1.5, 2.5), (3.25, 4)), (0, 1)),
    MaskMarks("masks/1.png", "9f86"),
]


@pytest.mark.parametrize("marks", EVERY)
def test_json_and_back(marks: Marks) -> None:
    again = marks_from(json.loads(json.dumps(marks.to_dict())))
    assert again == marks and hash(again) == hash(marks) and repr(again) == repr(marks)


def test_what_differs_is_another_value_and_another_text() -> None:
    assert len({*EVERY}) == len(EVERY) == len({repr(one) for one in EVERY})
    assert repr(DotMarks((6, 8), ((0.1 + 0.2, 1),), (0,))) != repr(DotMarks((6, 8), ((0.3, 1),), (0,)))


def test_in_words() -> None:
    names = ("RBC", "WBC", "Platelets")
    assert Item("a.jpg", BOXES).said(names) == "1 RBC, 1 Platelets"  # the ignored one is not counted
    assert Item("a.jpg", BoxMarks((6, 8))).said(names) == "nothing"
    assert EVERY[3].said(names) == "1 RBC, 1 WBC"


def test_a_picture_without_objects_is_labelled_and_one_of_which_nothing_is_said_is_not() -> None:
    assert Item("a.jpg", BoxMarks((6, 8))).labelled
    assert not Item("a.jpg", None).labelled
    assert Item("a.jpg", BOXES).place == -1


def test_boxes_of_a_picture_of_a_set() -> None:
    picture = PictureObjects.of(
        "a.jpg", 80, 60, [(1, 2, 9, 8), (3, 3, 4, 5)], [1, 0], ignored=[False, True], labelled=(0, 1)
    )
    found = BoxMarks.of(picture)
    assert found == BoxMarks((60, 80), ((1.0, 2.0, 9.0, 8.0), (3.0, 3.0, 4.0, 5.0)), (1, 0), (1,), (0, 1))
    assert all(type(value) is float for box in found.boxes for value in box)
    assert all(type(klass) is int for klass in found.classes)


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (("c", "b", "a"), BoxMarks((60, 80), BOXES.boxes, (2, 0, 2), (2,))),
        (("a", "b"), BoxMarks((60, 80), (BOXES.boxes[0], BOXES.boxes[2]), (0, 0), (1,))),  # c is left out
        (("a", "b", "c", "d"), BoxMarks((60, 80), BOXES.boxes, (0, 2, 0), (2,), labelled=(0, 1, 2))),  # nobody drew d
    ],
)
def test_names_of_others(names: tuple[str, ...], wanted: BoxMarks) -> None:
    rows = np.zeros((2, 2), np.int64)
    items = (Item("1", BOXES), Item("2", None))
    source = ArraySource("x", "x", ("a", "b", "c"), items, blocks=(), rows=rows, origins=(), kind="boxes")
    renamed = source.named_as(names)
    assert renamed.label_names == names
    assert [item.target for item in renamed.items] == [wanted, None]


def test_classes_that_were_looked_for_are_named_anew_too() -> None:
    marks = BoxMarks((6, 8), labelled=(0, 2))
    assert marks.renumbered([1, 0, 2], 3).labelled == (1, 2)
    assert marks.renumbered([0, -1, 1], 2).labelled is None  # all that are left
    assert marks.renumbered([-1, 0, -1], 1).labelled == ()


def test_a_dot_of_no_name_is_left_out() -> None:
    dots = DotMarks((6, 8), ((1, 1), (2, 2)), (0, 1))
    assert dots.renumbered([-1, 0], 1) == DotMarks((6, 8), ((2, 2),), (0,))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"marks": "lines"}, "marks are boxes, dots, mask"),
        ({"more": 1}, "it has boxes, classes"),
        ({"size": [60]}, "height and width"),
        ({"size": [0, 80]}, "size are no whole numbers"),
        ({"classes": [0]}, "1 classes, and not as many places"),
        ({"classes": [0, 1, True]}, "classes are no whole"),
        ({"boxes": [[1, 2, 3]] * 3}, "a place is not 4 numbers"),
        ({"boxes": [[1, 2, 3, float("nan")]] * 3}, "a place is no numbers"),
        ({"labelled": 7}, "labelled are no whole"),
    ],
)
def test_what_is_no_mark_is_told_where_a_run_keeps_it(change: dict[str, object], said: str) -> None:
    values = json.loads(json.dumps(BOXES.to_dict())) | change
    with pytest.raises(ValueError, match=said):
        marks_from(values)
    kept = {"keys": ["a"], "targets": [values], "digests": ["ab"]}
    assert said in FILES["pictures.json"](kept)
    assert FILES["pictures.json"](kept | {"targets": [BOXES.to_dict()]}) == ""


def test_a_run_keeps_marks_of_its_pictures(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.write_json("pictures.json", {"keys": ["a"], "targets": [BOXES.to_dict()], "digests": ["ab"]})
    assert known_pictures(run) == {"a": (BOXES, "ab")}
