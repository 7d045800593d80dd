from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.runs.sample import create, fill, line

from striate.errors import DiskError, RunError
from striate.runs.environment import differences, environment
from striate.runs.run import RunDirectory


def test_a_run_is_numbered_and_last_points_at_it(tmp_path: Path) -> None:
    runs = tmp_path / "deep" / "runs"
    made = [create(runs, stem).name for stem in ("pets", "pets", "cats & dogs!", "", "../up", "pets")]
    assert made == ["pets-1", "pets-2", "cats-dogs-1", "run-1", "up-1", "pets-3"]
    assert (runs / "last").read_text() == "pets-3\n"
    assert RunDirectory.open("last", runs).name == "pets-3"
    assert RunDirectory.open("pets-1", runs).path == runs / "pets-1"
    assert RunDirectory.open(runs / "pets-1", tmp_path / "elsewhere").name == "pets-1"
    assert RunDirectory.open(str(runs / "pets-1")).name == "pets-1"
    run = RunDirectory.open(runs_dir=runs)
    assert (run.recipe_toml(), run.source(), run.environment()) == (
        "epochs = 3\n",
        {"name": "pets"},
        {"python": "3.11"},
    )


def test_a_run_in_the_present_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create(tmp_path / "runs")
    monkeypatch.chdir(tmp_path / "runs" / "pets-1")
    assert RunDirectory.open(".", Path("runs")).name == "pets-1"
    monkeypatch.chdir(tmp_path)
    assert RunDirectory.open().name == "pets-1"


def test_list_sorts_numbers_as_numbers(tmp_path: Path) -> None:
    for _ in range(11):
        create(tmp_path / "runs")
    create(tmp_path / "runs", "cats")
    (tmp_path / "runs" / "pets-99").mkdir()
    names = [run.name for run in RunDirectory.list(tmp_path / "runs")]
    assert names == ["cats-1", *(f"pets-{number}" for number in range(1, 12))]
    assert RunDirectory.list(tmp_path / "none") == []
    assert create(tmp_path / "runs").name == "pets-100"  # whatever stands at 99, it stays


