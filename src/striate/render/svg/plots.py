"""Bars with their intervals and points with a diagonal, as HTML and SVG that follow the page's colours."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from striate.render.html.environment import html
from striate.render.svg.charts import chart, frame, scale, svg, ticks
from striate.tasks.sections import Bars, Points

if TYPE_CHECKING:
    from markupsafe import Markup

MOST = 2000  # points that are drawn: more hide each other, and make the page heavy


def bars(given: Bars) -> Markup:
    """Return bars as a table whose rows each hold a bar: read aloud it is a table, and it needs no script."""
    ends = [end for bar in given.bars for end in (bar.value, bar.low, bar.high) if end is not None]
    low, high = min([0.0, *ends]), max([0.0, *ends]) if given.top is None else given.top
    reach = (high - low) or 1.0

    def place(value: float) -> float:
        return 100 * (min(max(value, low), high) - low) / reach

    def within(begin: float, end: float) -> tuple[str, str]:
        """Return where a bar begins and how wide it is, in percent."""
        left, right = sorted((place(begin), place(end)))
        return f"{left:.2f}", f"{right - left:.2f}"

    rows = [
        (bar, within(0.0, bar.value), None if bar.low is None or bar.high is None else within(bar.low, bar.high))
        for bar in given.bars
    ]
    return html("sections/bars.html", label=given.label, rows=rows)


def points(given: Points) -> Markup:
    """Return points over two axes as an SVG element; of more than 2,000 an even share."""
    x, y = np.asarray(given.x, np.float64), np.asarray(given.y, np.float64)
    finite = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if not len(finite):
        return chart(None)
    if len(finite) > MOST:
        finite = finite[(np.arange(MOST) * len(finite)) // MOST]
    x, y = x[finite], y[finite]
    across, up = _range(x), _range(np.append(y, [] if given.level is None else [given.level]))
    if given.diagonal:
        across = up = (min(across[0], up[0]), max(across[1], up[1]))
    x_ticks, y_ticks = ticks(*across), ticks(*up)
    place = scale((min(across[0], x_ticks[0]), max(across[1], x_ticks[-1])), (y_ticks[0], y_ticks[-1]))
    body = frame(place, x_ticks, y_ticks, given.x_label, given.y_label, False)
    if given.diagonal:
        body.append(_line(place(across[0], across[0]), place(across[1], across[1])))
    if given.level is not None:
        body.append(_line(place(x_ticks[0], given.level), place(x_ticks[-1], given.level)))
    radius = 2.0 if len(x) > 300 else 3.0
    for one, other in zip(x.tolist(), y.tolist(), strict=True):
        left, top = place(one, other)
        body.append(f'<circle class="dot c0" cx="{left:.1f}" cy="{top:.1f}" r="{radius:g}"/>')
    return svg(body, given.alt)


def _range(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if high - low > 1e-12 * max(1.0, abs(low), abs(high)):
        return low, high
    room = max(0.5, abs(low) / 2) if math.isfinite(low) else 0.5
    return low - room, high + room


def _line(begin: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = begin, end
    return f'<line class="ideal" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
