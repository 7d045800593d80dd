"""None of these over frozen features: how well strangers are told, by leaving each class out."""

from __future__ import annotations

import json

import numpy as np
import pytest

from striate.errors import ModelError, StriateError
from striate.tasks.decode import decode
from striate.tasks.frozen import fit_frozen
from striate.tasks.ood import OODDetector, fit_ood
from striate.tasks.stranger_skill import StrangerSkill
from striate.tasks.strangers import NOT_MEASURED, conformal, skill


def around(centres: int, each: int, *, spread: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features of so many classes, `spread` beside centres at length 1 that lie far apart."""
    rng = np.random.default_rng(seed)
    middle = np.eye(24)[:centres]
    targets = np.repeat(np.arange(centres), each)
    return (middle[targets] + spread * rng.normal(size=(len(targets), 24))).astype(np.float32), targets


@pytest.mark.parametrize("classes", [2, 5])
def test_classes_that_lie_apart_are_strangers_to_each_other(classes: int) -> None:
    features, targets = around(classes, 40, spread=0.05)
    unknown = fit_frozen(features, targets)
    assert unknown.skill is not None
    assert (unknown.skill.found, unknown.skill.classes, unknown.skill.strangers) == (1.0, classes, 40 * classes)
    assert unknown.skill.auroc == 1.0
    assert str(unknown.skill) == f"10 of 10 strangers at 1 of {round(1 / unknown.skill.lost)} known"
    fresh, _ = around(classes, 200, spread=0.05, seed=7)
    lost = unknown.is_unknown(unknown.score(fresh, np.zeros((len(fresh), 2)))).mean()
    assert 0.01 <= lost <= 0.1  # 1 of 20, give or take what 200 pictures a class leave open
    strange = np.eye(24, dtype=np.float32)[classes:]
    assert unknown.is_unknown(unknown.score(strange, np.zeros((len(strange), 2)))).all()


def test_classes_that_lie_together_cannot_be_told_and_nothing_is_said() -> None:
    rng = np.random.default_rng(1)
    features, targets = rng.normal(size=(200, 24)).astype(np.float32), np.arange(200) % 4
    unknown = fit_frozen(features, targets)
    assert unknown.skill is not None and unknown.skill.found < 0.15
    assert str(unknown.skill) == "cannot tell strangers"
    assert not unknown.answers
    far = unknown.score(-100 * features[:5], np.zeros((5, 4)))
    assert not unknown.is_unknown(far + 1e9).any()
    answer = decode(np.zeros((1, 4)), "abcd", embeddings=features[:1], unknown=unknown)[0]
    assert answer.to_dict()["strangers"] == "cannot tell strangers"
    assert not answer.unknown


def test_a_stranger_is_not_its_own_neighbour_and_a_known_one_neither() -> None:
    features, targets = around(3, 30, spread=0.2)
    unknown = fit_frozen(features, targets)
    logits = np.zeros((len(features), 3))
    # Asked afresh, stored pictures find themselves among the stored ones and look nearer than a fresh one is.
    assert unknown.score(features, logits).mean() < unknown.distance.deviations(np.array([unknown.distance.mean]))[0]
    again = around(3, 300, spread=0.2, seed=5)[0]
    assert abs(unknown.score(again, np.zeros((len(again), 3))).mean()) < 0.3


def test_it_goes_through_a_model_file_and_older_ones_open() -> None:
    features, targets = around(3, 30, spread=0.1)
    unknown = fit_frozen(features, targets, temperature=1.5)
    facts = json.loads(json.dumps(unknown.to_dict()))
    back = OODDetector.from_tensors(unknown.to_tensors(), facts)
    logits = np.random.default_rng(2).normal(size=(len(features), 3))
    np.testing.assert_array_equal(back.score(features, logits), unknown.score(features, logits))
    assert (back.skill, back.measure, back.threshold) == (unknown.skill, "distance", unknown.threshold)

    whole = fit_ood(features, targets, features, logits)
    assert set(whole.to_dict()).isdisjoint({"measure", "skill"})  # as before this was there
    assert whole.told() == {"words": NOT_MEASURED}
    assert OODDetector.from_tensors(whole.to_tensors(), whole.to_dict()).answers


@pytest.mark.parametrize(
    "change",
    [
        {"skill": 3},
        {"skill": {"found": float("nan"), "lost": 0.05, "auroc": 0.9, "classes": 2, "strangers": 9}},
        {"skill": {"found": 10**400, "lost": 0.05, "auroc": 0.9, "classes": 2, "strangers": 9}},
        {"skill": {"found": 0.5, "lost": 0.05, "auroc": 0.9, "classes": -2, "strangers": 9}},
        {"skill": {"found": 0.5, "lost": 0.05, "auroc": "0.9", "classes": 2, "strangers": 9}},
        {"measure": "taste"},
    ],
)
def test_what_does_not_read(change: dict[str, object]) -> None:
    features, targets = around(2, 20, spread=0.1)
    unknown = fit_frozen(features, targets)
    with pytest.raises(ModelError, match="none of these"):
        OODDetector.from_tensors(unknown.to_tensors(), {**unknown.to_dict(), **change})


def test_words_and_bounds() -> None:
    told = StrangerSkill(found=0.91, lost=0.05, auroc=0.98, classes=2, strangers=100)
    assert str(told) == "9 of 10 strangers at 1 of 20 known"
    assert StrangerSkill.from_dict(told.to_dict()) == told
    assert str(StrangerSkill(0.24, 0.05, 0.6, 2, 100)) == "cannot tell strangers"
    assert str(StrangerSkill(1.0, 0.0, 1.0, 2, 100)) == "10 of 10 strangers at none of the known"
    assert conformal(np.arange(19.0), 0.95) == 18.0
    assert conformal(np.arange(99.0), 0.95) == 94.0
    assert skill(lambda out: np.zeros(4), np.zeros(4, np.int64), known_kept=0.95) is None
    assert fit_frozen(*around(1, 30, spread=0.1)).skill is None
    with pytest.raises(StriateError, match="two pictures or more"):
        fit_frozen(np.zeros((1, 3)), [0])
