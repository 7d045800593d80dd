"""The sections of a page on found boxes, as values: classes, kinds of errors, sizes, thresholds, scores, counts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from striate.metrics.average_precision import LARGE, MEDIUM, SMALL
from striate.metrics.box_errors import KINDS, BoxError
from striate.metrics.box_report import ERROR_WORDS
from striate.metrics.counting import CountMeasure
from striate.metrics.intervals import Interval
from striate.metrics.operating_points import operating_points
from striate.tasks.sections import (
    Bar,
    Bars,
    Cell,
    Figure,
    Filter,
    Part,
    Section,
    Table,
    Text,
    Tile,
    Tiles,
    chosen_by,
    number,
    percent,
)

if TYPE_CHECKING:
    from striate.tasks.detect_assessment import BoxAssessment

_TILES = 24  # worst pictures shown
_OF_A_KIND = 3  # pictures shown of each kind of error
_BARS = 40  # classes of which a bar is drawn
_STEPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # scores of which it is shown what would be said
MEANS = {
    "class": "overlaps an object of another class by 0.50 or more",
    "place": "overlaps an object of its class by 0.10 to 0.50",
    "both": "overlaps an object of another class by 0.10 to 0.50",
    "copy": "overlaps an object of its class that a surer box has",
    "background": "overlaps nothing by more than 0.10",
    "missed": "an object that no box finds, not even in the wrong place or class",
}


def box_sections(found: BoxAssessment) -> tuple[Section, ...]:
    """Return the sections, the worst pictures first."""
    every = (_worst(found), _classes(found), _kinds(found), _sizes(found), _thresholds(found), _scores(found),
             _counts(found))  # fmt: skip
    return tuple(section for section in every if section is not None)


def _worst(found: BoxAssessment) -> Section | None:
    rows = found.worst(_TILES).tolist()
    if not rows:
        return None
    told = Text(
        "The pictures with most wrong boxes and missed objects, at the scores from which boxes are said. Look at their"
        " boxes first: where the answer is right, the labels are wrong."
    )
    tiles = [replace(found.tile(row), tags=_tags(found, row)) for row in rows]
    kinds = Filter("Kind of error", tuple(ERROR_WORDS[kind] for kind in KINDS))
    shown = chosen_by(tiles, kinds, Filter("Class", found.report.names))
    return Section("Where was it most wrong?", (told, shown), anchor="worst")


def _tags(found: BoxAssessment, row: int) -> tuple[frozenset[str], frozenset[str]]:
    """Return by which kinds of error a picture is found, and by which classes: of a wrong box, and of its object."""
    errors, names = found.errors_of.get(row, []), found.report.names
    kinds = {error.number for error in errors}
    kinds |= {int(found.truth[row].classes[error.truth]) for error in errors if error.truth is not None}
    return frozenset(ERROR_WORDS[error.kind] for error in errors), frozenset(names[kind] for kind in kinds)


def _classes(found: BoxAssessment) -> Section:
    report = found.report
    heads = ("class", "objects", "AP50", "AP", "said from", "said", "precision", "recall", "F1")
    rows = tuple(
        (
            point.name,
            f"{point.present:,}",
            figure(report.intervals.per_class_50[kind]),
            figure(report.intervals.per_class[kind]),
            f"{point.threshold:.2f}",
            f"{point.said:,}",
            *(share(one) for one in (point.precision, point.recall, point.f1)),
        )
        for kind, point in enumerate(report.points)
    )
    known = [(one, kind) for kind, one in enumerate(report.intervals.per_class_50) if one is not None]
    known.sort(key=lambda pair: pair[0].value)
    bars = tuple(
        Bar(report.names[kind], one.value, f"{one.value:.2f}", one.low, one.high) for one, kind in known[:_BARS]
    )
    others = "by these very pictures (expect less of new ones)" if found.judging else "by pictures not measured here"
    told = Text(
        f"{report.protocol}. A box is said where its score is at least the threshold of its class, which was chosen"
        f" {others}; precision, recall and F1 are of what is said, at an overlap of 0.50."
    )
    absent = report.precision.absent
    parts: list[Part] = [told]
    if absent:
        parts.append(Text(f"No box to measure by of {', '.join(absent)}: not a number, and not in the means."))
    if bars:
        parts.append(Bars(bars, "AP50 of each class, the lowest first", top=1.0))
    parts.append(Table(heads, rows, "figures of every class", folded=len(rows) > _BARS))
    return Section("How well is each class found?", tuple(parts), anchor="classes")


def _kinds(found: BoxAssessment) -> Section | None:
    errors = found.report.errors
    if not errors.errors:
        return None
    counts = errors.by_kind
    rows = tuple(
        (
            ERROR_WORDS[kind],
            MEANS[kind],
            f"{counts[kind]:,}",
            "-" if np.isnan(errors.costs[kind]) else f"+{errors.costs[kind]:.3f}",
        )
        for kind in KINDS
    )
    told = Text(
        "How many of the boxes that are said are wrong, and why; and how much higher AP50 would be without each kind,"
        " of all boxes whatever their score (TIDE, Bolya et al. 2020)."
    )
    parts: list[Part] = [told, Table(("kind", "what it is", "how many", "AP50 without"), rows, "errors by kind")]
    if len(found.report.names) > 1:
        each = tuple(
            (name, *(f"{count:,}" for count in row))
            for name, row in zip(found.report.names, errors.counts.tolist(), strict=True)
        )
        heads = ("class of the box", *(ERROR_WORDS[kind] for kind in KINDS))
        parts.append(Table(heads, each, "errors by class and kind", folded=len(each) > 10))
    for kind in KINDS:
        of_kind = [error for error in errors.errors if error.kind == kind]
        seen = list({error.picture: error for error in reversed(of_kind)}.values())[::-1][:_OF_A_KIND]
        if seen:
            tiles = tuple(
                Tile(error.picture, _told(found, error), overlay=found.overlay(error.picture, error)) for error in seen
            )
            parts.append(Tiles(tiles, f"The surest: {ERROR_WORDS[kind]}" if kind != "missed" else "Missed"))
    return Section("What is wrong?", tuple(parts), anchor="errors")


def _told(found: BoxAssessment, error: BoxError) -> str:
    name = found.report.names[error.number]
    if error.score is None:
        return f"{name} missed"
    told = f"{name} {error.score:.2f}"
    if error.truth is None:
        return told
    other = found.report.names[int(found.truth[error.picture].classes[error.truth])]
    return f"{told}, is {other}" if other != name else f"{told}, overlaps it by {error.overlap:.2f}"


def _sizes(found: BoxAssessment) -> Section | None:
    report = found.report
    words = {
        "small": ("up to 32 x 32 pixels", SMALL),
        "medium": ("32 x 32 to 96 x 96", MEDIUM),
        "large": ("from 96 x 96 on", LARGE),
    }
    rows = tuple(
        (name, told, f"{int(report.precision.present[:, place].sum()):,}", figure(report.intervals.sizes[name]))
        for name, (told, place) in words.items()
    )
    if not report.objects:
        return None
    table = Table(("objects", "area in the picture", "how many", "AP"), rows, "AP by size")
    return Section("Are small objects found as well as large ones?", (table,), half=True, anchor="sizes")


def _thresholds(found: BoxAssessment) -> Section | None:
    curves = [operating_points(one) for one in found.report.precision.matches]
    present = sum(curve.present for curve in curves)
    if not present or not any(len(curve.scores) for curve in curves):
        return None
    rows = []
    for step in _STEPS:
        right = said = 0
        for curve in curves:
            last = int((curve.scores >= step).sum()) - 1
            if last >= 0:
                right, said = right + int(curve.right[last]), said + int(curve.said[last])
        precision = f"{100 * right / said:.1f} %" if said else "-"
        f1 = 2 * right / (said + present)
        rows.append((f"{step:.1f}", f"{said:,}", precision, f"{100 * right / present:.1f} %", f"{100 * f1:.1f} %"))
    told = Text("What all classes together would come to, said from one score on; --precision and --recall choose it.")
    table = Table(("from a score of", "said", "precision", "recall", "F1"), tuple(rows), "figures by threshold")
    return Section("What would another threshold do?", (told, table), half=True, anchor="thresholds")


def _scores(found: BoxAssessment) -> Section | None:
    calibration = found.report.calibration
    if calibration.error is None:
        return None
    rows = tuple(
        (f"{one.low:.2f} to {one.high:.2f}", f"{one.boxes:,}", f"{100 * (one.score or 0):.1f} %", share(one.right))
        for one in calibration.bins
        if one.boxes
    )
    told = Text(
        f"Of the boxes that are said, the score is {percent(calibration.error)} off the share that is right, in the"
        " mean over bins."
    )
    table = Table(("score", "boxes", "mean score", "right"), rows, "how many boxes are right, by score")
    return Section("Does a score of 0.87 mean 87 %?", (told, table), half=True, anchor="calibration")


def _counts(found: BoxAssessment) -> Section | None:
    counts = [one for one in found.report.counts if one is not None]
    if not counts:
        return None
    told = Text("How many boxes are said in a picture, against how many objects are there; in the mean over pictures.")
    return Section("How far off are the counts?", (told, count_table(counts)), half=True, anchor="counts")


def count_table(counts: list[CountMeasure]) -> Table:
    """Return a table of counts: what there is, what was counted, how far off, and what a constant would score."""
    held = any(one.coverage is not None for one in counts)
    heads = ("class", "objects", "counted", "off by", "counted - true", "exactly right", "always the median")
    rows = tuple(
        (
            one.name,
            f"{one.objects:,.0f}",
            f"{one.counted:,.0f}",
            number(one.measures.mae),
            signed(one.measures.bias),
            percent(one.exact),
            f"off by {one.constants['median'].mae:.2f}",
            *((share(one.coverage),) if held else ()),
        )
        for one in counts
    )
    level = 100 * counts[0].level
    return Table((*heads, *((f"in the {level:g} % interval",) if held else ())), rows, "counts of every class")


def figure(one: Interval | None) -> Cell:
    """Return a figure as a table shows it: a dash where it is not a number."""
    return "-" if one is None else number(one)


def share(one: Interval | None) -> Cell:
    """Return a share as a table shows it: a dash where it is not a number."""
    return "-" if one is None else percent(one)


def signed(one: Interval) -> Figure:
    """Return a difference as a table shows it, with its sign. Example: ``str(signed(Interval(1, 0, 2)))`` is
    ``"+1.00 (0.00 to 2.00)"``.
    """
    shown = number(one)
    return Figure(shown.value if one.value <= 0 else f"+{shown.value}", shown.between, shown.text)
