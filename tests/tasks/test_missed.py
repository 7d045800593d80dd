"""Why an object was not found: each cause on an output whose every box is known, with figures worked by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.tasks.test_detect import FACTS, TASK, said

from striate.data.labels.marks import BoxMarks
from striate.data.pictures.preprocess import Preprocess
from striate.errors import StriateError
from striate.metrics.boxes import Truth
from striate.tasks.box_rows import rows_of
from striate.tasks.detect_state import LearntBoxes
from striate.tasks.missed import Missed, Wanted, missed_rows
from striate.tasks.question import told_box

CROP = Preprocess(48, 64, 1, resize="stretch").crop_transform(96, 128)  # a pixel of the input is two of the picture
LEARNT = replace(LearntBoxes.nothing(2), pooled=False)  # said from 0.30, of two that overlap by more than 0.50 one goes
A, B = (4.0, 4.0, 24.0, 24.0), (8.0, 4.0, 28.0, 24.0)  # overlap by 16 x 20 of 24 x 20: two thirds
THERE = Truth([[8, 8, 48, 48], [16, 8, 56, 48]], [0, 0])  # A and B in pixels of the picture


def why(output: np.ndarray, box: tuple[float, ...], word: str | int | None = "disc", **more: Any) -> Missed:
    """Why an object at a box (of the input) is missed."""
    left, top, right, bottom = (2 * side for side in box)
    wanted = Wanted((left, top, right, bottom), "there", word, **more)
    return TASK.missed(output[0], FACTS, LEARNT, wanted, CROP)


def test_its_score_is_too_low() -> None:
    found = why(said((0, (4, 4, 20, 24), 0.2)), (4, 4, 20, 28))
    assert (found.cause, found.other) == ("score", None) and found.candidate is not None
    assert found.candidate.score == pytest.approx(0.2) and found.candidate.threshold == 0.3
    assert found.candidate.overlap == pytest.approx(20 / 24, abs=1e-4), "16 x 20 of 16 x 24"
    assert found.candidate.box == pytest.approx((8, 8, 40, 48), abs=1e-3), "in pixels of the picture"
    assert found.sentence == (
        "Missed: disc there. The best candidate for it, disc 0.20, which overlaps it by 0.83, is below 0.30, from which"
        " disc is said."
    )
    question = found.candidate.question
    assert question.title == "What is most like disc, and why?" and question.words.startswith("disc 0.20, not said")
    assert question.at == found.candidate.at == (0, 1, 1, 0), "the cell whose middle is 12, 12"


def test_a_score_that_reads_like_the_threshold_gets_more_places_and_two_obstacles_are_both_said() -> None:
    near = why(said((0, A, 0.2996)), A)
    assert "disc 0.2996, which overlaps it by 1.00, is below 0.3000, from" in near.sentence
    both = why(said((0, A, 0.9), (0, B, 0.2)), B, truth=THERE, row=1)
    assert both.cause == "taken", "the surer box overlaps it by half, and is another's"
    first, second = (4.0, 4.0, 24.0, 24.0), (10.0, 4.0, 30.0, 24.0)
    low = replace(LEARNT, overlap=0.4)  # 14 x 20 of 26 x 20: 0.54
    there = Truth([[8, 8, 48, 48], [26, 8, 66, 48]], [0, 0])  # and 0.38 with the object, which is one pixel further
    wanted = Wanted((26.0, 8.0, 66.0, 48.0), "there", "disc", there, 1)
    found = TASK.missed(said((0, first, 0.9), (0, second, 0.2))[0], FACTS, low, wanted, CROP)
    assert found.cause == "score" and found.other is not None and found.overlap == pytest.approx(14 / 26, abs=1e-4)
    assert found.sentence.endswith(
        "is below 0.30, from which disc is said; and it overlaps box 1 (disc 0.90) by 0.54: above 0.40 the surer one"
        " stays alone."
    )


def test_a_surer_box_suppresses_it() -> None:
    output = said((0, A, 0.9), (0, B, 0.6))
    found = why(output, B, truth=THERE, row=1)
    assert found.cause == "suppressed" and found.candidate is not None and found.other is not None
    assert (found.other.number, found.candidate.number) == (1, 0)
    assert found.overlap == pytest.approx(2 / 3, abs=1e-4) and found.limit == 0.5
    assert found.sentence == (
        "Missed: disc there. The best candidate for it, disc 0.60, which overlaps it by 1.00, is sure enough (disc is"
        " said from 0.30), but overlaps box 1 (disc 0.90) by 0.67: above 0.50 the surer one of a class stays alone."
    )
    assert why(output, A, truth=THERE, row=0).cause == "found"
    together = Wanted((16.0, 8.0, 56.0, 48.0), "there", "disc", THERE, 1)
    pooled = TASK.missed(output[0], FACTS, replace(LEARNT, pooled=True), together, CROP)
    assert pooled.overlap == pytest.approx(2 / 3, abs=1e-4), "boxes drop each other before they are put together"
    assert pooled.other is not None and pooled.other.box[0] > 8.1, "and lie where both say afterwards"
    alone = why(output, B)
    assert alone.cause == "found" and "overlaps it by 0.67" in alone.sentence, "where nobody says what else is there"


def test_a_box_counts_for_one_object_alone() -> None:
    found = why(said((0, A, 0.9)), B, truth=THERE, row=1)
    assert found.cause == "taken" and found.candidate is None and found.other is not None and found.other.number == 1
    assert found.sentence == (
        "Missed: disc there. Box 1 (disc 0.90) overlaps it by 0.67, but counts for another object, which it overlaps"
        " more; of 60 cells there is no other one whose box overlaps it by 0.50 or more (the nearest by 0.10)."
    )


def test_another_class_is_said_there() -> None:
    found = why(said((1, A, 0.9), (0, (40, 24, 60, 44), 0.8)), B)
    assert found.cause == "class" and found.other is not None and found.other.name == "square"
    assert found.sentence == (
        "Missed: disc there. Box 1 (square 0.90) is in its place (it overlaps it by 0.67), and says another class; the"
        " highest score of disc among the 1 of 60 cells whose box overlaps it by 0.50 or more is 0.010, and disc is"
        " said from 0.30."
    )
    both = said((1, A, 0.9))
    both[0, : both.shape[1]] = both[0]
    both[0, 9] = np.log(0.25 / 0.75) - np.log(0.01 / 0.99)  # the disc's logit of cell (1, 1)
    found = why(both, B)
    assert found.cause == "class" and found.candidate is not None and found.candidate.score == pytest.approx(0.25)
    assert "the best candidate for it, disc 0.25, is below 0.30, from which disc is said" in found.sentence
    free = Truth([[16, 8, 56, 48], [8, 8, 48, 48]], [0, 1])
    assert why(said((1, A, 0.9)), B, truth=free, row=0).cause == "nothing", "that square is right about another object"


def test_its_box_is_in_the_wrong_place() -> None:
    found = why(said((0, A, 0.9)), (14, 4, 34, 24))
    assert found.cause == "place" and found.other is not None
    assert found.other.overlap == pytest.approx(1 / 3, abs=1e-4), "10 x 20 of 30 x 20"
    assert (
        "Box 1 (disc 0.90) overlaps it by 0.33 alone, and 0.50 is right; of 60 cells there is no other one"
        in found.sentence
    )
    assert why(said((0, A, 0.9)), (22.1, 4, 42.1, 24)).cause == "nothing", "below 0.10 it is another matter"
    other = Truth([[28, 8, 68, 48], [8, 8, 48, 48]], [0, 0])
    assert why(said((0, A, 0.9)), (14, 4, 34, 24), truth=other, row=0).cause == "nothing", "it is its neighbour's"


def test_nothing_is_proposed_or_it_lies_outside() -> None:
    found = why(np.zeros((1, 360), np.float32), (4, 4, 44, 44))
    assert found.cause == "nothing" and found.candidate is None
    side = 16 * 2 * (np.log(2) - 0.5)  # of the box of a fresh cell of stride 16
    assert f"(the nearest by {side**2 / 1600:.2f})" in found.sentence
    middle = Preprocess(48, 48, 1).crop_transform(96, 192)  # its left and right quarter are cut off
    wanted = Wanted((4.0, 8.0, 44.0, 48.0), "there", "disc")
    facts = FACTS
    cut = TASK.missed(said((0, A, 0.9))[0], facts, LEARNT, wanted, middle)
    assert cut.cause == "outside" and "outside of what the network is given of the 192 x 96 pixels" in cut.sentence


def test_a_point_is_about_the_box_that_holds_it() -> None:
    output = said((0, A, 0.9), (1, (40, 20, 60, 40), 0.2))
    held = why(output, (14, 14, 14, 14), None)
    assert (
        held.cause == "found"
        and held.sentence == "Not missed: an object there is box 1 (disc 0.90), which holds that point."
    )
    low = why(output, (50, 30, 50, 30), None)
    assert low.cause == "score" and "square 0.20, which holds that point, is below 0.30" in low.sentence
    other = why(output, (14, 14, 14, 14), "square")
    assert other.cause == "class" and "Box 1 (disc 0.90) is in its place (its box holds that point)" in other.sentence
    none = why(output, (60, 2, 60, 2), None)
    assert (
        none.cause == "nothing" and "the highest score of" not in none.sentence and "holds that point" in none.sentence
    )
    edge = why(output, (24.2, 14, 24.2, 14), None)
    assert edge.cause == "nothing", "a right edge is beyond the box"


def test_what_is_missed_is_counted_by_the_rule_that_boxes_are_measured_by() -> None:
    (answer,) = TASK.decode({"boxes": said((0, A, 0.9), (1, (40, 24, 60, 44), 0.8), (0, (2, 30, 12, 44), 0.1))}, FACTS,
                            LEARNT)  # fmt: skip
    there = Truth([[4, 4, 24, 24], [8, 4, 28, 24], [40, 24, 60, 44], [2, 30, 12, 44], [50, 0, 60, 9]], [0, 0, 1, 0, 0],
                  [False, False, False, False, True])  # fmt: skip
    assert missed_rows(answer, there) == [1, 3], "not the ignored one; the third is not said"
    assert missed_rows(answer, Truth([], [])) == []


def test_the_nth_missed_object_is_that_of_the_label() -> None:
    (answer,) = TASK.decode({"boxes": said((0, A, 0.9))}, FACTS, LEARNT)
    marks = BoxMarks((48, 64), ((4, 4, 24, 24), (40, 20, 60, 40), (30, 2, 39, 9)), (0, 1, 0))
    values = rows_of([marks], 2)
    found = TASK.missed_object(answer, values, 1)
    assert (found.box, found.word, found.row) == ((40, 20, 60, 40), "square", 1)
    assert found.told == "in the box 40, 20 to 60, 40" and TASK.missed_object(answer, values, 2).word == "disc"
    listed = "no missed object 3: of 3 objects 2 are missed: 1 square in 40, 20 to 60, 40; 2 disc in 30, 2 to 39, 9"
    with pytest.raises(StriateError, match=listed):
        TASK.missed_object(answer, values, 3)
    with pytest.raises(StriateError, match="no missed object 1: of 1 object none is missed"):
        TASK.missed_object(answer, rows_of([BoxMarks((48, 64), ((4, 4, 24, 24),), (0,))], 2), 1)


def test_classes_and_outputs_that_are_not_there_are_refused() -> None:
    with pytest.raises(StriateError, match="there is no class 'disk'; near it: disc"):
        why(said(), A, "disk")
    with pytest.raises(StriateError, match="there is no class 5: they go from 0 to 1"):
        why(said(), A, 5)
    told = why(said((0, A, 0.2)), A).to_dict()
    assert told["cause"] == "score" and told["candidate"]["class"] == "disc" and told["other"] is None


def test_places_of_a_slide_are_told_to_a_pixel() -> None:
    assert told_box((12345.0, 7.25, 21999.5, 100000.0)) == "the box 12345, 7.2 to 21999.5, 100000"
