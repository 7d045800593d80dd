"""Gray pictures among colour."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from striate.search.examined import Examined, Finding, of_rows
from striate.words import counted, plural

GRAY: Final = 14  # of 255 that red, green and blue of a picture without colour differ by, JPEG's rounding included
FEW: Final = 0.2  # of the pictures: with more gray ones a folder is no folder of colour


def gray_among_colour(examined: Examined) -> Iterator[Finding]:
    """Find pictures without colour in a folder of which at least four fifths have some."""
    rows = examined.rows
    chosen = np.flatnonzero(rows["chroma"] <= GRAY)
    if not len(chosen) or len(chosen) > FEW * len(examined):
        return
    chosen = chosen[np.argsort(rows["chroma"][chosen], kind="stable")]
    words = ["no colour at all" if rows["chroma"][row] < 1 else "next to no colour" for row in chosen]
    cases, share = of_rows(examined, chosen, words)
    yield Finding(
        "gray-among-colour",
        "doubtful",
        f"{counted(len(chosen), 'picture')} {plural(len(chosen), 'is')} gray or nearly so, where the others are in"
        " colour",
        "A network may take gray for a sign of whatever class they are in.",
        "Keep them where pictures to predict may be gray; else remove them.",
        cases,
        share,
    )
