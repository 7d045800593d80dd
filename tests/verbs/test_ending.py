"""Every way of training ends alike: the model is kept before nets beside it are trained; Finishing, then Finished."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import pytest
from tests.pictures import paint

from striate.errors import TrainingError
from striate.recipe import Recipe
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.verbs import ending
from striate.verbs.train import Finished, Finishing, resuming, train, training
from striate.verbs.workspace import Workspace

NET = "conv 4 3x3 >> relu >> maxpool 2 >> conv 4 3x3 >> relu >> globalavgpool >> flatten >> dense"
WAYS = ("chance", "head", "all")


@pytest.fixture(scope="module")
def ants(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures to learn."""
    return paint(tmp_path_factory.mktemp("pictures") / "ants", ("ant", "bee"), count=12)


@pytest.fixture(scope="module")
def begun(ants: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run to start from."""
    recipe = Recipe(source=str(ants), net=NET, epochs=1, folds=0, threads=1, device="cpu")
    return train(recipe, workspace=Workspace(tmp_path_factory.mktemp("begun")))


def recipe(way: str, ants: Path, begun: RunDirectory, **changes: Any) -> Recipe:
    """The recipe of a way to train."""
    plain = Recipe(source=str(ants), epochs=1, threads=1, device="cpu", unknown=False).changed(**changes)
    return plain.changed(net=NET) if way == "chance" else plain.changed(start=str(begun.path), tune=way)


@pytest.mark.parametrize("folds", [0, 2])
@pytest.mark.parametrize("way", WAYS)
def test_every_way_ends_in_finishing_and_finished(
    way: str, folds: int, ants: Path, begun: RunDirectory, tmp_path: Path
) -> None:
    *_, finishing, finished = training(recipe(way, ants, begun, folds=folds), workspace=Workspace(tmp_path))
    assert isinstance(finishing, Finishing) and isinstance(finished, Finished)
    assert finished.evaluation.part == ("cross-validated" if folds else "test")


def test_the_model_is_there_before_the_nets_without_some_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> NoReturn:
        raise TrainingError("net 1 of 2: it does not learn")

    source = paint(tmp_path / "four", ("ant", "bee", "cow", "emu"), count=32)
    wish = Recipe(source=str(source), net=NET, epochs=1, folds=0, val=0.35, threads=1, device="cpu", strangers=True)
    with monkeypatch.context() as patch:
        patch.setattr(ending.stranger_nets, "stranger_skill", broken)
        with pytest.raises(TrainingError, match="net 1 of 2"):
            list(training(wish, workspace=Workspace(tmp_path / "runs")))
    run = RunDirectory.open("last", tmp_path / "runs")
    assert not run.finished() and str(Predictor.open(run.path).predict(source / "ant" / "0-00.png")[0])
    *_, last = resuming("last", workspace=Workspace(tmp_path / "runs"))
    assert isinstance(last, Finished) and (run.path / "strangers.json").is_file()


@pytest.mark.parametrize("way", ["chance", "all"])
def test_the_model_is_there_before_the_nets_that_measure_it(
    way: str, ants: Path, begun: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> NoReturn:
        raise TrainingError("fold 1 of 2: it does not learn")

    with monkeypatch.context() as patch:
        patch.setattr(ending, "net_folds", broken)
        with pytest.raises(TrainingError, match="fold 1 of 2"):
            list(training(recipe(way, ants, begun, folds=2), workspace=Workspace(tmp_path)))
    run = RunDirectory.open("last", tmp_path)
    assert not run.finished() and str(Predictor.open(run.path).predict(ants / "ant" / "0-00.png")[0])
    *_, last = resuming("last", workspace=Workspace(tmp_path))
    assert isinstance(last, Finished) and last.evaluation.part == "cross-validated"
