"""Which labels are worth a look, as a section of a run's report: each beside a picture of its label and its answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from striate.metrics.mistakes import Mistake
from striate.render import pictures
from striate.render.html.facts import Page, Section
from striate.render.html.tables import named
from striate.render.tasks.class_results import answers_of
from striate.words import counted

OPEN, SHOWN = 12, 240  # that stand open, and that are drawn at all


def labels(page: Page) -> list[Section]:
    """Return the section, none where no answer stands against a label with confidence."""
    issues = page.label_issues
    if not issues:
        return []
    number = len(issues)
    text = (
        f"<p>{counted(number, 'answer')} {'stands' if number == 1 else 'stand'} against"
        f" {'its label' if number == 1 else 'their labels'} with confidence; the picture whose label it thinks least of"
        " comes first (its self-confidence, Northcutt et al. 2021). Beside each, small: one of the same label and one"
        " of the class it was called, which it is sure of. Such a picture is worth a look; whether its label is wrong,"
        f" a person has to say.{page.enlarged}</p>"
    )
    text += _drawn(page, issues[:OPEN])
    if number > OPEN:
        rest = issues[OPEN:SHOWN]
        more = f"; all {number:,} are named in finished.json" if number > SHOWN else ""
        text += f"<details><summary>{len(rest)} more{more}</summary>{_drawn(page, rest)}</details>"
    return [Section("Which labels are worth a look?", text, anchor="labels")]


def _drawn(page: Page, issues: Sequence[Mistake]) -> str:
    return f'<div class="suspects">{"".join(_suspect(page, one) for one in issues)}</div>'


def _suspect(page: Page, one: Mistake) -> str:
    label, answer = page.labels.names[one.target], page.labels.names[one.predicted]
    caption = (
        f"labelled <b>{named(label)}</b> {one.target_probability:.2f}, called {named(answer)} {one.confidence:.2f}"
        f'<span class="file">{named(page.keys[one.index])}</span>'
    )
    shown = pictures.picture(
        page.pixels[page.rows[one.index]], alt=page.keys[one.index], caption=caption, side=pictures.LARGE
    )
    beside = "".join(_sure(page, number) for number in (one.target, one.predicted))
    return f'<div class="suspect">{shown}<div>{beside}</div></div>'


def _sure(page: Page, number: int) -> str:
    """Return the picture of a class that it is surest of and right about; nothing where there is none."""
    found = answers_of(page)
    of = found.probabilities[:, number]
    right = np.flatnonzero((found.targets == number) & (found.probabilities.argmax(axis=1) == number))
    if not len(right):
        return ""
    index = int(right[of[right].argmax()])
    name = page.labels.names[number]
    return pictures.picture(page.pixels[page.rows[index]], alt=f"a picture of {name}", caption=named(name))