def test_runs_that_cannot_be_opened(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    with pytest.raises(RunError, match=r"no run yet: no folder .*runs\. Train first: striate train <folder"):
        RunDirectory.open("last", runs)
    with pytest.raises(RunError, match="no run yet"):
        RunDirectory.open("pets-1", runs)
    runs.mkdir()
    with pytest.raises(RunError, match="holds no run yet; train first"):
        RunDirectory.open("last", runs)
    create(runs)
    create(runs, "flowers")
    with pytest.raises(
        RunError, match=r"no run 'pest-1' \(did you mean pets-1\?\); the runs in .* are flowers-1, pets-1"
    ):
        RunDirectory.open("pest-1", runs)
    (runs / "pictures").mkdir()
    with pytest.raises(RunError, match=r"pictures is not a run \(it has no recipe.toml\)"):
        RunDirectory.open("pictures", runs)
    (runs / "last").write_text("pets-9\n")
    with pytest.raises(RunError, match=r"no run 'pets-9' \(.*last points at it\)"):
        RunDirectory.open("last", runs)
    (runs / "last").unlink()
    with pytest.raises(RunError, match="nothing says which run is the last; the runs in"):
        RunDirectory.open("last", runs)
    (runs / "pets-1" / "recipe.toml").unlink()
    with pytest.raises(RunError, match="stopped before it began and can be deleted"):
        RunDirectory.open("pets-1", runs)


def test_a_file_where_the_runs_should_be(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(RunError, match="is a file"):
        create(tmp_path / "runs")


def _create_some(runs: Path, found: Any) -> None:
    for _ in range(8):
        run = create(runs)
        found.put(run.name)
        run.unlock()


def test_processes_that_create_at_once_get_different_numbers(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn" if os.name == "nt" else "fork")
    found = context.Queue()
    makers = [context.Process(target=_create_some, args=(tmp_path / "new" / "runs", found)) for _ in range(4)]
    for maker in makers:
        maker.start()
    names = {found.get(timeout=60) for _ in range(32)}
    for maker in makers:
        maker.join()
    assert names == {f"pets-{number}" for number in range(1, 33)}
    assert len(RunDirectory.list(tmp_path / "new" / "runs")) == 32
    assert RunDirectory.open("last", tmp_path / "new" / "runs").name in names


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_creation_that_is_refused_leaves_no_run(tmp_path: Path, refusing: Any, code: int) -> None:
    runs = tmp_path / "runs"
    create(runs).unlock()
    for call in range(1, 60):
        system = refusing(at_call=call, code=code)
        try:
            create(runs, system=system).unlock()
        except DiskError:
            # Only the name "last" may already have been changed, when its directory would not sync.
            assert [run.name for run in RunDirectory.list(runs)] == ["pets-1"]
            assert sorted(path.name for path in runs.iterdir() if path.name != "last") == ["pets-1"]
        else:
            if not system.refused:
                break
            # Who holds the lock is written for people to read; when that is refused, nothing is lost.
            assert system.refused in ("truncate", "write")
            shutil.rmtree(runs / "pets-2")
    assert call > 25


# History


def test_the_history_is_lines_of_json(tmp_path: Path) -> None:
    run = create(tmp_path)
    assert run.history() == []
    run.append({"index": 1, "val_loss": float("nan"), "metrics": {"accuracy": np.float32(0.5)}, "size": (3, 4)})
    run.append({"index": 2, "name": "Füße \n \ud800"})
    assert run.history() == [
        {"index": 1, "val_loss": None, "metrics": {"accuracy": 0.5}, "size": [3, 4]},
        {"index": 2, "name": "Füße \n \ud800"},
    ]
    assert len((run.path / "history.jsonl").read_bytes().split(b"\n")) == 3
    with pytest.raises(ValueError, match="index"):
        run.append({"loss": 1.0})


@pytest.mark.parametrize(
    "torn", [b'{"index": 3, "val', b"\0" * 40, b"\0" * 30 + b"0.5}\n", b"{}\n", b"[" * 100_000 + b"\n"]
)
def test_a_torn_line_is_as_if_never_written(tmp_path: Path, torn: bytes) -> None:
    run = fill(create(tmp_path), 1, 2)
    whole = (run.path / "history.jsonl").read_bytes()
    with (run.path / "history.jsonl").open("ab") as stream:
        stream.write(torn)
    reader = RunDirectory.open("last", tmp_path)
    assert reader.history() == [line(1), line(2)]
    assert (run.path / "history.jsonl").read_bytes() == whole + torn  # reading changes nothing
    run.unlock()
    with reader.locked():
        assert (run.path / "history.jsonl").read_bytes() == whole
        reader.append(line(3))
    assert run.history() == [line(1), line(2), line(3)]


def test_damage_inside_the_history_is_named(tmp_path: Path) -> None:
    run = create(tmp_path)
    (run.path / "history.jsonl").write_text('{"index": 1}\nrubbish\n{"index": 3}\n')
    with pytest.raises(RunError, match="damaged in line 2"):
        run.history()


def test_truncate_history(tmp_path: Path) -> None:
    run = fill(create(tmp_path), 1, 2, 3, 4)
    run.truncate_history(2)
    assert run.history() == [line(1), line(2)]
    before = (run.path / "history.jsonl").stat().st_ino
    run.truncate_history(7)
    assert (run.path / "history.jsonl").stat().st_ino == before
    run.truncate_history(0)
    assert run.history() == []


# The rest


def test_split_json_and_report(tmp_path: Path) -> None:
    run = create(tmp_path)
    with pytest.raises(RunError, match="stopped before its pictures were split"):
        run.split()
    run.write_json("split.json", {"train": ("a/1.jpg", "b/\udcff.jpg"), "val": [], "test": ["c"]})
    assert run.split() == {"train": ["a/1.jpg", "b/\udcff.jpg"], "val": [], "test": ["c"]}
    run.write_json("extra.json", {"loss": float("inf"), "value": np.float64(0.25), 3: (1, 2)})
    assert run.read_json("extra.json") == {"loss": None, "value": 0.25, "3": [1, 2]}
    assert "Infinity" not in (run.path / "extra.json").read_text()
    for name in ("../x", "a/b", "..", ""):
        with pytest.raises(ValueError, match="not the name of a file"):
            run.write_json(name, 1)
    with pytest.raises(RunError, match=r"has no none\.json"):
        run.read_json("none.json")
    (run.path / "extra.json").write_text("{")
    with pytest.raises(RunError, match="damaged"):
        run.read_json("extra.json")
    (run.path / "source.json").write_text("[]")
    with pytest.raises(RunError, match="damaged"):
        run.source()
    run.write_report("<p>ü")
    assert run.report_path.read_bytes() == "<p>ü".encode()


def test_finish_and_reopen(tmp_path: Path) -> None:
    run = create(tmp_path)
    assert (run.finished(), run.state()) == (False, "training")
    run.finish({"accuracy": 0.9})
    run.unlock()
    assert (run.finished(), run.state()) == (True, "finished")
    assert json.loads((run.path / "finished.json").read_text()) == {"accuracy": 0.9}
    run.reopen("epochs = 9\n")
    assert (run.finished(), run.recipe_toml(), run.state()) == (False, "epochs = 9\n", "stopped")


def test_reading_a_run_imports_neither_torch_nor_numpy(tmp_path: Path) -> None:
    fill(create(tmp_path), 1).unlock()
    code = (
        "import sys\nfrom pathlib import Path\nfrom striate.runs.run import RunDirectory\n"
        "from striate.runs.environment import environment\n"
        f"run = RunDirectory.open('last', Path({str(tmp_path)!r}))\n"
        "run.history(), run.state(), run.source(), environment()\n"
        "print([name for name in ('torch', 'numpy', 'safetensors') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_environment() -> None:
    facts = environment(device="cpu", threads=3)
    assert json.loads(json.dumps(facts)) == facts
    assert facts["torch"] == torch.__version__
    assert facts["numpy"] == np.__version__
    assert (facts["threads"], facts["device"]) == (3, "cpu")
    assert environment()["threads"] == torch.get_num_threads()
    assert facts["cpus"] >= 1
    assert differences(facts, facts) == []
    assert differences(facts, {**facts, "threads": 4, "python": "3.99"}) == ["threads was 3 and is 4"]
    assert differences({**facts, "device": None}, facts) == []
