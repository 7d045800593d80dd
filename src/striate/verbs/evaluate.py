"""Evaluate: a model against pictures whose answers are known. Imports engine, metrics, tasks, runs, report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from striate.data.pictures import depth
from striate.data.sources.source import Source, check_rejected, find
from striate.data.store.store import Store, open_store
from striate.errors import RunError, SourceError, StriateError
from striate.recipe import Recipe
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.tasks.assessment import Basis
from striate.verbs.asking import InferFn, asking
from striate.verbs.cautions import left_out
from striate.verbs.evaluate_folds import evaluate_folds
from striate.verbs.evaluate_now import can_now, evaluate_now
from striate.verbs.evaluation import JUDGING, Evaluation, basis_of, measure, of_run
from striate.verbs.folds import PART, answers_of
from striate.verbs.lineage import learnt_before, seen
from striate.verbs.mending import with_mending
from striate.verbs.places import in_input
from striate.verbs.prepared import Prepared, ProvidedModel
from striate.verbs.reopen import changes, reopen_data
from striate.verbs.workspace import HERE, Workspace

PARTS = ("test", "val", "train", PART)  # of a run's own pictures


def evaluate(
    run: str = "last",
    *,
    split: str | None = None,
    data: str | None = None,
    label_from: str | None = None,
    labels: str | None = None,
    mend: str | None = None,
    workspace: Workspace = HERE,
    allow_bad: bool = False,
    without_missing: bool = False,
) -> Evaluation:
    """Evaluate a run's model on a part of its own pictures, or on other pictures with the same labels.

    ``split`` is ``test``, ``val``, ``train``, or ``cross-validated`` for the answers of its folds; by itself these
    where the run has them, else ``test``.
    A run that is still being trained is asked by its newest checkpoint, about ``val`` (`evaluate_now`).
    ``without_missing`` measures what remains where some of the run's own pictures are gone.
    ``label_from`` takes the labels of ``data`` out of the names of its files, by a pattern; ``labels`` says which of
    those that lie there are meant: a format, or a file or folder; ``mend`` is the file of what was decided about them
    ("none": nothing; None: the one kept for that folder).

    Errors: RunError when the run has no model yet, SourceError when ``data`` has labels that the model does not know.

    Example: ``evaluate("last").report.accuracy.value``
    """
    opened = RunDirectory.open(run, workspace.runs_dir)
    if data is None and can_now(opened):
        return evaluate_now(opened, part=split, workspace=workspace)
    return evaluate_opened(
        opened,
        Predictor.open(opened.model_path, onnx=False),
        split=split,
        data=data,
        label_from=label_from,
        labels=labels,
        mend=mend,
        workspace=workspace,
        allow_bad=allow_bad,
        without_missing=without_missing,
    )


def evaluate_opened(
    run: RunDirectory,
    predictor: Predictor,
    *,
    split: str | None = None,
    data: str | None = None,
    label_from: str | None = None,
    labels: str | None = None,
    mend: str | None = None,
    provided: ProvidedModel | None = None,
    workspace: Workspace = HERE,
    allow_bad: bool = False,
    without_missing: bool = False,
) -> Evaluation:
    """Evaluate a run whose model is opened, as `evaluate` does.

    ``provided`` is the network of a run that only its own code can be. Errors: as of `evaluate`.
    """
    if data is not None:
        if split is not None:
            raise RunError(f"split = {split!r} is of the run's own pictures, and data = {data!r} are others; say one")
        if without_missing:
            raise RunError(
                f"without_missing (--without-missing) is of the run's own pictures, and data = {data!r} are others;"
                " leave it out"
            )
        return evaluate_on(
            predictor,
            data,
            name=run.name,
            run=run,
            label_from=label_from,
            labels=labels,
            mend=mend,
            workspace=workspace,
            allow_bad=allow_bad,
        )
    for name, said in (("label_from", label_from), ("labels", labels), ("mend", mend)):
        if said is not None:
            raise RunError(f"{name} is for other pictures (data): a run keeps where its own labels are from")
    return evaluate_run(
        run, predictor, part=split, provided=provided, workspace=workspace, without_missing=without_missing
    )


def evaluate_run(
    run: RunDirectory,
    predictor: Predictor,
    *,
    part: str | None = None,
    provided: ProvidedModel | None = None,
    workspace: Workspace = HERE,
    without_missing: bool = False,
) -> Evaluation:
    """Evaluate a run's model, opened, on a part of the pictures that the run was split with.

    ``provided`` is the network of a run that only its own code can be. Errors: RunError for a part without pictures, or
    pictures that are gone or have changed.
    """
    prepared = reopen_data(run, provided=provided, workspace=workspace, without_missing=without_missing)
    return evaluate_reopened(run, prepared, predictor, part=part)


def evaluate_reopened(
    run: RunDirectory, prepared: Prepared, predictor: Predictor, *, part: str | None = None
) -> Evaluation:
    """Evaluate a run's model, opened, on a part of its pictures, opened again too. Errors: as `evaluate_run`."""
    part = part or ("test" if prepared.folds is None else PART)
    if part not in PARTS:
        raise RunError(f"split = {part!r}: the pictures of a run are {', '.join(PARTS)}")
    if part == PART:
        if prepared.folds is None:
            raise RunError(f"{run.name} was not cross-validated; train with --folds 5, or choose a part with --split")
        answers = answers_of(run, prepared)
        folded = evaluate_folds(run.name, prepared, answers, predictor.learnt)
        return _with_notes(folded, run, prepared)
    chosen = np.array(getattr(prepared.split, part), np.int64)
    if not len(chosen):
        sizes = ", ".join(f"{name} {len(getattr(prepared.split, name))}" for name in ("train", "val", "test"))
        raise RunError(f"{run.name} has no {part} pictures ({sizes}); choose another part with --split")
    basis = basis_of(prepared.identities, chosen, judging=part in JUDGING)
    found = _ask(run.name, part, prepared.source, prepared.store, prepared.labels.values, chosen, predictor, basis)
    return _with_notes(of_run(found, prepared), run, prepared)


