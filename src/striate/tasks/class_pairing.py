"""Two classifiers' answers to the same pictures: accuracy by McNemar's test, log loss, who alone is right. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from striate.metrics.intervals import Bootstrap, Interval, widened
from striate.metrics.outcomes import outcomes
from striate.metrics.paired import PairedAccuracy, paired_accuracy
from striate.metrics.probability import Floats, Ints, softmax
from striate.tasks.class_assessment import ClassAssessment
from striate.tasks.pairing import Paired, Shared
from striate.tasks.sections import Table
from striate.words import counted


@dataclass(frozen=True, eq=False)
class ClassPaired(Paired):
    """Two classifiers on N pictures: ``targets`` and both ``answers`` (N,) are indices into ``classes``.

    ``sure`` (N,) is how likely each said its answer to be; ``log_loss`` that of a, that of b, and b - a, in nats.
    """

    classes: tuple[str, ...]
    targets: Ints
    answers: tuple[Ints, Ints]
    sure: tuple[Floats, Floats]
    accuracy: PairedAccuracy
    log_loss: tuple[Interval, Interval, Interval]

    question = "What does {better} get right and {worse} wrong?"
    shows = "what {worse} said, how sure it was, and what is true."
    measured = (
        "Points are percentage points; in brackets the 95 % interval of each figure. p is how often equals would differ"
        " so much by chance (McNemar's test, mid-p): below 0.05 the difference is called real."
    )

    def verdict(self, a: str, b: str) -> str:  # noqa: D102
        found = self.accuracy
        value, low, high = (
            100 * part for part in (found.difference.value, found.difference.low, found.difference.high)
        )
        on = counted(found.pictures, "picture")
        span = f"{value:+.1f} points ({low:+.1f} to {high:+.1f})"
        if found.real:
            better, worse = (b, a) if value > 0 else (a, b)
            return f"{better} is better than {worse}: {b} - {a} is {span} on {on}, p = {found.p_value:.2g}"
        more = "" if found.needed is None else f"; about {found.needed:,} pictures would show a difference of that size"
        loss = self.log_loss[2]
        if loss.low > 0 or loss.high < 0:
            better = b if loss.value < 0 else a
            more += f"; but the probabilities of {better} are better, log loss {_number(loss, signed=True)}"
        return f"no difference that {on} can show: {b} - {a} is {span}, p = {found.p_value:.2g}{more}"

    def table(self, a: str, b: str) -> Table:  # noqa: D102
        accuracy, (loss_a, loss_b, loss) = self.accuracy, self.log_loss
        return Table(
            ("", a, b, f"{b} - {a}"),
            (
                (
                    "accuracy",
                    _percent(accuracy.a),
                    _percent(accuracy.b),
                    _percent(accuracy.difference, signed=True).replace(" %", " points"),
                ),
                ("log loss (nats)", _number(loss_a), _number(loss_b), _number(loss, signed=True)),
                ("right alone", f"{accuracy.only_a:,}", f"{accuracy.only_b:,}", ""),
                ("both right", f"{accuracy.both_right:,}", f"{accuracy.both_right:,}", ""),
                ("both wrong", f"{accuracy.both_wrong:,}", f"{accuracy.both_wrong:,}", ""),
            ),
            label="figures of both runs",
        )

    def apart(self) -> tuple[Ints, Ints]:
        """Return which pictures a alone gets right, and which b alone does; those first whose error was surest."""
        right = [answer == self.targets for answer in self.answers]
        only = (np.flatnonzero(right[0] & ~right[1]), np.flatnonzero(right[1] & ~right[0]))
        first, second = (
            rows[np.argsort(-self.sure[wrong][rows], kind="stable")] for rows, wrong in zip(only, (1, 0), strict=True)
        )
        return first, second

    def caption(self, row: int, side: int) -> str:  # noqa: D102
        said = self.classes[self.answers[side][row]]
        return f"{said} {self.sure[side][row]:.2f}, is {self.classes[self.targets[row]]}"

    def to_dict(self) -> dict[str, Any]:  # noqa: D102
        return {
            "accuracy": self.accuracy.to_dict(),
            "log_loss": {
                name: value.to_dict() for name, value in zip(("a", "b", "difference"), self.log_loss, strict=True)
            },
        }

    def picture(self, row: int) -> dict[str, Any]:  # noqa: D102
        said = [self.classes[answer[row]] for answer in self.answers]
        return {"is": self.classes[self.targets[row]], "a": said[0], "b": said[1]}


def class_paired(shared: Shared) -> ClassPaired:
    """Return two classifiers compared on what they share; b may have the classes in another order."""
    first, second = shared.a, shared.b
    assert isinstance(first, ClassAssessment) and isinstance(second, ClassAssessment)
    classes, theirs = first.report.classes, second.report.classes
    order = np.array([classes.index(name) for name in theirs], np.int64)
    targets = first.targets[shared.rows_a]
    logits_b = np.empty((len(targets), len(classes)), second.logits.dtype)
    logits_b[:, order] = second.logits[shared.rows_b]
    sides = [
        (first.logits[shared.rows_a], _each(first, shared.rows_a)),
        (logits_b, _each(second, shared.rows_b)),
    ]
    seen = [outcomes(logits, targets, temperature=temperature) for logits, temperature in sides]
    drawn, design = Bootstrap(len(targets)), shared.design
    return ClassPaired(
        classes=classes,
        targets=targets,
        answers=(seen[0].predicted, seen[1].predicted),
        sure=(softmax(*sides[0]).max(axis=1), softmax(*sides[1]).max(axis=1)),
        accuracy=paired_accuracy(seen[0].correct, seen[1].correct, design=design),
        log_loss=(
            widened(drawn.mean(seen[0].nll), design),
            widened(drawn.mean(seen[1].nll), design),
            widened(drawn.mean(seen[1].nll - seen[0].nll), design, low=-math.inf),
        ),
    )


def _each(found: ClassAssessment, rows: Ints) -> Floats:
    """Return each picture's temperature (N,): one for all, or what was fitted to the other folds."""
    one = found.temperature
    return np.full(len(rows), one) if isinstance(one, float) else one[rows]


def _percent(value: Interval, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    middle, low, high = (f"{100 * part:{sign}.1f}" for part in (value.value, value.low, value.high))
    return f"{middle} % ({low} to {high})"


def _number(value: Interval, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    middle, low, high = (f"{part:{sign}.3f}" for part in (value.value, value.low, value.high))
    return f"{middle} ({low} to {high})"
