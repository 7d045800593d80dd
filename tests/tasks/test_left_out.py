"""How well a net tells classes it was trained without: drawn answers, whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from striate.errors import RecipeError
from striate.tasks.left_out import Answered, beyond_other_folds, leave_out, skill_without
from striate.tasks.ood import fit_ood_at
from striate.tasks.stranger_skill import StrangerSkill, mean_skill
from striate.tasks.strangers import left_out_together, remedy


def said(classes: list[int], each: int, *, seed: int, away: float = 0.0) -> Answered:
    """Answers of a net of six outputs that knows 0, 2 and 4; ``away``: how far its pictures lie from every class."""
    rng = np.random.default_rng(seed)
    targets = np.repeat(classes, each)
    embeddings = 0.1 * rng.normal(size=(len(targets), 12))
    embeddings[np.arange(len(targets)), targets] += 1 - away
    embeddings[:, 8] += away
    logits = 0.5 * rng.normal(size=(len(targets), 6))
    logits[np.arange(len(targets)), targets] += 6 * (1 - away)
    return Answered(logits.astype(np.float32), embeddings.astype(np.float32), targets)


TRAINED, KNOWN = said([0, 2, 4], 60, seed=0), said([0, 2, 4], 40, seed=1)


def test_what_lies_away_is_told_and_what_lies_within_is_not() -> None:
    far = skill_without(TRAINED, KNOWN, said([1, 3], 30, seed=2, away=1.0))
    assert far.found > 0.95 and far.auroc > 0.99 and far.lost < 0.12
    assert (far.classes, far.strangers, far.nets) == (2, 60, 1) and far.tells
    within = said([0, 2, 4], 30, seed=3)
    near = skill_without(TRAINED, KNOWN, replace(within, targets=within.targets + 1))
    assert abs(near.found - near.lost) < 0.08 and 0.4 < near.auroc < 0.6 and not near.tells


def test_the_outputs_of_classes_that_were_left_out_are_not_looked_at() -> None:
    strange = said([1, 3], 30, seed=2, away=0.5)
    plain = skill_without(TRAINED, KNOWN, strange)
    loud = strange.logits.copy()
    loud[:, [1, 3, 5]] = 1000.0
    assert skill_without(TRAINED, KNOWN, replace(strange, logits=loud)) == plain


def test_every_class_is_left_out_once() -> None:
    for classes in range(3, 12):
        groups = left_out_together(np.arange(classes))
        assert sorted(np.concatenate(groups).tolist()) == list(range(classes))
        assert len(groups) == (3 if classes == 3 else 2)
        assert all(classes - len(group) >= 2 for group in groups), "a net of one class learns nothing"
    assert left_out_together(np.arange(2)) == ()


def test_the_rows_of_nets_without_classes_keep_a_copy_of_what_is_known_from_being_strange() -> None:
    targets = np.repeat(np.arange(4), 50)
    train, held = np.flatnonzero(np.arange(200) % 50 < 30), np.flatnonzero(np.arange(200) % 50 >= 30)
    groups = np.arange(200)
    groups[0] = groups[50]  # a picture of class 0 that stands in class 1 as well
    one, other = leave_out(targets, train, held, groups)
    assert set(targets[one.strange]) == {0, 2} and set(targets[one.trained]) == set(targets[one.known]) == {1, 3}
    assert 0 not in one.strange and len(one.strange) == 99 and 50 not in other.strange
    assert set(one.trained) <= set(train) and set(one.known) <= set(held)
    with pytest.raises(
        RecipeError, match="12 pictures of the classes that a net would know are left to measure on, and 20"
    ):
        leave_out(targets, train, held[np.arange(80) % 20 < 6], groups)
    with pytest.raises(RecipeError, match="it takes 3 classes or more to train without some of them, and there are 2"):
        leave_out(targets % 2, train, held, groups)


def test_several_nets_come_to_their_mean_and_say_how() -> None:
    both = mean_skill([StrangerSkill(0.2, 0.02, 0.7, 3, 50, nets=1), StrangerSkill(0.6, 0.04, 0.9, 2, 30, nets=1)])
    assert both.found == pytest.approx(0.4) and both.lost == pytest.approx(0.03) and both.auroc == pytest.approx(0.8)
    assert (both.classes, both.strangers, both.nets) == (5, 80, 2)
    assert both.how == "by 2 nets trained without them"
    assert StrangerSkill.from_dict(both.to_dict()) == both
    assert "--strangers" in remedy(3) and "--strangers" not in remedy(2) and "--start" in remedy(2)


def test_a_threshold_is_judged_by_folds_that_did_not_set_it() -> None:
    rng = np.random.default_rng(0)
    train, targets = rng.normal(size=(200, 12)).astype(np.float32), np.arange(200) % 4
    distances, logits, folds = rng.normal(-2, 0.3, 100), rng.normal(size=(100, 4)), np.arange(100) % 5
    unknown = fit_ood_at(train, targets, distances, logits, known_kept=0.9)
    mine = unknown.is_unknown(unknown.score_at(distances, logits))
    by_others = beyond_other_folds(unknown, distances, logits, folds)
    assert mine.mean() <= 0.1 and mine.mean() <= by_others.mean() <= 0.2
    far = distances.copy()
    far[folds == 2] += 30.0  # a fold that lies elsewhere is beyond what the others set, and was within its own
    assert beyond_other_folds(unknown, far, logits, folds)[folds == 2].all()
    assert not beyond_other_folds(unknown.with_skill(None), far, logits, folds).any()
