from __future__ import annotations

import contextlib
import errno
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pytest
import torch

from striate.errors import DiskError, RunError
from striate.runs import checkpoints
from striate.runs.environment import differences, environment
from striate.runs.run import Run


def create(runs: Path, stem: str = "pets", **options: Any) -> Run:
    return Run.create(runs, stem, "epochs = 3\n", source={"name": stem}, environment={"python": "3.11"}, **options)


def line(epoch: int) -> dict[str, Any]:
    return {"index": epoch, "val_loss": 1 / epoch}


def weights(epoch: int) -> dict[str, torch.Tensor]:
    return {
        "weights.conv1.weight": torch.full((3, 2), float(epoch)),
        "optimiser.conv1.weight.exp_avg": torch.linspace(0, epoch, 7).to(torch.bfloat16),
        "sums": torch.tensor([epoch, 2.0], dtype=torch.float64),
        "nothing": torch.empty(0, 4),
    }


def fill(run: Run, *epochs: int) -> Run:
    for epoch in epochs:
        run.append(line(epoch))
        run.checkpoint(weights(epoch), {"epochs_done": epoch})
    return run


# Create, open, names


def test_a_run_is_numbered_and_last_points_at_it(tmp_path: Path) -> None:
    runs = tmp_path / "deep" / "runs"
    made = [create(runs, stem).name for stem in ("pets", "pets", "cats & dogs!", "", "../up", "pets")]
    assert made == ["pets-1", "pets-2", "cats-dogs-1", "run-1", "up-1", "pets-3"]
    assert (runs / "last").read_text() == "pets-3\n"
    assert Run.open("last", runs).name == "pets-3"
    assert Run.open("pets-1", runs).path == runs / "pets-1"
    assert Run.open(runs / "pets-1", tmp_path / "elsewhere").name == "pets-1"
    assert Run.open(str(runs / "pets-1")).name == "pets-1"
    run = Run.open(runs_dir=runs)
    assert (run.recipe_toml(), run.source(), run.environment()) == (
        "epochs = 3\n",
        {"name": "pets"},
        {"python": "3.11"},
    )


def test_a_run_in_the_present_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create(tmp_path / "runs")
    monkeypatch.chdir(tmp_path / "runs" / "pets-1")
    assert Run.open(".", Path("runs")).name == "pets-1"
    monkeypatch.chdir(tmp_path)
    assert Run.open().name == "pets-1"


def test_list_sorts_numbers_as_numbers(tmp_path: Path) -> None:
    for _ in range(11):
        create(tmp_path / "runs")
    create(tmp_path / "runs", "cats")
    (tmp_path / "runs" / "pets-99").mkdir()
    names = [run.name for run in Run.list(tmp_path / "runs")]
    assert names == ["cats-1", *(f"pets-{number}" for number in range(1, 12))]
    assert Run.list(tmp_path / "none") == []
    assert create(tmp_path / "runs").name == "pets-100"  # whatever stands at 99, it stays


