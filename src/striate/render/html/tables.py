"""Tables that may be wider than the room they have: how wide about, and in how much room they therefore scroll."""

from __future__ import annotations

import re
from html import unescape

# Pixels: how much room a table may have that is said to scroll in it, as style.css knows them.
_STEPS = (240, 280, 320, 360, 400, 440, 480, 520, 560, 640, 720, 800, 900, 1000, 1200, 1400)
# Pixels of a letter, of one of a row's head, and of a cell's sides, at the tables' 14 pixels.
_LETTER, _BOLD, _PADDING = 7.4, 8.2, 20
_BROKEN = 12  # letters of a row's head that wraps, after which even a word is broken


def screen(table: str, extra: int = 0, *, wraps: bool = False) -> int | None:
    """Return the most room of those known, in pixels, that a table of HTML is wider than; None where it fits all.

    ``extra`` pixels are pictures that stand in a row; ``wraps``: its cells break their lines between words.

    Example: ``screen("<table>...</table>")``
    """
    return narrower(width_of(table, wraps=wraps) + extra)


def narrower(wide: float) -> int | None:
    """Return the most room of those known that is narrower than so many pixels; None where none is."""
    return next((step for step in reversed(_STEPS) if wide > step), None)


def width_of(table: str, *, wraps: bool = False) -> int:
    """Return about how many pixels wide a table of HTML is, by its cells' texts; where they wrap, by their words."""
    columns: list[float] = []
    for row in re.findall(r"<tr\b.*?</tr>", table, re.DOTALL):
        cells = re.findall(r"<t[dh]\b([^>]*)>(.*?)</t[dh]>", row, re.DOTALL)
        for place, (facts, cell) in enumerate(cells):
            lines = [unescape(re.sub(r"<[^>]*>", "", line)) for line in re.split(r"<br>|<small>", cell)]
            head = 'scope="row"' in facts
            if wraps:
                words = [word for line in lines for word in line.split()] or [""]
                lines = [word[:_BROKEN] for word in words] if head else words
            letters = 2 if cell.startswith("<span>") else max(map(len, lines))  # what is in a span stands upright
            columns += [0.0] * (place + 1 - len(columns))
            columns[place] = max(columns[place], (_BOLD if head else _LETTER) * letters + _PADDING)
    return round(sum(columns))
