"""Another name for a run, and a note about it: kept, whole, and refused where they would do harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.verbs.test_runs import made

from striate.errors import RunError
from striate.runs import names
from striate.runs.run import RunDirectory
from striate.verbs.run_notes import note_run, rename_run
from striate.verbs.runs import recent_runs, runs
from striate.verbs.workspace import Workspace


def test_a_renamed_run_is_the_same_and_last_follows(tmp_path: Path) -> None:
    here = Workspace(tmp_path)
    run = made(tmp_path, accuracy=0.8)
    before = {path.name: path.read_bytes() for path in run.path.iterdir() if path.is_file() and path.name != "lock"}
    assert names.last(tmp_path) == "pets-1" and rename_run("last", "kept.best", here) == "kept.best"
    after = tmp_path / "kept.best"
    assert before == {path.name: path.read_bytes() for path in after.iterdir() if path.name in before}
    assert names.names(tmp_path) == ["kept.best"] and names.last(tmp_path) == "kept.best"
    second = made(tmp_path)
    rename_run("kept.best", "first", here)
    assert names.last(tmp_path) == second.name, "only where it was the one"


@pytest.mark.parametrize("to", ["last", "a/b", "..", "", "a b", ".hidden", "x" * 51, "<b>", "\0"])
def test_names_that_no_run_can_have_are_refused(tmp_path: Path, to: str) -> None:
    made(tmp_path)
    with pytest.raises(RunError, match="is no name of a run"):
        rename_run("pets-1", to, Workspace(tmp_path))
    assert names.names(tmp_path) == ["pets-1"]


def test_a_taken_name_a_training_run_and_a_link_are_refused(tmp_path: Path) -> None:
    first, second = made(tmp_path), made(tmp_path)
    here = Workspace(tmp_path)
    with pytest.raises(RunError, match="is there already"):
        rename_run("pets-1", "pets-2", here)
    with second.locked(), pytest.raises(RunError, match="is being trained"):
        rename_run("pets-2", "other", here)
    (tmp_path / "link").symlink_to(first.path)
    with pytest.raises(RunError, match="is a link"):
        rename_run("link", "other", here)
    assert rename_run("pets-2", "other", here) == "other", "the lock was given back"


def test_a_note_is_kept_in_the_run_and_goes_with_no_text(tmp_path: Path) -> None:
    run, here = made(tmp_path, accuracy=0.8), Workspace(tmp_path)
    assert note_run("pets-1", "  mirrored <b>pictures</b>\n", here) == "mirrored <b>pictures</b>"
    assert RunDirectory(run.path).note() == "mirrored <b>pictures</b>" == runs(here)[0].note
    assert rename_run("pets-1", "mine", here) and runs(here)[0].note.startswith("mirrored")
    with pytest.raises(RunError, match="2,000 signs at most"):
        note_run("mine", "x" * 2001, here)
    note_run("mine", "", here)
    assert runs(here)[0].note == "" and not (tmp_path / "mine" / "note.txt").exists()
    (tmp_path / "mine" / "note.txt").write_bytes(b"\xff\xfe\x00")
    assert runs(here)[0].note == "", "a damaged note hides no run"


def test_the_recent_ones_are_those_of_the_whole_list(tmp_path: Path) -> None:
    import os

    here = Workspace(tmp_path)
    for number in range(25):
        run = made(tmp_path, accuracy=0.8 if number % 2 else None)
        for path in run.path.iterdir():
            os.utime(path, (1_000_000 + number, 1_000_000 + number))
    whole = [one.name for one in runs(here)]
    found, of = recent_runs(here, most=10)
    assert [one.name for one in found] == whole[:10] and of == 25
    assert [one.name for one in recent_runs(here, begin=20, most=10)[0]] == whole[20:]
    assert all(one.figure is not None for one in recent_runs(here, finished=True)[0])
    some, of = recent_runs(here, named="PETS-1")
    assert {one.name for one in some} == {"pets-1", *(f"pets-{number}" for number in range(10, 20))} and of == 11
    assert recent_runs(Workspace(tmp_path / "nowhere")) == ([], 0)
