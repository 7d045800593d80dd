"""The verdict: the sentence each kind of result gets, by the stated rules."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binom

from striate.metrics.report import ClassificationReport, classification_report
from striate.metrics.verdict import verdict
from striate.metrics.weak import _by_chance


def report(
    counts: list[list[int]], *, sure: float = 2.0, classes: tuple[str, ...] | None = None
) -> ClassificationReport:
    """A report of answers with these confusion counts (rows are what is), each given with a margin of ``sure``."""
    rows = [(is_, said) for is_, row in enumerate(counts) for said, count in enumerate(row) for _ in range(count)]
    targets, answers = np.array(rows).T
    logits = np.zeros((len(rows), len(counts)))
    logits[np.arange(len(rows)), answers] = sure
    names = classes or ("cat", "dog", "emu")[: len(counts)]
    return classification_report(logits, targets, classes=names)


# What is right of each class where it is, then the sentence.
CASES = {
    "all of few": (
        [[10, 0], [0, 10]],
        {},
        "fine",
        "Nothing wrong as far as seen: all of 20 test pictures are right, which with so few stands for 83.9 % or more.",
    ),
    "few": (
        [[4, 1], [2, 3]],
        {},
        "few",
        "Too few to say: 7 of 10 test pictures are right, which may stand for anything from 40 to 89 %; --folds 5"
        " measures on every picture there is (about 330 tell it to 5 points).",
    ),
    "few, of folds": ([[4, 1], [2, 3]], {"part": "cross-validated"}, "few", "only more pictures would tell"),
    "fine": (
        [[196, 4], [4, 196]],
        {},
        "fine",
        "Fine as it is: 98.0 % of 400 test pictures are right (96.1 to 99.0), and no class stands out as weak.",
    ),
    "of other pictures": ([[196, 4], [4, 196]], {"part": ""}, "fine", ": 98.0 % of 400 pictures are right"),
    "guess": (
        [[30, 70], [28, 72]],
        {},
        "guess",
        "No better than always answering cat: 51.0 % of 200 test pictures are right (44.1 to 57.8), and 50.0 % are cat;"
        " look whether pictures and labels belong together, and train longer or on more.",
    ),
    "guess from chance": (
        [[30, 70], [28, 72]],
        {"from_chance": True},
        "guess",
        "a network that knows photographs (--start).",
    ),
    "never tested": (
        [[60, 0, 0], [1, 59, 0], [0, 0, 0]],
        {"trained": (300, 300, 1)},
        "untested",
        "Nothing is known of emu: 99.2 % of 120 test pictures are right (95.4 to 99.9), and none of them is of that"
        " class; add pictures of emu (10 or more), or measure with --folds 5.",
    ),
    "not among these pictures": ([[60, 0, 0], [1, 59, 0], [0, 0, 0]], {}, "fine", "Fine as it is"),
    "weak": (
        [[98, 2, 0], [1, 99, 0], [0, 30, 70]],
        {"trained": (500, 500, 500)},
        "weak",
        "Weak on emu: 70 of 100 right, where 89.0 % of 300 test pictures are right (85.0 to 92.1); 30 are called dog:"
        " look at these and their labels first, then add pictures of both.",
    ),
    "weak for want of pictures": (
        [[98, 2, 0], [1, 99, 0], [0, 10, 10]],
        {"trained": (500, 500, 40)},
        "weak",
        "more pictures of emu would help most: it had 40 to learn from, the others 500 (--class-weights balanced",
    ),
    "confused": (
        [[90, 10, 0], [12, 88, 0], [2, 0, 98]],
        {},
        "confused",
        "Confuses cat with dog: 92.0 % of 300 test pictures are right (88.4 to 94.6), and 22 of 24 mistakes are between"
        " these two; look at them and their labels first, then add pictures of both.",
    ),
    "more": (
        [[85, 15], [20, 80]],
        {"trained": (90, 80)},
        "more",
        "Fair: 82.5 % of 200 test pictures are right (76.6 to 87.1); more pictures would help most, of dog first (dog"
        " has 80 to learn from).",
    ),
    "from chance": ([[85, 15], [20, 80]], {"from_chance": True}, "more", "that helps most."),
    "one picture": ([[1, 0], [0, 0]], {}, "few", "Too few to say: 1 of 1 test picture is right"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_kind_of_result_has_its_sentence(name: str) -> None:
    counts, options, kind, text = CASES[name]
    found = verdict(report(counts), **options)  # type: ignore[arg-type]
    assert found.kind == kind
    assert found.text.endswith(text) if text.endswith(".") else text in found.text
    assert found.text.count(". ") == 0, "more than one sentence"
    assert json.loads(json.dumps(found.to_dict()))["text"] == found.text


def test_sure_mistakes_ask_for_a_look_at_the_labels() -> None:
    found = verdict(report([[95, 5], [5, 95]], sure=6.0))
    assert found.kind == "labels" and "10 of 10 mistakes were answered with great confidence" in found.text
    assert verdict(report([[95, 5], [5, 95]], sure=2.9)).kind == "fine"


def test_the_reasons_name_figures_and_what_is_added() -> None:
    found = verdict(report([[98, 2], [30, 70]]), also=("3 copies.",))
    assert found.reasons[0].startswith("Accuracy 84.0 % (")
    assert "The lowest recall is dog's: 70.0 %" in found.reasons[1]
    assert found.reasons[2] == "Most often dog is called cat: 30 of 32 mistakes." and found.reasons[-1] == "3 copies."


def test_chance_is_the_binomial() -> None:
    for hits, trials, share in ((0, 5, 0.9), (70, 100, 0.89), (990, 1000, 0.995), (5, 5, 0.3)):
        assert _by_chance(hits, trials, share) == pytest.approx(binom.cdf(hits, trials, share), rel=1e-9)


def test_pictures_that_were_learnt_from_give_no_verdict() -> None:
    report = classification_report(np.eye(2)[[0, 1] * 50] * 9.0, [0, 1] * 50, classes=("a", "b"))
    assert verdict(report, part="").kind == "fine"
    found = verdict(report, part="", learnt_from=90)
    assert found.kind == "learnt" and "learnt from 90 of them" in found.text


def test_what_asks_for_a_look_is_known() -> None:
    wants = {name: verdict(report(CASES[name][0]), **CASES[name][1]).wants_a_look for name in CASES}  # type: ignore[arg-type]
    assert {name for name, asked in wants.items() if asked} == {"guess", "guess from chance", "weak", "confused"}
