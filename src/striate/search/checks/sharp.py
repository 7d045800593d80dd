"""Pictures that are blurred, against how sharp the others of their folder are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from striate.search.examined import Examined, Finding, of_rows
from striate.words import counted, plural

FEWEST: Final = 30  # pictures below which nothing is usual
AWAY: Final = 3.5  # deviations below the median, on a scale of logarithms, at which a picture stands out


def blurred(examined: Examined) -> Iterator[Finding]:
    """Find pictures that are far less sharp than is usual in the folder.

    On the logarithm of sharpness, 3.5 deviations or more below the median, a deviation taken from the lower half alone
    (Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993, section 3.3, for one side).
    """
    rows = examined.rows
    known = np.flatnonzero(rows["sharp"] > 0)
    if len(known) < FEWEST:
        return
    value = np.log(rows["sharp"][known].astype(np.float64))
    middle, lower = np.median(value), np.quantile(value, 0.25)
    deviation = max((middle - lower) / 0.6745, 0.1)
    away = (middle - value) / deviation
    some = np.flatnonzero((away > AWAY) & (rows["bright"][known] - rows["dark"][known] > 6))
    if not len(some):
        return
    some = some[np.argsort(-away[some], kind="stable")]
    times = [f"{np.exp(middle - value[place]):.0f} times less fine detail than is usual here" for place in some]
    cases, share = of_rows(examined, known[some], times)
    yield Finding(
        "blurred",
        "doubtful",
        f"{counted(len(some), 'picture')} {plural(len(some), 'is')} blurred, against the others of this folder",
        "They show less than the others at the size that a network sees: out of focus, moved, or made larger.",
        "Keep them where pictures to predict are so too; else remove them.",
        cases,
        share,
    )
