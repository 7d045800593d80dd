"""What a model is worth, as sections of its report: mistakes, confusions, classes, confidence."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from striate.metrics.intervals import Interval
from striate.render import pictures
from striate.render.html.facts import CROSS_VALIDATED, FEW_CLASSES, Page, Section, between, percent
from striate.render.html.tables import named, plain, scrolling
from striate.render.svg.charts import reliability_chart
from striate.tasks.class_assessment import ClassAssessment
from striate.words import counted, plural

SHOWN_CLASSES = 30  # a larger matrix is not read by anyone; the most confused classes are shown
SHOWN_RIGHT, SHOWN_WRONG, WORST = 6, 24, 24  # pictures behind a cell, and among the mistakes


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
    title = "What are its worst mistakes?"
    text = f"<p>{len(wrong):,} of {len(page.keys):,} {plural(len(wrong), 'is')} wrong"
    if not len(wrong):
        return Section(title, text + ".</p>")
    order = wrong[np.argsort(-found.probabilities[wrong, answers[wrong]], kind="stable")][:WORST]
    which = f"; here are the {len(order)} it was surest of" if len(order) < len(wrong) else ", the surest first"
    return Section(title, f"{text}{which}.{page.enlarged}</p>" + gallery(page, order, side=pictures.LARGE, files=True))


def confusion(page: Page) -> Section:
    """Return the confusion matrix; each cell opens the pictures in it."""
    found, classes = answers_of(page), page.labels.names
    answers = found.probabilities.argmax(axis=1)
    counts = found.report.confusion
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
    shown = np.sort(np.argsort(-wrong, kind="stable")[:SHOWN_CLASSES])
    note = "" if len(shown) == len(classes) else f" The {len(shown)} most confused of {len(classes)} classes."
    rows, panels = [], []
    for row in shown:
        cells, total = [], max(1, int(counts[row].sum()))
        for column in shown:
            count = int(counts[row, column])
            if not count:
                cells.append('<td class="zero">0</td>')
                continue
            share = count / total
            label = f"{count} of the {counted(total, 'picture')} of {classes[row]} called {classes[column]}"
            strong = ' class="strong"' if share > 0.3 else ""
            cells.append(
                f'<td{strong} style="--share:{share**0.5:.3f}"><a href="#cell-{row}-{column}"'
                f' aria-label="{plain(label)}">{count}</a></td>'
            )
            members = np.flatnonzero((found.targets == row) & (answers == column))
            sure = found.probabilities[members, column]
            most = SHOWN_RIGHT if row == column else SHOWN_WRONG
            order = members[np.argsort(sure if row == column else -sure, kind="stable")][:most]
            which = "the least sure" if row == column else "the surest"
            more = f", {which} {len(order)} shown" if len(order) < count else ""
            panels.append(
                f'<section class="cell" id="cell-{row}-{column}"><h3>{named(label)}{more}</h3>'
                + gallery(page, order, files=bool(row != column))
                + '<p><a href="#confusion">close</a></p></section>'
            )
        rows.append(f'<tr><th scope="row">{named(classes[row])}</th>{"".join(cells)}</tr>')
    head = "".join(f'<th scope="col"><span>{named(classes[column])}</span></th>' for column in shown)
    table = (
        f'<table class="confusion"><thead><tr><th>is, called</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
    return Section(
        "What does it confuse?",
        "<p>A row is what a picture is, a column what it was called; the stronger the colour, the larger the share"
        f" of its row. Choose a number to see its pictures.{note}</p>"
        + scrolling(table, label="confusion matrix")
        + "".join(panels),
        half=len(shown) <= FEW_CLASSES,
        anchor="confusion",
    )


def per_class(page: Page) -> Section:
    """Return precision, recall and F1 of each class with their intervals."""
    rows = "".join(
        f'<tr><th scope="row">{named(each.name)}</th><td>{each.support:,}</td>'
        + "".join(f"<td>{_cell(value)}</td>" for value in (each.recall, each.precision, each.f1))
        + "</tr>"
        for each in answers_of(page).report.per_class
    )
    table = (
        "<table><thead><tr><th>class</th><th>pictures</th><th>recall</th><th>precision</th><th>F1</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
    return Section(
        "Which classes can it tell?",
        "<p>Recall: of those that are, how many were called so. Precision: of those called so, how many are. F1: their"
        " harmonic mean. In gray the 95 % interval.</p>" + scrolling(table, label="classes"),
        half=page.few,
    )


def calibration(page: Page) -> Section:
    """Return how far its confidence can be believed."""
    found = answers_of(page)
    report, calibrated_on = found.report, found.calibration.pictures
    error, raw = report.calibration_error, report.raw_calibration_error
    on = (
        f"fitted on {counted(calibrated_on, 'out-of-fold answer' if page.part == CROSS_VALIDATED else 'answer')}"
        if calibrated_on
        else "as nothing was there to fit it on"
    )
    few = " These are few: it may be off by several points on other pictures." if calibrated_on < 100 else ""
    return Section(
        "Can its confidence be believed?",
        f"<p>Of the answers given at 87 %, about 87 % should be right: points on the dashed line. Calibration error"
        f" {percent(raw.value)} before and {percent(error.value)} after ({between(error)}); temperature"
        f" {report.temperature:.2f}, {on}.{few} A larger dot holds more answers; the line"
        " through it is where the true share lies (95 %).</p>"
        + reliability_chart(
            report.raw_reliability,
            report.reliability,
            alt="Share of right answers by confidence, before and after calibration",
        ),
        half=True,
    )


def gallery(
    page: Page, indices: Sequence[int] | np.ndarray, *, side: int = pictures.THUMBNAIL, files: bool = False
) -> str:
    """Return evaluated pictures with what they were called and are; with their files where that is of use."""
    found, classes, shown = answers_of(page), page.labels.names, []
    probabilities = found.probabilities
    for index in indices:
        target, said = int(found.targets[index]), int(probabilities[index].argmax())
        caption = f"{named(classes[said])} {probabilities[index, said]:.2f}"
        if said != target:
            caption = f"called {caption}, <b>is {named(classes[target])}</b>"
        if files:
            caption += f'<span class="file">{named(page.keys[index])}</span>'
        shown.append(pictures.picture(page.pixels[page.rows[index]], alt=page.keys[index], caption=caption, side=side))
    kind = "grid-of-pictures large" if side > pictures.THUMBNAIL else "grid-of-pictures"
    return f'<div class="{kind}">{"".join(shown)}</div>'


def _cell(value: Interval | None) -> str:
    return "–" if value is None else f"{percent(value.value)} <small>{escape(between(value))}</small>"
