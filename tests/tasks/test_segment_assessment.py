"""What a class for every pixel is worth, as a task hands it on."""

import json

import numpy as np
import pytest
from tests.metrics.test_mask_report import NAMES, SHAPE, masks

from striate.render.html.sections import lines
from striate.tasks.assessment import About, Basis
from striate.tasks.segment_assessment import assess_masks


def test_captions_order_and_losses() -> None:
    answers, truths = masks(3)
    answers[1][:] = 1
    answers[2][truths[2] == 2] = 0
    truths.append(np.full(SHAPE, 255, np.uint8))
    answers.append(np.zeros(SHAPE, int))
    told = assess_masks(answers, None, truths, NAMES, Basis())
    assert told.worst().tolist() == [1, 2]
    assert told.losses[0] == told.losses[3] == 0.0
    assert told.caption(0) == "mean IoU 100 %; 100 % of pixels right"
    assert told.caption(2).startswith("mean IoU 6") and "pole 0 %" in told.caption(2)
    assert told.caption(3) == "all of it is void"
    assert told.right is None


def test_figures_sections_and_sentences() -> None:
    answers, truths = masks(8, wrong=0.1)
    sure = (np.full(SHAPE, 0.9) for _ in answers)
    told = assess_masks(answers, sure, truths, NAMES, Basis())
    assert str(told.headline).startswith("mean IoU 9")
    texts = [tile.text for tile in told.figures()]
    assert texts[0] == "mean IoU"
    assert any(text.startswith("calibration error") for text in texts)
    text = "\n".join(lines(told.sections()))
    for words in ("Mean IoU of one count", "Always saying", "boundary F", "mean confidence", "not measured here"):
        assert words in text
    assert told.beside().startswith("pixel accuracy")
    assert told.caveats() == ()
    assert "off in the mean" in told.learnt_lines()[0]
    assert {section.anchor for section in told.sections()} == {"worst", "classes", "confusion", "calibration"}
    json.dumps([told.report.to_dict(), told.pictures_to_dict(list("abcdefgh"))], allow_nan=False)


def test_void_lies_over_the_answer_too() -> None:
    answers, truths = masks(2, wrong=0.1)
    truths[0][:5] = 255
    drawn = assess_masks(answers, None, truths, NAMES, Basis()).overlay(0)
    assert (drawn.answer[:5] == 255).all()
    assert (drawn.answer[5:] == answers[0][5:]).all()
    assert drawn.names == NAMES


def test_what_was_learnt_decides_what_is_untested() -> None:
    answers, truths = masks(6, poles=False)
    told = assess_masks(answers, None, truths, NAMES, Basis())
    assert told.caveats() == ("no pixel to measure by of pole, which the mean leaves out",)
    learnt = np.array([[[2, 255]], [[0, 1]]], np.uint8)
    assert told.verdict(About(trained=learnt)).kind == "untested"
    assert told.verdict(About(trained=learnt[1:])).kind == "fine"


def test_copies_and_folds_widen() -> None:
    answers, truths = masks(8, wrong=0.3)
    alone = assess_masks(answers * 2, None, truths * 2, NAMES, Basis()).headline.value
    copies = assess_masks(answers * 2, None, truths * 2, NAMES, Basis(groups=np.arange(16) % 8)).headline.value
    folds = assess_masks(answers * 2, None, truths * 2, NAMES, Basis(design=2.0)).headline.value
    assert copies.value == pytest.approx(alone.value)
    assert copies.high - copies.low > 1.2 * (alone.high - alone.low)
    assert folds.high - folds.low > 1.2 * (alone.high - alone.low)


def test_the_worst_pictures_are_chosen_by_kind_and_class() -> None:
    answers, truths = masks(3)
    answers[1][:] = 1
    answers[2][truths[2] == 2] = 0
    tiles = assess_masks(answers, None, truths, NAMES, Basis()).sections()[0].parts[1]
    assert [(one.label, one.tags) for one in tiles.filters] == [
        ("Kind of error", ("missed", "too large")), ("Class", NAMES)
    ]  # fmt: skip
    assert [tile.row for tile in tiles.tiles] == [1, 2]
    assert tiles.tiles[0].tags == ({"missed", "too large"}, {"sky", "road", "pole"})
    assert tiles.tiles[1].tags[1] == {"sky", "pole"}
