"""Evaluate: a model against pictures whose answers are known. Imports engine, metrics, tasks, runs, report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from striate.data.folds import Folds
from striate.data.pictures import depth
from striate.data.sources.source import Source, check_rejected, find
from striate.data.store.store import Store, open_store
from striate.defaults import SMALL
from striate.engine.infer import infer
from striate.errors import RunError, SourceError
from striate.metrics.mistakes import Mistake
from striate.metrics.probability import softmax
from striate.metrics.report import ClassificationReport, classification_report
from striate.metrics.verdict import Verdict, verdict
from striate.runs.predictor import Predictor
from striate.runs.run import Run
from striate.tasks.calibrate import Calibration
from striate.tasks.ood import OODDetector
from striate.tasks.table import task_named
from striate.verbs.cautions import copies_of, left_out
from striate.verbs.folds import PART, answers_of
from striate.verbs.lineage import learnt_before, seen
from striate.verbs.prepared import Prepared, Progress, ProvidedModel
from striate.verbs.reopen import changes, reopen_data
from striate.verbs.report import counts_of
from striate.words import counted

if TYPE_CHECKING:
    from striate.verbs.finish import InferFn

PART_WORDS = {"test": "test", "val": "validation", "train": "training", "cross-validated": "cross-validated"}


@dataclass(frozen=True)
class Evaluation:
    """What a model is worth on some pictures.

    ``indices`` (N,) into the store, ``targets`` (N,), ``logits`` (N, classes); ``unknown`` (N,) says which were
    answered "none of these", and ``strangers`` how well strangers are told. ``notes`` are sentences a person should
    read: what was added or is missing since. Of other pictures than the run's own ``trained_on`` says how many of them
    it was trained on, where that is known. Of out-of-fold answers ``folds`` are how the pictures were dealt,
    ``temperatures`` (N,) what was fitted to the other folds, and ``means`` is what the figure means, in a sentence.
    ``trained``: of each class, how many pictures the model learnt from, where that is known;
    ``from_chance``: it learnt photographs without weights to start from; ``also`` are sentences for the verdict.
    """

    name: str
    part: str
    classes: tuple[str, ...]
    keys: tuple[str, ...]
    indices: np.ndarray
    targets: np.ndarray
    logits: np.ndarray
    report: ClassificationReport
    calibration: Calibration
    unknown: np.ndarray | None
    strangers: dict[str, object] | None = None
    notes: tuple[str, ...] = ()
    trained_on: int | None = None
    trained: tuple[int, ...] | None = None
    from_chance: bool = False
    also: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """What the figures come to, in a sentence that a person can act on."""
        return verdict(
            self.report,
            part=PART_WORDS.get(self.part, ""),
            trained=self.trained,
            from_chance=self.from_chance,
            learnt_from=len(self.keys) if self.part == "train" else self.trained_on or 0,
            also=self.also,
        )

    temperatures: np.ndarray | None = None
    folds: Folds | None = None
    means: str = ""

    @property
    def probabilities(self) -> np.ndarray:
        """Calibrated probabilities (N, classes); of out-of-fold answers by the other folds' temperature."""
        one = self.calibration.temperature
        return np.asarray(softmax(self.logits, one if self.temperatures is None else self.temperatures))

    @property
    def label_issues(self) -> tuple[Mistake, ...]:
        """Answers that stand against a label with confidence, the one that thinks least of its label first.

        None where the answers say nothing of labels: the pictures were learnt from, or it is no better than a guess.
        """
        return () if self.verdict.kind in ("learnt", "guess") else self.report.label_issues

    def named(self, mistake: Mistake) -> dict[str, Any]:
        """Return a wrong answer with the names of its picture and classes, ready for JSON."""
        return {
            "picture": self.keys[mistake.index],
            "label": self.classes[mistake.target],
            "answer": self.classes[mistake.predicted],
            "confidence": mistake.confidence,
            "self_confidence": mistake.target_probability,
        }

    @property
    def known_kept(self) -> float | None:
        """Share of these pictures, all of known classes, that were not answered "none of these"."""
        return None if self.unknown is None else float(1.0 - self.unknown.mean())

    def summary(self) -> dict[str, Any]:
        """Return everything but the pictures' own rows, ready for JSON."""
        return {
            "name": self.name,
            "part": self.part,
            "pictures": len(self.keys),
            "verdict": self.verdict.to_dict(),
            "known_kept": self.known_kept,
            "strangers": self.strangers,
            "notes": list(self.notes),
            "trained_on": self.trained_on,
            "calibration": self.calibration.to_dict(),
            "folds": None if self.folds is None else {"count": self.folds.count, "repeats": self.folds.draws},
            "means": self.means,
            **self.report.to_dict(),
            "worst_mistakes": [{**one.to_dict(), **self.named(one)} for one in self.report.worst_mistakes],
            "label_issues": [self.named(one) for one in self.label_issues],
        }


