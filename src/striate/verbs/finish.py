"""Finish: from a trained state to a model that answers honestly, and its report. Imports engine, tasks, runs, report.

Everything here is a function of the weights, the split and the seed, so a run killed in the middle of it finishes the
same way the next time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from striate.engine.infer import infer
from striate.errors import StriateError
from striate.model.files.weights import ModelFile, with_state
from striate.recipe import Recipe
from striate.runs.answers import Answers
from striate.runs.history import plain
from striate.runs.run import Run
from striate.spec.code import is_code
from striate.tasks.calibrate import HEAD_SPREAD, SPREAD, Calibration, calibrate
from striate.tasks.classify import Learnt, state_of
from striate.tasks.frozen import fit_frozen
from striate.tasks.ood import OODDetector, fit_ood, fit_ood_at
from striate.tasks.sketch import spread_evenly
from striate.tasks.strangers import StrangerSkill
from striate.tasks.task import EMBEDDING, State
from striate.verbs.cautions import copies_of
from striate.verbs.lineage import learnt_any, learnt_before
from striate.verbs.prepared import Prepared, subset

if TYPE_CHECKING:
    import torch

    from striate.model.build.model import Model
    from striate.verbs.evaluate import Evaluation

FEWEST = 20  # validation pictures, below which a threshold for "none of these" would be a guess
SHOWN = 32  # pictures on which model.onnx has to answer as torch does
NO_TEST = (
    "no picture was left to test with, so the figure is of the very pictures it was trained on and says nothing of new"
    " ones; a class needs two different pictures at least to be measured"
)
ONLY_VAL = (
    "there are no test pictures, so the figure is of the validation pictures, by which its temperature, and whatever"
    " else was chosen, was chosen: expect a little less on new ones; --folds 5 measures without that"
)
NOT_YET = state_of(Learnt(Calibration(note="the folds that it is calibrated by are not trained yet"), None))
KNOWN = 5000  # training pictures that are enough to know what the known looks like


InferFn: TypeAlias = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def asking(model: Model, prepared: Prepared, *, device: torch.device) -> InferFn:
    """Return the question to a model: rows of the store to logits (N, classes) and embeddings (N, features)."""
    return lambda rows: infer(model, prepared.store, rows, device=device)


def finish(
    run: Run,
    prepared: Prepared,
    model: Model,
    *,
    ask: InferFn,
    answers: Answers | None = None,
    skill: StrangerSkill | None = None,
    seconds: float | None = None,
) -> Evaluation:
    """Calibrate, learn what is known, write the model, evaluate, write the report.

    What the model is worth is measured on the test split, or by the out-of-fold ``answers`` of a cross-validated run.
    ``skill``: how well strangers are told by nets like it that were trained without some of the classes.
    ``seconds``: how long the training took so far, for the report.
    """
    from striate.verbs.evaluate import evaluate_prepared
    from striate.verbs.evaluate_folds import evaluate_folds
    from striate.verbs.report import write_report

    state = _judged(run, prepared, ask, answers, skill)
    content = keep_model(run, prepared, model, state)
    learnt = prepared.task.opened(state, prepared.labels.kept)
    _leave_onnx(run, prepared, model, content)
    if answers is not None:
        evaluation = evaluate_folds(run.name, prepared, answers, learnt)
    else:
        part = next((part for part in ("test", "val") if getattr(prepared.split, part)), "train")
        if part != "test":
            run.notes.append(NO_TEST if part == "train" else ONLY_VAL)
        by_name = _by_name(prepared, ask)
        evaluation = evaluate_prepared(run, prepared, by_name, learnt, part=part)
    before = learnt_before(run, prepared)
    evaluation = replace(evaluation, notes=(*evaluation.notes, *before), also=(*evaluation.also, *before))
    try:
        write_report(run, prepared, evaluation, model, seconds=seconds)
    except StriateError:  # a full disk: what was learnt is kept, and the run can be finished later
        raise
    except Exception as error:  # a fault of ours must not cost a person what was learnt
        run.notes.append(f"the report could not be drawn ({_named(error)}); the model and its figures are kept")
        run.write_report(_plain_report(run.name, _named(error), evaluation.summary()))
    run.finish({**evaluation.summary(), "copies": copies_of(prepared).counts(), "left_out": _left_out(run)})
    return evaluation


def _by_name(prepared: Prepared, ask: InferFn) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Return a question whose answers go by the names of the outputs."""
    return lambda rows: dict(zip((prepared.task.output, EMBEDDING), ask(rows), strict=True))


def _left_out(run: Run) -> dict[str, int]:
    """Return how many files of the source were skipped, each with its reason, and how many were no pictures at all."""
    facts = run.source()
    return {"skipped": len(facts.get("rejected", ())), "passed_over": facts.get("passed_over", {}).get("files", 0)}


