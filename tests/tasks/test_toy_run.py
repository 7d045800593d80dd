"""A task of one file (`tests.tasks.toy`) is trained, from chance and on cross-validated features, and reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.stage import Place
from tests.tasks.test_toy import NET, pictures, table
from tests.tasks.toy import Brightness, BrightnessAssessment, Toy

import striate
from striate.errors import ExportError
from striate.interpret.look import RunLook
from striate.recipe import Recipe
from striate.runs.predictor import Predictor
from striate.tasks.table import TASKS
from striate.verbs.compare import compare
from striate.verbs.export import export
from striate.verbs.look import look, page
from striate.verbs.train import train
from striate.verbs.workspace import Workspace

__all__ = ["pictures", "table"]  # fixtures


@pytest.fixture(scope="module")
def home(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run from chance, and one of a head on the features of that, which is cross-validated."""
    root = tmp_path_factory.mktemp("toy-runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TASKS, Toy.name, Toy())
        patch.setenv("STRIATE_CACHE", str(root / "cache"))
        recipe = Recipe(source=str(pictures / "labels.csv"), task=Toy.name, threads=1, device="cpu", folds=0)
        chance = recipe.changed(net=NET, epochs=8, batch=8, learning_rate=0.03, augment="none")
        train(chance, workspace=Workspace(root / "runs"), name="chance")
        head = recipe.changed(start=str(root / "runs" / "chance-1" / "model.safetensors"), tune="head", folds=3)
        train(head, workspace=Workspace(root / "runs"), name="head")
    return root


@pytest.fixture(autouse=True)
def cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(home / "cache"))


@pytest.mark.parametrize("name", ["chance-1", "head-1"])
def test_a_run_of_it_answers_is_measured_and_reported(home: Path, pictures: Path, name: str) -> None:
    run = home / "runs" / name
    predictor = Predictor.open(run)
    assert predictor.onnx is not None and predictor.facts.task == Toy.name and len(predictor.state.arrays["apart"])
    (answer,) = predictor.predict(pictures / "0.png")
    assert isinstance(answer, Brightness) and answer.off == predictor.learnt
    found = striate.evaluate(name, runs_dir=home / "runs")
    assert isinstance(found.found, BrightnessAssessment)
    assert found.report.error.value < 0.2, "the mean alone is off by that"
    assert found.part == ("test" if name == "chance-1" else "cross-validated")
    finished = json.loads((run / "finished.json").read_text())
    assert finished["headline"]["value"] == pytest.approx(found.report.error.value)
    report = (run / "report.html").read_text()
    for words in ("Where is it farthest off?", "What was it shown?", "mean absolute error", "Off by"):
        assert words in report
    assert report.count("<html") == 1 and "What does it confuse" not in report
    history = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    measured = [line["metrics"] for line in history if line.get("metrics")]
    assert all(set(one) == {"mean absolute error"} for one in measured)


def test_it_is_listed_compared_exported_and_quantised(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(home)
    listed = place("runs", "--runs-dir", "runs").done().out
    assert "mean absolute error" in listed and "of 1 (" in listed
    found = compare("chance-1", "head-1", workspace=Workspace(home / "runs"))
    assert "absolute error of head-1 - chance-1" in found.verdict()
    done = export("chance-1", output=tmp_path / "a.onnx", workspace=Workspace(home / "runs"))
    told = done.to_dict()
    assert told["same_level"] == told["pictures"] > 0 and told["brightness"] <= 1e-4
    monkeypatch.setattr("striate.verbs.export.MOST_LOST", 1.0)
    small = export("chance-1", output=tmp_path / "a.int8.onnx", int8=True, workspace=Workspace(home / "runs"))
    assert "int8 has mean absolute error" in str(small.measured)
    monkeypatch.setattr("striate.verbs.export.MOST_LOST", -1.0)
    with pytest.raises(ExportError, match=r"int8 has mean absolute error .* so it was not written"):
        export("chance-1", output=tmp_path / "b.int8.onnx", int8=True, workspace=Workspace(home / "runs"))


def test_it_is_looked_into(home: Path, pictures: Path) -> None:
    run = look("chance-1", workspace=Workspace(home / "runs"))
    assert isinstance(run, RunLook) and run.confusion is None and 0 < len(run.worst) <= 4
    shown = page(run)
    assert "here are the worst answers" in shown and run.worst[0].caption in shown
    seen = page(look(str(pictures / "0.png"), run="chance-1", workspace=Workspace(home / "runs")))
    assert "What raises the brightness, and what lowers it?" in seen
