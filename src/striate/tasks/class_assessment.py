"""What a classifier's answers are worth: the report, the mistakes, what a terminal and a page say. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.metrics.intervals import Interval, wilson
from striate.metrics.mistakes import Mistake
from striate.metrics.operating_points import Cut, points_of
from striate.metrics.outcomes import outcomes
from striate.metrics.probability import Floats, Ints, softmax
from striate.metrics.report import ClassificationReport
from striate.metrics.verdict import Verdict, verdict
from striate.metrics.weak import caveats
from striate.tasks.assessment import About, Assessment, Headline
from striate.tasks.calibrate import Calibration
from striate.tasks.sections import Cell, Figure, Section, Table, percent
from striate.tasks.strangers import NEVER, remedy
from striate.words import counted

CONFUSED = 10  # pairs of classes on a model card


@dataclass(frozen=True, eq=False)
class ClassAssessment(Assessment):
    """Answers in classes, measured.

    ``logits`` (N, K), ``targets`` (N,); ``temperature`` is the calibrated one, or of out-of-fold answers (N,) those
    that were fitted to the other folds. ``unknown`` (N,) says which were answered "none of these" (None: that was not
    to be had), and ``strangers`` how well strangers are told. ``design`` is the answers' design effect.
    """

    report: ClassificationReport
    logits: NDArray[np.float32]
    targets: Ints
    calibration: Calibration
    temperature: float | Floats
    unknown: NDArray[np.bool_] | None = None
    strangers: dict[str, object] | None = None
    design: float = 1.0

    @cached_property
    def probabilities(self) -> Floats:
        """Calibrated probabilities (N, K); of out-of-fold answers by the other folds' temperature."""
        return np.asarray(softmax(self.logits, self.temperature))

    @property
    def known_kept(self) -> float | None:
        """Share of these pictures, of known classes, not answered "none of these"; None of what set the threshold."""
        return None if self.unknown is None else float(1.0 - self.unknown.mean())

    @property
    def headline(self) -> Headline:  # noqa: D102
        return Headline("accuracy", self.report.accuracy)

    @property
    def losses(self) -> Floats:
        """Minus the log of the probability of the own class, in nats."""
        return outcomes(self.logits, self.targets, temperature=self.temperature).nll

    @property
    def right(self) -> NDArray[np.bool_]:  # noqa: D102
        right: NDArray[np.bool_] = self.logits.argmax(1) == self.targets
        return right

    def caption(self, row: int) -> str:  # noqa: D102
        one = self.temperature if isinstance(self.temperature, float) else self.temperature[row : row + 1]
        said, own = int(self.logits[row].argmax()), int(self.targets[row])
        sure = float(softmax(self.logits[row : row + 1], one)[0, said])
        names = self.report.classes
        return f"{names[said]} {sure:.2f}" + ("" if said == own else f", is {names[own]}")

    def worst(self, most: int = 24) -> Ints:
        """Return the rows of the mistakes it was surest of, surest first."""
        wrong, sure = np.flatnonzero(~self.right), self.probabilities.max(axis=1)
        return np.asarray(wrong[np.argsort(-sure[wrong], kind="stable")][:most], np.int64)

    def label_issues(self, verdict: Verdict) -> tuple[Mistake, ...]:
        """Return those of the report; none where the pictures were learnt from, or it is no better than a guess."""
        found: tuple[Mistake, ...] = self.report.label_issues
        return () if verdict.kind in ("learnt", "guess") else found

    def confused(self) -> tuple[Floats, Ints]:  # noqa: D102
        return self.probabilities, self.targets

    def verdict(self, about: About) -> Verdict:  # noqa: D102
        names = self.report.classes
        trained = None
        if about.trained is not None:
            trained = np.bincount(np.asarray(about.trained, np.int64), minlength=len(names)).tolist()
        return verdict(
            self.report,
            part=about.part,
            trained=trained,
            from_chance=about.from_chance,
            learnt_from=about.learnt_from,
            also=about.also,
        )

    def beside(self) -> str:  # noqa: D102
        return f"calibration error {100 * self.report.calibration_error.value:.1f} %"

    def caveats(self) -> tuple[str, ...]:  # noqa: D102
        return caveats(self.report.per_class, self.report.accuracy)

    def lines(self) -> tuple[str, ...]:  # noqa: D102
        lines = [str(self.calibration)] if self.calibration.pictures else []
        if self.known_kept is not None:
            lines.append(f'answered "none of these": {100 * (1 - self.known_kept):.1f} % of these known pictures')
        return (*lines, *self._stranger_lines())

    def learnt_lines(self) -> tuple[str, ...]:  # noqa: D102
        lines = self._stranger_lines()
        return (*lines, str(self.calibration)) if self.calibration.pictures else lines

    def _stranger_lines(self) -> tuple[str, ...]:
        """Return in a line how well strangers are told and how that was measured, or how to have it measured."""
        told = self.strangers
        if told is None:
            return ()
        more = f" ({told['how']})" if "how" in told else f"; {remedy(len(self.report.classes))}"
        return (f"none of these: {told['words']}{more}",)

    def to_dict(self) -> dict[str, Any]:  # noqa: D102
        return {
            "known_kept": self.known_kept,
            "strangers": self.strangers,
            "calibration": self.calibration.to_dict(),
        }

    def pictures_to_dict(self, keys: Sequence[str]) -> dict[str, Any]:
        """Return the wrong answers it was surest of, each by its class and its file."""
        names, mistakes = self.report.classes, self.report.worst_mistakes
        return {"worst_mistakes": [{**one.to_dict(), **one.named(keys, names)} for one in mistakes]}

    def cuts(self) -> tuple[Cut, ...]:
        """Return what comes of answering only where it is sure enough: of every class together, then of each."""
        said, sure, right = self.logits.argmax(1), self.probabilities.max(axis=1), self.right
        cuts = [Cut("every class", points_of(sure, right, len(right)), 0.0, self.design)]
        for kind, name in enumerate(self.report.classes):
            mine = said == kind
            points = points_of(sure[mine], right[mine], int((self.targets == kind).sum()))
            cuts.append(Cut(name, points, 0.0, self.design))
        return tuple(cuts)

    def card_sections(self) -> tuple[Section, ...]:
        """Return the figures of each class, the lowest recall first, and what is called what instead."""
        tested = sorted(
            (each for each in self.report.per_class if each.recall is not None),
            key=lambda each: each.recall.value if each.recall else 1.0,
        )
        rows: list[tuple[Cell, ...]] = [
            (each.name, f"{each.support:,}", *("" if one is None else percent(one) for one in measures))
            for each in tested
            for measures in [(each.recall, each.precision, each.f1)]
        ]
        table = Table(("class", "pictures", "recall", "precision", "F1"), tuple(rows), "figures of every class")
        found, names = [Section("Which classes can it tell?", (table,))], self.report.classes
        pairs: list[tuple[Cell, ...]] = [
            (names[pair.target], names[pair.predicted], f"{pair.pictures:,}", f"{100 * pair.share:.1f} %")
            for pair in self.report.confused_pairs[:CONFUSED]
        ]
        if pairs:
            mixed = Table(("is", "called", "pictures", "of the class"), tuple(pairs), "most frequent mistakes")
            found.append(Section("What does it confuse?", (mixed,)))
        return tuple(found)

    def figures(self) -> tuple[Figure, ...]:
        """Return the accuracy, the lowest recall, calibration, the highest top-k, what was not answered and why."""
        report = self.report
        tiles = [percent(report.accuracy, "accuracy")]
        tested = [each for each in report.per_class if each.recall is not None]
        worst = min(tested, key=lambda each: each.recall.value if each.recall else 1.0)
        if len(tested) > 1 and worst.recall is not None:
            on = counted(worst.support, "picture")
            tiles.append(percent(worst.recall, f"recall of {worst.name}, the lowest, on {on}"))
        tiles.append(percent(report.calibration_error, "calibration error: how far confidence is from truth"))
        tiles += [
            percent(share, f"top-{k} accuracy: its class is among the {k} likeliest") for k, share in report.top_k[-1:]
        ]
        refused: Interval | None = None
        if self.unknown is not None:
            refused = wilson(int(self.unknown.sum()), len(self.unknown))
        if refused is not None:
            tiles.append(percent(refused, 'of these known pictures answered "none of these"'))
        if self.strangers is not None:
            how = str(self.strangers.get("how") or remedy(len(report.classes)))
            tiles.append(_strangers(str(self.strangers["words"]), how))
        return tuple(tiles)


def _strangers(told: str, how: str) -> Figure:
    """Return the figure of how well strangers are told, by what it was measured, or how it could be."""
    measured, _, at = told.partition(" strangers at ")
    if at:
        return Figure(measured, text=f"strangers told, where {at} are taken for one: {how}")
    if told.startswith("cannot"):
        return Figure(told, text=f'so "none of these" is never answered: {how}')
    never = ', so "none of these" is never answered' if told == NEVER else ""
    return Figure("not measured", text=f"how well strangers are told{never}: {how}")
