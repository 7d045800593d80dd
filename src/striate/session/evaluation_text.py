"""An evaluation as lines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from striate.metrics.intervals import Interval
from striate.metrics.operating_points import Point
from striate.metrics.slices import Slice
from striate.render.html.sections import columns
from striate.session import terminal
from striate.session.label_lines import label_lines
from striate.tasks.sections import number, percent
from striate.verbs.evaluation import Evaluation
from striate.words import counted


def text(evaluation: Evaluation) -> str:
    """Return an evaluation as lines for the terminal."""
    what = f"{evaluation.part} picture"
    if evaluation.folds is not None:
        lines = [f"{evaluation.name} on all {counted(len(evaluation.keys), 'picture')}, {evaluation.folds}"]
        lines.append(evaluation.means)
    else:
        lines = [f"{evaluation.name} on {counted(len(evaluation.keys), what)}"]
        if evaluation.part == "train":
            lines.append("it was trained on these very pictures: the figures say how well it knows them, not others")
    lines += [f"note: {note}" for note in evaluation.notes]
    lines.append(evaluation.report.text())
    lines += evaluation.found.lines()
    return "\n".join([*lines, "", evaluation.verdict.text, *label_lines(evaluation, rest="all with --json")])


def slice_lines(found: Sequence[Slice], evaluation: Evaluation) -> list[str]:
    """Return slices as a table for the terminal; nothing of none.

    Example: ``slice_lines(slices(run.evaluate().value), run.evaluate().value)``
    """
    if not found:
        return []
    shares = evaluation.found.right is not None
    rows = [("by", "of", "pictures", "right" if shares else evaluation.found.loss_name, "the others", "")]
    for one in found:
        others = "" if one.others is None else _value(one.others, shares)
        told = str(percent(one.value) if shares else number(one.value))
        name = terminal.line(one.name)
        rows.append((one.by, name, f"{one.pictures:,}", told, others, "differs" if one.real else ""))
    apart = sum(one.real for one in found)
    differ = "differs" if apart == 1 else "differ"
    return [
        *columns(rows),
        f"{apart} of {counted(len(found), 'slice')} {differ} by more than chance makes among so many",
    ]


def point_lines(points: Sequence[Point]) -> list[str]:
    """Return what answers come to from a score on, as a table for the terminal; nothing of none.

    Example: ``point_lines([cut.at(0.5) for cut in run.evaluate().value.found.cuts()])``
    """
    if not points:
        return []
    rows: list[tuple[str, ...]] = [
        (f"from {points[0].threshold:.2f} on", "there", "said", "right", "missed", "precision", "recall")
    ]
    for one in points:
        counts = (one.present, one.said, one.right, one.missed)
        precision, recall = _share(one.right, one.said, one.precision), _share(one.right, one.present, one.recall)
        rows.append((terminal.line(one.name), *(f"{each:,}" for each in counts), precision, recall))
    return columns(rows)


def _value(value: float, shares: bool) -> str:
    return f"{100 * value:.1f} %" if shares else f"{value:.3g}"


def _share(part: int, of: int, known: Interval | None) -> str:
    """Return a share with its interval where there is one."""
    return "-" if not of else str(percent(known)) if known is not None else f"{100 * part / of:.1f} %"
