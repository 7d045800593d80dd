"""The report of a run: one self-contained HTML page, every picture with the question it answers.

No script, no network: a cell of the confusion matrix is a link to a panel that opens beneath it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from typing import Any

import numpy as np

from striate.metrics.intervals import Interval
from striate.metrics.report import ClassificationReport
from striate.report import pictures
from striate.report.charts import Curve, line_chart, reliability_chart
from striate.spec.survey import Survey

SHOWN_CLASSES = 30  # a larger matrix is not read by anyone; the most confused classes are shown
SHOWN_RIGHT, SHOWN_WRONG, WORST = 6, 24, 24  # pictures behind a cell, and among the mistakes


@dataclass(frozen=True)
class Page:
    """What a report shows. ``probabilities`` (N, classes) are calibrated.

    ``pixels`` (M, H, W, C) uint8 is the whole store and ``rows`` (N,) where in it the evaluated pictures are;
    ``first`` the first layer's filters where there are any to read.
    """

    name: str
    part: str
    keys: tuple[str, ...]
    targets: np.ndarray
    probabilities: np.ndarray
    pixels: np.ndarray
    rows: np.ndarray
    report: ClassificationReport
    known_kept: float | None
    history: Sequence[Mapping[str, Any]]
    survey: Survey
    first: np.ndarray | None
    source: Mapping[str, Any]
    recipe_toml: str
    environment: Mapping[str, Any]

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.report.classes


def render(page: Page) -> str:
    """Return the whole page as HTML text."""
    style = resources.files("striate.report").joinpath("style.css").read_text(encoding="utf-8")
    title = f"{page.name}: {_percent(page.report.accuracy.value)} right"
    body = "".join(
        section(page)
        for section in (_head, _curves, _mistakes, _confusion, _calibration, _per_class, _filters, _net, _data, _again)
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body>{body}</body></html>\n"
    )


def _head(page: Page) -> str:
    figures = [
        (
            _percent(page.report.accuracy.value),
            f"accuracy on {len(page.keys):,} {page.part} pictures ({_between(page.report.accuracy)})",
        ),
        (_percent(page.report.calibration_error.value), "calibration error: how far confidence is from truth"),
    ]
    figures += [(_percent(share.value), f"top-{k} accuracy ({_between(share)})") for k, share in page.report.top_k[-1:]]
    if page.known_kept is not None:
        figures.append((_percent(1 - page.known_kept), 'of these known pictures answered "none of these"'))
    items = "".join(f"<li><b>{value}</b><span>{escape(text)}</span></li>" for value, text in figures)
    shape = page.survey.input
    return (
        f"<h1>{escape(page.name)}</h1>"
        f'<p class="quiet">{len(page.classes)} classes, {shape.channels} x {shape.height} x {shape.width} pixels in,'
        f" {page.survey.parameters:,} parameters. In brackets: the 95 % interval.</p>"
        f'<ul class="figures">{items}</ul>'
    )


def _curves(page: Page) -> str:
    # The side heads' part is taken out of the training loss: validation has only the main head.
    epochs = [
        {**entry, "train_loss": entry["train_loss"] - (entry.get("side_loss") or 0.0)}
        if entry.get("train_loss") is not None
        else entry
        for entry in page.history
        if "index" in entry
    ]

    def curve(label: str, value: str) -> Curve:
        points = [(float(entry["index"]), float(entry[value])) for entry in epochs if entry.get(value) is not None]
        return Curve(label, points, mark=len(points) <= 20)

    head = any("weight_decay" in entry for entry in epochs)  # passes over features, from strong to weak decay
    trained = (
        "training (features, weight decay from strong to weak)" if head else "training (augmented, smoothed labels)"
    )
    loss = [curve(trained, "train_loss"), curve("validation", "val_loss")]
    scores = [(float(entry["index"]), float(entry["metrics"]["accuracy"])) for entry in epochs if entry["metrics"]]
    accuracy = [Curve("validation accuracy", scores, mark=len(scores) <= 20)]
    return (
        "<h2>Did it learn, and did it go too far?</h2>"
        "<p>Both losses should fall. A validation loss that rises while the training loss falls means overfitting.</p>"
        '<div class="pair"><div>'
        + line_chart(loss, x_label="epoch", y_label="loss", alt="Loss by epoch", y_from=0.0)
        + "</div><div>"
        + line_chart(accuracy, x_label="epoch", y_label="accuracy", alt="Accuracy by epoch", y_to=1.0, percent=True)
        + "</div></div>"
    )


def _mistakes(page: Page) -> str:
    answers = page.probabilities.argmax(axis=1)
    wrong = np.flatnonzero(answers != page.targets)
    text = f"<h2>What are its worst mistakes?</h2><p>{len(wrong):,} of {len(page.keys):,} are wrong"
    if not len(wrong):
        return text + ".</p>"
    order = wrong[np.argsort(-page.probabilities[wrong, answers[wrong]], kind="stable")][:WORST]
    which = f"; here are the {len(order)} it was surest of" if len(order) < len(wrong) else ", the surest first"
    return text + which + ".</p>" + _gallery(page, order)


def _confusion(page: Page) -> str:
    answers = page.probabilities.argmax(axis=1)
    counts = page.report.confusion
    mistakes = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
    shown = np.sort(np.argsort(-mistakes, kind="stable")[:SHOWN_CLASSES])
    note = "" if len(shown) == len(page.classes) else f" The {len(shown)} most confused of {len(page.classes)} classes."
    rows, panels = [], []
    for row in shown:
        cells, total = [], max(1, int(counts[row].sum()))
        for column in shown:
            count = int(counts[row, column])
            if not count:
                cells.append('<td class="zero">0</td>')
                continue
            share = count / total
            label = f"{count} of the {total} pictures of {page.classes[row]} called {page.classes[column]}"
            strong = ' class="strong"' if share > 0.3 else ""
            cells.append(
                f'<td{strong} style="--share:{share**0.5:.3f}"><a href="#cell-{row}-{column}"'
                f' aria-label="{escape(label, quote=True)}">{count}</a></td>'
            )
            members = np.flatnonzero((page.targets == row) & (answers == column))
            sure = page.probabilities[members, column]
            most = SHOWN_RIGHT if row == column else SHOWN_WRONG
            order = members[np.argsort(sure if row == column else -sure, kind="stable")][:most]
            which = "the least sure" if row == column else "the surest"
            more = f", {which} {len(order)} shown" if len(order) < count else ""
            panels.append(
                f'<section class="cell" id="cell-{row}-{column}"><h3>{escape(label)}{more}</h3>'
                + _gallery(page, order)
                + '<p><a href="#confusion">close</a></p></section>'
            )
        rows.append(f'<tr><th scope="row">{escape(page.classes[row])}</th>{"".join(cells)}</tr>')
    head = "".join(f'<th scope="col"><span>{escape(page.classes[column])}</span></th>' for column in shown)
    return (
        '<h2 id="confusion">What does it confuse?</h2>'
        "<p>A row is what a picture is, a column what it was called; the stronger the colour, the larger the share"
        f" of its row. Choose a number to see its pictures.{note}</p>"
        f'<div class="wide"><table class="confusion"><thead><tr><th>is, called</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{''.join(panels)}"
    )


def _calibration(page: Page) -> str:
    error, raw = page.report.calibration_error, page.report.raw_calibration_error
    return (
        "<h2>Can its confidence be believed?</h2>"
        f"<p>Of the answers given at 87 %, about 87 % should be right: points on the dashed line. Calibration error"
        f" {_percent(raw.value)} before and {_percent(error.value)} after ({_between(error)}); temperature"
        f" {page.report.temperature:.2f}, fitted on the validation pictures. A larger dot holds more answers; the line"
        " through it is where the true share lies (95 %).</p>"
        + reliability_chart(
            page.report.raw_reliability,
            page.report.reliability,
            alt="Share of right answers by confidence, before and after calibration",
        )
    )


def _per_class(page: Page) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(each.name)}</th><td>{each.support:,}</td>'
        + "".join(f"<td>{_cell(value)}</td>" for value in (each.precision, each.recall, each.f1))
        + "</tr>"
        for each in page.report.per_class
    )
    return (
        "<h2>Which classes can it tell?</h2><p>Precision: of those called so, how many are. Recall: of those that"
        " are, how many were called so. F1: their harmonic mean.</p>"
        '<div class="wide"><table><thead><tr><th>class</th><th>pictures</th><th>precision</th><th>recall</th>'
        f"<th>F1</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _filters(page: Page) -> str:
    if page.first is None:
        return ""
    given = " They were given and are frozen: nothing of them was learnt." if page.survey.rows[0].frozen else ""
    return (
        "<h2>What do its first filters look for?</h2><p>The weights of the first layer on one scale: gray is zero."
        f" They show edges and colours it reacts to, not what it decides by.{given}</p>"
        f'<div class="filters">{"".join(pictures.filters(page.first))}</div>'
    )


def _net(page: Page) -> str:
    return f'<h2>What is the network?</h2><div class="wide">{page.survey._repr_html_()}</div>'


def _data(page: Page) -> str:
    counts = page.source["pictures"]
    rejected = page.source["rejected"]
    text = (
        f"<h2>What was it shown?</h2><p>{escape(str(page.source['location']))}: {counts['train']:,} pictures to train,"
        f" {counts['val']:,} to validate and calibrate, {counts['test']:,} to test."
    )
    if counts.get("left_out"):
        text += f" {counts['left_out']:,} copies of validation or test pictures were left out of training."
    text += "</p>"
    if rejected:
        items = "".join(f"<li>{escape(str(bad['key']))}: {escape(str(bad['reason']))}</li>" for bad in rejected[:200])
        text += f"<details><summary>{len(rejected):,} pictures were skipped</summary><ul>{items}</ul></details>"
    return text


def _again(page: Page) -> str:
    facts = "\n".join(f"{name}: {value}" for name, value in page.environment.items())
    return (
        "<h2>How can it be run again?</h2><p>Save this as <code>recipe.toml</code> and say"
        " <code>striate train --recipe recipe.toml</code>. On the CPU the same versions and thread count give the same"
        f" weights, to the bit. Data digest <code>{escape(str(page.source['digest'])[:16])}</code>.</p>"
        f"<pre>{escape(page.recipe_toml)}</pre><details><summary>Versions and machine</summary>"
        f"<pre>{escape(facts)}</pre></details>"
    )


def _gallery(page: Page, indices: Sequence[int] | np.ndarray) -> str:
    shown = []
    for index in indices:
        target, said = int(page.targets[index]), int(page.probabilities[index].argmax())
        sure = f"{page.probabilities[index, said]:.2f}"
        caption = f"{page.classes[said]} {sure}" + ("" if said == target else f", is {page.classes[target]}")
        shown.append(pictures.picture(page.pixels[page.rows[index]], alt=page.keys[index], caption=caption))
    return f'<div class="grid-of-pictures">{"".join(shown)}</div>'


def _cell(value: Interval | None) -> str:
    return "–" if value is None else f'{_percent(value.value)} <span class="quiet">({_between(value)})</span>'


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _between(value: Interval) -> str:
    return f"{100 * value.low:.1f} to {100 * value.high:.1f}"
