"""Several processes: real kills, and the lock that frees itself."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest
import torch
from tests.runs.sample import create, fill, line, weights

from striate.errors import RunError
from striate.runs import checkpoints
from striate.runs.run import RunDirectory


def _train_for_ever(runs: Path, said: int) -> None:
    """Train until killed; every epoch whose checkpoint is promised is told through the pipe."""
    run = RunDirectory.open("last", runs)
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
            run.write_json("split.json", {"train": ["x"] * 100, "val": [], "test": [str(done)]})
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
        found = RunDirectory.open("last", tmp_path).latest_checkpoint()
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
        run = RunDirectory.open("last", runs)
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

    run = RunDirectory.open("last", runs, system=Killed())  # type: ignore[arg-type]
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
            RunDirectory.open("last", tmp_path).lock()
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
        RunDirectory.open("last", tmp_path).lock()  # dropped at once, but a Run that is used is kept:
        run = RunDirectory.open("last", tmp_path)
        run.lock()
        if not os.fork():
            os.close(gate[1])
            os.read(gate[0], 1)  # the worker waits until the test is over
            os._exit(0)
        os.write(held[1], b"x")
        time.sleep(60)
        os._exit(0)
    os.read(held[0], 1)
    run = RunDirectory.open("last", tmp_path)
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
    assert RunDirectory.open("last", tmp_path).state() == "stopped"
