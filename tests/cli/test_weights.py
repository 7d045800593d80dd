"""``striate weights import`` as a person uses it: what it prints, and what it refuses."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from tests.cli.stage import Place
from tests.model.sandbox import hostile

from striate.model.build.model import build
from striate.model.files import weights
from striate.nets import CATALOG
from striate.spec import Shape


def held(classes: int = 3) -> dict[str, torch.Tensor]:
    model = build(CATALOG["lenet5"].function(classes), Shape(1, 28, 28), seed=1)
    return {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("input.")}


def test_import_tells_what_was_made(tmp_path: Path) -> None:
    torch.save(
        {"epoch": 9, "state_dict": {f"module.{name}": tensor for name, tensor in held().items()}}, tmp_path / "a.pth"
    )
    (tmp_path / "names.txt").write_text("ant\nbee\n\ncow \n", encoding="utf-8")
    answer = Place(tmp_path)("weights", "import", "a.pth", "--as", "lenet5", "--classes", "names.txt").done()
    lines = answer.out.splitlines()
    digest = hashlib.sha256((tmp_path / "a.pth").read_bytes()).hexdigest()
    assert lines[0] == "model.safetensors  lenet5 from a.pth: 10 tensors, 61,111 parameters, 3 classes"
    assert lines[1].startswith("  Read by a process of its own")
    assert lines[2:] == [
        f"  sha256 {digest}",
        "  The weights were in its state_dict; epoch beside it was not taken.",
        "  module. was taken off every name.",
        "  No --mean and --std were given: pixels are divided by 255 and no more.",
        "striate predict PICTURE --model model.safetensors",
    ]
    assert weights.read_facts(tmp_path / "model.safetensors").names == ("ant", "bee", "cow")
    Place(tmp_path)("weights", "import", "a.pth", "--as", "lenet5", "--classes", "3").refused("--force replaces it")


def test_a_hostile_file_is_one_line(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    (tmp_path / "a.pth").write_bytes(hostile.legacy(hostile.WANTS["exec"](str(canary))))
    answer = Place(tmp_path).process("weights", "import", "a.pth", "--as", "lenet5")
    answer.refused("a.pth wants to run exec, so it is not plain weights. It was not run")
    assert [path.name for path in tmp_path.iterdir()] == ["a.pth"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--classes", "absent.txt"], "--classes absent.txt is neither a number nor a file that can be read"),
        (["--classes", "binary"], "is not text"),
        (["--classes", "empty"], "holds no names"),
        (["--mean", "1,x"], "--mean 1,x: wanted numbers with commas"),
        (["--as", "nothing"], "the catalogue has no net 'nothing'"),
    ],
)
def test_what_is_said_wrongly_is_named(words: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "empty").write_bytes(b"\n")
    (tmp_path / "a.pth").write_bytes(b"never read")
    Place(tmp_path)("weights", "import", "a.pth", "--as", "lenet5", *words).refused(said)


def test_help_says_what_the_door_is(tmp_path: Path) -> None:
    assert "import" in Place(tmp_path)("weights", "--help").done().out
    assert "runs nothing of it" in " ".join(Place(tmp_path)("weights", "import", "--help").done().out.split())
