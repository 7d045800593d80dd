"""Numbers all the way: from chance, on features, cut off and gone on with; predicted, measured, exported, explained."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.cli.stage import Place

import striate
from striate.engine.fit import Epoch
from striate.model.files.weights import read
from striate.recipe import Recipe
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.verbs.train import resuming, train, training
from striate.verbs.workspace import Workspace

NET = (
    "conv 6 3x3 pad 1 no bias >> batchnorm >> relu >> maxpool 2 >> conv 8 3x3 pad 1 >> relu >> globalavgpool >> flatten"
)


@pytest.fixture(scope="session")
def lights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of pictures and how light each is; one in ten is written twice."""
    folder = tmp_path_factory.mktemp("lights")
    generator = np.random.default_rng(0)
    rows = ["file,light [lux]"]
    for number in range(90):
        light = float(generator.uniform(40, 210))
        pixels = light + generator.normal(0, 12, (16, 16, 3))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{number:02}.png")
        rows.append(f"{number:02}.png,{light:.2f}")
    (folder / "lights.csv").write_text("\n".join([*rows, "nothing.png,", ""]))
    Image.new("RGB", (16, 16)).save(folder / "nothing.png")
    return folder / "lights.csv"


def recipe(source: Path, **changes: Any) -> Recipe:
    plain = Recipe(source=str(source), net=f"{NET} >> dense", epochs=6, batch=16, learning_rate=0.05, threads=1)
    return plain.changed(device="cpu", size=(16, 16), **changes)


@pytest.fixture(scope="session")
def run(lights: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A net from chance, with one fixed split."""
    return train(recipe(lights, folds=0), workspace=Workspace(tmp_path_factory.mktemp("runs")))


@pytest.fixture(scope="session")
def head(lights: Path, run: RunDirectory, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A head on features, cross-validated."""
    begun = Recipe(source=str(lights), start=str(run.path), tune="head", folds=5, threads=1, device="cpu")
    return train(begun, workspace=Workspace(tmp_path_factory.mktemp("head")))


def tensors(run: RunDirectory) -> dict[str, bytes]:
    return {name: tensor.contiguous().numpy().tobytes() for name, tensor in read(run.model_path)[0].items()}


def test_a_net_from_chance_learns_the_number(run: RunDirectory, lights: Path) -> None:
    summary = run.finished()
    assert summary is not None
    assert read(run.model_path)[1].task == "regress"
    assert any("holds numbers" in note for note in json.loads((run.path / "source.json").read_text())["notes"])
    (answer,) = Predictor.open(run.model_path).predict([lights.parent / "00.png"])
    (one,) = answer.to_dict()["numbers"]
    assert one["unit"] == "lux"
    assert one["low"] <= one["value"] <= one["high"]
    assert " lux (" in str(answer)


def test_a_head_on_features_is_near_and_its_intervals_hold(head: RunDirectory) -> None:
    found = striate.evaluate(run=str(head.path))
    (one,) = found.report.each
    assert found.report.pictures == 90
    assert one.measures.mae.value < 15
    assert one.measures.r2 is not None
    assert one.measures.r2.value > 0.9
    assert one.coverage is not None
    assert 0.8 <= one.coverage.value <= 1.0


def test_cut_off_and_gone_on_with_is_the_same_to_the_bit(lights: Path, run: RunDirectory, tmp_path: Path) -> None:
    events = training(recipe(lights, folds=0), workspace=Workspace(tmp_path))
    for event in events:
        if isinstance(event, Epoch) and event.index == 3:
            break
    events.close()
    for _ in resuming("last", workspace=Workspace(tmp_path)):
        pass
    assert tensors(RunDirectory.open("last", runs_dir=tmp_path)) == tensors(run)


def test_answers_without_torch_and_as_a_table(head: RunDirectory, lights: Path, tmp_path: Path) -> None:
    words = ["predict", "--run", str(head.path), "--csv", "-", str(lights.parent / "00.png")]
    code = f"import sys; from striate.cli.main import run; sys.argv[1:] = {words!r}; code = run()\n"
    code += "assert not code and 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heads, cells = list(csv.reader(done.stdout.splitlines()))
    row = dict(zip(heads, cells, strict=True))
    assert float(row["light low"]) <= float(row["light [lux]"]) <= float(row["light high"])


WORDS = {
    "evaluate": ("mean absolute error", "R2", "in its 90 % interval", " lux"),
    "predict": (" lux (", " to "),
    "look": ("What raises the light, and what lowers it?",),
    "dot": ("=",),
    "export": ("int8 has mean absolute error",),
}


@pytest.mark.parametrize("command", WORDS)
def test_every_command_knows_a_number(head: RunDirectory, lights: Path, tmp_path: Path, command: str) -> None:
    words = [command, str(head.path), "--int8"] if command == "export" else [command, "--run", str(head.path)]
    words += [str(lights.parent / "00.png")] if command in ("look", "dot", "predict") else []
    done = Place(tmp_path)(*words).done()
    for expected in WORDS[command]:
        assert expected in done.out


def test_the_report_shows_errors_and_the_worst_pictures(head: RunDirectory) -> None:
    page = (head.path / "report.html").read_text()
    for words in (
        "Where was it most wrong?",
        "How near are the answers",
        "too much or too little",
        "true number",
        "lux",
    ):
        assert words in page
