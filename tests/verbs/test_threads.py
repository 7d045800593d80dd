"""With how many threads a run is trained: chosen once, written down, and without a trace in what is learnt."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.pictures import paint
from tests.verbs.test_adopt import Gated, module
from tests.verbs.test_tune import DENSE, NET, bits

import striate
from striate.engine import threads as engine_threads
from striate.engine.fit import Epoch
from striate.errors import DeviceError
from striate.recipe import Recipe
from striate.runs.run import RunDirectory
from striate.verbs import prepare, threads
from striate.verbs.events import Planned
from striate.verbs.train import resuming, train, training
from striate.verbs.workspace import Workspace

NOTE = "2 threads do "


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process of two threads in which every training is long enough to be measured."""
    monkeypatch.setattr(threads, "SHORT", 0)
    monkeypatch.setattr(prepare, "WORTH_SHARING", 0)
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


def machine(monkeypatch: pytest.MonkeyPatch, *, busy: bool) -> None:
    """Have the steps that are timed be real ones, and the clock say that two threads are ten times as slow, or fast."""
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.01 if (torch.get_num_threads() == 2) != busy else 0.1
        return now

    monkeypatch.setattr(engine_threads, "pace", partial(engine_threads.pace, clock=clock))


def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody measure anything."""

    def pace(*args: Any, **words: Any) -> None:
        raise AssertionError("threads were measured")

    monkeypatch.setattr(engine_threads, "pace", pace)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paint(tmp_path_factory.mktemp("pictures") / "zoo", count=12)


@pytest.fixture(scope="module")
def begun(source: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run to start from."""
    recipe = Recipe(source=str(source), net=NET + DENSE, epochs=1, batch=8, threads=1, device="cpu")
    return train(recipe, workspace=Workspace(tmp_path_factory.mktemp("begun")))


KINDS: dict[str, dict[str, Any]] = {
    "chance": {"net": NET + " >> dropout 0.3" + DENSE, "ema": 0.8, "augment": "light", "whiten": False},
    "folds": {"net": NET + DENSE, "folds": 2},
    "head": {"tune": "head"},
    "all": {"tune": "all", "head_epochs": 4},
    "code": {},
}


def learnt(kind: str, source: Path, begun: RunDirectory, runs: Path, **changes: Any) -> tuple[RunDirectory, Planned]:
    recipe = Recipe(source=str(source), device="cpu").changed(**KINDS[kind])
    recipe = recipe.changed(start=str(begun.path)) if kind in ("head", "all") else recipe
    recipe = recipe if kind == "head" else recipe.changed(epochs=2, batch=8)
    begin: Callable[..., Any] = striate.training
    if kind == "code":
        begin = striate.adopt(module(Gated), input=(3, 20, 20), classes=("ant", "bee", "cow")).training
    events = list(begin(recipe.changed(**changes), runs_dir=runs))
    (planned,) = [event for event in events if isinstance(event, Planned)]
    return planned.run, planned


@pytest.mark.parametrize("busy", [True, False])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "head"])  # which waits for no thread
def test_the_quicker_is_taken_and_what_is_learnt_is_what_that_number_learns(
    kind: str, busy: bool, source: Path, begun: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))  # no features are kept yet
    machine(monkeypatch, busy=busy)
    run, planned = learnt(kind, source, begun, tmp_path / "runs")
    assert torch.get_num_threads() == 2  # the next training in this process has all cores to choose from
    chosen = 1 if busy else 2
    assert f"threads = {chosen}\n" in run.recipe_toml()
    assert json.loads((run.path / "environment.json").read_text())["threads"] == chosen
    assert [note.startswith(NOTE) for note in planned.notes if "threads" in note] == ([True] if busy else [])
    never(monkeypatch)
    pinned, again = learnt(kind, source, begun, tmp_path / "runs", threads=chosen)
    assert bits(pinned) == bits(run)
    assert not any("threads" in note for note in again.notes)


def test_a_resumed_run_goes_on_with_what_was_chosen(
    source: Path, begun: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(source=str(source), net=NET + DENSE, epochs=2, batch=8, device="cpu")
    machine(monkeypatch, busy=True)
    events = training(recipe, workspace=Workspace(tmp_path))
    for event in events:
        if isinstance(event, Epoch):
            events.close()  # type: ignore[attr-defined]
    assert torch.get_num_threads() == 2
    never(monkeypatch)
    (planned,) = [event for event in resuming(workspace=Workspace(tmp_path)) if isinstance(event, Planned)]
    assert not any("threads" in note for note in planned.notes)
    assert bits(planned.run) == bits(train(recipe.changed(threads=1), workspace=Workspace(tmp_path)))


@pytest.mark.parametrize("there", [1, 2])
def test_features_are_made_by_every_core_and_are_the_same_by_any_number(
    there: int, source: Path, begun: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    never(monkeypatch)
    pinned, _ = learnt("head", source, begun, tmp_path / "runs", threads=there)
    run, planned = learnt("head", source, begun, tmp_path / "runs")
    assert any("found in the cache" in note for note in planned.notes)
    assert "threads = 2\n" in run.recipe_toml() and bits(run) == bits(pinned)


def test_what_is_over_at_once_is_done_by_one_thread_and_unasked(
    source: Path, begun: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "SHORT", 10**12)
    never(monkeypatch)
    run, planned = learnt("chance", source, begun, tmp_path)
    assert "threads = 1\n" in run.recipe_toml() and not any("threads" in note for note in planned.notes)


def test_a_process_of_one_thread_has_nothing_to_choose(
    source: Path, begun: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    never(monkeypatch)
    run, _ = learnt("chance", source, begun, tmp_path)
    assert "threads" not in run.recipe_toml()


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("out of memory"), DeviceError("no memory")])
def test_steps_that_cannot_be_timed_stop_nothing(
    error: Exception, source: Path, begun: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pace(*args: Any, **words: Any) -> None:
        raise error

    monkeypatch.setattr(engine_threads, "pace", pace)
    run, _ = learnt("chance", source, begun, tmp_path)
    assert "threads = 2\n" in run.recipe_toml() and run.state() == "finished"
