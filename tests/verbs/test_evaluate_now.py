"""A run that is still being trained is measured by its newest checkpoint, as it would be if it ended there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.pictures import paint

from striate.errors import ModelError, RunError
from striate.recipe import Recipe
from striate.verbs.evaluate import evaluate
from striate.verbs.train import Finished, resume, training
from striate.verbs.workspace import Workspace

NET = "conv 4 3x3 >> relu >> globalavgpool >> flatten >> dense classes"


def begun(folder: Path, runs: Path, *, after: int, epochs: int = 4, **wishes: object) -> None:
    recipe = Recipe(source=str(folder), net=NET, epochs=epochs, folds=0, schedule="constant", **wishes)
    events = training(recipe, Workspace(runs))
    for event in events:
        if getattr(event, "index", 0) == after or (not after and not isinstance(event, Finished)):
            events.close()  # type: ignore[attr-defined]
            return


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_it_is_measured_as_if_it_ended_there(tmp_path: Path, ema: float) -> None:
    folder, runs = paint(tmp_path / "zoo"), tmp_path / "runs"
    begun(folder, runs, after=2, ema=ema)
    before = {one: one.stat().st_mtime_ns for one in (runs / "zoo-1").rglob("*") if one.is_file()}
    now = evaluate("zoo-1", workspace=Workspace(runs))
    after = {one: one.stat().st_mtime_ns for one in (runs / "zoo-1").rglob("*") if one.is_file()}
    assert before == after and now.part == "val" and "after 2 epochs of 4" in now.notes[-1]
    begun(folder, tmp_path / "whole", after=99, epochs=2, ema=ema)
    whole = evaluate("zoo-1", split="val", workspace=Workspace(tmp_path / "whole"))
    assert whole.keys == now.keys
    assert np.allclose(now.outputs["logits"], whole.outputs["logits"], atol=1e-5)
    resume("zoo-1", workspace=Workspace(runs))  # and it was not touched
    assert evaluate("zoo-1", workspace=Workspace(runs)).part == "test"


def test_test_pictures_are_for_the_end_and_without_a_checkpoint_there_is_nothing(tmp_path: Path) -> None:
    folder, runs = paint(tmp_path / "zoo"), tmp_path / "runs"
    begun(folder, runs, after=1)
    with pytest.raises(RunError, match="until its end it is asked about val or train, not test"):
        evaluate("zoo-1", split="test", workspace=Workspace(runs))
    assert evaluate("zoo-1", split="train", workspace=Workspace(runs)).part == "train"
    for one in (runs / "zoo-1" / "checkpoints").iterdir():
        one.unlink()
    with pytest.raises(ModelError, match="has no model yet"):
        evaluate("zoo-1", workspace=Workspace(runs))
