"""Tables that may be wider than the room they have: how wide about, and in how much room they therefore scroll."""

from __future__ import annotations

import re
from html import unescape

# Pixels: how much room a table may have that is said to scroll in it, as style.css knows them.
_STEPS = (240, 280, 320, 360, 400, 440, 480, 520, 560, 640, 720, 800, 900, 1000, 1200, 1400)
_LETTER, _PADDING = 7.4, 20  # pixels of a letter and of a cell's sides, at the tables' 14 pixels


def screen(table: str, extra: int = 0) -> int | None:
    """Return the most room of those known, in pixels, that a table of HTML is wider than; None where it fits all.

    ``extra`` pixels are pictures that stand in a row.

    Example: ``screen("<table>...</table>")``
    """
    return narrower(width_of(table) + extra)


def narrower(wide: float) -> int | None:
    """Return the most room of those known that is narrower than so many pixels; None where none is."""
    return next((step for step in reversed(_STEPS) if wide > step), None)


def width_of(table: str) -> int:
    """Return about how many pixels wide a table of HTML is, by its cells' texts."""
    columns: list[float] = []
    for row in re.findall(r"<tr\b.*?</tr>", table, re.DOTALL):
        cells = re.findall(r"<t([dh])\b[^>]*>(.*?)</t[dh]>", row, re.DOTALL)
        for place, (_, cell) in enumerate(cells):
            lines = [unescape(re.sub(r"<[^>]*>", "", line)) for line in re.split(r"<br>|<small>", cell)]
            letters = 2 if cell.startswith("<span>") else max(map(len, lines))  # what is in a span stands upright
            columns += [0.0] * (place + 1 - len(columns))
            columns[place] = max(columns[place], _LETTER * letters + _PADDING)
    return round(sum(columns))
