"""Cross-validated runs: what they keep and say, stopped and killed anywhere, of heads and of whole nets."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.configs import config
from tests.pictures import paint
from tests.verbs.test_kill import bits, child, killed_at, status

from striate.errors import RecipeError, RunError
from striate.metrics.intervals import wilson
from striate.metrics.probability import softmax
from striate.recipe import Recipe
from striate.runs import answers as kept
from striate.runs.run import RunDirectory
from striate.session import run as session
from striate.verbs.evaluate import evaluate
from striate.verbs.events import FoldDone, Folding, Planned
from striate.verbs.look import look_run
from striate.verbs.train import resume, resuming, train, training
from striate.verbs.workspace import Workspace

NET = "conv 6 3x3 pad 1 no bias >> batchnorm >> relu >> maxpool 2 >> conv 8 3x3 pad 1 >> relu >> globalavgpool"
NET += " >> flatten >> dense"


def out_of_fold(run: RunDirectory) -> np.ndarray:
    """The answers of a run's folds."""
    return kept.read(run.path / kept.NAME).outputs["logits"]


def whole(source: Path, **changes: Any) -> Recipe:
    recipe = Recipe(source=str(source), net=NET, epochs=2, batch=8, learning_rate=0.05, threads=1, folds=3)
    return recipe.changed(**changes)


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes, one picture twice in one class and once in the other."""
    root = paint(tmp_path_factory.mktemp("pictures") / "pets", ("bee", "emu"), count=14, seed=3)
    content = (root / "bee" / "3-00.png").read_bytes()
    (root / "bee" / "copy.png").write_bytes(content)
    (root / "emu" / "copy.png").write_bytes(content)
    return root


@pytest.fixture(scope="module")
def net_run(pets: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(whole(pets), workspace=Workspace(tmp_path_factory.mktemp("net")))


@pytest.fixture(scope="module")
def begun(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return train(whole(zoo, folds=0), workspace=Workspace(tmp_path_factory.mktemp("begun")))


def head(source: Path, begun: RunDirectory, **changes: Any) -> Recipe:
    recipe = Recipe(source=str(source), start=str(begun.path), tune="head", threads=1, device="cpu")
    return recipe.changed(**changes)


@pytest.fixture(scope="module")
def head_run(pets: Path, begun: RunDirectory, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """Of 30 pictures nobody said anything."""
    return train(head(pets, begun), workspace=Workspace(tmp_path_factory.mktemp("head")))


@pytest.mark.parametrize("kind", ["head", "net"])
def test_every_picture_is_measured_and_everything_agrees(kind: str, request: pytest.FixtureRequest) -> None:
    run: RunDirectory = request.getfixturevalue(f"{kind}_run")
    finished = json.loads((run.path / "finished.json").read_text())
    split: dict[str, Any] = run.split()  # type: ignore[assignment]
    assert len(split["train"]) == 30 and not split["val"] and not split["test"]
    assert finished["part"] == "cross-validated" and finished["pictures"] == 30
    assert finished["folds"] == ({"count": 5, "repeats": 3} if kind == "head" else {"count": 3, "repeats": 1})
    assert "had not seen it" in finished["means"]
    for draw in split["folds"]["places"]:  # copies of one content, in both classes, are in one fold
        assert len({draw[split["train"].index(key)] for key in ("bee/3-00.png", "bee/copy.png", "emu/copy.png")}) == 1
    again = evaluate(str(run.path))
    assert again.part == "cross-validated"
    assert json.loads(json.dumps(again.to_dict()))["confusion"] == finished["confusion"]
    assert again.report.accuracy.to_dict() == finished["accuracy"]
    low = again.report.accuracy.value - again.report.accuracy.low
    plain = wilson(int(again.report.confusion.trace()), 30)
    assert plain is not None
    assert low > plain.value - plain.low, "answers of folds are not independent, and a copy is no picture more"
    assert finished["calibration"]["on"] == "out-of-fold answers" and finished["calibration"]["pictures"] == 30
    np.testing.assert_allclose(again.found.probabilities, softmax(again.outputs["logits"], again.found.temperature))
    report = run.report_path.read_text()
    assert "30 cross-validated pictures" in report and "fitted on 30 out-of-fold answers" in report
    assert "had not seen it" in report
    looked = look_run(str(run.path))
    assert looked.part == "cross-validated" and looked.confusion.wrong == 30 - again.report.confusion.trace()
    trained = evaluate(str(run.path), split="train")
    assert trained.part == "train" and len(trained.keys) == 30
    with pytest.raises(RunError, match="has no test pictures"):
        evaluate(str(run.path), split="test")


def test_the_net_that_is_kept_is_the_one_trained_on_everything(
    pets: Path, net_run: RunDirectory, tmp_path: Path
) -> None:
    alone = train(whole(pets, folds=0, val=0.0, test=0.0), workspace=Workspace(tmp_path))
    ours = {name: value for name, value in bits(net_run).items() if not name.startswith("state.")}
    assert ours == {name: value for name, value in bits(alone).items() if not name.startswith("state.")}


def test_a_fixed_split_stays_where_it_is_asked_for_or_the_source_has_its_own(
    pets: Path, begun: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("striate.data.dealing.AFFORDABLE", 4.8e12)  # which tests set to 0, see conftest.py
    from striate.data.dealing import affordable, by_itself
    from striate.data.sources.source import find

    source, recipe = find(str(pets)), head(pets, begun)
    assert by_itself(recipe, source) == 5
    assert by_itself(recipe.changed(test=0.3), source) == 0
    assert not affordable(config(epochs=60, folds=5), 66_500_000, 700)
    assert affordable(config(epochs=80, folds=5), 33_900_000, 100)


def test_folds_refuse_what_they_cannot_be(pets: Path) -> None:
    with pytest.raises(RecipeError, match="one fold leaves nothing"):
        whole(pets, folds=1)
    with pytest.raises(RecipeError, match="patience"):
        whole(pets, patience=2)
    with pytest.raises(RecipeError, match="repeats"):
        whole(pets, folds=0, repeats=2)
    assert whole(pets, folds="none").folds == 0


def test_a_stop_in_the_folds_leaves_a_model_and_goes_on_there(
    pets: Path, net_run: RunDirectory, tmp_path: Path
) -> None:
    events: Any = training(whole(pets), workspace=Workspace(tmp_path))
    for event in events:
        if isinstance(event, FoldDone) and event.number == 2:
            break
    events.close()
    stopped = RunDirectory.open("last", tmp_path)
    assert not stopped.finished() and session.Run(stopped).predict(np.zeros((16, 16, 3), np.uint8)).best in (
        "bee",
        "emu",
    )
    assert sorted(path.name for path in (stopped.path / kept.FOLDER).glob("*.safetensors")) == [
        "1.safetensors",
        "2.safetensors",
    ]
    numbers = [event.number for event in resuming(workspace=Workspace(tmp_path)) if isinstance(event, FoldDone)]
    assert numbers == [3]
    assert bits(stopped) == bits(net_run)
    assert (out_of_fold(stopped) == out_of_fold(net_run)).all()
    assert not (stopped.path / kept.FOLDER).exists()


def go(recipe: Recipe, runs: Path) -> None:
    try:
        last = RunDirectory.open("last", runs)
        ready = (last.path / "split.json").exists()
    except RunError:
        ready = False
    if not ready:
        list(training(recipe, workspace=Workspace(runs)))
    elif not last.finished():
        list(resuming(last.name, workspace=Workspace(runs)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks its children")
@pytest.mark.parametrize("kind", ["head", "net"])
@pytest.mark.parametrize("step", [61, pytest.param(7, marks=pytest.mark.slow)])
def test_a_kill_at_any_write(
    pets: Path, begun: RunDirectory, tmp_path: Path, step: int, kind: str, request: pytest.FixtureRequest
) -> None:
    unharmed: RunDirectory = request.getfixturevalue(f"{kind}_run")
    recipe, number, kills = head(pets, begun) if kind == "head" else whole(pets), 40, 0
    while True:
        runs = tmp_path / str(number)

        def work(number: int = number, runs: Path = runs) -> None:
            killed_at(number)
            go(recipe, runs)

        code = status(child(work))
        if code == 0:
            break
        assert code == -signal.SIGKILL
        kills += 1
        assert status(child(lambda runs=runs: go(recipe, runs))) == 0
        (done,) = [each for each in RunDirectory.list(runs) if each.finished()]
        assert bits(done) == bits(unharmed)
        assert (out_of_fold(done) == out_of_fold(unharmed)).all()
        number += step
    assert kills


def test_the_folds_are_told_as_they_go(pets: Path, tmp_path: Path) -> None:
    events = list(training(whole(pets), workspace=Workspace(tmp_path)))
    planned = next(event for event in events if isinstance(event, Planned))
    assert str(planned.prepared.folds) == "3 folds"
    shares = [event.done for event in events if isinstance(event, Folding)]
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1.0)
    assert sum(event.pictures for event in events if isinstance(event, FoldDone)) == 30


def test_damaged_answers_are_named(head_run: RunDirectory, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(head_run.path, copy)
    file = copy / kept.NAME
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(RunError, match="is damaged"):
        evaluate(str(copy))
    file.unlink()
    with pytest.raises(RunError, match="is not there"):
        evaluate(str(copy))


def test_a_run_goes_on_in_the_middle_of_a_fold_without_what_is_gone(tmp_path: Path) -> None:
    """The fold under way has a checkpoint of more pictures than it has now."""
    root = paint(tmp_path / "pets", ("bee", "emu"), count=9)
    events: Any = training(whole(root), workspace=Workspace(tmp_path))
    for event in events:
        if isinstance(event, Folding) and event.words.startswith("fold 1 of 3, epoch 2"):
            break
    events.close()
    run = RunDirectory.open("last", tmp_path)
    with pytest.raises(RunError, match=r"is not finished: its folds.*--resume"):
        evaluate(run.name, workspace=Workspace(tmp_path))
    split: dict[str, Any] = run.split()  # type: ignore[assignment]
    places = split["folds"]["places"][0]
    key = next(key for key, place in zip(split["train"], places, strict=True) if place == 1)  # fold 1 trains with it
    (root / key).unlink()
    resume(run.name, workspace=Workspace(tmp_path), without_missing=True)
    assert run.finished() and len(evaluate(run.name, workspace=Workspace(tmp_path)).keys) == 17


def test_the_verdict_on_a_cross_validated_run_knows_what_it_learnt_from(tmp_path: Path) -> None:
    root = paint(tmp_path / "pets", ("bee", "emu"), count=10)
    (root / "yak").mkdir()
    (root / "emu" / "0-09.png").rename(root / "yak" / "only.png")
    (root / "emu" / "copy.png").write_bytes((root / "emu" / "0-01.png").read_bytes())
    run = train(whole(root, epochs=1), workspace=Workspace(tmp_path / "runs"))
    found = evaluate(str(run.path))
    assert np.bincount(found.trained).tolist() == [10, 10, 1]
    assert found.verdict.reasons == tuple(json.loads((run.path / "finished.json").read_text())["verdict"]["reasons"])
    assert any("3 folds" in reason for reason in found.verdict.reasons)
    assert any("copy.png" in reason for reason in found.verdict.reasons)
