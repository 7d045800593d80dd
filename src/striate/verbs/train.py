"""Train: from a recipe to a finished run. Imports everything to its left; torch only once the plan stands.

``training`` yields what happens, and whoever reads it may stop at any event: what was learnt is then kept in a
checkpoint, and ``resuming`` goes on from there, to the bit. ``train`` and ``resume`` read to the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from striate.data.pictures.preprocess import Preprocess
from striate.errors import RunError
from striate.recipe import Recipe
from striate.runs import filters, maps
from striate.runs.environment import environment
from striate.runs.run import RunDirectory
from striate.spec.code import is_code
from striate.spec.shape import Shape
from striate.verbs import reopen, stranger_nets
from striate.verbs.chance import begun, from_chance
from striate.verbs.events import Event, Finished, Finishing, Planned, follow, take_up
from striate.verbs.first_look import first_look
from striate.verbs.folds import begun_again, few, fold_prepared, keep_begun, split_facts
from striate.verbs.mending import keep_in
from striate.verbs.prepare import prepare
from striate.verbs.prepared import Prepared, ProvidedModel, Start
from striate.verbs.reopen import PICTURES, config_of, leave_out, pictures_facts, reopen_data, source_facts
from striate.verbs.start import keep, kept, open_start, open_usual
from striate.verbs.threads import with_threads
from striate.verbs.workspace import HERE, Workspace
from striate.words import counted

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from striate.engine.fit import Training
    from striate.verbs.maps import MapTuning
    from striate.verbs.tune import Tuning

__all__ = ["Event", "Finished", "Finishing", "Planned", "resume", "resuming", "train", "training"]


def train(
    source: str | Path | Recipe,
    *,
    name: str | None = None,
    workspace: Workspace = HERE,
    allow_bad: bool = False,
    **wishes: object,
) -> RunDirectory:
    """Train to the end and return the run's directory. ``wishes`` are fields of a Recipe; they win over ``source``'s.

    Errors: as of `training`. Example: ``train("pets", epochs=5).report_path``
    """
    recipe = source if isinstance(source, Recipe) else Recipe(source=str(source))
    chosen = recipe.changed(**wishes)
    return _run_of(training(chosen, workspace, name=name, allow_bad=allow_bad))


def resume(
    name: str = "last",
    *,
    epochs: int | None = None,
    threads: int | None = None,
    without_missing: bool = False,
    workspace: Workspace = HERE,
    module: nn.Module | None = None,
) -> RunDirectory:
    """Go on with a run to its end, and return its directory; the arguments are those of `resuming`."""
    changed = {"epochs": epochs, "threads": threads, "without_missing": without_missing}
    return _run_of(resuming(name, workspace=workspace, module=module, **changed))  # type: ignore[arg-type]


def training(
    recipe: Recipe,
    workspace: Workspace = HERE,
    *,
    name: str | None = None,
    allow_bad: bool = False,
    provided: ProvidedModel | None = None,
) -> Iterator[Event]:
    """Train by a recipe and yield what happens, from Planned to Finished; ``provided`` is a network that is there."""
    started = time.monotonic()
    if recipe.device not in ("auto", "cpu"):
        from striate.engine.device import choose_device

        choose_device(recipe.device)  # before minutes of decoding
    start = None
    if recipe.weights is not None:
        start = open_start(recipe.weights, workspace, digest=recipe.start_digest)
    prepared = prepare(
        recipe,
        workspace,
        start=start,
        usual=partial(open_usual, workspace),
        provided=provided,
        allow_bad=allow_bad,
    )
    prepared = replace(prepared, by_itself=(*prepared.by_itself, *first_look(prepared)))
    start = prepared.start

    from striate.engine.device import threads_restored

    with threads_restored():
        apart = stranger_nets.wanted(prepared) or prepared.folds is not None
        prepared = with_threads(prepared, start, provided)
        state = _begin(prepared, start, provided, workspace)
        run = RunDirectory.create(
            workspace.runs_dir,
            name or prepared.source.name,
            prepared.config.to_toml(),
            source=source_facts(prepared, workspace.data_dir)
            | ({} if provided is None else {"output": provided.output}),
            environment=environment(threads=prepared.config.threads),
        )
        with run.locked():
            if start is not None:
                keep(start, run)
            if provided is not None:
                from striate.engine.fit import Training

                assert isinstance(state, Training)
                run.checkpoint(*state.state())  # the weights it begins from are nowhere else
                if apart:
                    keep_begun(run, state.model)
            keep_in(run.path, prepared.source)
            run.write_json(PICTURES, pictures_facts(prepared))
            run.write_json("split.json", split_facts(prepared))  # from here on it can be resumed
            yield from _learn(run, prepared, state, started, provided)


def resuming(
    name: str = "last",
    *,
    epochs: int | None = None,
    threads: int | None = None,
    without_missing: bool = False,
    workspace: Workspace = HERE,
    module: nn.Module | None = None,
) -> Iterator[Event]:
    """Go on with a run from its newest checkpoint and yield what happens; arguments as of `resume`.

    Errors: RunError when the run is complete, has no split yet, its pictures have changed, or it needs ``module``.
    """
    started = time.monotonic()
    run = RunDirectory.open(name, workspace.runs_dir)
    with run.locked():
        config = config_of(run)
        for read in (run.history, run.environment, partial(filters.kept, run), partial(maps.kept, run)):
            read()  # what is damaged of what is added to, or shown in the report, is said before anything is learnt
        if epochs is not None and epochs < config.epochs:
            raise RunError(
                f"{run.name} was begun with {counted(config.epochs, 'epoch')}; it can be raised, not lowered to"
                f" {epochs}"
            )
        longer = epochs is not None and epochs > config.epochs
        if run.finished() and config.tune == "head":
            raise RunError(
                f"{run.name} is complete: its head is at its best, and more epochs would change nothing; to train the"
                f" whole net say striate train {config.source} --start {run.name} --tune all"
            )
        if run.finished() and not longer:
            raise RunError(
                f"{run.name} is complete ({counted(config.epochs, 'epoch')}); to train it longer say"
                f" striate train --resume {run.name} --epochs {2 * config.epochs}"
            )
        provided = _provided_again(run, config.net, run.source(), module) if is_code(config.net) else None
        changes = {"epochs": epochs, "threads": threads}
        changed = config.changed(**{field: value for field, value in changes.items() if value is not None})
        prepared = reopen_data(
            run, config=changed, provided=provided, without_missing=without_missing, workspace=workspace
        )
        start = None if config.weights is None else kept(run, config.weights, config.start_digest)
        from striate.engine.device import threads_restored

        with threads_restored():
            state = _begin(prepared, start, provided, workspace)
            run.notes += reopen.changes(run, prepared)
            if changed.threads != config.threads and start is not None:  # a training from chance says so by itself
                run.notes.append(
                    f"threads {changed.threads} from here on: the last bits of features and weights may differ"
                )
            if prepared.missing:
                leave_out(run, prepared)
            if changed != config:
                run.reopen(changed.to_toml())
            yield from _learn(run, prepared, state, started, provided)


def _provided_again(run: RunDirectory, net: str, facts: dict[str, Any], module: nn.Module | None) -> ProvidedModel:
    """Adopt the module of a run once more. Errors: RunError when it is not given, or is another."""
    if module is None:
        raise RunError(
            f"{run.name} trains {net}, which only its own code can be; go on with it from Python, with one more of that"
            f" class: striate.resume({run.name!r}, module={net.rpartition('.')[2]}(...))"
        )
    from striate.model.adopt.taken import class_names, take_in

    names, preprocess = class_names(facts["classes"]), Preprocess.from_dict(facts["preprocess"])
    shape = Shape(preprocess.channels, preprocess.height, preprocess.width)
    taken = take_in(module, shape, len(names), output=facts.get("output"))
    provided = ProvidedModel(taken.net, preprocess, names, taken.model, taken.output)
    if str(provided.net) != net:
        raise RunError(f"{run.name} trains {net}, and the module given is: {provided.net}")
    return provided


def _begin(
    prepared: Prepared, start: Start | None, provided: ProvidedModel | None, workspace: Workspace
) -> Training | Tuning | MapTuning:
    """Build the model and all that training needs; what cannot be trained at all fails here, before it has a run."""
    if start is not None:
        if not prepared.task.solved:
            from striate.verbs.maps import begin_maps

            return begin_maps(prepared, start, workspace)
        from striate.verbs.tune import begin_tuning

        return begin_tuning(prepared, start, workspace)
    return from_chance(prepared) if provided is None else begun(prepared, provided.make(prepared.preprocess))


def _learn(
    run: RunDirectory,
    prepared: Prepared,
    state: Training | Tuning | MapTuning,
    started: float,
    provided: ProvidedModel | None,
) -> Iterator[Event]:
    """Train from the newest checkpoint, or from the beginning, to the report."""
    from striate.engine.fit import Training, watch
    from striate.verbs.asking import asking
    from striate.verbs.ending import NetsAlike, Trained, ending

    if not isinstance(state, Training):
        from striate.verbs.maps import MapTuning, learnt_on_maps
        from striate.verbs.tune import tuned

        if isinstance(state, MapTuning):
            yield from ending(run, prepared, (yield from learnt_on_maps(run, prepared, state)), started)
            return

        yield from ending(run, prepared, (yield from tuned(run, prepared, state)), started)
        return
    checkpoint = run.latest_checkpoint()
    if checkpoint is not None:
        take_up(state, checkpoint, run.path / "checkpoints")
    done = 0 if checkpoint is None else state.epochs_done
    run.truncate_history(done)
    notes = (*run.notes, *prepared.notes, *state.inexact, *(() if done else few(prepared)))
    yield Planned(run, prepared, device=str(state.device), done=done, notes=notes)
    yield from follow(run, state, watch(state))

    def begin_on(rows: np.ndarray) -> Training:
        mine = fold_prepared(prepared, rows, provided)
        return from_chance(mine) if provided is None else begun(mine, begun_again(run, provided.make(mine.preprocess)))

    def begin_fold(draw: int, fold: int) -> Training:
        assert prepared.folds is not None
        return begin_on(prepared.folds.others(draw, fold))

    model = state.final_model()
    ask = asking(model, prepared.store, prepared.task, device=state.device)
    yield from ending(run, prepared, Trained(model, ask, NetsAlike(begin_on, begin_fold)), started)


def _run_of(events: Iterator[Event]) -> RunDirectory:
    """Read events to the end and return the run they made."""
    run = None
    for event in events:
        if isinstance(event, (Planned, Finished)):
            run = event.run
    assert run is not None
    return run
