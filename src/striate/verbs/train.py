"""Train: from a recipe to a finished run. Imports everything to its left; torch only once the plan stands.

``training`` yields what happens, and whoever reads it may stop at any event: what was learnt is then kept in a
checkpoint, and ``resuming`` goes on from there, to the bit. ``train`` and ``resume`` read to the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from striate import recipe as recipes
from striate.errors import RecipeError, RunError
from striate.recipe import Recipe
from striate.runs.environment import environment
from striate.runs.run import Run
from striate.verbs.prepare import Prepared, Progress, prepare, prepare_again

if TYPE_CHECKING:
    from striate.engine.fit import BatchSplit, Epoch, Recovered, Step, Training
    from striate.verbs.evaluate import Evaluation

CHECKPOINT_SECONDS = 600.0  # inside one long epoch at most so much work is lost
PARTS = ("train", "val", "test", "left_out")


@dataclass(frozen=True)
class Planned:
    """Everything is ready; training starts, or goes on after ``done`` epochs.

    ``notes`` are sentences a person should read: a checkpoint that was damaged and passed over, or why the very same
    weights cannot be promised here.
    """

    run: Run
    prepared: Prepared
    device: str
    done: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finished:
    """The run is complete: its model, its report, and what it is worth on pictures it never saw."""

    run: Run
    evaluation: Evaluation
    seconds: float
    notes: tuple[str, ...] = ()


Event: TypeAlias = "Planned | Step | Epoch | Recovered | BatchSplit | Finished"


def train(
    source: str | Path | Recipe,
    *,
    net: str | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    size: tuple[int, int] | None = None,
    batch: int | None = None,
    learning_rate: float | None = None,
    augment: str | None = None,
    device: str | None = None,
    name: str | None = None,
    runs_dir: Path | str = "runs",
    data_dir: Path | str | None = None,
    allow_bad: bool = False,
    recipe: str | Path | None = None,
) -> Run:
    """Train a network on a folder of folders of pictures (or any source) and return the run.

    ``recipe`` is one by name (``striate recipes`` lists them) or a file. Instead of it ``source`` may be a whole
    Recipe, for everything that has no keyword here; keywords that are given win over either.

    Errors: SourceError, RecipeError, DescribeError before anything is written; TrainingError, DiskError later.

    Example: ``run = striate.train("pets", epochs=5); print(run.predict("cat.jpg"))  # 0.92 cat, 0.08 dog``
    """
    if isinstance(source, Recipe):
        if recipe is not None:
            raise RecipeError(f"source is a whole recipe already, and recipe={str(recipe)!r} another; give one of them")
        start = source
    else:
        start = (Recipe() if recipe is None else recipes.find(recipe)).changed(source=str(source))
    said = {
        "net": net,
        "epochs": epochs,
        "seed": seed,
        "size": size,
        "batch": batch,
        "learning_rate": learning_rate,
        "augment": augment,
        "device": device,
    }
    chosen = start.changed(**{field: value for field, value in said.items() if value is not None})
    folder = None if data_dir is None else Path(data_dir)
    return _run_of(training(chosen, name=name, runs_dir=Path(runs_dir), data_dir=folder, allow_bad=allow_bad))


def resume(name: str = "last", *, epochs: int | None = None, runs_dir: Path | str = "runs") -> Run:
    """Go on with a run that was stopped, exactly as if it had not been; ``epochs`` may raise how long it goes on."""
    return _run_of(resuming(name, epochs=epochs, runs_dir=Path(runs_dir)))


def training(
    recipe: Recipe,
    *,
    runs_dir: Path,
    name: str | None = None,
    data_dir: Path | None = None,
    download: bool = True,
    allow_bad: bool = False,
    progress: Progress | None = None,
) -> Iterator[Event]:
    """Train by a recipe and yield what happens, from Planned to Finished."""
    started = time.monotonic()
    if recipe.device not in ("auto", "cpu"):
        from striate.engine.device import choose_device

        choose_device(recipe.device)  # before minutes of decoding
    prepared = prepare(recipe, data_dir=data_dir, download=download, allow_bad=allow_bad, progress=progress)
    state = _begin(prepared)
    run = Run.create(
        runs_dir,
        name or prepared.source.name,
        prepared.recipe.to_toml(),
        source=_source_facts(prepared, data_dir),
        environment=environment(threads=prepared.recipe.threads),
    )
    with run.locked():
        run.write_split({part: prepared.keys(part) for part in PARTS})
        yield from _learn(run, prepared, state, started)


def resuming(
    name: str = "last", *, epochs: int | None = None, runs_dir: Path, progress: Progress | None = None
) -> Iterator[Event]:
    """Go on with a run from its newest checkpoint and yield what happens.

    Errors: RunError when the run is complete, has no split yet, or its pictures have changed.
    """
    started = time.monotonic()
    run = Run.open(name, runs_dir)
    with run.locked():
        recipe = recipes.from_toml(run.recipe_toml(), where=str(run.path / "recipe.toml"))
        assert recipe.epochs is not None
        if epochs is not None and epochs < recipe.epochs:
            raise RunError(
                f"{run.name} was begun with {recipe.epochs} epochs; it can be raised, not lowered to {epochs}"
            )
        longer = epochs is not None and epochs > recipe.epochs
        if run.finished() and not longer:
            raise RunError(
                f"{run.name} is complete ({recipe.epochs} epochs); to train it longer say"
                f" striate train --resume {run.name} --epochs {2 * recipe.epochs}"
            )
        facts = run.source()
        prepared = prepare_again(
            recipe if epochs is None else recipe.changed(epochs=epochs),
            run.split(),
            data_dir=Path(facts["data_dir"]) if facts.get("data_dir") else None,
            progress=progress,
        )
        if prepared.digest() != facts["digest"]:
            raise RunError(
                f"the pictures in {prepared.source.location} are not what {run.name} was begun with"
                f" (a picture or a label has changed); start a new run: striate train {prepared.source.location}"
            )
        state = _begin(prepared)
        if longer:
            run.reopen(prepared.recipe.to_toml())
        yield from _learn(run, prepared, state, started)


def _begin(prepared: Prepared) -> Training:
    """Build the model and all that training needs; what cannot be trained at all fails here, before it has a run."""
    from striate.engine.fit import begin
    from striate.model.build import build
    from striate.spec.shape import Shape

    recipe, pictures = prepared.recipe, prepared.preprocess
    model = build(
        prepared.net,
        Shape(pictures.channels, pictures.height, pictures.width),
        preprocess=pictures,
        seed=recipe.seed,
    )
    return begin(model, recipe, prepared.store, prepared.targets, prepared.split)


def _learn(run: Run, prepared: Prepared, state: Training, started: float) -> Iterator[Event]:
    """Train from the newest checkpoint, or from the beginning, to the report."""
    from striate.engine.fit import Epoch, Step, watch
    from striate.verbs.finish import finish

    checkpoint = run.latest_checkpoint()
    done = 0
    if checkpoint is not None:
        state.load_state(*checkpoint)
        done = state.epochs_done
    run.truncate_history(done)
    yield Planned(run, prepared, device=str(state.device), done=done, notes=(*run.notes, *state.inexact))

    kept = time.monotonic()
    events = watch(state)
    try:
        for event in events:
            if isinstance(event, Epoch):
                run.append(asdict(event))  # first the line, then the state that says it is there
                run.checkpoint(*state.state())
                kept = time.monotonic()
            elif isinstance(event, Step) and time.monotonic() - kept > CHECKPOINT_SECONDS:
                run.checkpoint(*state.state())
                kept = time.monotonic()
            yield event
    except GeneratorExit:
        # Whoever reads us has stopped, between two steps: keep what was learnt since the last epoch.
        events.close()
        run.checkpoint(*state.state())
        raise
    told = len(run.notes)
    evaluation = finish(run, prepared, state)
    yield Finished(run, evaluation, time.monotonic() - started, tuple(run.notes[told:]))


def _source_facts(prepared: Prepared, data_dir: Path | None) -> dict[str, Any]:
    """Return what the run must remember of its pictures."""
    source = prepared.source
    return {
        "name": source.name,
        "location": source.location,
        "data_dir": None if data_dir is None else str(data_dir.absolute()),
        "classes": list(source.classes),
        "pictures": {part: len(getattr(prepared.split, part)) for part in PARTS},
        "rejected": [{"key": bad.key, "reason": bad.reason} for bad in source.rejected],
        "digest": prepared.digest(),
        "preprocess": prepared.preprocess.to_dict(),
    }


def _run_of(events: Iterator[Event]) -> Run:
    """Read events to the end and return the run they made."""
    run = None
    for event in events:
        if isinstance(event, (Planned, Finished)):
            run = event.run
    assert run is not None
    return run
