"""Slices of an evaluation: by label, size and brightness, against counting; every task has some."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from tests.verbs.test_card import folders

from striate.cli.main import striate
from striate.errors import RunError
from striate.recipe import Recipe
from striate.tasks.table import TASKS
from striate.verbs.evaluate import evaluate
from striate.verbs.slices import slices
from striate.verbs.train import train
from striate.verbs.workspace import Workspace

NET = "conv 2 3x3 >> relu >> globalavgpool >> flatten >> dense classes"


def drawn(root: Path, number: int = 30) -> Path:
    """Pictures of two classes, some dark and some bright, of two sizes."""
    draw = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for place in range(number):
            side, bright = (24, 48)[place % 2], (40, 200)[place % 3 == 0]
            pixels = draw.normal(bright, 9, (side, side)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{place:02}.png")
    return root


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("slices")
    recipe = Recipe(source=str(drawn(root / "zoo")), net=NET, epochs=1, size=(24, 24), folds=0, test=0.5)
    train(recipe, workspace=Workspace(root / "runs"))
    return root


def test_they_are_those_counted_by_hand(home: Path) -> None:
    found = evaluate("zoo-1", workspace=Workspace(home / "runs"))
    told = slices(found)
    right = found.found.right
    assert right is not None and {one.by for one in told} == {"label", "size", "brightness"}
    keys = np.array(found.keys)
    for one in told:
        assert one.value.value == pytest.approx(right[one.rows].mean())
        if one.by == "label":
            assert all(key.startswith(one.name) for key in keys[one.rows])
        if one.by == "size":
            sizes = {Image.open(home / "zoo" / key).size[0] for key in keys[one.rows]}
            assert len(sizes) == 1 and one.name.startswith(str(sizes.pop()))
        if one.by == "brightness":
            low, high = (float(end) for end in one.name.removesuffix(" %").split(" to "))
            means = [np.asarray(Image.open(home / "zoo" / key)).mean() / 2.55 for key in keys[one.rows]]
            assert low - 1.5 <= min(means) <= max(means) <= high + 1.5
    with pytest.raises(RunError, match="does not hold its pictures"):
        slices(replace(found, pixels=None))


def test_the_command_says_them_and_what_a_threshold_comes_to(home: Path) -> None:
    words = ["evaluate", "zoo-1", "--runs-dir", str(home / "runs"), "--slices", "--at", "0.5"]
    said = CliRunner().invoke(striate, words)
    assert said.exit_code == 0 and "by more than chance" in said.output and "from 0.50 on" in said.output
    told = json.loads(CliRunner().invoke(striate, [*words, "--json"]).stdout)
    found = evaluate("zoo-1", workspace=Workspace(home / "runs"))
    sure = found.found.confused()[0].max(axis=1)  # type: ignore[index]
    whole = told["at"][0]
    assert whole["said"] == int((sure >= 0.5).sum()) and whole["right"] == int(
        (found.found.right & (sure >= 0.5)).sum()
    )
    assert [one["name"] for one in told["slices"][:2]] == ["cat", "dog"]


@pytest.mark.slow
def test_every_task_has_some_and_a_task_without_scores_says_so(tmp_path: Path) -> None:
    for task, (source, net) in folders(tmp_path).items():
        size = {"size": (64, 64) if net is None else (34, 34)} if TASKS[task].placed else {}
        how = {"epochs": 1, "batch": 4, "device": "cpu", "threads": 1, "folds": 0, "start": "none", "test": 0.5}
        recipe = Recipe(source=str(source), task=task, **({"net": net} if net else {}), **size, **how)
        train(recipe, workspace=Workspace(tmp_path / "runs"), name=task)
        found = evaluate(f"{task}-1", split="train", workspace=Workspace(tmp_path / "runs"))
        assert all(one.pictures == len(one.rows) for one in slices(found))
        cuts = found.found.cuts()
        assert bool(cuts) == (task in ("classify", "tag", "detect"))
        assert (found.found.overlay(0) is not None) == TASKS[task].placed
        words = ["evaluate", f"{task}-1", "--at", "0.5", "--runs-dir", str(tmp_path / "runs")]
        said = CliRunner().invoke(striate, words)
        assert said.exit_code == (0 if cuts else 1) and ("from 0.50 on" in said.output) == bool(cuts)
