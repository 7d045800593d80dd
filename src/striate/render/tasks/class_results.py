"""What a model is worth, as sections of its report: mistakes, confusions, classes, confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from striate.metrics.intervals import Interval
from striate.render import pictures
from striate.render.html.environment import html
from striate.render.html.facts import CROSS_VALIDATED, FEW_CLASSES, Page, Section, between, percent
from striate.render.html.sections import shade
from striate.render.svg.charts import reliability_chart
from striate.tasks.class_assessment import ClassAssessment
from striate.words import counted

SHOWN_CLASSES = 30  # a larger matrix is not read by anyone; the most confused classes are shown
SHOWN_RIGHT, SHOWN_WRONG, WORST = 6, 24, 24  # pictures behind a cell, and among the mistakes


@dataclass(frozen=True)
class Answered:
    """An evaluated picture with the class it was called, how sure of that the model was, and what it is."""

    picture: pictures.Picture
    said: str
    confidence: float
    truth: str


@dataclass(frozen=True)
class Cell:
    """A cell of the confusion matrix that holds pictures: its place, in words, how strong its colour is, who is in it.

    ``which`` says which of its pictures are shown, where not all are.
    """

    count: int
    place: str
    label: str
    share: str
    strong: bool
    right: bool
    which: str
    shown: Sequence[Answered]


def answers_of(page: Page) -> ClassAssessment:
    """Return the answers of a classifier, measured."""
    found = page.found
    assert isinstance(found, ClassAssessment)
    return found


def mistakes(page: Page) -> Section:
    """Return the mistakes it was surest of, each with its file."""
    found = answers_of(page)
    answers = found.probabilities.argmax(axis=1)
    wrong = np.flatnonzero(answers != found.targets)
    order = wrong[np.argsort(-found.probabilities[wrong, answers[wrong]], kind="stable")][:WORST]
    body = html(
        "classify/mistakes.html",
        wrong=len(wrong),
        of=len(page.keys),
        enlarged=page.enlarged,
        shown=answered(page, order, side=pictures.LARGE),
    )
    return Section("What are its worst mistakes?", body)


def confusion(page: Page) -> Section:
    """Return the confusion matrix; each cell opens the pictures in it."""
    classes, counts = page.labels.names, answers_of(page).report.confusion
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
    shown = np.sort(np.argsort(-wrong, kind="stable")[:SHOWN_CLASSES]).tolist()
    body = html(
        "classify/confusion.html",
        names=[classes[number] for number in shown],
        rows=[(classes[row], [_cell(page, row, column) for column in shown]) for row in shown],
        classes=len(classes),
    )
    return Section("What does it confuse?", body, half=len(shown) <= FEW_CLASSES, anchor="confusion")


def _cell(page: Page, row: int, column: int) -> Cell | None:
    """Return the pictures of one class that were called another, None where there are none."""
    found, classes = answers_of(page), page.labels.names
    counts = found.report.confusion[row]
    count, total = int(counts[column]), max(1, int(counts.sum()))
    if not count:
        return None
    members = np.flatnonzero((found.targets == row) & (found.probabilities.argmax(axis=1) == column))
    sure = found.probabilities[members, column]
    right = row == column
    order = members[np.argsort(sure if right else -sure, kind="stable")][: SHOWN_RIGHT if right else SHOWN_WRONG]
    which = f", {'the least sure' if right else 'the surest'} {len(order)} shown" if len(order) < count else ""
    label = f"{count} of the {counted(total, 'picture')} of {classes[row]} called {classes[column]}"
    share, strong = shade(count / total)
    return Cell(count, f"cell-{row}-{column}", label, share, strong, right, which, answered(page, order))


def per_class(page: Page) -> Section:
    """Return precision, recall and F1 of each class with their intervals."""
    rows = [
        (each.name, each.support, [_figure(value) for value in (each.recall, each.precision, each.f1)])
        for each in answers_of(page).report.per_class
    ]
    return Section("Which classes can it tell?", html("classify/per_class.html", rows=rows), half=page.few)


def calibration(page: Page) -> Section:
    """Return how far its confidence can be believed."""
    found = answers_of(page)
    report = found.report
    body = html(
        "classify/calibration.html",
        pictures=found.calibration.pictures,
        kind="out-of-fold answer" if page.part == CROSS_VALIDATED else "answer",
        raw=percent(report.raw_calibration_error.value),
        error=percent(report.calibration_error.value),
        between=between(report.calibration_error),
        temperature=report.temperature,
        chart=reliability_chart(
            report.raw_reliability,
            report.reliability,
            alt="Share of right answers by confidence, before and after calibration",
        ),
    )
    return Section("Can its confidence be believed?", body, half=True)


def answered(page: Page, indices: Sequence[int] | np.ndarray, *, side: int = pictures.THUMBNAIL) -> list[Answered]:
    """Return evaluated pictures with what they were called and are."""
    found, classes = answers_of(page), page.labels.names
    shown = []
    for index in indices:
        said = int(found.probabilities[index].argmax())
        drawn = pictures.picture(page.pixels[page.rows[index]], alt=page.keys[index], side=side)
        confidence = float(found.probabilities[index, said])
        shown.append(Answered(drawn, classes[said], confidence, classes[int(found.targets[index])]))
    return shown


def _figure(value: Interval | None) -> tuple[str, str]:
    return ("–", "") if value is None else (percent(value.value), between(value))
