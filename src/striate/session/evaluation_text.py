"""An evaluation as lines for a terminal."""

from __future__ import annotations

from striate.session.label_lines import label_lines
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
