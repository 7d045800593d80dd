"""`striate export --to`: what it prints, and what it refuses in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.stage import Place
from tests.models_of_tasks import MAKERS

from striate.export import parity_pictures


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(parity_pictures, "MADE", 12)
    MAKERS["classify"](tmp_path / "pets.safetensors")
    MAKERS["detect"](tmp_path / "boxes.safetensors")
    return Place(tmp_path)


def test_the_comparison_and_every_output_are_printed(place: Place) -> None:
    done = place("export", "--model", "pets.safetensors", "--to", "onnx").done()
    assert "how far its answers are from those of striate predict" in done.out
    assert "photographs" in done.out and "allowed" in done.out
    for words in ("probabilities: how likely each class is", "unknown: whether", "written to pets.deployed.onnx"):
        assert words in done.out
    told = json.loads(place("export", "--model", "pets.safetensors", "--to", "onnx", "--any-size", "--json").done().out)
    assert told["path"] == "pets.deployed.any-size.onnx" and told["parity"]["same"] == told["parity"]["pictures"]
    assert told["bytes"] == (place.path / told["path"]).stat().st_size


def test_what_cannot_be_is_one_line(place: Place) -> None:
    model = ("export", "--model", "pets.safetensors")
    place(*model, "--to", "onxx").refused("no target 'onxx'; did you mean onnx")
    place(*model, "--any-size").refused("--any-size goes with --to")
    place(*model, "--to", "onnx", "--int8").refused("name a run, not a model file")
    place(*model, "--to", "onnx", "-o", "x.pdf").refused("ends in .pdf")
    place(*model, "--to", "onnx", "--page").refused("--page is a file of its own; leave out --to")
    place("export", "--model", "boxes.safetensors", "--to", "onnx", "--boxes").refused("has the boxes inside already")
    place(*model, "--boxes").refused("--to onnx writes what it says")
    assert sorted(one.name for one in place.path.glob("*.onnx*")) == []


def test_the_plain_file_of_boxes_says_where_they_are_decoded(place: Place) -> None:
    plain = place("export", "--model", "boxes.safetensors").done()
    assert "boxes (N, 1152): map after map (12 x 16 cells)" in plain.out and "--to onnx writes a graph" in plain.out
    done = json.loads(place("export", "--model", "boxes.safetensors", "--boxes", "--json").done().out)
    assert done["path"] == "boxes.boxes.onnx" and done["parity"]["same"] == done["parity"]["pictures"]
