"""Findings that a person has judged: what was decided about does not come back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from striate.data.labels.mending import IGNORE, Mending
from striate.search.examined import Finding

LABEL: Final = "label"
"""The kind of finding that doubts a label: it is judged where a person gave that picture one."""
ALIKE: Final = ("equal-copies", "near-copies")
"""Kinds of findings that say which pictures are one; they are judged where a person said that they belong together."""


def unjudged(findings: Sequence[Finding], mending: Mending) -> tuple[Finding, ...]:
    """Return the findings without the cases that were judged, and without those of which none is left.

    A case is judged where a decision to ignore findings of that kind names all its pictures; `LABEL` and `ALIKE` also
    by what was decided in answer to them. A finding that lost some says so.

    Example: ``unjudged([], Mending())`` is ``()``.
    """
    if not mending.entries:
        return tuple(findings)
    left = []
    for finding in findings:
        if is_judged(finding.kind, (), mending):
            continue
        cases = tuple(case for case in finding.cases if not is_judged(finding.kind, case.paths, mending))
        gone = len(finding.cases) - len(cases)
        if gone and not cases:
            continue
        if gone:
            said = f"{finding.said} ({gone:,} of {len(finding.cases):,} judged before)"
            pictures = [sum(len(case.paths) for case in some) for some in (cases, finding.cases)]
            left.append(replace(finding, said=said, cases=cases, share=finding.share * pictures[0] / pictures[1]))
        else:
            left.append(finding)
    return tuple(left)


def is_judged(kind: str, paths: Sequence[str], mending: Mending) -> bool:
    r"""Return whether a finding of a kind about some pictures was judged; without any, about the folder as a whole.

    >>> from striate.data.labels.mending import read
    >>> decided = read('[[ignore]]\nfinding = "dark"\npictures = ["a.png", "b.png"]', "labels.toml")
    >>> is_judged("dark", ["a.png"], decided), is_judged("dark", ["a.png", "c.png"], decided)
    (True, False)
    """
    mine = frozenset(paths)
    for entry in mending.of(IGNORE):
        if entry.word == kind and (mine <= {one.path for one in entry.pictures} if mine else not entry.pictures):
            return True
    if not mine:
        return False
    if kind == LABEL:
        return mine <= mending.relabelled.keys()
    return kind in ALIKE and any(mine <= together for together in mending.together)
