"""The power is cut after every single call of a run's life; what is left must always be a run that goes on."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from striate.errors import RunError
from striate.model.files.weights import ModelFile, read
from striate.runs.run import RunDirectory

MODES = ("lost", "kept", "names only", "torn", "torn", "torn")
RECIPE = "epochs = 4\n"
LONGER = "epochs = 5\n"
REPORT = "<html>" + "report " * 300 + "</html>"
FACTS = ModelFile(
    net="flatten >> dense 2",
    input=(1, 2, 2),
    task="classify",
    names=("cat", "dog"),
    preprocess={},
    state={"calibration": {"temperature": 1.5}, "unknown": None},
    provenance={},
)


def weights(epoch: int) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(epoch)
    return {"conv1.weight": torch.rand(4, 5, generator=draw), "step": torch.tensor(epoch)}


def line(epoch: int) -> dict[str, Any]:
    return {"index": epoch, "val_loss": 1 / epoch, "metrics": {"accuracy": 1 - 1 / epoch}}


@dataclass
class Promise:
    """What the calls that have returned so far have promised, and what the script did at most."""

    created: bool = False
    split: bool = False
    lines: int = 0
    checkpoint: int = 0
    model: bool = False
    report: bool = False
    finished: bool = False
    recipes: list[str] = field(default_factory=lambda: [RECIPE])  # the last promised, and the one being written


def live(root: Path, system: Any, promise: Promise, *, epochs: int = 4, longer: bool = False) -> None:
    """The life of a run, from its creation, or from where it was cut, to its end."""
    runs = root / "runs"
    try:
        run = RunDirectory.open("last", runs, system=system)
        run.lock()
    except RunError:
        run = RunDirectory.create(runs, "pets", RECIPE, source={"a": 1}, environment={"b": 2}, system=system)
    try:
        promise.created = True
        if not (run.path / "split.json").exists():
            run.write_json("split.json", {"train": ["a", "b"], "val": [], "test": ["c"]})
        promise.split = True
        newest = run.latest_checkpoint()
        done = newest[1]["epochs_done"] if newest else 0
        promise.lines = min(promise.lines, done)  # truncating may take lines away, never below the checkpoint
        run.truncate_history(done)
        for epoch in range(done + 1, epochs + 1):
            run.append(line(epoch))
            promise.lines = epoch
            run.checkpoint(weights(epoch), {"epochs_done": epoch, "best": float("inf")})
            promise.checkpoint = epoch
        run.save_model(weights(0), FACTS)
        promise.model = True
        run.write_report(REPORT)
        promise.report = True
        run.finish({"accuracy": 1.0})
        promise.finished = True
        if longer:
            promise.finished = False
            promise.recipes.append(LONGER)
            run.reopen(LONGER)
            promise.recipes = [LONGER]
            run.append(line(epochs + 1))
            run.checkpoint(weights(epochs + 1), {"epochs_done": epochs + 1, "best": float("inf")})
            promise.checkpoint = promise.lines = epochs + 1
            run.save_model(weights(0), FACTS)
            run.write_report(REPORT)
            run.finish({"accuracy": 1.0})
            promise.finished = True
    finally:
        run.unlock()


def check(root: Path, promise: Promise, system: Any) -> None:
    """Whatever the power cut left, it is a run that holds what was promised, and nothing half-written."""
    runs = root / "runs"
    try:
        run = RunDirectory.open("last", runs, system=system)
    except RunError:
        assert not promise.created, "a run that was created is gone"
        assert RunDirectory.list(runs) == [] or not (runs / "last").exists()
        return
    assert run.recipe_toml() in promise.recipes
    assert run.source() == {"a": 1}
    assert run.environment() == {"b": 2}
    if promise.split or (run.path / "split.json").exists():
        assert run.split() == {"train": ["a", "b"], "val": [], "test": ["c"]}
    newest = run.latest_checkpoint()
    done = newest[1]["epochs_done"] if newest else 0
    assert run.notes == [], "a power cut damaged a checkpoint"
    assert done in (promise.checkpoint, promise.checkpoint + 1)
    if newest:
        assert newest[1] == {"epochs_done": done, "best": float("inf")}
        assert all(torch.equal(tensor, weights(done)[name]) for name, tensor in newest[0].items())
    history = run.history()
    assert history == [line(epoch) for epoch in range(1, len(history) + 1)]
    assert len(history) >= max(promise.lines, done), "the history lacks an epoch"
    for path, promised in ((run.model_path, promise.model), (run.report_path, promise.report)):
        assert path.exists() or not promised
    if run.model_path.exists():
        tensors, facts = read(run.model_path)
        assert facts == FACTS
        assert torch.equal(tensors["conv1.weight"], weights(0)["conv1.weight"])
    if run.report_path.exists():
        assert run.report_path.read_text() == REPORT
    if promise.finished or run.finished():
        assert run.finished()
        assert run.model_path.exists()
        assert run.report_path.exists()
    left = [*runs.glob(".*"), *run.path.rglob(".*")]  # a run that was never begun may lie beside it
    assert not left, "what was half-written is still there"
    with run.locked():
        run.truncate_history(done)
    assert run.history() == [line(epoch) for epoch in range(1, done + 1)]


def cut_everywhere(tmp_path: Path, system: Any, promise: Promise, **options: Any) -> int:
    """Live a life on ``system`` and cut the power after each of its calls, in every way; return how many cuts."""
    draw = random.Random(0)
    numbers = itertools.count()

    def cut(call: str) -> None:
        for mode in MODES:
            number = next(numbers)
            try:
                left = system.survivors(tmp_path / f"cut-{number}", mode, draw)
                check(left, promise, type(system)(left))
            except (AssertionError, RunError) as error:
                raise AssertionError(
                    f"cut {number} after call {len(system.calls)} ({call}), {mode}: {error}"
                ) from error

    system.after = cut
    live(system.root, system, promise, **options)
    return next(numbers)


def test_a_life_cut_after_every_call(tmp_path: Path, disk: Any) -> None:
    (tmp_path / "disk").mkdir()
    cuts = cut_everywhere(tmp_path, disk(tmp_path / "disk"), Promise(), longer=True)
    assert cuts > 120 * len(MODES)


def test_the_recovery_is_cut_too(tmp_path: Path, disk: Any) -> None:
    """Cut a life somewhere, and then, while it goes on, after every call again."""
    draw = random.Random(1)
    (tmp_path / "first").mkdir()
    first, promise = disk(tmp_path / "first"), Promise()
    states: list[tuple[Path, Promise]] = []

    def keep(call: str) -> None:
        if draw.random() < 0.08:
            kept = Promise(created=promise.created, split=promise.split, checkpoint=promise.checkpoint)
            states.append((first.survivors(tmp_path / f"state-{len(states)}", "torn", draw), kept))

    first.after = keep
    live(first.root, first, promise)
    assert len(states) >= 5
    for number, (state, kept) in enumerate(states[:5]):
        if (state / "runs").is_dir():
            newest = _checkpoint_of(state)
            kept.checkpoint = kept.lines = newest
        cut_everywhere(tmp_path / f"again-{number}", disk(state), kept, epochs=kept.checkpoint + 1)


def _checkpoint_of(root: Path) -> int:
    saved = [int(path.stem) for path in (root / "runs").glob("*/checkpoints/[0-9]*.safetensors")]
    return max(saved, default=0)


@pytest.mark.parametrize("flaw", ["ignores_sync", "ignores_directory_sync"])
def test_the_model_finds_a_disk_that_does_not_sync(tmp_path: Path, disk: Any, flaw: str) -> None:
    """The check can fail: without fsync, or without fsync of directories, promises are broken."""
    (tmp_path / "disk").mkdir()
    with pytest.raises(AssertionError, match="cut"):
        cut_everywhere(tmp_path, disk(tmp_path / "disk", **{flaw: True}), Promise())
