"""``striate runs`` as a person types it."""

from __future__ import annotations

import io
import json
import sys

import pytest
from tests.cli.stage import Place

from striate.runs.run import RunDirectory


def test_list_and_remove(place: Place) -> None:
    assert "train first" in place("runs").done().out
    for accuracy in (0.9, 0.8):
        recipe = 'task = "classify"\nnet = "tiny"\n'
        run = RunDirectory.create(place.path / "runs", "pets", recipe, source={"name": "pets"}, environment={})
        run.finish({"accuracy": {"value": accuracy, "low": 0.7, "high": 0.95}, "part": "test", "pictures": 1234})
        run.unlock()
    shown = place("runs").done().out
    assert "pets-1  pets  tiny  90.0 % (70.0 to 95.0)  1,234 test" in shown
    assert {run["name"] for run in json.loads(place("runs", "--json").done().out)} == {"pets-1", "pets-2"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.StringIO("n\n"))
        asked = place("runs", "remove", "pets-1")
    assert asked.code == 130 and (place.path / "runs" / "pets-1").is_dir()
    assert place("runs", "remove", "pets-1", "--yes").done().out.startswith("removed pets-1, ")
    assert not (place.path / "runs" / "pets-1").exists()
    place("runs", "remove", "pets-1", "--yes").refused("no run 'pets-1'")
