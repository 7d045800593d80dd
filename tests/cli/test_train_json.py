"""`striate train --json`: each line an event, the last how it ended; `--dry-run` trains nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from tests.pictures import paint

from striate.cli.train import command
from striate.errors import StriateError
from striate.runs.run import RunDirectory

NET = "conv 4 3x3 >> relu >> globalavgpool >> flatten >> dense classes"


def run(*words: str) -> list[dict[str, object]]:
    done = CliRunner().invoke(command, [*words], catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, StriateError | SystemExit):
        raise done.exception
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_line_is_an_event_and_the_epochs_are_those_of_the_history(tmp_path: Path) -> None:
    folder = paint(tmp_path / "a<b>")
    said = run(
        str(folder), "--net", NET, "--epochs", "2", "--folds", "none", "--json", "--runs-dir", str(tmp_path / "r")
    )
    kinds = [one["event"] for one in said]
    assert kinds[-2:] == ["finishing", "finished"] and kinds.count("epoch") == 2 and "planned" in kinds
    history = RunDirectory.open("last", tmp_path / "r").history()
    told = [{name: one[name] for name in history[0]} for one in said if one["event"] == "epoch"]
    assert told == history
    assert (str(said[-1]["figure"]).startswith("accuracy") and said[-1]["run"] == "a-b-1") or said[-1]["run"]


def test_what_fails_is_said_as_the_last_line(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    said = run(str(tmp_path / "none"), "--json", "--runs-dir", str(tmp_path / "r"))
    assert said[-1]["event"] == "failed" and str(tmp_path / "none") in str(said[-1]["error"])


def test_a_dry_run_writes_what_was_asked_for_alone(tmp_path: Path) -> None:
    folder, sheet = paint(tmp_path / "a"), tmp_path / "inputs.png"
    words = [
        str(folder),
        "--net",
        NET,
        "--epochs",
        "2",
        "--folds",
        "none",
        "--runs-dir",
        str(tmp_path / "r"),
        "--dry-run",
    ]
    done = CliRunner().invoke(command, [*words, "--inputs", str(sheet)], catch_exceptions=False)
    assert "about" in done.stdout and "42 pictures, 3 classes" in done.stdout and not (tmp_path / "r").exists()
    assert Image.open(sheet).size == (6 * 134 + 6, 6 * 134 - 6)  # the picture and five epochs of it, six of them
    sheet.write_text("not ours")
    with pytest.raises(StriateError, match="not ours"):
        CliRunner().invoke(command, [*words, "--inputs", str(sheet)], catch_exceptions=False)
    with pytest.raises(StriateError, match="goes with --dry-run"):
        CliRunner().invoke(command, [str(folder), "--inputs", str(sheet)], catch_exceptions=False)
