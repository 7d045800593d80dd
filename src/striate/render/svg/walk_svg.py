"""A window passing over a map, as an animated drawing: SVG that moves by itself, and in a page can be stepped through.

Without numbers it is the picture of convolution arithmetic; with them each step shows its products and their sum.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from striate.interpret.arithmetic.contributions import number
from striate.interpret.arithmetic.walk import Axis, Walk
from striate.render.colours import hexadecimal, ink, paint
from striate.render.html.environment import drawing, escaped, html
from striate.render.html.tables import narrower
from striate.spec import AvgPool, MaxPool, MinPool

if TYPE_CHECKING:
    from markupsafe import Markup

Grid = NDArray[np.float64]
SOFTWARE = "striate walk"  # by which a drawing is known to be one of ours
_GAP, _TOP = 56, 30
_SHRUNK = 0.8  # of its size, below which numbers in cells are not read
_WRITTEN = 30  # products, up to which a sum is written out

_STYLE = """
.walk{--paper:#fdfdfb;--ink:#1c1f23;--quiet:#5d646d;--line:#9aa1aa;--pixel:#a9c8f5;--made:#9fd8c2;--hatch:#c0392b;
--over:#1d4fa3;font-family:system-ui,"Segoe UI",Roboto,Arial,sans-serif}
@media(prefers-color-scheme:dark){.walk{--paper:#16181b;--ink:#e8e9ea;--quiet:#a0a7b0;--line:#5b636d;--pixel:#2c548c;
--made:#226b53;--hatch:#ff9a8f;--over:#9cc3ff}}
.walk .zero{fill:none;stroke:var(--line);stroke-dasharray:3 3}.walk .pixel{fill:var(--pixel);stroke:var(--line)}
.walk .out{fill:none;stroke:var(--line)}.walk .made{fill:var(--made);stroke:var(--line)}
.walk .over{fill:var(--over);fill-opacity:.28;stroke:var(--over);stroke-width:2.5}
.walk .now{fill:none;stroke:var(--over);stroke-width:3}.walk .lost{stroke:var(--hatch);stroke-width:2}
.walk text{fill:var(--ink);font-size:13px}.walk .quiet{fill:var(--quiet)}
.walk .weight{font-size:10px;fill:var(--paper);stroke:none}.walk .tag{fill:var(--over)}
.walk .mid{text-anchor:middle}.walk .term{font-variant-numeric:tabular-nums}
"""


def svg(
    walk: Walk,
    *,
    alt: str,
    values: Grid | None = None,
    weights: Grid | None = None,
    outputs: Grid | None = None,
    seconds: float = 0.8,
    alone: bool = False,
) -> str:
    """Return the drawing of a walk, a step every ``seconds``; ``alone`` for a file of its own.

    ``values`` (H, W), ``weights`` (rows, columns) and ``outputs`` (H', W') are written into the cells.
    """
    numbers = values is not None and weights is not None and outputs is not None
    side = (50 if values is not None and float(np.abs(values).max(initial=0)) >= 100 else 44) if numbers else 30
    tall, wide = len(walk.height.slots), len(walk.width.slots)
    right = wide * side + _GAP
    lines = _equations(walk, values, weights, outputs, (right + walk.width.outputs * side) // 7) if numbers else []
    below = _TOP + side * max(tall, walk.height.outputs) + 26
    height = below + (18 * max((len(line) for line in lines), default=0) + 6 if numbers else 0)
    width = max(right + walk.width.outputs * side, 200)
    told = {"high": 1.0} if values is None else {"high": float(np.abs(values).max(initial=0)) or 1.0}
    parts = [_map(walk, side, values, told["high"])]
    parts.append(f'<g transform="translate({right} {_TOP})">{_outputs(walk, side, outputs, seconds)}</g>')
    parts.append(f'<g transform="translate(0 {_TOP})">{_window(walk, side, weights, seconds)}</g>')
    parts.append(_heads(walk, side, right, below - 8))
    parts += [
        f'<g opacity="{int(step == 0)}">{_blink(step, walk.steps, seconds)}'
        + "".join(
            f'<text class="term" x="0" y="{below + 12 + 18 * row}">{escaped(text)}</text>'
            for row, text in enumerate(line)
        )
        + "</g>"
        for step, line in enumerate(lines)
    ]
    head = f'xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" ' if alone else ""
    about = f"<metadata>{SOFTWARE}</metadata>" if alone else ""
    paper = f'<rect x="-12" y="-8" width="{width + 24}" height="{height + 16}" fill="var(--paper)"/>' if alone else ""
    # Cells with numbers stay readable on a narrow screen: the drawing scrolls sideways there.
    least = f";min-width:{round(_SHRUNK * (width + 24))}px" if numbers and not alone else ""
    box = f'viewBox="-12 -8 {width + 24} {height + 16}" style="max-width:{width + 24}px{least}"'
    return (
        f'<svg {head}class="walk" {box} role="img" aria-label="{escaped(alt)}">{about}'
        f"<title>{escaped(alt)}</title><style>{_STYLE}</style>{paper}{''.join(parts)}</svg>"
    )


def player(drawn: str, steps: int, seconds: float = 0.8) -> Markup:
    """Return a drawing with buttons to play it and to step through it; without scripts it plays by itself."""
    least = re.search(r"min-width:(\d+)px", drawn)
    over = narrower(int(least[1]) if least else 0)
    return html("answers/player.html", drawn=drawing(drawn), over=over, steps=steps, seconds=seconds)


def is_ours(data: bytes) -> bool:
    """Return whether the bytes of a file are a drawing that `svg` made."""
    return data.startswith(b"<svg") and f"<metadata>{SOFTWARE}</metadata>".encode() in data[:4096]


def _map(walk: Walk, side: int, values: Grid | None, high: float) -> str:
    """Draw what the window passes over: pixels, zeros around and between them, crosses on what is never seen."""
    drawn = []
    rows, columns = set(walk.height.unseen), set(walk.width.unseen)
    for y, row in enumerate(walk.height.slots):
        for x, column in enumerate(walk.width.slots):
            place = f'x="{x * side}" y="{_TOP + y * side}" width="{side}" height="{side}"'
            middle = f'class="mid" x="{x * side + side / 2}" y="{_TOP + y * side + side / 2 + 4}"'
            if row is None or column is None:
                drawn.append(f'<rect class="zero" {place}/>')
                if values is not None:
                    drawn.append(f'<text {middle} style="fill:var(--quiet)">0</text>')
                continue
            if values is None:
                drawn.append(f'<rect class="pixel" {place}/>')
            else:
                drawn.append(_valued(place, middle, float(values[row, column]), high, signed=bool((values < 0).any())))
            if row in rows or column in columns:
                a, b, c, d = x * side + 6, _TOP + y * side + 6, (x + 1) * side - 6, _TOP + (y + 1) * side - 6
                drawn.append(f'<path class="lost" d="M{a} {b}L{c} {d}M{c} {b}L{a} {d}"/>')
    return "".join(drawn)


def _valued(place: str, middle: str, value: float, high: float, *, signed: bool) -> str:
    """Draw a cell with its number: gray from black (0) to white, or in colours where there are signs."""
    if signed:
        colour = paint(np.array(value), low=-high, high=high)
    else:
        colour = np.full(3, round(255 * min(max(value / high, 0), 1)), np.uint8)
    return (
        f'<rect {place} fill="{hexadecimal(colour)}" stroke="var(--line)"/>'
        f'<text {middle} style="fill:{ink(colour)}">{number(value)}</text>'
    )


def _outputs(walk: Walk, side: int, outputs: Grid | None, seconds: float) -> str:
    drawn = []
    high = 1.0 if outputs is None else float(np.abs(outputs).max(initial=0)) or 1.0
    for step, (row, column) in enumerate(walk.places()):
        place = f'x="{column * side}" y="{row * side}" width="{side}" height="{side}"'
        middle = f'class="mid" x="{column * side + side / 2}" y="{row * side + side / 2 + 4}"'
        drawn.append(f'<rect class="out" {place}/><g opacity="{int(step == 0)}">{_appear(step, walk.steps, seconds)}')
        if outputs is None:
            drawn.append(f'<rect class="made" {place}/></g>')
        else:
            drawn.append(
                _valued(place, middle, float(outputs[row, column]), high, signed=bool((outputs < 0).any())) + "</g>"
            )
    shifts = [(column * side, row * side) for row, column in walk.places()]
    drawn.append(f'<rect class="now" width="{side}" height="{side}">{_moves(shifts, walk.steps, seconds)}</rect>')
    return "".join(drawn)


def _window(walk: Walk, side: int, weights: Grid | None, seconds: float) -> str:
    cells = []
    clear = "" if weights is None else ' style="fill-opacity:.08"'  # so that the numbers beneath stay readable
    for down in range(walk.height.taps):
        for across in range(walk.width.taps):
            x, y = across * walk.width.apart * side, down * walk.height.apart * side
            cells.append(f'<rect class="over"{clear} x="{x}" y="{y}" width="{side}" height="{side}"/>')
            if weights is not None:
                text = number(float(weights[down, across]))
                wide = 7 + 6 * len(text)
                cells.append(
                    f'<rect class="tag" x="{x + side - wide}" y="{y + side - 13}" width="{wide}" height="13"/>'
                    f'<text class="weight mid" x="{x + side - wide / 2}" y="{y + side - 3}">{text}</text>'
                )
    shifts = [(walk.width.starts[column] * side, walk.height.starts[row] * side) for row, column in walk.places()]
    return f"<g>{''.join(cells)}{_moves(shifts, walk.steps, seconds)}</g>"


def _moves(shifts: list[tuple[int, int]], steps: int, seconds: float) -> str:
    values = ";".join(f"{x} {y}" for x, y in shifts)
    return (
        f'<animateTransform attributeName="transform" type="translate" calcMode="discrete" values="{values}" '
        f'dur="{steps * seconds:g}s" repeatCount="indefinite"/>'
    )


def _appear(step: int, steps: int, seconds: float) -> str:
    times, values = (f"0;{step / steps:.5f}", "0;1") if step else ("0", "1")
    return _discrete(values, times, steps, seconds)


def _blink(step: int, steps: int, seconds: float) -> str:
    first, last = step / steps, (step + 1) / steps
    values, times = (["0", "1"], ["0", f"{first:.5f}"]) if step else (["1"], ["0"])
    if step + 1 < steps:
        values, times = [*values, "0"], [*times, f"{last:.5f}"]
    return _discrete(";".join(values), ";".join(times), steps, seconds)


def _discrete(values: str, times: str, steps: int, seconds: float) -> str:
    return (
        f'<animate attributeName="opacity" calcMode="discrete" values="{values}" keyTimes="{times}" '
        f'dur="{steps * seconds:g}s" repeatCount="indefinite"/>'
    )


def _heads(walk: Walk, side: int, right: int, below: int) -> str:
    height, width = walk.height, walk.width
    return (
        f'<text class="quiet" x="0" y="{_TOP - 10}">input {height.pixels}x{width.pixels}</text>'
        f'<text class="quiet" x="{right}" y="{_TOP - 10}">output {height.outputs}x{width.outputs}</text>'
        f'<text x="{right - _GAP / 2}" y="{_TOP + side * len(height.slots) / 2}" class="mid">→</text>'
        f'<text class="quiet" x="0" y="{below}">{escaped(legend(walk))}</text>'
    )


def legend(walk: Walk) -> str:
    """Return what the marks of the drawing stand for."""
    zeros = "zeros"
    if isinstance(walk.layer, MaxPool | MinPool):
        zeros = f"outside, never the {'largest' if isinstance(walk.layer, MaxPool) else 'smallest'}"
    elif isinstance(walk.layer, AvgPool) and walk.layer.ceil:
        zeros = "zeros of the padding, and what hangs over and does not count"
    marks = [f"dashed: {zeros}"] if _has_zeros(walk.height) or _has_zeros(walk.width) else []
    marks += ["crossed: never seen"] if walk.unseen else []
    return "; ".join(marks)


def _has_zeros(axis: Axis) -> bool:
    return None in axis.slots


def _equations(
    walk: Walk, values: Grid | None, weights: Grid | None, outputs: Grid | None, width: int
) -> list[list[str]]:
    """Return the products of each step and their sum, in lines of so many characters; products by 0 are left out."""
    assert values is not None and weights is not None and outputs is not None
    lines = []
    for row, column in walk.places():
        seen = [
            (0.0 if y is None or x is None else float(values[y, x]), float(weights[down, across]))
            for down, y in enumerate(walk.height.seen(row))
            for across, x in enumerate(walk.width.seen(column))
        ]
        terms = [
            f"{number(value)}·{number(weight)}" if weight >= 0 else f"{number(value)}·({number(weight)})"
            for value, weight in seen
            if weight
        ]
        text = " + ".join(terms) if len(terms) <= _WRITTEN else f"{len(terms)} products, added up"
        text += f" = {number(float(outputs[row, column]))}"
        lines.append(textwrap.wrap(text, max(width, 24)))
    return lines
