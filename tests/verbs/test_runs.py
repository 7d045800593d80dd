"""The list of runs from plain files, and removing one: nothing lost that was not named."""

from __future__ import annotations

from pathlib import Path

import pytest

from striate.errors import RunError
from striate.runs import names
from striate.runs.run import RunDirectory
from striate.verbs.runs import remove, runs
from striate.verbs.workspace import Workspace


def made(runs_dir: Path, stem: str = "pets", *, accuracy: float | None = None) -> RunDirectory:
    run = RunDirectory.create(
        runs_dir, stem, 'task = "classify"\nnet = "tiny"\n', source={"name": stem}, environment={}
    )
    if accuracy is not None:
        figure = {"value": accuracy, "low": accuracy - 0.1, "high": accuracy + 0.1}
        run.finish({"accuracy": figure, "part": "test", "pictures": 30})
    run.unlock()
    return run


def test_each_run_says_what_it_came_to(tmp_path: Path) -> None:
    made(tmp_path, accuracy=0.8)
    made(tmp_path)
    found = {run.name: run for run in runs(Workspace(tmp_path))}
    assert found["pets-1"].figure == pytest.approx((0.8, 0.7, 0.9))
    assert (found["pets-1"].pictures, found["pets-1"].part, found["pets-1"].net) == (30, "test", "tiny")
    assert found["pets-2"].figure is None and found["pets-2"].state == "stopped"
    assert found["pets-1"].bytes == sum(p.stat().st_size for p in (tmp_path / "pets-1").rglob("*") if p.is_file())
    assert runs(Workspace(tmp_path / "nowhere")) == []


@pytest.mark.parametrize("file", ["finished.json", "source.json", "recipe.toml"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"= ="])
def test_a_damaged_run_hides_no_other(tmp_path: Path, file: str, content: bytes) -> None:
    made(tmp_path, accuracy=0.8)
    broken = made(tmp_path, accuracy=0.7)
    (broken.path / file).write_bytes(content)
    found = {run.name: run for run in runs(Workspace(tmp_path))}
    assert found["pets-1"].figure is not None and not found["pets-1"].damaged
    assert "pets-2" in found


def test_removed_is_gone_and_last_is_the_newest_that_remains(tmp_path: Path) -> None:
    for _ in range(3):
        made(tmp_path)
    size = sum(p.stat().st_size for p in (tmp_path / "pets-3").rglob("*") if p.is_file())
    assert remove(["last"], workspace=Workspace(tmp_path)) == [("pets-3", size)]
    assert names.names(tmp_path) == ["pets-1", "pets-2"] and names.last(tmp_path) == "pets-2"
    remove(["pets-1", "pets-2", "pets-1"], workspace=Workspace(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_removed_unless_all_can_be(tmp_path: Path) -> None:
    made(tmp_path)
    training = made(tmp_path)
    with pytest.raises(RunError, match="no run 'pets-9'"):
        remove(["pets-1", "pets-9"], workspace=Workspace(tmp_path))
    with training.locked(), pytest.raises(RunError, match="being trained") as refused:
        remove(["pets-1", "pets-2"], workspace=Workspace(tmp_path))
    with RunDirectory.open("pets-1", tmp_path).locked():  # given back, though the traceback is still there
        assert refused.value
    assert names.names(tmp_path) == ["pets-1", "pets-2"]


def test_a_run_by_its_path_leaves_its_own_folder_in_order(tmp_path: Path) -> None:
    for folder in ("a", "a", "b"):
        (tmp_path / folder).mkdir(exist_ok=True)
        made(tmp_path / folder)
    remove([str(tmp_path / "a" / "pets-2")], workspace=Workspace(tmp_path / "b"))
    assert names.last(tmp_path / "a") == "pets-1" and names.last(tmp_path / "b") == "pets-1"
    (tmp_path / "b" / "link").symlink_to(tmp_path / "a" / "pets-1")
    with pytest.raises(RunError, match=r"is a link to .*a/pets-1; remove the run itself"):
        remove(["link", "pets-1"], workspace=Workspace(tmp_path / "b"))
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == ["last", "link", "pets-1"]


def test_a_kill_leaves_no_half_run(tmp_path: Path) -> None:
    made(tmp_path)
    left = tmp_path / ".removing-pets-7"
    left.mkdir()
    (left / "recipe.toml").write_text("")
    assert [run.name for run in runs(Workspace(tmp_path))] == ["pets-1"]
    remove(["pets-1"], workspace=Workspace(tmp_path))
    assert not left.exists()
