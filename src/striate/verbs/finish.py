"""Finish: from a trained state to a model that answers honestly, and its report. Imports engine, tasks, runs, report.

Everything here is a function of the weights, the split and the seed, so a run killed in the middle of it finishes the
same way the next time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.data.copies import groups_of
from striate.errors import StriateError
from striate.metrics.probability import Ints
from striate.model.files.weights import ModelFile, with_state
from striate.runs.answers import Answers
from striate.runs.run import RunDirectory
from striate.spec.code import is_code
from striate.tasks.card import card_facts
from striate.tasks.stranger_skill import StrangerSkill
from striate.tasks.task import Judged, Outputs, State
from striate.verbs.asking import InferFn
from striate.verbs.cautions import copies_of
from striate.verbs.lineage import learnt_any, learnt_before
from striate.verbs.prepared import Prepared, subset

if TYPE_CHECKING:
    from striate.model.build.model import Model
    from striate.verbs.evaluation import Evaluation

SHOWN = 32  # pictures on which model.onnx has to answer as torch does
NO_TEST = (
    "no picture was left to test with, so the figure is of the very pictures it was trained on and says nothing of new"
    " ones; it takes two different pictures of a kind at least to measure one by the other"
)
ONLY_VAL = (
    "there are no test pictures, so the figure is of the validation pictures, by which it was calibrated, and"
    " whatever else was chosen: expect a little less on new ones"
)
FOLDS_TELL = "; --folds 5 measures without that"
NOT_YET = "the folds that it is calibrated by are not trained yet"
KNOWN = 5000  # training pictures that are enough to know what the known looks like


def finish(
    run: RunDirectory,
    prepared: Prepared,
    model: Model,
    *,
    ask: InferFn,
    answers: Answers | None = None,
    skill: StrangerSkill | None = None,
    seconds: float | None = None,
) -> Evaluation:
    """Learn what is learnt after training, such as a calibration, write the model, evaluate, write the report.

    What the model is worth is measured on the test split, or by the out-of-fold ``answers`` of a cross-validated run.
    ``skill``: how well strangers are told by nets like it that were trained without some of the classes.
    ``seconds``: how long the training took so far, for the report.
    """
    from striate.verbs.evaluate import evaluate_prepared
    from striate.verbs.evaluate_folds import evaluate_folds
    from striate.verbs.report import write_figures, write_report

    state = _state(run, prepared, ask, answers, skill)
    run.notes += state.notes
    content = keep_model(run, prepared, model, state)
    learnt = prepared.task.opened(state, prepared.facts)
    _leave_onnx(run, prepared, model, content)
    if answers is not None:
        evaluation = evaluate_folds(run.name, prepared, answers, learnt)
    else:
        part = next((part for part in ("test", "val") if getattr(prepared.split, part)), "train")
        if part != "test":
            folded = prepared.task.solved or prepared.config.tune != "all"
            run.notes.append(NO_TEST if part == "train" else ONLY_VAL + FOLDS_TELL * folded)
        evaluation = evaluate_prepared(run, prepared, ask, learnt, part=part)
    before = learnt_before(run, prepared)
    evaluation = replace(evaluation, notes=(*evaluation.notes, *before), also=(*evaluation.also, *before))
    try:
        write_report(run, prepared, evaluation, model, seconds=seconds)
    except StriateError:  # a full disk: what was learnt is kept, and the run can be finished later
        raise
    except Exception as error:  # a fault of ours must not cost a person what was learnt
        run.notes.append(f"the report could not be drawn ({_named(error)}); the model and its figures are kept")
        write_figures(run, evaluation.to_dict(), why=_named(error))
    facts = {
        "copies": copies_of(prepared).counts(),
        "left_out": _left_out(run),
        "card": _card(run, prepared, evaluation),
    }
    run.finish({**evaluation.to_dict(), **facts})
    return evaluation


def _card(run: RunDirectory, prepared: Prepared, evaluation: Evaluation) -> dict[str, Any] | None:
    """Return what a model card says of the evaluation; None where that cannot be said, by a fault of ours."""
    try:
        return carded(prepared, evaluation)
    except Exception as error:  # it can be measured again: nothing that was learnt is lost for a card
        run.notes.append(f"what its model card says could not be kept ({_named(error)})")
        return None


def carded(prepared: Prepared, evaluation: Evaluation) -> dict[str, Any]:
    """Return what a model card says of an evaluation and of the pictures it was trained on, as plain JSON."""
    parts = {part: np.array(getattr(prepared.split, part), np.int64) for part in ("train", "val", "test")}
    shown = prepared.task.shown_parts(prepared.labels.values, parts, evaluation.labels)
    named = copies_of(prepared).lines(prepared.source.items, prepared.labels.names)  # with their files
    plain = replace(evaluation, also=tuple(line for line in evaluation.also if line not in named))
    return {**card_facts(evaluation.found, shown), "verdict": plain.verdict.to_dict()}


def _left_out(run: RunDirectory) -> dict[str, int]:
    """Return how many files of the source were skipped, each with its reason, and how many were no pictures at all."""
    facts = run.source()
    return {"skipped": len(facts.get("rejected", ())), "passed_over": facts.get("passed_over", {}).get("files", 0)}


def keep_model(run: RunDirectory, prepared: Prepared, model: Model, state: State | None = None) -> bytes | None:
    """Write the model file, and return its graph for ONNX; before its folds are trained it is not calibrated yet."""
    from striate.verbs.export import graph_for

    pictures, labels = prepared.preprocess, prepared.labels
    state = prepared.task.unlearnt(NOT_YET) if state is None else state
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
                "recipe": prepared.config.written(),
                "data": prepared.digest(),
                "environment": run.environment(),
            },
        ),
        graph=digest,
    )
    return content


def _state(
    run: RunDirectory, prepared: Prepared, ask: InferFn, answers: Answers | None, skill: StrangerSkill | None
) -> State:
    """Return what is learnt after training; where that fails by a fault of ours, a model without it, and why."""
    try:
        found = judged(prepared, ask, answers)
        seen = found.frozen and learnt_any(run, prepared)
        return prepared.task.fit_state(replace(found, skill=skill, seen_before=seen), prepared.facts)
    except StriateError:
        raise
    except Exception as error:
        run.notes.append(f"it is not calibrated, as that failed ({_named(error)})")
        return prepared.task.unlearnt("not calibrated, as that failed")


def _named(error: Exception) -> str:
    """Return an error as its kind and its first line."""
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}" if str(error).strip() else repr(error)


def _leave_onnx(run: RunDirectory, prepared: Prepared, model: Model, content: bytes | None) -> None:
    """Write ``model.onnx``; where that cannot be, the run is whole without it and says why."""
    from striate.verbs.export import export_beside

    if is_code(str(prepared.net)):
        return  # it is asked in its own process
    shown = subset(prepared.split.val or prepared.split.train, SHOWN, seed=prepared.config.seed)
    try:
        why = export_beside(model, run.model_path, prepared.store.pixels[shown], content)
    except StriateError:
        raise
    except Exception as error:  # whatever the other program makes of the graph
        why = f"model.onnx was not written, and torch will answer: {_named(error)}"
    if why:
        run.notes.append(why)


def judged(prepared: Prepared, ask: InferFn, answers: Answers | None = None) -> Judged:
    """Return what a state is learnt from: pictures that were not trained on, and a sample of those that were.

    The former are the validation split, or all that out-of-fold ``answers`` are of.
    """
    split, targets, config, folds = prepared.split, prepared.targets, prepared.config, prepared.folds
    frozen = config.tune == "head"

    def known(choose: Callable[[NDArray[Any]], Ints] | None) -> tuple[Outputs, NDArray[Any]]:
        rows = subset(split.train, KNOWN, seed=config.seed)
        if frozen:
            rows = np.concatenate([rows, np.array(split.val, np.int64)])
        rows = rows if choose is None else rows[choose(targets[rows])]
        return ask(rows), targets[rows]

    if answers is not None and folds is not None:
        rows = folds.measured
        places, distances = folds.places[0, rows], answers.distances
        found = Judged(answers.outputs, targets[rows], config, known, folds=places, distances=distances, frozen=frozen)
    else:
        rows = np.array(split.val, np.int64)
        found = Judged(ask(rows), targets[rows], config, known, frozen=frozen)
    return replace(found, groups=groups_of([prepared.identities[row] for row in rows]))
