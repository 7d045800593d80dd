"""Evaluate folds: what a cross-validated run is worth, by answers to pictures that had not been seen."""

from __future__ import annotations

from striate.metrics.report import classification_report
from striate.runs.answers import Answers
from striate.tasks.calibrate import Calibration, fold_temperatures
from striate.tasks.ood import OODDetector
from striate.verbs.evaluate import Evaluation, of_run
from striate.verbs.finish import spread
from striate.verbs.folds import PART, means
from striate.verbs.prepared import Prepared

DESIGN = 1.5  # variance of a cross-validated figure, in that of as many independent answers (docs/decisions/0010)


def evaluate_folds(
    name: str, prepared: Prepared, answers: Answers, calibration: Calibration, unknown: OODDetector | None
) -> Evaluation:
    """Evaluate by out-of-fold answers: of every picture by what had not seen it, calibrated by the other folds.

    The interval is for answers that are not independent: see docs/decisions/0010.
    """
    folds, targets = prepared.folds, prepared.targets
    assert folds is not None
    chosen = folds.measured
    each = fold_temperatures(answers.logits, targets[chosen], folds.places[0, chosen], spread=spread(prepared.recipe))
    different = len({prepared.store.digests[row] for row in chosen})
    strange = None
    if unknown is not None and answers.distances is not None:
        strange = unknown.is_unknown(unknown.score_at(answers.distances, answers.logits))
    evaluation = Evaluation(
        name=name,
        part=PART,
        classes=prepared.source.classes,
        keys=tuple(prepared.source.items[index].key for index in chosen),
        indices=chosen,
        targets=targets[chosen],
        logits=answers.logits,
        report=classification_report(
            answers.logits,
            targets[chosen],
            classes=prepared.source.classes,
            temperature=calibration.temperature,
            temperatures=each,
            design=DESIGN * len(chosen) / different,
        ),
        calibration=calibration,
        unknown=strange,
        strangers=None if unknown is None else unknown.told(),
        temperatures=each,
        folds=folds,
        means=means(prepared),
        also=(f"{folds}: {means(prepared)}",),
    )
    return of_run(evaluation, prepared)