def _with_notes(evaluation: Evaluation, run: RunDirectory, prepared: Prepared) -> Evaluation:
    """Return an evaluation that says what changed since, and what the run's first weights had learnt from."""
    before = learnt_before(run, prepared)
    return replace(evaluation, notes=(*changes(run, prepared), *before), also=(*evaluation.also, *before))


def evaluate_on(
    predictor: Predictor,
    data: str,
    *,
    name: str,
    run: RunDirectory | None = None,
    label_from: str | None = None,
    labels: str | None = None,
    mend: str | None = None,
    workspace: Workspace = HERE,
    allow_bad: bool = False,
) -> Evaluation:
    """Evaluate a model on pictures with the labels that it knows, by any name of a source.

    ``run``, where it is the model of one, says how many of them it was trained on.
    Of a classifier labels are names of classes, whatever they look like: a list of 0.1 and 0.5 is held against what
    the model knows.
    """
    task = predictor.task
    source = find(
        data,
        data_dir=workspace.data_dir,
        download=workspace.download,
        progress=workspace.progress,
        least_classes=1,
        label_from=label_from,
        labels=labels,
        kind=task.kind,
        allow_bad=allow_bad,
    )
    source = with_mending(source, mend, workspace)
    stored = open_store(source, predictor.preprocess, progress=workspace.progress)
    check_rejected(stored.source, allow_bad=allow_bad)
    said = in_input(task, task.labels(stored.source, Recipe()), stored.source, predictor.preprocess)
    try:
        targets = task.matched(said, predictor.labels)
    except StriateError as error:
        raise SourceError(f"{stored.source.location} {error}") from None
    chosen = np.flatnonzero(said.known)
    if not len(chosen):
        raise SourceError(f"{stored.source.location} has no labelled picture to measure by")
    learnt_from, told = (None, ()) if run is None else seen(run, [stored.store.digests[row].hex() for row in chosen])
    basis = basis_of(stored.store.digests, chosen, judging=bool(learnt_from))
    found = _ask(name, data, stored.source, stored.store, targets, chosen, predictor, basis)
    deep = depth.notes(depth.tally(stored.store.depths), predictor.preprocess.bits)
    notes = (*left_out(stored.source), *deep, *told)
    return replace(found, notes=notes, trained_on=learnt_from, source=stored.source, pixels=stored.store.pixels)


def evaluate_prepared(run: RunDirectory, prepared: Prepared, ask: InferFn, learnt: Any, *, part: str) -> Evaluation:
    """Evaluate a model that is in memory, on a part of the pictures it was prepared with."""
    chosen, labels = np.array(getattr(prepared.split, part), np.int64), prepared.labels
    basis = basis_of(prepared.identities, chosen, judging=part in JUDGING)
    found = measure(
        run.name, part, prepared.source, labels.values, chosen, ask, prepared.task, labels.kept, learnt, basis
    )
    return of_run(found, prepared)


def _ask(
    name: str,
    part: str,
    source: Source,
    store: Store,
    values: np.ndarray,
    chosen: np.ndarray,
    predictor: Predictor,
    basis: Basis,
) -> Evaluation:
    """Measure a predictor; the names are the model's, whatever the source calls its own."""
    ask = asking(predictor.model, store, predictor.task, device=predictor.device)
    task, labels, learnt = predictor.task, predictor.labels, predictor.learnt
    return measure(name, part, source, values, chosen, ask, task, labels, learnt, basis)
