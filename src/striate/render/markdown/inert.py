"""Markdown whose words are words: a name of a class or a folder sets no heading, link, table or tag."""

from __future__ import annotations

import re
from collections.abc import Sequence

from striate.words import readable

_MARKS = re.compile(r"([\\`*_\[\]<>|#~&])")


def inert(text: str) -> str:
    """Return text on one line that Markdown shows as it is.

    Example: ``len(inert("a|b"))`` is 4.
    """
    return _MARKS.sub(r"\\\1", readable(text))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; the first column is what a row is of, the others are figures.

    Example: ``table(("class", "pictures"), [("cats", "3")]).splitlines()[-1]`` is ``"| cats | 3 |"``.
    """
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    cells = [[inert(cell) for cell in line] if place != 1 else list(line) for place, line in enumerate(lines)]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def fenced(text: str, language: str = "") -> str:
    """Return text as a block of code, whatever stands in it.

    Example: ``len(fenced("striate train pets").splitlines())`` is 3.
    """
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
