"""Findings that a person has judged: what was decided about does not come back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from striate.data.labels.mending import IGNORE, Mending
from striate.search.examined import Case, Finding

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
    given = frozenset(mending.relabelled)
    ignored = [(entry.word, frozenset(one.path for one in entry.pictures)) for entry in mending.of(IGNORE)]

    def judged(finding: Finding, case: Case) -> bool:
        mine = frozenset(case.paths)
        if any(kind == finding.kind and mine <= paths for kind, paths in ignored):
            return True
        if finding.kind == LABEL:
            return mine <= given
        return finding.kind in ALIKE and any(mine <= together for together in mending.together)

    left = []
    for finding in findings:
        if (finding.kind, frozenset()) in ignored:
            continue
        cases = tuple(case for case in finding.cases if not judged(finding, case))
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