def evaluate(
    run: str = "last",
    *,
    part: str | None = None,
    data: str | None = None,
    label_from: str | None = None,
    runs_dir: Path | str = "runs",
    data_dir: Path | None = None,
    allow_bad: bool = False,
    without_missing: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a run's model on a part of its own pictures, or on other pictures with the same classes.

    ``part`` is ``test``, ``val``, ``train``, or ``cross-validated`` for the answers of its folds; by itself these where
    the run has them, else ``test``.
    ``without_missing`` measures what remains where some of the run's own pictures are gone.
    ``label_from`` takes the labels of ``data`` out of the names of its files, by a pattern.

    Errors: RunError when the run has no model yet, SourceError when ``data`` has classes that the model does not know.

    Example: ``evaluate("last").report.accuracy.value``
    """
    opened = Run.open(run, Path(runs_dir))
    predictor = Predictor.open(opened.model_path, onnx=False)
    if data is not None:
        return evaluate_on(
            predictor,
            data,
            name=opened.name,
            run=opened,
            label_from=label_from,
            data_dir=data_dir,
            allow_bad=allow_bad,
            progress=progress,
        )
    if label_from is not None:
        raise RunError("label_from is for other pictures (data): a run keeps where its own labels are from")
    return evaluate_run(
        opened, predictor, part=part, data_dir=data_dir, without_missing=without_missing, progress=progress
    )


def evaluate_run(
    run: Run,
    predictor: Predictor,
    *,
    part: str | None = None,
    own: ProvidedModel | None = None,
    data_dir: Path | None = None,
    without_missing: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a run's model, opened, on a part of the pictures that the run was split with.

    ``own`` is the network of a run that only its own code can be. Errors: RunError for a part without pictures, or
    pictures that are gone or have changed.
    """
    prepared = reopen_data(run, own=own, data_dir=data_dir, without_missing=without_missing, progress=progress)
    part = part or ("test" if prepared.folds is None else PART)
    if part == PART:
        if prepared.folds is None:
            raise RunError(f"{run.name} was not cross-validated; train with --folds 5, or choose a part with --split")
        from striate.verbs.evaluate_folds import evaluate_folds

        answers = answers_of(run, prepared)
        folded = evaluate_folds(run.name, prepared, answers, predictor.calibration, predictor.unknown)
        return _with_notes(folded, run, prepared)
    chosen = np.array(getattr(prepared.split, part), np.int64)
    if not len(chosen):
        sizes = ", ".join(f"{name} {len(getattr(prepared.split, name))}" for name in ("train", "val", "test"))
        raise RunError(f"{run.name} has no {part} pictures ({sizes}); choose another part with --split")
    found = _ask(run.name, part, prepared.source, prepared.store, prepared.targets, chosen, predictor)
    return _with_notes(of_run(found, prepared), run, prepared)


def _with_notes(evaluation: Evaluation, run: Run, prepared: Prepared) -> Evaluation:
    """Return an evaluation that says what changed since, and what the run's first weights had learnt from."""
    before = learnt_before(run, prepared)
    return replace(evaluation, notes=(*changes(run, prepared), *before), also=(*evaluation.also, *before))


def evaluate_on(
    predictor: Predictor,
    data: str,
    *,
    name: str,
    run: Run | None = None,
    label_from: str | None = None,
    data_dir: Path | None = None,
    allow_bad: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a model on pictures with the classes that it knows, by any name of a source.

    ``run``, where it is the model of one, says how many of them it was trained on.
    Labels are names of classes, whatever they look like: a list of 0.1 and 0.5 is held against what the model knows.
    """
    source = find(
        data,
        data_dir=data_dir,
        progress=progress,
        least_classes=1,
        label_from=label_from,
        kind=task_named(predictor.facts.task).kind,
    )
    stored = open_store(source, predictor.preprocess, progress=progress)
    check_rejected(stored.source, allow_bad=allow_bad)
    targets = _matched(stored.source, predictor.classes)
    chosen = np.flatnonzero(targets >= 0)
    found = _ask(name, data, stored.source, stored.store, targets, chosen, predictor)
    deep = depth.notes(depth.tally(stored.store.depths), predictor.preprocess.bits)
    found = replace(found, notes=(*left_out(stored.source), *deep))
    if run is None:
        return found
    number, told = seen(run, [stored.store.digests[row].hex() for row in chosen])
    return replace(found, notes=(*found.notes, *told), trained_on=number)


def evaluate_prepared(
    run: Run,
    prepared: Prepared,
    ask: InferFn,
    calibration: Calibration,
    unknown: OODDetector | None,
    *,
    part: str,
) -> Evaluation:
    """Evaluate a model that is in memory, on a part of the pictures it was prepared with."""
    chosen = np.array(getattr(prepared.split, part), np.int64)
    return of_run(
        measure(run.name, part, prepared.source, prepared.targets, chosen, ask, calibration, unknown), prepared
    )


def of_run(evaluation: Evaluation, prepared: Prepared) -> Evaluation:
    """Return an evaluation that knows what its model was trained on."""
    recipe, size = prepared.recipe, (prepared.preprocess.height, prepared.preprocess.width)
    photographs = prepared.preprocess.channels > 1 and max(size) > SMALL
    copies = copies_of(prepared).lines(prepared.source.items, prepared.source.classes)
    return replace(
        evaluation,
        trained=tuple(int(count) for count in counts_of(prepared)["train"]),
        from_chance=recipe.start is None and photographs,
        also=(*evaluation.also, *copies),
    )


def measure(
    name: str,
    part: str,
    source: Source,
    targets: np.ndarray,
    chosen: np.ndarray,
    ask: InferFn,
    calibration: Calibration,
    unknown: OODDetector | None,
) -> Evaluation:
    """Ask the model about the chosen pictures and compare with their targets."""
    logits, embeddings = ask(chosen)
    answers = targets[chosen]
    strange = None
    if unknown is not None and len(chosen):
        strange = unknown.is_unknown(unknown.score(embeddings, logits))
    return Evaluation(
        name=name,
        part=part,
        classes=source.classes,
        keys=tuple(source.items[index].key for index in chosen),
        indices=chosen,
        targets=answers,
        logits=logits,
        report=classification_report(logits, answers, classes=source.classes, temperature=calibration.temperature),
        calibration=calibration,
        unknown=strange,
        strangers=None if unknown is None else unknown.told(),
    )


def _ask(
    name: str,
    part: str,
    source: Source,
    store: Store,
    targets: np.ndarray,
    chosen: np.ndarray,
    predictor: Predictor,
) -> Evaluation:
    """Measure a predictor; the classes are the model's, whatever the source calls its own."""
    return measure(
        name,
        part,
        replace(source, classes=predictor.classes),
        targets,
        chosen,
        lambda rows: infer(predictor.model, store, rows, device=predictor.device),
        predictor.calibration,
        predictor.unknown,
    )


def _matched(source: Source, classes: tuple[str, ...]) -> np.ndarray:
    """Return the model's class index for every picture of another source, matched by class name."""
    strangers = [name for name in source.classes if name not in classes]
    if strangers:
        raise SourceError(
            f"{source.location} has {counted(len(strangers), 'class')} the model does not know:"
            f" {', '.join(strangers[:5])}{' ...' if len(strangers) > 5 else ''};"
            f" it knows {', '.join(classes[:10])}{' ...' if len(classes) > 10 else ''}"
        )
    place = np.array([classes.index(name) for name in source.classes] + [-1], np.int64)
    return place[[item.place for item in source.items]]
