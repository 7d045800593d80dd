"""Kill a training at any moment, at any write: going on ends with the very same weights, to the bit.

Children are forked from a process that has torch loaded already, so that a kill costs the training's time and no more.
"""

from __future__ import annotations

import functools
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

if not hasattr(os, "fork"):
    pytest.skip("forks its children", allow_module_level=True)

from striate.errors import RunError
from striate.model.files.weights import read
from striate.recipe import Recipe
from striate.runs import durable
from striate.runs.run import RunDirectory
from striate.verbs.train import Event, resuming, training
from striate.verbs.workspace import Workspace

NET = (
    "conv 8 3x3 pad 1 no bias >> batchnorm >> relu >> maxpool 2 >> conv 16 3x3 pad 1 no bias >> batchnorm >> relu"
    " >> dropout 0.1 >> globalavgpool >> flatten >> dense"
)


def recipe(epochs: int) -> Recipe:
    return Recipe(source="digits", net=NET, epochs=epochs, batch=128, ema=0.9, augment="light", threads=1, seed=5)


def go(runs: Path, epochs: int) -> None:
    """Train to the end: a new run where there is none, else the one that was stopped."""
    for _ in events(runs, epochs):
        pass


def events(runs: Path, epochs: int) -> Any:
    try:
        run = RunDirectory.open("last", runs)
        if not run.path.joinpath("split.json").exists():
            raise RunError("stopped before its pictures were split: there is nothing to go on with")
    except RunError:
        return training(recipe(epochs), workspace=Workspace(runs))
    if run.finished():
        return iter(())  # killed after its very last write
    return resuming(run.name, workspace=Workspace(runs))


def child(work: Callable[[], None]) -> int:
    """Run ``work`` in a forked child and return the child's process id."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            with open(os.devnull, "w") as nothing:  # noqa: PTH123
                os.dup2(nothing.fileno(), 1)
            work()
            code = 0
        except BaseException as error:
            print(f"child: {type(error).__name__}: {error}", file=sys.stderr)
        finally:
            os._exit(code)
    return pid


def status(pid: int) -> int:
    """Wait for a child; return its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def bits(run: RunDirectory) -> dict[str, bytes]:
    """Return the bytes of every tensor of the run's model."""
    tensors, _ = read(run.model_path)
    return {name: tensor.contiguous().numpy().tobytes() for name, tensor in tensors.items()}


def finished(runs: Path) -> list[RunDirectory]:
    return [run for run in RunDirectory.list(runs) if run.finished()]


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], dict[str, bytes]]:
    """Return the weights of a training of so many epochs that nobody disturbed, in a forked child too."""
    known: dict[int, dict[str, bytes]] = {}

    def weights(epochs: int) -> dict[str, bytes]:
        if epochs not in known:
            runs = tmp_path_factory.mktemp(f"unharmed{epochs}")
            assert status(child(lambda: go(runs, epochs))) == 0
            (run,) = finished(runs)
            known[epochs] = bits(run)
            assert len([entry for entry in run.history() if "index" in entry]) == epochs
        return known[epochs]

    return weights


def kill_often(runs: Path, epochs: int, kills: int, longest: float, seed: int) -> int:
    """Train, killing at random moments, until ``kills`` have hit; then let it end. Return how many hit."""
    dice, hit = random.Random(seed), 0
    while hit < kills:
        pid = child(lambda: go(runs, epochs))
        timer = threading.Timer(dice.uniform(0.0, longest), lambda pid=pid: os.kill(pid, signal.SIGKILL))
        timer.start()
        code = status(pid)
        timer.cancel()
        if code != -signal.SIGKILL:
            assert code == 0, f"a resumed training ended with {code}"
            return hit
        hit += 1
    assert status(child(lambda: go(runs, epochs))) == 0
    return hit


def kill_until(tmp_path: Path, epochs: int, kills: int, expected: dict[str, bytes]) -> None:
    """Kill ``kills`` times in all, over as many trainings as that takes, and compare every one that ended."""
    began, done = time.monotonic(), 0
    assert status(child(lambda: go(tmp_path / "pace", epochs))) == 0
    longest = 0.8 * (time.monotonic() - began)  # of this machine, today: most kills then hit a training under way
    for attempt in range(10 * kills):
        runs = tmp_path / str(attempt)
        done += kill_often(runs, epochs, kills - done, longest, seed=attempt)
        ended = finished(runs)
        assert ended, "no run came to its end"
        for run in ended:
            assert bits(run) == expected
            assert [entry["index"] for entry in run.history()] == list(range(1, epochs + 1))
        if done >= kills:
            return
    raise AssertionError(f"only {done} of {kills} kills hit a training that was under way")


def test_twenty_random_kills(tmp_path: Path, unharmed: Callable[[int], dict[str, bytes]]) -> None:
    kill_until(tmp_path, 12, 20, unharmed(12))


@pytest.mark.slow
def test_two_hundred_random_kills_of_ten_seconds(tmp_path: Path, unharmed: Callable[[int], dict[str, bytes]]) -> None:
    kill_until(tmp_path, 60, 200, unharmed(60))


CALLS = ("open", "write", "truncate", "sync", "close", "replace", "remove", "make_directory", "sync_directory")


def killed_at(number: int) -> None:
    """Make the ``number``-th system call of durable.py the process's last one, before it is done."""
    count = 0

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, *rest: Any) -> Any:
            nonlocal count
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(60)
            return original(self, *rest)

        return call

    for name in CALLS:
        setattr(durable.OperatingSystem, name, counted(getattr(durable.OperatingSystem, name)))


@pytest.mark.parametrize("step", [29, pytest.param(2, marks=pytest.mark.slow)])
def test_a_kill_at_any_write(tmp_path: Path, unharmed: Callable[[int], dict[str, bytes]], step: int) -> None:
    expected, number = unharmed(3), 1
    while True:
        runs = tmp_path / str(number)

        def work(number: int = number, runs: Path = runs) -> None:
            killed_at(number)
            go(runs, 3)

        code = status(child(work))
        if code == 0:
            break
        assert code == -signal.SIGKILL
        assert status(child(lambda runs=runs: go(runs, 3))) == 0
        assert all(bits(run) == expected for run in finished(runs))
        assert finished(runs)
        number += step
    assert number > 40, "the training made fewer writes than it should"


def test_stopping_between_two_steps_loses_nothing(tmp_path: Path, unharmed: Callable[[int], dict[str, bytes]]) -> None:
    """What Ctrl-C does: the reader of the events closes them in the middle of an epoch."""
    from striate.engine import fit
    from striate.engine.fit import Step

    expected = unharmed(12)

    def work() -> None:
        fit.watch = functools.partial(fit.watch, interval=0)  # every step is an event, however quick
        for stop_at in (1, 3, 40):
            seen, under_way = 0, events(tmp_path, 12)
            event: Event
            for event in under_way:
                seen += isinstance(event, Step)
                if seen == stop_at:
                    under_way.close()
                    break
        go(tmp_path, 12)

    assert status(child(work)) == 0
    (run,) = finished(tmp_path)
    assert bits(run) == expected
