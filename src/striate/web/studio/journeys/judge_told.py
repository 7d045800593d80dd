"""What an evaluation is as JSON for a page: its figures, the sections of its task, thresholds, slices. Values alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from striate.tasks.sections import Bars, Figure, Matrix, Points, Section, Table, Text, number, percent

if TYPE_CHECKING:
    from striate.metrics.operating_points import Cut
    from striate.metrics.slices import Slice
    from striate.verbs.evaluation import Evaluation

STEPS: Final = 100  # thresholds that a page moves over
SHOWN_CLASSES: Final = 40  # of a confusion matrix: a larger one is read by nobody
DOTS: Final = 2_000  # of a plot


def overview_told(evaluation: Evaluation) -> dict[str, Any]:
    """Return what an evaluation comes to, and of a classifier its confusion, classes and confidence.

    Example: ``overview_told(evaluate("pets-1"))["headline"]["name"]``
    """
    found, report = evaluation.found, evaluation.report.to_dict()
    kept = ("confusion", "per_class", "reliability", "raw_reliability", "calibration_error", "raw_calibration_error")
    own = {name: report[name] for name in kept if name in report} if found.confused() is not None else {}
    if own:
        own |= _confusion(evaluation)
    return {
        "run": evaluation.name,
        "part": evaluation.part,
        "pictures": len(evaluation.keys),
        "headline": figure_told(found.headline.figure) | {"name": found.headline.name},
        "figures": [figure_told(one) for one in found.figures()],
        "verdict": evaluation.verdict.to_dict(),
        "caveats": list(found.caveats()),
        "lines": list(found.lines()),
        "notes": list(evaluation.notes),
        "means": evaluation.means,
        "folds": None if evaluation.folds is None else _folds(evaluation),
        "doubtful": len(evaluation.label_issues),
        "cuts": bool(found.cuts()),
        "names": list(evaluation.labels.names),
        **own,
    }


def _confusion(evaluation: Evaluation) -> dict[str, Any]:
    """Return the confusion matrix of those classes that are confused most, where there are very many."""
    import numpy as np

    counts = np.asarray(evaluation.report.confusion)
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
    kept = np.sort(np.argsort(-wrong, kind="stable")[:SHOWN_CLASSES])
    names = [evaluation.labels.names[place] for place in kept.tolist()]
    return {"confusion": counts[np.ix_(kept, kept)].tolist(), "confused": names, "totals": counts[kept].sum(1).tolist()}


def _folds(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return how each fold fared: how many pictures it answered, and how well."""
    folds, found = evaluation.folds, evaluation.found
    assert folds is not None
    values, place = found.losses if found.right is None else found.right, folds.places[0, evaluation.indices]
    return [
        {"fold": fold + 1, "pictures": int((place == fold).sum()), "value": float(values[place == fold].mean())}
        for fold in range(folds.count)
        if (place == fold).any()
    ]


def figure_told(one: Figure) -> dict[str, str]:
    """Return a figure as its words: value, between, text.

    Example: ``figure_told(Figure("98.3 %"))`` is ``{"value": "98.3 %", "between": "", "text": ""}``.
    """
    return {"value": one.value, "between": one.between, "text": one.text}


def section_told(section: Section, keys: Sequence[str]) -> dict[str, Any]:
    """Return a section of a task, each part by its kind; pictures by their rows and keys.

    Example: ``section_told(Section("Why?", (Text("So."),)), ())["parts"]`` is
    ``[{"kind": "text", "text": "So.", "strong": False}]``.
    """
    return {"title": section.title, "parts": [_part(part, keys) for part in section.parts]}


def _part(part: Any, keys: Sequence[str]) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"kind": "text", "text": part.text, "strong": part.strong}
    if isinstance(part, Table):
        rows = [[figure_told(cell) if isinstance(cell, Figure) else cell for cell in row] for row in part.rows]
        return {"kind": "table", "heads": part.heads, "rows": rows, "label": part.label, "folded": part.folded}
    if isinstance(part, Bars):
        return {"kind": "bars", "label": part.label, "top": part.top, "bars": [vars(one) for one in part.bars]}
    if isinstance(part, Points):
        step = max(1, -(-len(part.x) // DOTS))
        pairs = zip(part.x[::step].tolist(), part.y[::step].tolist(), strict=True)
        dots = [pair for pair in pairs if all(map(math.isfinite, pair))]
        axes = {"x": part.x_label, "y": part.y_label}
        return {"kind": "points", "dots": dots, "alt": part.alt, "diagonal": part.diagonal, "level": part.level} | axes
    if isinstance(part, Matrix):
        named = {"rows": part.rows, "columns": part.columns, "corner": part.corner, "label": part.label}
        return {"kind": "matrix", "shares": part.shares.tolist(), "words": part.words, **named}
    tiles = [
        {"row": tile.row, "key": keys[tile.row], "said": tile.caption, "scene": tile.overlay is not None}
        for tile in part.tiles
    ]
    return {"kind": "tiles", "tiles": tiles, "heading": part.heading}


def cuts_told(cuts: Sequence[Cut]) -> list[dict[str, Any]]:
    """Return what answers come to from each of 0.00, 0.01 to 1.00 on, with the ends of their intervals.

    Example: ``cuts_told(evaluate("pets-1").found.cuts())[0]["said"][0]``
    """
    steps = [step / STEPS for step in range(STEPS + 1)]
    told = []
    for cut in cuts:
        said, right = cut.points.counts_from(steps)
        points = [cut.at(step) for step in steps] if len(cuts) <= SHOWN_CLASSES else []
        told.append(
            {
                "name": cut.name,
                "chosen": cut.chosen,
                "present": cut.points.present,
                "said": said.tolist(),
                "right": right.tolist(),
                "precision": [_ends(one.precision) for one in points],
                "recall": [_ends(one.recall) for one in points],
            }
        )
    return told


def _ends(one: Any) -> list[float] | None:
    return None if one is None else [round(one.low, 4), round(one.high, 4)]


def slice_told(one: Slice, *, shares: bool) -> dict[str, Any]:
    """Return a slice with its figure in words.

    Example: ``slice_told(slices(evaluate("pets-1"))[0], shares=True)["figure"]["value"]``
    """
    others = None if one.others is None else f"{100 * one.others:.1f} %" if shares else f"{one.others:.3g}"
    return {**one.to_dict(), "figure": figure_told(percent(one.value) if shares else number(one.value)), "rest": others}
