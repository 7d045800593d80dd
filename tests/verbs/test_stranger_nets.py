"""Nets trained whole say "none of these" only where it was measured by nets that never saw the classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.pictures import paint
from tests.verbs.test_kill import bits

from striate.errors import RecipeError
from striate.model.files.weights import read_facts
from striate.recipe import Recipe
from striate.runs.run import RunDirectory
from striate.session import run as session
from striate.tasks.strangers import NEVER
from striate.tasks.task import LeftOut
from striate.verbs import stranger_nets
from striate.verbs.evaluate import evaluate
from striate.verbs.events import Folding
from striate.verbs.train import resuming, train, training
from striate.verbs.workspace import Workspace

NET = "conv 6 3x3 pad 1 no bias >> batchnorm >> relu >> maxpool 2 >> conv 8 3x3 pad 1 >> relu >> globalavgpool"
NET += " >> flatten >> dense"
CLASSES = ("ant", "bee", "cow", "emu")
NOISE = np.random.default_rng(5).integers(0, 256, (16, 16, 3)).astype(np.uint8)


def whole(source: Path, **changes: Any) -> Recipe:
    recipe = Recipe(source=str(source), net=NET, epochs=3, batch=8, learning_rate=0.05, threads=1, folds=0, val=0.3)
    return recipe.changed(**changes)


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paint(tmp_path_factory.mktemp("pictures") / "four", CLASSES, count=60)


@pytest.fixture(scope="module")
def measured(four: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(whole(four, strangers=True), workspace=Workspace(tmp_path_factory.mktemp("measured")))


@pytest.fixture(scope="module")
def plain(four: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(whole(four), workspace=Workspace(tmp_path_factory.mktemp("plain")))


def test_it_is_measured_by_nets_that_never_saw_the_classes(
    four: Path, measured: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, real = [], stranger_nets._asked

    def asked(training: Any, prepared: Any, net: LeftOut) -> Any:
        targets, learnt, unseen, strange = prepared.targets, net.trained, net.known, net.strange
        assert set(training.split.train) == set(learnt.tolist())
        assert not set(targets[learnt]) & set(targets[strange]) and set(targets[learnt]) == set(targets[unseen])
        assert not set(learnt.tolist()) & set(unseen.tolist())
        assert not set(prepared.split.test) & {*learnt.tolist(), *unseen.tolist(), *strange.tolist()}
        seen.append(sorted(set(targets[strange].tolist())))
        return real(training, prepared, net)

    monkeypatch.setattr(stranger_nets, "_asked", asked)
    again = train(whole(four, strangers=True), workspace=Workspace(tmp_path))
    assert seen == [[0, 2], [1, 3]]
    assert bits(again) == bits(measured)
    facts = read_facts(again.model_path).state["unknown"]
    assert facts is not None and facts["skill"]["classes"] == 4 and facts["skill"]["nets"] == 2
    finished = json.loads((again.path / "finished.json").read_text())
    assert finished["strangers"] == facts["skill"] and finished["strangers"]["how"] == "by 2 nets trained without them"
    assert evaluate(str(again.path)).to_dict()["strangers"] == facts["skill"]
    assert not (again.path / "folds").exists()
    assert "by 2 nets trained without them" in again.report_path.read_text()


def test_the_net_that_is_kept_is_the_same_whether_it_was_measured_or_not(
    plain: RunDirectory, measured: RunDirectory
) -> None:
    assert bits(plain) == bits(measured)


def test_where_it_was_not_measured_nothing_is_none_of_these(plain: RunDirectory) -> None:
    facts = read_facts(plain.model_path).state["unknown"]
    assert facts is not None and facts["silent"] is True and facts["threshold"] is not None
    answer: Any = session.Run(plain).predict(NOISE)
    assert not answer.unknown and answer.ood_score is not None and answer.threshold is None
    assert answer.to_dict()["strangers"] == NEVER
    assert evaluate(str(plain.path)).to_dict()["known_kept"] == 1.0
    assert "--strangers measures it" in plain.report_path.read_text()


def test_a_stop_costs_one_net_and_ends_with_the_same(four: Path, measured: RunDirectory, tmp_path: Path) -> None:
    events: Any = training(whole(four, strangers=True), workspace=Workspace(tmp_path))
    for event in events:
        if isinstance(event, Folding) and " 2 of 2, epoch 2" in event.words:
            break
    events.close()
    run = RunDirectory.open("last", tmp_path)
    assert not run.finished() and session.Run(run).predict(NOISE, unknown=False) is not None
    assert len(run.read_json(stranger_nets.NAME)["measured"]) == 1
    words = [event.words for event in resuming(workspace=Workspace(tmp_path)) if isinstance(event, Folding)]
    assert words and all(" 2 of 2, " in each for each in words)
    assert bits(run) == bits(measured)
    assert run.read_json(stranger_nets.NAME) == measured.read_json(stranger_nets.NAME)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"epochs": 3, "nets": 2}', '{"epochs": 3, "nets": 2, "measured": [1]}']
)
def test_what_was_measured_is_measured_again_where_it_is_damaged(
    measured: RunDirectory, tmp_path: Path, text: str
) -> None:
    (tmp_path / stranger_nets.NAME).write_text(text)
    assert stranger_nets._measured(RunDirectory(tmp_path), {"epochs": 3, "nets": 2}) == []


def test_cross_validated_whole_nets_are_measured_by_themselves(four: Path, tmp_path: Path) -> None:
    run = train(whole(four, folds=2, val=0.1), workspace=Workspace(tmp_path))
    facts = read_facts(run.model_path).state["unknown"]
    assert facts is not None and facts["skill"]["nets"] == 2
    assert evaluate(str(run.path)).to_dict()["known_kept"] is not None
    off = train(whole(four, folds=2, val=0.1, strangers=False), workspace=Workspace(tmp_path))
    facts = read_facts(off.model_path).state["unknown"]
    assert facts is not None and facts["silent"] is True


def test_what_cannot_be_measured_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    four = paint(tmp_path / "four", CLASSES, count=60)
    two = paint(tmp_path / "two", ("bee", "emu"), count=30)
    with pytest.raises(RecipeError, match="it takes 3 classes or more"):
        train(whole(two, strangers=True), workspace=Workspace(tmp_path / "runs"))
    with pytest.raises(RecipeError, match="20 are needed"):
        train(whole(four, strangers=True, val=0.1), workspace=Workspace(tmp_path / "runs"))
    listed = four / "labels.csv"
    rows = [f"{path.relative_to(four).as_posix()},{path.parent.name}|seen" for path in sorted(four.rglob("*.png"))]
    listed.write_text("\n".join(["file,tags", *rows]))
    with pytest.raises(RecipeError, match="task tag makes no use of it; leave it out"):
        train(whole(listed, task="tag", strangers=True), workspace=Workspace(tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()
    with pytest.raises(RecipeError, match="unknown = false"):
        whole(four, strangers=True, unknown=False)


def test_a_trunk_that_has_learnt_these_pictures_is_no_judge_of_strangers(
    measured: RunDirectory, four: Path, tmp_path: Path
) -> None:
    recipe = Recipe(source=str(four), start=str(measured.path), tune="head", threads=1, device="cpu", folds=0)
    run = train(recipe, workspace=Workspace(tmp_path))
    facts = read_facts(run.model_path).state["unknown"]
    assert facts is not None and facts["silent"] is True and "skill" not in facts


def test_a_whole_net_that_starts_from_weights_is_measured_too(
    measured: RunDirectory, four: Path, tmp_path: Path
) -> None:
    recipe = Recipe(source=str(four), start=str(measured.path), tune="all", epochs=1, head_epochs=12, threads=1)
    recipe = recipe.changed(device="cpu", folds=0, val=0.3, strangers=True)
    run = train(recipe, workspace=Workspace(tmp_path))
    facts = read_facts(run.model_path).state["unknown"]
    assert facts is not None and facts["skill"]["nets"] == 2