def test_runs_that_cannot_be_opened(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    with pytest.raises(RunError, match=r"no run yet: no folder .*runs\. Train first: striate train <folder"):
        Run.open("last", runs)
    with pytest.raises(RunError, match="no run yet"):
        Run.open("pets-1", runs)
    runs.mkdir()
    with pytest.raises(RunError, match="holds no run yet; train first"):
        Run.open("last", runs)
    create(runs)
    create(runs, "flowers")
    with pytest.raises(
        RunError, match=r"no run 'pest-1' \(did you mean pets-1\?\); the runs in .* are flowers-1, pets-1"
    ):
        Run.open("pest-1", runs)
    (runs / "pictures").mkdir()
    with pytest.raises(RunError, match=r"pictures is not a run \(it has no recipe.toml\)"):
        Run.open("pictures", runs)
    (runs / "last").write_text("pets-9\n")
    with pytest.raises(RunError, match=r"no run 'pets-9' \(.*last points at it\)"):
        Run.open("last", runs)
    (runs / "last").unlink()
    with pytest.raises(RunError, match="nothing says which run is the last; the runs in"):
        Run.open("last", runs)
    (runs / "pets-1" / "recipe.toml").unlink()
    with pytest.raises(RunError, match="stopped before it began and can be deleted"):
        Run.open("pets-1", runs)


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
    assert len(Run.list(tmp_path / "new" / "runs")) == 32
    assert Run.open("last", tmp_path / "new" / "runs").name in names


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
            assert [run.name for run in Run.list(runs)] == ["pets-1"]
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
    reader = Run.open("last", tmp_path)
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


# Checkpoints


def test_a_checkpoint_comes_back_to_the_bit(tmp_path: Path) -> None:
    run = create(tmp_path)
    assert run.latest_checkpoint() is None
    tensors = {
        f"{dtype}".removeprefix("torch."): torch.arange(-3, 9).reshape(3, 4).to(dtype)
        for dtype in (
            torch.float64,
            torch.float32,
            torch.float16,
            torch.bfloat16,
            torch.int64,
            torch.int32,
            torch.int16,
        )
    } | {
        "int8": torch.tensor(-5, dtype=torch.int8),
        "uint8": torch.arange(5).byte(),
        "bool": torch.tensor([True, False]),
    }
    tensors["strided"] = torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1)
    tensors["channels last"] = torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last)
    tensors["minus zero"] = torch.tensor([-0.0, 5e-324, 1e308], dtype=torch.float64)
    facts = {
        "epochs_done": 3,
        "best": None,
        "rate": 0.1 + 0.2,
        "inf": float("inf"),
        "names": ["é", "\n"],
        "seed": 2**63 - 1,
    }
    path = run.checkpoint(tensors, facts)
    assert path == run.path / "checkpoints" / "3.safetensors"
    found = run.latest_checkpoint()
    assert found is not None
    assert found[1] == facts
    assert set(found[0]) == set(tensors)
    for name, tensor in tensors.items():
        assert found[0][name].dtype == tensor.dtype
        assert found[0][name].shape == tensor.shape
        assert found[0][name].contiguous().view(-1).view(torch.uint8).tolist() == (
            tensor.contiguous().view(-1).view(torch.uint8).tolist()
        )
    assert b"pickle" not in path.read_bytes()


def test_the_newest_two_are_kept(tmp_path: Path) -> None:
    run = create(tmp_path)
    for epoch in range(1, 13):
        run.append(line(epoch))
        run.checkpoint(weights(epoch), {"epochs_done": epoch})
        run.checkpoint(weights(epoch), {"epochs_done": epoch, "step": 5})  # inside the next epoch
        assert list(checkpoints.saved(run.path / "checkpoints")) == [epoch - 1, epoch][epoch == 1 :]
    found = run.latest_checkpoint()
    assert found is not None
    assert found[1] == {"epochs_done": 12, "step": 5}


