"""Pictures of one colour, and those that are dark or bright all over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from striate.search.examined import Examined, Finding, of_rows
from striate.words import counted, plural

PLAIN: Final = 6  # of 255: what a picture without anything on it differs by
DARK: Final = 64  # of 255 that the brightest hundredth of a dark picture does not reach
BRIGHT: Final = 192  # of 255 that the darkest hundredth of a bright picture stays above
USUAL: Final = 0.25  # of the pictures: what so many are is how this folder is


def blank(examined: Examined) -> Iterator[Finding]:
    """Find pictures that are one colour: 98 % of their pixels within 6 of 255, in light and in colour."""
    rows = examined.rows
    chosen = np.flatnonzero((rows["bright"] - rows["dark"] <= PLAIN) & (rows["sharp"] < 1))
    if not len(chosen):
        return
    words = [f"all {rows['mean'][row]:.0f} of 255" for row in chosen]
    cases, share = of_rows(examined, chosen, words)
    yield Finding(
        "blank",
        "wrong",
        f"{counted(len(chosen), 'picture')} {plural(len(chosen), 'is')} blank",
        "There is nothing on them; with a label they teach a network that nothing is that class.",
        "Remove them, unless blank is what you want to tell.",
        cases,
        share,
    )


def dark_or_bright(examined: Examined) -> Iterator[Finding]:
    """Find pictures that stay below 64, or above 192, of 255 nearly everywhere."""
    rows = examined.rows
    something = rows["bright"] - rows["dark"] > PLAIN
    for kind, chosen, where in (
        ("dark", np.flatnonzero(something & (rows["bright"] < DARK)), f"below {DARK}"),
        ("bright", np.flatnonzero(something & (rows["dark"] > BRIGHT)), f"above {BRIGHT}"),
    ):
        if not len(chosen):
            continue
        order = rows["bright"][chosen] if kind == "dark" else -rows["dark"][chosen]
        chosen = chosen[np.argsort(order, kind="stable")]  # noqa: PLW2901
        cases, share = of_rows(examined, chosen, [f"mean {rows['mean'][row]:.0f} of 255" for row in chosen])
        often = share > USUAL
        yield Finding(
            kind,
            "to know" if often else "doubtful",
            f"{counted(len(chosen), 'picture')} {plural(len(chosen), 'is')} very {kind}: 99 of 100 pixels {where} of"
            " 255",
            "So many are that this is how the folder is." if often else "Little can be told in them.",
            "Predict with pictures of the same light."
            if often
            else "Look whether you can tell what they show; remove those where you cannot.",
            cases,
            share,
        )
