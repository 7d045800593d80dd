"""Runs and model files that an earlier version wrote (tests/runs/old, of November 2026) do all that they did.

`answers.json` holds what that version answered. Figures are held to rounding: another machine may add in another order.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import striate
from striate.model.files.weights import read_facts
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.verbs.evaluate import evaluate
from striate.verbs.train import resume
from striate.verbs.workspace import Workspace

OLD = Path(__file__).with_name("old")
ANSWERS = json.loads((OLD / "answers.json").read_text(encoding="utf-8"))
MADE_AT = "/tmp/rename-old/old"
NETS = ["chance-1", "folded-1", "head-1", "tuned-1", "adopted-1"]
CLASSES = ("0", "1", "2")


class Gated(nn.Module):
    """The module of the run `code-1`, which only its own code can be."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.gate, self.fc = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.conv(x)).mean((2, 3))
        answer: Tensor = self.fc(x * torch.tanh(self.gate(x)) if x.shape[0] else x)
        return answer


Gated.__module__ = "__main__"  # as it was called where the run was made


def moved(place: Path) -> Path:
    """Copy the runs and their pictures to ``place``, and say so in each recipe, as who moves pictures is told to."""
    shutil.copytree(OLD, place)
    for file in place.glob("runs/*/recipe.toml"):
        said = file.read_text(encoding="utf-8")
        assert MADE_AT in said, file
        file.write_text(said.replace(MADE_AT, str(place)), encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return moved(tmp_path_factory.mktemp("old") / "here")


@pytest.fixture(autouse=True)
def _here(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(old)


def pictures() -> list[np.ndarray]:
    return list(np.load("pictures.npz")["x"][::6])


JUDGED_OTHERWISE = ("known_kept",)  # by pictures that did not set the threshold, since 0.2


def same(found: Any, wanted: Any, where: str = "") -> None:
    """Every field of before is there, with the same value."""
    if isinstance(wanted, dict):
        assert wanted.keys() <= found.keys(), f"{where} lacks {wanted.keys() - found.keys()}"
        for name, value in wanted.items():
            if name not in ("seconds", "pictures_per_second", "data_wait", *JUDGED_OTHERWISE):
                same(found[name], value, f"{where}.{name}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), where
        for place, value in enumerate(wanted):
            same(found[place], value, f"{where}[{place}]")
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=2e-3, abs=2e-3), where
    else:
        assert found == wanted, where


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("onnx", [True, False], ids=["onnx", "torch"])
def test_predicts_as_then(name: str, onnx: bool) -> None:
    predictor = Predictor.open(Path("runs", name), onnx=onnx)
    same([one.to_dict() for one in predictor.predict(pictures())], ANSWERS[name]["answers"])


@pytest.mark.parametrize("name", NETS)
def test_evaluates_as_then(name: str) -> None:
    same(striate.evaluate(name).to_dict(), ANSWERS[name]["summary"])
    same([dict(line) for line in RunDirectory.open(name).history()], ANSWERS[name]["history"])


def test_resumes_as_then_and_writes_its_report() -> None:
    run = resume("unfinished-1")
    wanted = ANSWERS["unfinished-1"]
    same([dict(line) for line in run.history()], wanted["history"])
    same([one.to_dict() for one in Predictor.open(run.model_path).predict(pictures())], wanted["answers"])
    binned = ("calibration_error", "reliability", "raw_reliability")  # by rounding one picture is in the next bin
    found, before = striate.evaluate("unfinished-1").to_dict(), wanted["summary"]
    same(found, {name: value for name, value in before.items() if name not in binned})
    for name in binned[1:]:
        moved_over = [abs(a["pictures"] - b["pictures"]) for a, b in zip(found[name], before[name], strict=True)]
        assert sum(moved_over) <= 2, name
    pictures_of = sum(each["pictures"] for each in before["reliability"])
    error = [of["calibration_error"]["value"] for of in (found, before)]
    assert error[0] == pytest.approx(error[1], abs=2 / pictures_of)
    assert "<svg" in run.report_path.read_text(encoding="utf-8")
    assert striate.look("unfinished-1") is not None


def test_a_choice_that_its_task_makes_no_use_of_stops_no_run_that_has_it(tmp_path: Path) -> None:
    runs = moved(tmp_path / "old") / "runs"  # a training refuses them since, before there is a run
    said = 'loss = "squared"\ncircular = "360"\n'
    for name in ("chance-1", "unfinished-1"):
        with (runs / name / "recipe.toml").open("a", encoding="utf-8") as file:
            file.write(said)
    there = Workspace(runs)
    same(evaluate("chance-1", workspace=there).to_dict(), ANSWERS["chance-1"]["summary"])
    run = resume("unfinished-1", workspace=there)
    same([dict(line) for line in run.history()], ANSWERS["unfinished-1"]["history"])


def test_goes_on_longer() -> None:
    run = resume("chance-1", epochs=4)
    same([dict(line) for line in run.history()][:3], ANSWERS["chance-1"]["history"])
    assert len(list(run.history())) == 4


def test_code_answers_with_its_module() -> None:
    run = RunDirectory.open("code-1")
    module = striate.adopt(Gated(), input=(1, 8, 8), classes=CLASSES).load(run)
    same([module.predict(one).to_dict() for one in pictures()], ANSWERS["code-1"]["answers"])
    same(module.evaluate(run).to_dict(), ANSWERS["code-1"]["summary"])


@pytest.mark.parametrize("name", [*NETS, "code-1"])
def test_every_fact_of_a_model_file_is_read(name: str) -> None:
    facts = read_facts(OLD / "runs" / name / "model.safetensors")
    assert facts.format == 1 and facts.names == CLASSES and facts.state["calibration"]
