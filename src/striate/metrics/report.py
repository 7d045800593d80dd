"""ClassificationReport: every measure of one evaluation as a value, as JSON and as text for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from striate.errors import StriateError
from striate.metrics.classification import (
    Average,
    ClassMeasure,
    averages,
    count_pairs,
    precision_recall_f1,
    share_of,
)
from striate.metrics.intervals import Bootstrap, Interval, widened
from striate.metrics.mistakes import Mistake, label_issues, worst_mistakes
from striate.metrics.outcomes import Outcomes, joined, outcomes
from striate.metrics.probability import Floats, Ints, checked_temperature
from striate.metrics.reliability import Bin, calibration_error_of, reliability_of
from striate.metrics.report_text import report_text
from striate.metrics.weak import caveats, unmeasured
from striate.words import counted, plural

TOP = (3, 5)  # told where there are more than twice as many classes: below, chance does half of it
PAIRS = 20


@dataclass(frozen=True)
class ConfusedPair:
    """How many pictures of one class were called another, and which share of the class that is."""

    target: int
    predicted: int
    pictures: int
    share: float

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON; classes by number."""
        return dict(vars(self))


@dataclass(frozen=True, eq=False)
class ClassificationReport:
    """Every measure of one evaluation, at the calibrated temperature.

    ``confusion`` is (K, K): rows are the pictures' own classes. ``raw_*`` is what it was before calibration, at
    temperature 1. ``adaptive_calibration_error`` uses bins of equal numbers of answers. ``worst_mistakes`` are the
    most confidently wrong answers, ``confused_pairs`` the most frequent mistakes, ``label_issues`` the answers that
    stand against a label with confidence (`striate.metrics.mistakes.label_issues`). Intervals are 95 %.
    """

    classes: tuple[str, ...]
    pictures: int
    temperature: float
    accuracy: Interval
    top_k: tuple[tuple[int, Interval], ...]
    macro: Average
    weighted: Average
    per_class: tuple[ClassMeasure, ...]
    confusion: Ints
    log_loss: Interval
    brier_score: Interval
    calibration_error: Interval
    adaptive_calibration_error: Interval
    reliability: tuple[Bin, ...]
    raw_log_loss: Interval
    raw_calibration_error: Interval
    raw_reliability: tuple[Bin, ...]
    worst_mistakes: tuple[Mistake, ...]
    confused_pairs: tuple[ConfusedPair, ...]
    label_issues: tuple[Mistake, ...]

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON: a number without meaning is None, never NaN."""
        return {
            "classes": list(self.classes),
            "pictures": self.pictures,
            "temperature": self.temperature,
            "accuracy": self.accuracy.to_dict(),
            "top_k": {str(k): share.to_dict() for k, share in self.top_k},
            "unmeasured_classes": list(unmeasured(self.per_class)),
            "macro": self.macro.to_dict(),
            "weighted": self.weighted.to_dict(),
            "per_class": [measure.to_dict() for measure in self.per_class],
            "confusion": self.confusion.tolist(),
            "log_loss": self.log_loss.to_dict(),
            "brier_score": self.brier_score.to_dict(),
            "calibration_error": self.calibration_error.to_dict(),
            "adaptive_calibration_error": self.adaptive_calibration_error.to_dict(),
            "reliability": [one.to_dict() for one in self.reliability],
            "raw_log_loss": self.raw_log_loss.to_dict(),
            "raw_calibration_error": self.raw_calibration_error.to_dict(),
            "raw_reliability": [one.to_dict() for one in self.raw_reliability],
            "worst_mistakes": [mistake.to_dict() for mistake in self.worst_mistakes],
            "confused_pairs": [pair.to_dict() for pair in self.confused_pairs],
            "label_issues": [mistake.to_dict() for mistake in self.label_issues],
        }

    def text(self, *, classes: int = 20) -> str:
        """Return a summary for the terminal; of many classes the ``classes`` worst by F1."""
        figures: list[tuple[str, Interval, str]] = [("accuracy", self.accuracy, "%")]
        figures += [(f"top-{k} accuracy", share, "%") for k, share in self.top_k]
        figures += [
            (f"macro F1{self._measured()}", self.macro.f1, "%"),
            ("log loss", self.log_loss, "nats"),
            ("Brier score", self.brier_score, ""),
            ("calibration error", self.calibration_error, "%"),
        ]
        if self.temperature != 1.0:
            figures.append(("  before calibration", self.raw_calibration_error, "%"))
        pairs = [(self.classes[p.target], self.classes[p.predicted], p.pictures) for p in self.confused_pairs[:5]]
        text = report_text(self.pictures, figures, self.per_class, pairs, limit=classes)
        return "\n".join([text, *(["", *said] if (said := caveats(self.per_class, self.accuracy)) else [])])

    def _measured(self) -> str:
        """Return of how many classes an average is, where some have no picture."""
        without = len(unmeasured(self.per_class))
        return f" ({len(self.classes) - without} of {len(self.classes)} classes)" if without else ""


class ClassificationMeter:
    """Take batches as they come, then measure all of them together; keeps some nine numbers a picture.

    Example::

        meter = ClassificationMeter(classes=("cat", "dog"), temperature=1.3)
        for logits, targets in ([[[2.0, 0.0]], [0]], [[[3.0, 1.0]], [1]]):
            meter.update(logits, targets)
        meter.compute().accuracy.value == 0.5
    """

    def __init__(self, *, classes: Iterable[str], temperature: float = 1.0, seed: int = 0) -> None:
        self.classes, self.temperature, self.seed = tuple(classes), float(checked_temperature(temperature)), seed
        self._parts: list[Outcomes] = []

    def update(self, logits: ArrayLike, targets: ArrayLike) -> None:
        """Take a batch of (N, K) logits and (N,) targets; an empty one changes nothing."""
        if np.asarray(logits).shape[:1] == (0,):
            return
        columns = np.asarray(logits).shape[-1]
        if columns != len(self.classes):
            raise StriateError(
                f"the logits have {counted(columns, 'column')} but there {plural(len(self.classes), 'is')}"
                f" {counted(len(self.classes), 'class')}"
            )
        self._parts.append(outcomes(logits, targets, temperature=self.temperature))

    def compute(self) -> ClassificationReport:
        """Return the report on everything taken so far; more may follow."""
        if not self._parts:
            raise StriateError("there are no pictures to measure; give at least one with its label")
        self._parts = [joined(self._parts)]
        return _report(self._parts[0], classes=self.classes, temperature=self.temperature, seed=self.seed)


def classification_report(
    logits: ArrayLike,
    targets: ArrayLike,
    *,
    classes: Sequence[str],
    temperature: float = 1.0,
    temperatures: Floats | None = None,
    design: float = 1.0,
    seed: int = 0,
) -> ClassificationReport:
    """Return every measure of (N, K) logits against (N,) targets.

    ``temperature`` is the calibrated one, ``temperatures`` (N,) those that the answers are measured at where each has
    one of its own (fitted without the picture); ``design`` is the design effect of answers that are not independent
    (docs/decisions/0010); ``seed`` settles the bootstrap. StriateError for no pictures, logits that are not finite,
    a target outside the classes.

    Example: ``classification_report([[2.0, 0.0], [3.0, 1.0]], [0, 1], classes=("cat", "dog")).accuracy.value`` is 0.5.
    """
    if temperatures is not None or design != 1.0:
        seen = outcomes(logits, targets, temperature=temperature if temperatures is None else temperatures)
        return _report(seen, classes=tuple(classes), temperature=temperature, seed=seed, design=design)
    meter = ClassificationMeter(classes=classes, temperature=temperature, seed=seed)
    meter.update(logits, targets)
    return meter.compute()


def _report(
    seen: Outcomes, *, classes: tuple[str, ...], temperature: float, seed: int, design: float = 1.0
) -> ClassificationReport:
    confusion = count_pairs(seen.target, seen.predicted, classes=len(classes))
    confusion.setflags(write=False)
    macro, weighted = averages(confusion, seed=seed, design=design)
    drawn = Bootstrap(len(seen), seed=seed)

    def mean(values: Floats) -> Interval:
        return widened(drawn.mean(values), design)

    def error(confidence: Floats, *, adaptive: bool = False) -> Interval:
        found = calibration_error_of(confidence, seen.correct, adaptive=adaptive, bootstrap=drawn)
        return widened(found, design, high=1.0)

    return ClassificationReport(
        classes=classes,
        pictures=len(seen),
        temperature=temperature,
        accuracy=share_of(seen.correct, design=design),
        top_k=tuple((k, share_of(seen.rank < k, design=design)) for k in TOP if 2 * k < len(classes)),
        macro=macro,
        weighted=weighted,
        per_class=precision_recall_f1(confusion, classes, design=design),
        confusion=confusion,
        log_loss=mean(seen.nll),
        brier_score=mean(seen.brier),
        calibration_error=error(seen.confidence),
        adaptive_calibration_error=error(seen.confidence, adaptive=True),
        reliability=reliability_of(seen.confidence, seen.correct, design=design),
        raw_log_loss=mean(seen.raw_nll),
        raw_calibration_error=error(seen.raw_confidence),
        raw_reliability=reliability_of(seen.raw_confidence, seen.correct, design=design),
        worst_mistakes=worst_mistakes(seen),
        confused_pairs=_confused_pairs(confusion),
        label_issues=label_issues(seen, classes=len(classes)),
    )


def _confused_pairs(confusion: Ints) -> tuple[ConfusedPair, ...]:
    """Return the most frequent mistakes, most frequent first."""
    support = confusion.sum(axis=1)
    rows, columns = np.nonzero(confusion - np.diag(confusion.diagonal()))
    counts = confusion[rows, columns]
    order = np.lexsort((columns, rows, -counts))[:PAIRS]
    return tuple(
        ConfusedPair(int(rows[i]), int(columns[i]), int(counts[i]), float(counts[i] / support[rows[i]])) for i in order
    )
