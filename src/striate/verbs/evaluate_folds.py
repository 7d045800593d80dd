"""Evaluate folds: what a cross-validated run is worth, by answers to pictures that had not been seen."""

from __future__ import annotations

from typing import Any

from striate.data.copies import groups_of
from striate.runs.answers import Answers
from striate.tasks.assessment import Basis
from striate.verbs.evaluation import Evaluation, of_run
from striate.verbs.folds import PART, means
from striate.verbs.prepared import Prepared

DESIGN = 1.5  # variance of a cross-validated figure, in that of as many independent answers (docs/decisions/0010)


def evaluate_folds(name: str, prepared: Prepared, answers: Answers, learnt: Any) -> Evaluation:
    """Evaluate by out-of-fold answers: of every picture by what had not seen it, by what the other folds taught.

    ``learnt`` is `Task.opened` of the model's state. The interval is for answers that are not independent: see
    docs/decisions/0010.
    """
    folds, labels = prepared.folds, prepared.labels
    assert folds is not None
    chosen = folds.measured
    basis = Basis(
        config=prepared.config,
        folds=folds.places[0, chosen],
        design=DESIGN,
        distances=answers.distances,
        groups=groups_of([prepared.identities[row] for row in chosen]),
    )
    evaluation = Evaluation(
        name=name,
        part=PART,
        labels=labels.kept,
        keys=tuple(prepared.source.items[index].key for index in chosen),
        indices=chosen,
        targets=labels.values[chosen],
        outputs=answers.outputs,
        found=prepared.task.evaluate(answers.outputs, labels.values[chosen], labels.kept, learnt, basis),
        folds=folds,
        means=means(prepared),
        also=(f"{folds}: {means(prepared)}",),
    )
    return of_run(evaluation, prepared)
