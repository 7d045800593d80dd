"""Dot on a model file: without torch, what torch says; and where it cannot be without, torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.models import HOW, drawn, facts_of, model_file

import striate
from striate.errors import ModelError
from striate.interpret.arithmetic.dot import dot as contributions
from striate.interpret.onnx_probe import OnnxProbe
from striate.interpret.torch_probe import TorchProbe
from striate.model.files.weights import to_bytes
from striate.verbs.dot import dot
from striate.verbs.probe import Network

NET = (
    "conv 6 3x3 pad 1 >> batchnorm >> relu >> side (globalavgpool >> flatten >> dense) >> maxpool 2 >> flatten >> dense"
)
FACTS = facts_of(NET, temperature=1.7)


def tensors() -> dict[str, Any]:
    state = drawn(NET).state_dict()
    state["batchnorm1.running_var"].uniform_(0.5, 2, generator=torch.Generator().manual_seed(1))
    return {**state, "state.centre": torch.ones(4)}  # what "none of these" keeps is no part of the net


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return model_file(tmp_path / "m.safetensors", NET, tensors(), temperature=1.7)


def test_a_model_file_is_asked_as_torch_would_be(model: Path, picture: Path) -> None:
    slow = TorchProbe.of(model, picture)
    for row in slow.survey.rows:  # the side head's too
        found, wanted = dot(picture, row.path, network=Network(model=model)), contributions(slow, row.path)
        assert isinstance(found.probe, OnnxProbe)
        assert (found.at, found.channel, found.place) == (wanted.at, wanted.channel, wanted.place)
        assert found.made.off <= 1e-5 and found.made.network == pytest.approx(wanted.made.network, rel=1e-5)
        assert found.contributions.result == pytest.approx(wanted.contributions.result, rel=1e-5)
        told, known = found.to_dict(), wanted.to_dict()
        assert {name: told[name] for name in ("given", "sees", "shape")} == {
            name: known[name] for name in ("given", "sees", "shape")
        }


def test_the_command_needs_no_torch_at_all(model: Path, picture: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "torch.py").write_text("raise SystemExit('torch was imported')")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        source = str(Path(__file__).resolve().parents[2] / "src")
        return subprocess.run(
            [sys.executable, "-m", "striate.cli", "dot", str(picture), *words],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(trap), source]), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    asked = ("--part", "conv1", "--channel", "5", "--at", "7,9")
    done = run("--model", str(model), *asked, "--json", "-o", str(tmp_path / "dot.html"))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert sum(told["terms"]) + told["bias"] == pytest.approx(told["network"], rel=1e-5)
    assert [then["part"] for then in told["then"]] == ["batchnorm1", "relu1"]
    assert "data:image/png" in (tmp_path / "dot.html").read_text()
    assert "no part 'conf1'; near it: conv1" in run("--model", str(model), "--part", "conf1").stderr
    assert "torch was imported" in run("--net", "lenet5", *asked).stderr, "the trap works"


def test_torch_answers_where_onnx_cannot(model: Path, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = dot(picture, "conv1", 1, (2, 3), network=Network(model=model))
    for missing in ("onnx", "onnxruntime"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, missing, None)
            patch.setattr(striate, "export", striate.export)  # who imports a package anew puts it here, too
            for name in [name for name in sys.modules if name.startswith("striate.export")]:
                patch.delitem(sys.modules, name)
            found = dot(picture, "conv1", 1, (2, 3), network=Network(model=model))
        assert isinstance(found.probe, TorchProbe)
        assert found.made.network == pytest.approx(wanted.made.network, rel=1e-5)


def test_what_is_wrong_with_a_file_is_said_as_ever(model: Path, picture: Path) -> None:
    given = tensors()
    for facts, changed, said in (
        (FACTS, {**given, "conv2.weight": torch.ones(2)}, "besides its net, conv2.weight"),
        (FACTS, {**given, "conv1.bias": torch.ones(1)}, r"conv1.bias is torch.float32 \(1,\) in the file"),
        (replace(FACTS, preprocess=replace(HOW, width=12).to_dict()), given, "its pictures are prepared as"),
        (replace(FACTS, net="module app.Net"), given, "that only its own code can be"),
    ):
        model.write_bytes(to_bytes(changed, facts))
        with pytest.raises(ModelError, match=said):
            dot(picture, "conv1", network=Network(model=model))
    content = bytearray(to_bytes(given, FACTS))
    content[-3] ^= 1
    model.write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        dot(picture, "conv1", network=Network(model=model))