def keep_model(run: Run, prepared: Prepared, model: Model, state: State = NOT_YET) -> bytes | None:
    """Write the model file, and return its graph for ONNX; before its folds are trained it is not calibrated yet."""
    from striate.verbs.export import graph_for

    pictures, labels = prepared.preprocess, prepared.labels
    content, digest = (None, None) if is_code(str(prepared.net)) else graph_for(model, prepared.task)
    run.save_model(
        with_state(model.state_dict(), state.arrays),
        ModelFile(
            net=str(prepared.net),
            input=(pictures.channels, pictures.height, pictures.width),
            task=prepared.task.name,
            names=labels.names,
            labels=dict(labels.facts),
            preprocess=pictures.to_dict(),
            state=dict(state.facts),
            provenance={
                "run": run.name,
                "recipe": prepared.recipe.model_dump(mode="json", exclude_none=True),
                "data": prepared.digest(),
                "environment": run.environment(),
            },
        ),
        graph=digest,
    )
    return content


def _judged(run: Run, prepared: Prepared, ask: InferFn, answers: Answers | None, skill: StrangerSkill | None) -> State:
    """Return what `fit_calibration_and_ood` does; where it fails by a fault of ours, an uncalibrated model, and why."""
    try:
        calibration, unknown = fit_calibration_and_ood(prepared, ask, answers)
        if unknown is not None:
            # Of a frozen trunk it was measured, unless that has learnt these very classes before.
            frozen = unknown.skill if prepared.recipe.tune == "head" and not learnt_any(run, prepared) else None
            unknown = unknown.with_skill(skill or frozen)
        return state_of(Learnt(calibration, unknown))
    except StriateError:
        raise
    except Exception as error:
        run.notes.append(f"its probabilities are not calibrated, as that failed ({_named(error)})")
        return state_of(Learnt(Calibration(note="not calibrated, as that failed"), None))


def _named(error: Exception) -> str:
    """Return an error as its kind and its first line."""
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}" if str(error).strip() else repr(error)


def _plain_report(name: str, why: str, figures: dict[str, Any]) -> str:
    """Return a page with the bare figures of a run whose report could not be drawn."""
    shown = escape(json.dumps(plain(figures), indent=1, ensure_ascii=False))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(name)}</title>'
        f"<h1>{escape(name)}</h1><p>This report could not be drawn: {escape(why)}. The model is whole; these are its"
        f" figures.</p><pre>{shown}</pre></html>\n"
    )


def _leave_onnx(run: Run, prepared: Prepared, model: Model, content: bytes | None) -> None:
    """Write ``model.onnx``; where that cannot be, the run is whole without it and says why."""
    from striate.verbs.export import export_beside

    if is_code(str(prepared.net)):
        return  # it is asked in its own process
    shown = subset(prepared.split.val or prepared.split.train, SHOWN, seed=prepared.recipe.seed)
    try:
        why = export_beside(model, run.model_path, prepared.store.pixels[shown], content)
    except StriateError:
        raise
    except Exception as error:  # whatever the other program makes of the graph
        why = f"model.onnx was not written, and torch will answer: {_named(error)}"
    if why:
        run.notes.append(why)


def spread(recipe: Recipe) -> float:
    """Return how far from 1 the temperature of what a recipe trains is thought to lie, before it is fitted."""
    return HEAD_SPREAD if recipe.tune == "head" else SPREAD


def fit_calibration_and_ood(
    prepared: Prepared, ask: InferFn, answers: Answers | None = None
) -> tuple[Calibration, OODDetector | None]:
    """Fit the temperature and what is known, on pictures that were not trained on and a sample of those that were.

    The former are the validation split, or all that out-of-fold ``answers`` are of.
    """
    split, targets, recipe, folds = prepared.split, prepared.targets, prepared.recipe, prepared.folds
    if answers is not None and folds is not None:
        judges, logits = folds.measured, answers.logits
        calibration = calibrate(logits, targets[judges], folds=folds.places[0, judges], spread=spread(recipe))
    else:
        judges = np.array(split.val, np.int64)
        logits, embeddings = ask(judges)
        calibration = calibrate(logits, targets[judges], spread=spread(recipe))
    if recipe.unknown and recipe.tune == "head":  # a frozen trunk: every picture is a fresh one to the others
        rows = np.concatenate([subset(split.train, KNOWN, seed=recipe.seed), np.array(split.val, np.int64)])
        if len(rows) < FEWEST:
            return calibration, None
        return calibration, fit_frozen(ask(rows)[1], targets[rows], temperature=calibration.temperature)
    if not recipe.unknown or len(judges) < FEWEST:
        return calibration, None
    train = subset(split.train, KNOWN, seed=recipe.seed)
    train = train[spread_evenly(targets[train])]
    _, known = ask(train)
    temperature = calibration.temperature
    if answers is None:
        return calibration, fit_ood(known, targets[train], embeddings, logits, temperature=temperature)
    if answers.distances is None:
        return calibration, None
    return calibration, fit_ood_at(known, targets[train], answers.distances, logits, temperature=temperature)
