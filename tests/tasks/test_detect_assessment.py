"""What found boxes are worth, as a task hands it on: figures, captions, worst pictures, sections, overlays."""

import json

import numpy as np
import pytest
from tests.metrics.test_box_report import NAMES, pictures

from striate.metrics.boxes import Found, Truth
from striate.render.html.sections import lines
from striate.tasks.assessment import About, Basis
from striate.tasks.detect_assessment import assess_boxes
from striate.tasks.sections import Tiles

OBJECT, AWAY = [0, 0, 10, 10], [50, 50, 60, 60]


def of(found: list[Found], truth: list[Truth], thresholds=(0.5, 0.5), **more):
    return assess_boxes(found, truth, NAMES, more.pop("basis", Basis()), thresholds, **more)


def some():
    """A picture that is right, one with a mistake of each of three kinds, one with one on nothing."""
    found = [
        Found([OBJECT], [0], [0.9]),
        Found([OBJECT, [50, 50, 60, 54], [90, 90, 99, 99]], [1, 0, 0], [0.9, 0.8, 0.3]),
        Found([AWAY], [0], [0.7]),
    ]
    truth = [Truth([OBJECT], [0]), Truth([OBJECT, AWAY, [20, 20, 30, 30]], [0, 0, 0]), Truth([], [])]
    return found, truth


def test_captions_and_the_order_of_the_worst() -> None:
    found = of(*some())
    assert found.caption(0) == "1 of 1 found"
    assert found.caption(1) == "0 of 3 found; 1 missed, 1 in the wrong place, 1 of the wrong class"
    assert found.caption(2) == "nothing there, 1 box said"
    assert found.worst().tolist() == [1, 2]
    assert found.losses.tolist() == [0.0, 1.0, 1.0]
    assert found.right is None


def test_figures_and_sentences() -> None:
    found, truth = pictures(12, alarms=1)
    told = of(found, truth)
    assert told.headline.name == "AP50"
    assert str(told.headline).startswith("AP50 0.9")
    assert [tile.text.split(",")[0] for tile in told.figures()][:3] == [
        "AP50", "AP", "AP50 of cell"]  # fmt: skip
    assert told.beside().startswith("AP 0.")
    assert told.caveats() == ()
    assert "from a score of 0.50 on" in told.learnt_lines()[0]
    rows = np.full((5, 3, 7), -1.0)
    rows[:, 0, 0] = 0
    assert told.verdict(About(trained=rows)).reasons


def test_a_class_that_is_not_there_is_said_so() -> None:
    told = of(*pictures(6, dots=False))
    assert told.caveats() == ("no box to measure by of dot, which the mean leaves out",)
    text = "\n".join(lines(told.sections()))
    assert "No box to measure by of dot: not a number" in text
    assert told.verdict(About(trained=np.array([[[1.0] * 7]]))).kind == "untested"


def test_sections_say_protocol_kinds_sizes_thresholds_scores_counts() -> None:
    told = of(*some())
    text = "\n".join(lines(told.sections()))
    for words in ("AP by COCO's protocol", "wrong class", "AP50 without", "32 x 32", "from a score of", "mean score",
                  "counted - true", "chosen by pictures not measured here"):  # fmt: skip
        assert words in text
    judged = of(*some(), basis=Basis(judging=True))
    assert "by these very pictures" in "\n".join(lines(judged.sections()))
    kinds = {part.heading: len(part.tiles) for section in told.sections() for part in section.parts
             if isinstance(part, Tiles)}  # fmt: skip
    assert kinds["Missed"] == 1
    assert kinds["The surest: nothing there"] == 1
    assert {section.anchor for section in told.sections()} >= {"worst", "classes", "errors", "counts"}


def test_what_is_there_and_what_was_said_in_pixels_of_the_input() -> None:
    frames = [[2.0, 2.0, 0.0, 0.0], [2.0, 4.0, 10.0, 20.0], [1.0, 1.0, 0.0, 0.0]]
    told = of(*some(), frames=frames)
    drawn = told.overlay(1)
    assert [(mark.label, mark.what) for mark in drawn.answer] == [("dot 0.90", "wrong"), ("cell 0.80", "wrong")]
    assert [mark.what for mark in drawn.truth] == ["missed"] * 3
    assert drawn.answer[0].box == (-5.0, -5.0, 0.0, -2.5)
    first = told.overlay(0)
    assert (first.answer[0].what, first.truth[0].what) == ("right", "right")
    assert told.sections()[0].parts[1].tiles[0].overlay == drawn
    assert of(*some()).overlay(0) is None
    kind, *_, missed = told.errors_of[1]
    alone = told.overlay(1, kind)
    assert [mark.label for mark in alone.answer] == ["dot 0.90"]
    assert [mark.label for mark in alone.truth] == ["cell"]
    assert told.overlay(1, missed).answer == ()
    assert [mark.what for mark in told.overlay(1, missed).truth] == ["missed"]
    assert told.overlay(2, told.errors_of[2][0]).truth == ()


def test_json_of_single_pictures_names_boxes() -> None:
    told = of(*some()).pictures_to_dict(["a.png", "b.png", "c.png"])
    json.dumps(told, allow_nan=False)
    assert told["worst"][0]["picture"] == "b.png"
    first = told["errors"][0]
    assert (first["picture"], first["kind"], first["class"], first["object_class"]) == ("b.png", "class", "dot", "cell")
    assert first["box"] == OBJECT
    missed = told["errors"][-1]
    assert (missed["kind"], missed["box"], missed["object"]) == ("missed", None, [20, 20, 30, 30])


def test_pictures_without_anything_are_measured_and_say_that_nothing_is_known() -> None:
    told = of([Found([], [], [])] * 3, [Truth([], [])] * 3)
    assert (told.headline.value.low, told.headline.value.high) == (0.0, 1.0)
    assert told.worst().size == 0
    assert told.sections()
    assert told.figures()
    json.dumps(told.report.to_dict(), allow_nan=False)


def test_copies_count_once() -> None:
    found, truth = pictures(8, right=0.6, alarms=1)
    alone = of(found * 2, truth * 2).headline.value
    copies = of(found * 2, truth * 2, basis=Basis(groups=np.arange(16) % 8)).headline.value
    assert copies.value == pytest.approx(alone.value)
    assert copies.high - copies.low > 1.2 * (alone.high - alone.low)
