"""Tables that may be wider than the screen: they scroll by themselves, and say so where they do; names in pages."""

from __future__ import annotations

import re
import unicodedata
from html import escape, unescape

_STEPS = (360, 560, 900, 1200)  # pixels: screens at which a table is said to scroll, as style.css knows them
_LETTER, _PADDING = 7.4, 20  # pixels of a letter and of a cell's sides, at the tables' 14 pixels


def named(text: str) -> str:
    """Return a name that a person gave (a class, a file) as HTML: escaped, without control characters, by itself.

    ``<bdi>`` keeps a name in another script from turning around what stands beside it.

    Example: ``named("a<b")  # "<bdi>a&lt;b</bdi>"``
    """
    return f"<bdi>{plain(text)}</bdi>"


def plain(text: str) -> str:
    """Return the same for an attribute or a title: escaped, each control character and override shown as a sign."""
    kept = "".join("\ufffd" if unicodedata.category(letter) in ("Cc", "Cf", "Cs") else letter for letter in text)
    return escape(kept, quote=True)


def scrolling(table: str, *, label: str, extra: int = 0) -> str:
    """Return a table of HTML in a frame of its own that scrolls where it has to, and says so on screens too narrow.

    ``label`` is what a screen reader says of it; ``extra`` pixels are pictures that stand in a row.
    """
    wide = width_of(table) + extra
    over = next((step for step in reversed(_STEPS) if wide > step), None)
    hint = "" if over is None else '<p class="swipe">Wider than this screen: the table scrolls sideways.</p>'
    kind = "scrolls" if over is None else f"scrolls over-{over}"
    name = escape(label, quote=True)
    frame = f'<div class="wide" tabindex="0" role="region" aria-label="{name}">{table}</div>'
    return f'<div class="{kind}">{hint}{frame}</div>'


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
