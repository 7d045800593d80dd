"""Boxes that are wrong are found, each by its kind, and no others; a model's doubts are told."""

from __future__ import annotations

import numpy as np

from striate.data.labels.marks import Box, BoxMarks
from striate.search.checks.boxes import boxes, contradicted
from striate.search.examined import Examined, Finding
from striate.search.marked import BoxDoubt, Marked
from striate.search.measured import MEASURED

NAMES = ("cell", "dot")


def sound(pictures: int = 40, each: int = 4) -> list[BoxMarks]:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(pictures):
        some: list[Box] = []
        for place in range(each):
            left, top = 20 + 150 * place, 40 + int(rng.integers(0, 90))
            wide, high = (int(side) for side in rng.normal(80, 6, 2))
            some.append((left, top, left + wide, top + high))
        found.append(BoxMarks((400, 700), tuple(some), (0,) * each))
    return found


def found(marks: list[BoxMarks | None], doubts: tuple[BoxDoubt, ...] = ()) -> dict[str, Finding]:
    count = len(marks)
    digests = tuple(row.to_bytes(16, "big") for row in range(count))
    examined = Examined(
        "photos", tuple(f"{row}.png" for row in range(count)), np.zeros(count, MEASURED), np.ones(count, np.int64),
        digests, np.full(count, -1), (), ("",) * count, marked=Marked(NAMES, tuple(marks), doubts, count, 30),
    )  # fmt: skip
    return {one.kind: one for check in (boxes, contradicted) for one in check(examined)}


def test_sound_boxes_have_nothing_wrong() -> None:
    assert found([*sound()]) == {} == found([None, *sound()])


def test_each_fault_is_found_and_no_other() -> None:
    marks = sound()
    left, top, right, bottom = marks[3].boxes[1]
    marks[3] = BoxMarks((400, 700), (*marks[3].boxes, (left + 2, top, right + 2, bottom)), (0,) * 5)
    marks[5] = BoxMarks((400, 700), (*marks[5].boxes, marks[5].boxes[0]), (0, 0, 0, 0, 1))
    marks[7] = BoxMarks((400, 700), (*marks[7].boxes, (100, 300, 101.5, 340)), (0, 0, 0, 0, 1))
    marks[9] = BoxMarks((400, 700), (*marks[9].boxes, (30, 240, 330, 390)), (0,) * 5)
    marks[11] = BoxMarks((400, 700), (*marks[11].boxes, (0, 300, 20, 390)), (0,) * 5)  # cut off at the edge
    marks[13] = BoxMarks((400, 700))
    seen = found([*marks])
    assert {kind: [case.paths[0] for case in one.cases] for kind, one in seen.items()} == {
        "box-twice": ["3.png"],
        "box-two-classes": ["5.png"],
        "box-tiny": ["7.png"],
        "box-odd": ["9.png"],
        "no-object": ["13.png"],
    }
    assert "1 object is marked twice" in seen["box-twice"].said
    assert seen["box-odd"].cases[0].said.startswith("cell from 30, 240 to 330, 390: 7.")


def test_pictures_without_objects_are_usual_where_they_are_many() -> None:
    assert "no-object" not in found([*sound(30), *[BoxMarks((400, 700))] * 10])


def test_what_a_model_says_against_them_is_told_by_kind() -> None:
    box = (1.0, 2.0, 30.0, 40.0)
    doubts = (
        BoxDoubt("missing", 4, box, "dot", "dot", 0.98),
        BoxDoubt("class", 2, box, "cell", "dot", 0.9),
        BoxDoubt("alone", 1, box, "cell", "", 0.01),
    )
    seen = found([*sound()], doubts)
    assert [one.cases[0].line() for one in seen.values()] == [
        "4.png: dot from 1, 2 to 30, 40, 98 %",
        "2.png: cell from 1, 2 to 30, 40, dot by 90 %",
        "1.png: cell from 1, 2 to 30, 40, 1 %",
    ]
    assert "40 pictures, of which it had learnt from 30" in seen["box-missing"].means


def test_a_case_holds_the_boxes_it_is_about_so_that_a_page_can_frame_them() -> None:
    marks = sound()
    twice = (*marks[3].boxes[:1], *marks[3].boxes)
    marks[3] = BoxMarks((400, 700), twice, (0,) * 5)
    said = found([*marks], (BoxDoubt("missing", 5, (10.0, 10.0, 60.0, 70.0), "cell", "cell", 0.9),))
    assert said["box-twice"].cases[0].boxes == (twice[0], twice[0])
    assert said["box-missing"].cases[0].boxes == ((10.0, 10.0, 60.0, 70.0),)
