"""Outliers within a class: pictures that are unlike their class and unlike everything else."""

from __future__ import annotations

from collections.abc import Iterator

from striate.search.examined import Case, Examined, Finding
from striate.words import counted, plural


def outliers(examined: Examined) -> Iterator[Finding]:
    """Find pictures far from all others, the furthest first, by `striate.search.outliers`."""
    if examined.told is None or not examined.told.outliers.found:
        return
    found = examined.told.outliers.found
    cases = tuple(
        Case(
            (examined.paths[one.row],),
            f"in {examined.names[examined.labels[one.row]]}, {one.far:.1f} deviations from what is usual; most like"
            f" {examined.paths[one.nearest]}",
        )
        for one in found
    )
    yield Finding(
        "outlier",
        "doubtful",
        f"{counted(len(cases), 'picture')} {plural(len(cases), 'is')} unlike its class and unlike all others"
        if len(cases) == 1
        else f"{len(cases):,} pictures are unlike their classes and unlike all others",
        "They may show something that does not belong here, be rare, or be damaged. Were there no outlier in a folder"
        f" of this size, {counted(round(examined.told.outliers.expected), 'picture')} would be said by chance.",
        "Look at them from the top: take out what is none of the classes; of what is rare and belongs here, more are"
        " worth having.",
        cases,
        len(cases) / max(1, len(examined)),
    )
