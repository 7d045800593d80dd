"""Which labels are worth a look, as a section of a run's report: each beside a picture of its label and its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from striate.metrics.mistakes import Mistake
from striate.render import pictures
from striate.render.html.environment import html
from striate.render.html.facts import Page, Section
from striate.render.tasks.class_results import answers_of

OPEN, SHOWN = 12, 240  # that stand open, and that are drawn at all


@dataclass(frozen=True)
class Suspect:
    """A picture whose label is worth a look, what it is labelled and called, and sure pictures of both classes."""

    picture: pictures.Picture
    label: str
    answer: str
    mistake: Mistake
    beside: Sequence[tuple[pictures.Picture, str]]


def labels(page: Page) -> list[Section]:
    """Return the section, none where no answer stands against a label with confidence."""
    issues = page.label_issues
    if not issues:
        return []
    suspects = [_suspect(page, one) for one in issues[:SHOWN]]
    body = html(
        "classify/labels.html",
        number=len(issues),
        enlarged=page.enlarged,
        open=suspects[:OPEN],
        folded=suspects[OPEN:],
    )
    return [Section("Which labels are worth a look?", body, anchor="labels")]


def _suspect(page: Page, one: Mistake) -> Suspect:
    names, pixels = page.labels.names, page.pixels[page.rows[one.index]]
    shown = pictures.picture(pixels, alt=page.keys[one.index], side=pictures.LARGE)
    beside = [found for number in (one.target, one.predicted) if (found := _sure(page, number)) is not None]
    return Suspect(shown, names[one.target], names[one.predicted], one, beside)


def _sure(page: Page, number: int) -> tuple[pictures.Picture, str] | None:
    """Return the picture of a class that it is surest of and right about; nothing where there is none."""
    found = answers_of(page)
    of = found.probabilities[:, number]
    right = np.flatnonzero((found.targets == number) & (found.probabilities.argmax(axis=1) == number))
    if not len(right):
        return None
    index = int(right[of[right].argmax()])
    name = page.labels.names[number]
    return pictures.picture(page.pixels[page.rows[index]], alt=f"a picture of {name}"), name
