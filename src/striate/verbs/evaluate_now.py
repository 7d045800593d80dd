"""Evaluate now: what a net is worth that is still being trained, by its newest checkpoint, which is only read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from striate.errors import RunError
from striate.runs.run import RunDirectory
from striate.spec.code import is_code
from striate.verbs.evaluation import Evaluation, basis_of, measure, of_run
from striate.verbs.reopen import config_of, reopen_data
from striate.verbs.workspace import HERE, Workspace
from striate.words import counted

MOST = 2_000  # pictures that are asked about


def can_now(run: RunDirectory) -> bool:
    """Return whether a run without a model has a checkpoint that can be asked: a net that learns from pictures.

    Example: ``can_now(RunDirectory.open("last"))`` is ``False``, as that run is finished.
    """
    if run.model_path.exists() or not any((run.path / "checkpoints").glob("*")):
        return False
    config = config_of(run)
    return config.weights is None and not is_code(config.net)


def evaluate_now(run: RunDirectory, *, part: str | None = None, workspace: Workspace = HERE) -> Evaluation:
    """Evaluate a run that is still being trained, or was stopped, as far as its newest checkpoint has come.

    ``part`` is ``val``, by itself, or ``train``: test pictures are for the end, or a training would be chosen by them.
    Of very many pictures some are asked about. Nothing is calibrated yet, and nothing is written.

    Errors: RunError without a checkpoint that can be asked, and for another part.
    """
    if not can_now(run):
        raise RunError(
            f"{run.name} has nothing yet that could be asked: its first epoch is not done, or it has a model"
        )
    from striate.engine.device import threads_restored
    from striate.verbs.asking import asking
    from striate.verbs.chance import from_chance
    from striate.verbs.events import take_up

    prepared = reopen_data(run, workspace=workspace)
    part = part or ("val" if prepared.split.val else "train")
    if part not in ("val", "train"):
        raise RunError(f"{run.name} is still being trained; until its end it is asked about val or train, not {part}")
    chosen = np.array(getattr(prepared.split, part), np.int64)
    if not len(chosen):
        raise RunError(f"{run.name} has no {part} pictures")
    if len(chosen) > MOST:
        some = tuple(chosen[np.linspace(0, len(chosen) - 1, MOST).round().astype(int)].tolist())
        prepared = replace(prepared, split=replace(prepared.split, **{part: some}))
    checkpoint = run.latest_checkpoint()
    assert checkpoint is not None
    with threads_restored():
        training = from_chance(replace(prepared, config=prepared.config.changed(threads=1)))
        take_up(training, checkpoint, run.path / "checkpoints")
        with training.averaged() as model:
            ask = asking(model, prepared.store, prepared.task, device=training.device)
            learnt = prepared.task.opened(prepared.task.unlearnt("it is still being trained"), prepared.labels.kept)
            rows = np.array(getattr(prepared.split, part), np.int64)
            basis = basis_of(prepared.identities, rows, judging=True)
            labels = prepared.labels
            said = measure(
                run.name, part, prepared.source, labels.values, rows, ask, prepared.task, labels.kept, learnt, basis
            )
    found = of_run(said, prepared)
    now = f"it is still being trained: this is after {counted(training.epochs_done, 'epoch')} of {training.epochs}"
    return replace(found, notes=(*found.notes, now))