@pytest.mark.parametrize("damage", ["bit in the weights", "bit in the facts", "cut", "empty", "foreign"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(tmp_path: Path, damage: str) -> None:
    run = fill(create(tmp_path), 1, 2, 3)
    path = run.path / "checkpoints" / "3.safetensors"
    content = bytearray(path.read_bytes())
    if damage == "bit in the weights":
        content[-3] ^= 1
    elif damage == "bit in the facts":
        at = content.index(b"epochs_done")
        content[at] ^= 2
    elif damage == "cut":
        content = content[:-1]
    elif damage == "empty":
        content = bytearray()
    else:
        content = bytearray(b"\2\0\0\0\0\0\0\0{}")
    path.write_bytes(content)
    found = run.latest_checkpoint()
    assert found is not None
    assert found[1] == {"epochs_done": 2}
    assert torch.equal(found[0]["sums"], weights(2)["sums"])
    assert "checkpoint of epoch 3 cannot be used" in run.notes[0]
    assert "3.safetensors" in run.notes[0]
    assert "epoch 2" in run.notes[1]
    # Going on: what was damaged is replaced, and what was whole stays until the next is.
    run.truncate_history(2)
    run.checkpoint(weights(2), {"epochs_done": 2, "step": 1})
    assert list(checkpoints.saved(run.path / "checkpoints")) == [2]
    fill(run, 3)
    assert list(checkpoints.saved(run.path / "checkpoints")) == [2, 3]
    assert run.history() == [line(1), line(2), line(3)]


def test_every_single_bit_of_a_checkpoint_is_guarded(tmp_path: Path) -> None:
    run = fill(create(tmp_path), 1)
    path = run.path / "checkpoints" / "1.safetensors"
    content = path.read_bytes()
    draw = random.Random(0)
    for _ in range(300):
        at, bit = draw.randrange(len(content)), draw.randrange(8)
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
        with pytest.raises(RunError, match=r"epoch 1 cannot be used|is of format"):
            run.latest_checkpoint()


def test_when_all_are_damaged_nothing_is_silently_begun_again(tmp_path: Path) -> None:
    run = fill(create(tmp_path), 1, 2)
    for path in (run.path / "checkpoints").iterdir():
        path.write_bytes(b"x" * 100)
    with pytest.raises(RunError, match=r"epoch 2 cannot .*epoch 1 cannot .*No checkpoint is left"):
        run.latest_checkpoint()


def test_a_checkpoint_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    run = fill(create(tmp_path), 1)
    for bad in (float("nan"), float("inf")):
        with pytest.raises(RunError, match=r"epoch 2 is refused: weights\.x holds numbers that are not finite"):
            run.checkpoint({"weights.x": torch.tensor([1.0, bad])}, {"epochs_done": 2})
    assert list(checkpoints.saved(run.path / "checkpoints")) == [1]
    with pytest.raises(ValueError, match="epochs_done"):
        run.checkpoint(weights(2), {})


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_when_the_disk_refuses_the_old_checkpoint_lives(tmp_path: Path, refusing: Any, code: int) -> None:
    fill(create(tmp_path), 1, 2).unlock()
    for call in range(1, 30):
        system = refusing(at_call=call, code=code)
        run = Run(tmp_path / "pets-1", system=system)
        try:
            run.checkpoint(weights(3), {"epochs_done": 3})
        except DiskError as error:
            assert "3.safetensors" in str(error)
            assert "The checkpoint of epoch 2 is untouched; striate train --resume" in str(error)
            found = run.latest_checkpoint()
            assert found is not None
            assert found[1]["epochs_done"] == (3 if system.refused == "sync directory" else 2)
            assert run.notes == []
            (run.path / "checkpoints" / "3.safetensors").unlink(missing_ok=True)
        else:
            break
    assert call >= 6
    # Once there is room again it goes on.
    run = fill(Run.open("last", tmp_path), 3)
    assert list(checkpoints.saved(run.path / "checkpoints")) == [2, 3]


# One process at a time


def _train_for_ever(runs: Path, said: int) -> None:
    """Train until killed; every epoch whose checkpoint is promised is told through the pipe."""
    run = Run.open("last", runs)
    with run.locked():
        found = run.latest_checkpoint()
        done = found[1]["epochs_done"] if found else 0
        run.truncate_history(done)
        whole = not run.notes and run.history() == [line(epoch) for epoch in range(1, done + 1)]
        whole &= not found or torch.equal(found[0]["w"], torch.full((200, 50), float(done)))
        os.write(said, f"{'ready' if whole else 'not whole'} {done}\n".encode())
        while True:
            done += 1
            run.append(line(done))
            run.checkpoint({"w": torch.full((200, 50), float(done))}, {"epochs_done": done})
            run.write_json("split.json", {"train": ["x"] * 100, "test": [str(done)]})
            os.write(said, f"{done}\n".encode())


@contextlib.contextmanager
def _trainer(runs: Path) -> Iterator[tuple[int, TextIO]]:
    """A process that trains, and what it says; it is killed at the end, if not before."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            _train_for_ever(runs, write)
        os._exit(1)
    os.close(write)
    try:
        with os.fdopen(read, encoding="utf-8") as said:
            yield child, said
            os.kill(child, signal.SIGKILL)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_killed_at_any_moment(tmp_path: Path, kills: int) -> None:
    """Real processes, really killed: the next one finds a whole run, the lock free, and nothing promised missing."""
    run = create(tmp_path)
    run.unlock()
    draw = random.Random(kills)
    done = 0
    for _ in range(kills):
        with _trainer(tmp_path) as (child, said):
            assert said.readline() == f"ready {done}\n"
            time.sleep(draw.random() * 0.1)
            os.kill(child, signal.SIGKILL)
            told = [int(number) for number in said]
        found = Run.open("last", tmp_path).latest_checkpoint()
        promised, done = told[-1] if told else done, found[1]["epochs_done"] if found else 0
        assert done in (promised, promised + 1)
        assert not list(tmp_path.rglob("*.tmp"))
        if (run.path / "split.json").exists():
            assert 0 < int(run.split()["test"][0]) <= done  # an older one, but whole
    assert done > kills // 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_killed_after_any_call(tmp_path: Path) -> None:
    """A process that kills itself after its n-th call, for every n of a few epochs: no moment is left to chance."""
    reached = 0
    fill(create(tmp_path / "0"), 1, 2).unlock()
    for call in range(1, 80):
        runs = shutil.copytree(tmp_path / "0", tmp_path / str(call))
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException):
                _train_until(runs, call)
            os._exit(1)
        status = os.waitpid(child, 0)[1]
        run = Run.open("last", runs)
        with run.locked():
            found = run.latest_checkpoint()
            assert found is not None
            assert not run.notes
            done = found[1]["epochs_done"]
            assert torch.equal(found[0]["sums"], weights(done)["sums"])
            reached = max(reached, done)
            run.truncate_history(done)
            assert run.history() == [line(epoch) for epoch in range(1, done + 1)]
        assert not list(runs.rglob(".*"))
        if not os.WIFSIGNALED(status):
            break
    assert reached == 4
    assert call > 20


def _train_until(runs: Path, call: int) -> None:
    class Killed:
        calls = 0

        def __getattr__(self, name: str) -> Any:
            def run_and_count(*arguments: Any) -> Any:
                result = getattr(checkpoints.durable.SYSTEM, name)(*arguments)
                self.calls += 1
                if self.calls == call:
                    os.kill(os.getpid(), signal.SIGKILL)
                return result

            return run_and_count

    run = Run.open("last", runs, system=Killed())  # type: ignore[arg-type]
    run.lock()
    fill(run, 3, 4)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_two_processes_never_train_one_run(tmp_path: Path) -> None:
    run = create(tmp_path)
    run.unlock()
    with _trainer(tmp_path) as (child, said):
        assert said.readline() == "ready 0\n"
        assert run.state() == "training"
        with pytest.raises(RunError, match=rf"pets-1 is being trained by process {child} on .*; wait for it"):
            run.lock()
    assert run.state() == "stopped"
    with run.locked():
        assert run.state() == "training"
        with pytest.raises(RunError, match=f"process {os.getpid()}"):
            Run.open("last", tmp_path).lock()
        with run.locked():  # the same Run asks again
            pass
    assert run.state() == "stopped"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_a_forked_worker_does_not_keep_the_lock(tmp_path: Path) -> None:
    """A worker that outlives its killed parent must not block the run."""
    create(tmp_path).unlock()
    gate, held = os.pipe(), os.pipe()
    trainer = os.fork()
    if not trainer:
        Run.open("last", tmp_path).lock()  # dropped at once, but a Run that is used is kept:
        run = Run.open("last", tmp_path)
        run.lock()
        if not os.fork():
            os.close(gate[1])
            os.read(gate[0], 1)  # the worker waits until the test is over
            os._exit(0)
        os.write(held[1], b"x")
        time.sleep(60)
        os._exit(0)
    os.read(held[0], 1)
    run = Run.open("last", tmp_path)
    assert run.state() == "training"
    os.kill(trainer, signal.SIGKILL)
    os.waitpid(trainer, 0)
    run.lock()
    for end in (*gate, *held):
        os.close(end)


def test_a_lock_is_freed_with_its_run(tmp_path: Path) -> None:
    run = create(tmp_path)
    assert run.state() == "training"
    del run
    assert Run.open("last", tmp_path).state() == "stopped"


# The rest


def test_split_json_and_report(tmp_path: Path) -> None:
    run = create(tmp_path)
    with pytest.raises(RunError, match="stopped before its pictures were split"):
        run.split()
    run.write_split({"train": ("a/1.jpg", "b/\udcff.jpg"), "val": [], "test": ["c"]})
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
        "import sys\nfrom pathlib import Path\nfrom striate.runs.run import Run\n"
        "from striate.runs.environment import environment\n"
        f"run = Run.open('last', Path({str(tmp_path)!r}))\nrun.history(), run.state(), run.source(), environment()\n"
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
