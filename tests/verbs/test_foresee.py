"""What a training would be is what it is, and what the network is said to be given is what it is given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.pictures import paint

from striate.engine import step
from striate.verbs.foresee import foresee
from striate.verbs.network_inputs import network_inputs
from striate.verbs.train import Planned, training
from striate.verbs.workspace import Workspace

NET = "conv 4 3x3 >> relu >> globalavgpool >> flatten >> dense classes"
WISHES = {"net": NET, "epochs": 3, "augment": "standard", "flip": True, "folds": 0}


def test_what_is_foreseen_is_what_is_trained_and_nothing_is_written(tmp_path: Path) -> None:
    folder, runs = paint(tmp_path / "a"), tmp_path / "runs"
    found = foresee(str(folder), Workspace(runs), **WISHES)
    said = json.loads(json.dumps(found.to_dict()))
    assert not runs.exists() and sorted(one.name for one in tmp_path.iterdir()) == ["a"]
    from striate.recipe import Recipe

    events = training(Recipe(source=str(folder), **WISHES), Workspace(runs))  # type: ignore[arg-type]
    planned = next(events)
    events.close()  # type: ignore[attr-defined]
    assert isinstance(planned, Planned)
    assert planned.prepared.config.changed(threads=None) == found.prepared.config.changed(threads=None)
    assert planned.prepared.split == found.prepared.split
    assert said["epochs"] == 3 and said["pictures"] == 42 and said["parts"]["train"] == len(found.prepared.split.train)
    assert found.seconds is not None and 0 < found.seconds < 3600 and "3 epochs of" in found.words


def test_folds_take_longer(tmp_path: Path) -> None:
    folder = paint(tmp_path / "a")
    once = foresee(str(folder), Workspace(tmp_path / "runs"), **WISHES)
    folds = foresee(str(folder), Workspace(tmp_path / "runs"), **{**WISHES, "folds": 5})
    assert "times that for the nets it is measured by" in folds.words
    assert "times that" not in once.words


def test_the_inputs_that_are_shown_are_those_of_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = paint(tmp_path / "a")
    found = network_inputs(str(folder), Workspace(tmp_path / "runs"), pictures=7, draws=2, **WISHES)
    assert [one.label for one in found.pictures] == ["ant", "bee", "cow", "ant", "bee", "cow", "ant"]
    seen: dict[tuple[int, int], Any] = {}
    whole = step.gradients

    def listening(training: Any, batch: Any) -> Any:
        inputs = step.move_pictures(training.model.normalise(batch.pixels), batch.moves)
        back = training.model.normalise(torch.zeros(1, 3, 1, 1, dtype=torch.uint8))
        light = training.model.normalise(torch.full((1, 3, 1, 1), 255, dtype=torch.uint8))
        pixels = ((inputs - back) / (light - back) * 255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
        for row, one in zip(batch.items, pixels, strict=True):
            seen[training.epochs_done, int(row)] = one
        return whole(training, batch)

    monkeypatch.setattr(step, "gradients", listening)
    from striate.recipe import Recipe

    source = found.prepared.source
    for event in training(Recipe(source=str(folder), **WISHES), Workspace(tmp_path / "runs")):  # type: ignore[arg-type]
        if getattr(event, "index", 0) == 2:
            break
    rows = {item.key: row for row, item in enumerate(source.items)}
    for one in found.pictures:
        assert (one.plain == found.prepared.store.pixels[rows[one.key]]).all()
        for epoch in range(2):
            assert (one.drawn[epoch] == seen[epoch, rows[one.key]]).all(), (one.key, epoch)
    assert any((one.drawn[0] != one.drawn[1]).any() for one in found.pictures)
    assert not np.array_equal(found.pictures[0].drawn[0], found.pictures[0].plain)
