"""The verdict on tags: each rule by figures that are plainly so."""

from __future__ import annotations

import numpy as np
import pytest

from striate.metrics.tag_report import TagReport, tag_report
from striate.metrics.tag_verdict import tag_verdict

TAGS = ("sea", "sunset", "snow")


def report(
    pictures: int = 600, *, strength: tuple[float, ...] = (6.0, 6.0, 6.0), share=0.3, seed: int = 0
) -> TagReport:
    generator = np.random.default_rng(seed)
    targets = generator.random((pictures, 3)) < share
    logits = generator.normal(size=(pictures, 3)) + np.array(strength) * (targets - 0.5)
    return tag_report(1 / (1 + np.exp(-logits)), targets, tags=TAGS, thresholds=[0.5, 0.5, 0.5])


def test_fine_and_what_it_rests_on():
    found = tag_verdict(report(), trained=[300, 300, 300])
    assert found.kind == "fine"
    assert found.text.startswith("Fine as it is: mean average precision is 100.0 % on 600 test pictures (")
    assert "no tag stands out as weak" in found.text
    assert any("Macro F1" in reason for reason in found.reasons)


def test_pictures_that_were_learnt_from_say_nothing():
    assert tag_verdict(report(), learnt_from=100).kind == "learnt"


def test_few_pictures_say_little():
    found = tag_verdict(report(12, strength=(2.0, 2.0, 2.0)))
    assert found.kind == "few"
    assert "--folds 5" in found.text
    assert "only more pictures" in tag_verdict(report(12, strength=(2.0, 2.0, 2.0)), part="cross-validated").text


def test_a_tag_without_a_picture_is_not_known():
    found = tag_verdict(report(share=np.array([0.3, 0.3, 0.0])), trained=[9, 9, 4])
    assert (found.kind, found.classes) == ("untested", ("snow",))
    assert tag_verdict(report(share=np.array([0.3, 0.3, 0.0])), trained=[9, 9, 0]).kind == "fine"


def test_chance_is_called_chance():
    found = tag_verdict(report(strength=(0.0, 0.0, 0.0)), from_chance=True)
    assert found.kind == "guess"
    assert "No better than chance" in found.text
    assert "--start" in found.text


def test_a_tag_far_below_the_others_is_weak():
    found = tag_verdict(report(strength=(6.0, 6.0, 0.5)), trained=[300, 300, 60])
    assert (found.kind, found.classes) == ("weak", ("snow",))
    assert "it had 60 to learn from, the others 300 (--class-weights balanced" in found.text
    assert "look at the pictures" in tag_verdict(report(strength=(6.0, 6.0, 0.5))).text


def test_wrong_answers_that_were_sure_point_at_the_tags():
    generator = np.random.default_rng(0)
    targets = generator.random((600, 3)) < 0.3
    probabilities = np.where(targets, 0.999, 0.001)
    listed = targets.copy()
    listed[:12, 0] = ~listed[:12, 0]  # twelve wrong tags
    found = tag_verdict(tag_report(probabilities, listed, tags=TAGS, thresholds=[0.5] * 3))
    assert found.kind == "labels"
    assert "12 answers given with great confidence are wrong, where" in found.text


def test_otherwise_more_pictures_help():
    found = tag_verdict(report(strength=(2.5, 2.5, 2.4)), trained=[30, 20, 10])
    assert found.kind == "more"
    assert "to learn from" in found.text
    assert "--start" in tag_verdict(report(strength=(2.5, 2.5, 2.4)), from_chance=True).text


@pytest.mark.parametrize("part", ["test", "validation", "cross-validated", ""])
def test_every_sentence_ends_as_one(part):
    for strength in (0.0, 1.0, 6.0):
        text = tag_verdict(report(80, strength=(strength,) * 3), part=part).text
        assert text.endswith(".") and "  " not in text


def test_where_no_picture_has_a_tag_nothing_is_known_and_that_is_said():
    found = report(40, share=0.0)
    assert (found.macro.value, found.macro.low, found.macro.high) == (0.0, 0.0, 1.0)
    assert found.unmeasured == TAGS
    assert "no picture to measure of tags sea, sunset, snow" in found.text()
    for part in ("test", "cross-validated"):
        told = tag_verdict(found, part=part, trained=[9, 9, 9])
        assert (told.kind, told.classes) == ("untested", TAGS)
        assert told.text.startswith(f"Nothing is known of its answers: none of 40 {part} pictures has a tag; add")
        assert ("--folds 5" in told.text) == (part == "test")
