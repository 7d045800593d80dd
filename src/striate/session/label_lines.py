"""Which labels are worth a look, as lines for a terminal: the first few, by file, label and answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from striate.session import terminal
from striate.words import counted

if TYPE_CHECKING:
    from striate.verbs.evaluation import Evaluation

FIRST = 5  # that are named on a screen


def label_lines(evaluation: Evaluation, *, rest: str) -> list[str]:
    """Return the lines, none where no label is worth a look; ``rest`` says where all of them are, if there are more.

    Example: ``label_lines(run.evaluate().value, rest="all with --json")``
    """
    issues = evaluation.label_issues
    if not issues:
        return []
    many = f"; {len(issues):,} in all, {rest}" if len(issues) > FIRST else ""
    head = f"{counted(min(FIRST, len(issues)), 'label')} worth a look, the least likely first{many}:"
    return [head, *(terminal.line(_line(evaluation.named(one))) for one in issues[:FIRST])]


def _line(one: dict[str, object]) -> str:
    return (
        f"  {one['picture']}  labelled {one['label']} ({one['self_confidence']:.2f}), answered {one['answer']}"
        f" ({one['confidence']:.2f})"
    )
