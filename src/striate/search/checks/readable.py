"""Pictures that cannot be read, or of which only the upper part is there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from striate.search.examined import Case, Examined, Finding, standing_out
from striate.words import counted

FOOT = 0.04  # of a picture's rows: fewer in one gray may be its own


def unreadable(examined: Examined) -> Iterator[Finding]:
    """Find pictures that do not decode; where the beginning reads, what it says the picture is."""
    bad = examined.unreadable
    if not bad:
        return
    cases = tuple(
        Case((one.path,), f"begins as {one.begins}, but {one.reason}" if one.begins else one.reason) for one in bad
    )
    half = sum(bool(one.begins) for one in bad)
    begins = f", {half:,} of which {'begins' if half == 1 else 'begin'} as a picture" if half else ""
    yield Finding(
        "unreadable",
        "wrong",
        f"{counted(len(bad), 'picture')} cannot be read{begins}",
        "They are left out of training and of every measure; above 1 % of the pictures, training refuses to start.",
        "Fetch them again from where they came, or remove them.",
        cases,
        len(bad) / (len(bad) + len(examined)),
    )


def unfinished(examined: Examined) -> Iterator[Finding]:
    """Find pictures that decode, but whose lower rows are the gray that decoders put in place of missing data."""
    missing = examined.rows["missing"]
    chosen = np.flatnonzero((missing > FOOT) & (missing < 1))
    chosen = chosen[np.argsort(-missing[chosen], kind="stable")]
    yield from standing_out(
        examined,
        chosen,
        [f"the lower {100 * missing[row]:.0f} % are one gray" for row in chosen],
        kind="unfinished",
        level="wrong",
        said="gray from some row on to the foot",
        means="So a picture looks whose file was cut off and saved again: a network learns the gray.",
        remedy="Look at them; fetch them again, or remove them.",
    )
