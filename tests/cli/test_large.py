"""Input that is only large: one line each, exit code 2, whatever the option."""

from __future__ import annotations

from pathlib import Path

import pytest

from striate.cli.main import main
from striate.errors import RunError
from striate.runs.run import RunDirectory

NINES = "9" * 5000
DEEP = "[" * 5000 + "]" * 5000


@pytest.mark.parametrize(
    "words",
    [
        ["describe", "lenet5", "--input", f"1x{NINES}x8"],
        ["describe", "lenet5", "--input", NINES],
        ["walk", "--input", NINES],
        ["walk", "--kernel", NINES],
        ["train", "digits", "--size", NINES],
        ["train", "digits", "--size", f"{NINES}x8"],
        ["train", "digits", "--threads", "1e20"],
        ["train", "digits", "--threads", "100000000000000000000"],
        ["train", "digits", "--recipe", NINES],
        ["train", "digits", "--set", f"epochs={NINES}"],
        ["train", "digits", "--set", f"net={DEEP}"],
        ["evaluate", NINES],
        ["evaluate", "a" * 300],
        ["predict", "x.png", "--top", NINES],
        ["dot", "x.png", "--at", f"{NINES},1"],
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_one_line_and_no_traceback(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["striate", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert 0 < len(said) < 1500
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_that_is_nested_deeply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("deep.toml").write_text(f"net = {DEEP}\n")
    monkeypatch.setattr("sys.argv", ["striate", "train", "digits", "--recipe", "deep.toml"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert capsys.readouterr().err == "striate: deep.toml is nested too deeply to be a recipe\n"


def test_a_folder_of_runs_as_text(tmp_path: Path) -> None:
    made = RunDirectory.create(tmp_path, "pets", "epochs = 3\n", source={}, environment={})
    assert (
        RunDirectory.open(made.name, str(tmp_path)).name == RunDirectory.open("last", str(tmp_path)).name == made.name
    )
    assert [run.name for run in RunDirectory.list(str(tmp_path))] == [made.name]
    with pytest.raises(RunError, match="no file is called so"):
        RunDirectory.open("a\0b", tmp_path)
