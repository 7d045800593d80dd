"""Evidence in a page: what is said, the score under the picture, crossed out where a check fails."""

from __future__ import annotations

import dataclasses

import numpy as np
from tests.inside.evidence.planted import pictures, subject

from striate.inside.evidence.change import change_of_mind
from striate.inside.evidence.explain import explain
from striate.report.answer import Answer
from striate.report.evidence import change_answer, heat, why_answer
from striate.report.look_page import page


def text(answer: Answer) -> str:
    return page("planted", "", [answer])


def test_the_page_says_where_and_how_far_to_trust_it() -> None:
    evidence = explain(subject(pictures(1, 7)[0][0]), part="relu3")
    trust = evidence.trust
    assert trust and trust.reason is None
    html = text(why_answer(evidence, "1.00 across"))
    assert f"Why did it say {evidence.answer}" in html
    assert evidence.focus in html
    assert f"trust {trust.score:.2f}, random orders have up to {trust.curves.chance_gain:.2f}" in html
    assert "How far can I trust that picture?" in html
    assert f"{trust.curves.deletion_area:.2f}" in html
    assert "crossed out" not in html
    assert "evidence: activation x gradient" in html, "the legend's unit"
    assert "http" not in html.replace("http://www.w3.org", "")


def test_what_fails_is_crossed_out_with_the_reason() -> None:
    evidence = explain(subject(pictures(1, 7)[0][0]), part="relu3")
    assert evidence.trust
    same = dataclasses.replace(evidence.trust.shuffled, correlations=(0.9,) * len(evidence.trust.shuffled.parts))
    failing = dataclasses.replace(evidence, trust=dataclasses.replace(evidence.trust, shuffled=same))
    good, bad = heat(evidence)[0], heat(failing)[0]
    assert bad.caption.endswith("crossed out, not to be trusted")
    changed = (good.pixels != bad.pixels).any(2)
    assert changed[0, 0] and changed[-1, -1] and changed[0, -1] and changed[-1, 0]
    assert changed.mean() < 0.2
    html = text(why_answer(failing, "1.00 across"))
    assert "with shuffled weights the picture stays much the same (rank correlation 0.90)" in html


def test_evidence_with_a_sign_has_a_legend_with_a_sign() -> None:
    evidence = explain(subject(pictures(1, 7)[0][0]), method="integrated-gradients", trust=False)
    tile, legend = heat(evidence)
    assert legend.low == -legend.high < 0
    assert legend.high == np.abs(evidence.heat).max()
    assert "trust" not in tile.caption


def test_what_would_change_its_mind_is_drawn() -> None:
    change = next(
        each for each in (change_of_mind(subject(picture)) for picture in pictures(6, 7)[0]) if each.after is not None
    )
    html = text(change_answer(change))
    assert f"it says {change.after}, not {change.before}" in html
    assert (change.without != change.pixels).any(2).sum() <= change.mask.sum()
    assert np.array_equal(change.without[~change.mask], change.pixels[~change.mask])
    none = dataclasses.replace(change, after=None)
    assert "Nothing that was tried changes the answer" in text(change_answer(none))
