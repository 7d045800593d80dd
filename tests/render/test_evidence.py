"""Evidence in a page: what is said, the score under the picture, crossed out where a check fails."""

from __future__ import annotations

import dataclasses

import numpy as np
from tests.interpret.attribution.planted import pictures, probe

from striate.interpret.attribution.counterfactual import change_of_mind
from striate.interpret.attribution.explain import explain
from striate.interpret.attribution.value import Trust
from striate.render.answer import Answer
from striate.render.evidence import change_answer, heat, why_answer
from striate.render.html.look_page import page


def text(answer: Answer) -> str:
    return page("planted", "", [answer])


def test_the_page_says_where_and_how_far_to_trust_it() -> None:
    evidence = explain(probe(pictures(1, 7)[0][0]), part="relu3")
    trust = evidence.trust
    assert trust and trust.reason is None
    html = text(why_answer(evidence, "1.00 across"))
    assert f"Why did it say {evidence.answer}" in html
    assert evidence.focus in html
    assert f"Trust: {trust.level}." in html and f": trust {trust.level}" in html
    assert f"a lead of {trust.curves.gain:.2f} of at most 1" in html
    assert "How far can I trust that picture?" in html
    assert f"{trust.curves.deletion_area:.2f}" in html
    assert "crossed out" not in html
    assert "evidence: activation x gradient" in html, "the legend's unit"
    assert "http" not in html.replace("http://www.w3.org", "")


def test_a_lead_that_nothing_bounds_is_held_against_nothing() -> None:
    trust = explain(probe(pictures(1, 7)[0][0]), part="relu3").trust
    assert trust and " of at most 1" in trust.words[0]
    wide = dataclasses.replace(trust.curves, random=9 * trust.curves.random)  # a number may go beyond both its ends
    said = dataclasses.replace(trust, curves=wide).words[0]
    assert abs(wide.gain) > 1 or wide.chance_gain > 1
    assert f"a lead of {wide.gain:.2f}, w" in said and "of at most 1" not in said


def test_what_fails_is_crossed_out_with_the_reason() -> None:
    evidence = explain(probe(pictures(1, 7)[0][0]), part="relu3")
    assert evidence.trust
    same = dataclasses.replace(evidence.trust.shuffled, correlations=(0.9,) * len(evidence.trust.shuffled.parts))
    failing = dataclasses.replace(evidence, trust=dataclasses.replace(evidence.trust, shuffled=same))
    good, bad = heat(evidence)[0], heat(failing)[0]
    assert bad.caption.endswith("trust none, crossed out")
    changed = (good.pixels != bad.pixels).any(2)
    assert changed[0, 0] and changed[-1, -1] and changed[0, -1] and changed[-1, 0]
    assert changed.mean() < 0.2
    html = text(why_answer(failing, "1.00 across"))
    assert "Trust: none. Of a network with shuffled weights the marks are much the same (likeness 0.90" in html


def test_evidence_with_a_sign_has_a_legend_with_a_sign() -> None:
    evidence = explain(probe(pictures(1, 7)[0][0]), method="integrated-gradients", trust=False)
    tile, legend = heat(evidence)
    assert legend.low == -legend.high < 0
    assert legend.high == np.abs(evidence.heat).max()
    assert "trust" not in tile.caption


def test_what_would_change_its_mind_is_drawn() -> None:
    change = next(
        each for each in (change_of_mind(probe(picture)) for picture in pictures(6, 7)[0]) if each.after is not None
    )
    html = text(change_answer(change))
    assert f"it says {change.after}, not {change.before}" in html
    assert (change.without != change.pixels).any(2).sum() <= change.mask.sum()
    assert np.array_equal(change.without[~change.mask], change.pixels[~change.mask])
    none = dataclasses.replace(change, after=None)
    assert "Nothing that was tried changes the answer" in text(change_answer(none))


def test_the_word_for_trust_follows_the_figures() -> None:
    evidence = explain(probe(pictures(1, 7)[0][0]), part="relu3")
    assert evidence.trust
    curves, shuffled = evidence.trust.curves, evidence.trust.shuffled
    count = len(shuffled.parts)

    def trust(gain: float, alike: float) -> Trust:
        """Evidence whose curves are so far apart, all random orders alike, and that is so like itself."""
        flat = np.full_like(curves.random, 0.5)
        given = dataclasses.replace(
            curves,
            random=flat,
            insertion=np.full_like(curves.insertion, 0.5 + gain / 2),
            deletion=np.full_like(curves.deletion, 0.5 - gain / 2),
        )
        same = dataclasses.replace(shuffled, correlations=(alike,) * count, structures=(0.0,) * count)
        return Trust(given, same)

    assert trust(0.6, 0.1).level == "good"
    assert trust(0.6, 0.4).level == "weak", "not plainly another picture"
    assert trust(0.6, 0.6).level == "none" and trust(0.0, 0.1).level == "none"
    assert trust(0.03, 0.1).level == "weak", "a small gain"
    assert "no sooner than removing pieces at random" in trust(0.0, 0.1).words[0]
    assert "much the same (likeness 0.60" in trust(0.6, 0.6).words[0], "the check that fails comes first"
    assert all(one.phrase.startswith(f"Trust: {one.level}. ") for one in (trust(0.6, 0.1), trust(0.0, 0.9)))
