"""SVG charts for pages: each answers one question, follows the page's colours, and reads without a script."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from striate.metrics.reliability import Bin
from striate.render.html.environment import drawing, escaped, html

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, HEIGHT = 520, 280
LEFT, RIGHT, TOP, BOTTOM = 66, 26, 14, 40


@dataclass(frozen=True)
class Curve:
    """Points (x, y) under one label; ``mark`` also draws a dot at each point."""

    label: str
    points: Sequence[tuple[float, float]]
    mark: bool = False


def line_chart(
    curves: Sequence[Curve],
    *,
    x_label: str,
    y_label: str,
    alt: str,
    y_from: float | None = None,
    y_to: float | None = None,
    percent: bool = False,
    kept: float | None = None,
    kept_label: str = "",
) -> Markup:
    """Return curves over a common axis as an SVG element with its legend; ``alt`` is the sentence a screen reader says.

    ``kept`` is the x of the points that were chosen: marked, and named ``kept_label`` in the legend.
    """
    points = [point for curve in curves for point in curve.points if math.isfinite(point[1])]
    if not points:
        return chart(None)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    x_range = (min(xs), max(xs)) if min(xs) < max(xs) else (min(xs) - 0.5, max(xs) + 0.5)
    low = min(ys) if y_from is None else y_from
    high = max(ys) if y_to is None else y_to
    if high - low < 1e-12:  # all alike: room on the side that no limit closes
        low, high = (high - 1, high) if y_to is not None else (low, low + 1)
    y_ticks = ticks(low, high)
    y_range = (min(low, y_ticks[0]), max(high, y_ticks[-1]))
    place = scale(x_range, y_range)
    body = frame(place, _whole(ticks(*x_range)), y_ticks, x_label, y_label, percent)
    for number, curve in enumerate(curves):
        drawn = [place(x, y) for x, y in curve.points if math.isfinite(y)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
        body.append(f'<polyline class="curve c{number}" points="{path}"/>')
        if curve.mark or len(drawn) == 1:
            body += [f'<circle class="dot c{number}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in drawn]
    chosen = [(x, y) for curve in curves for x, y in curve.points if x == kept and math.isfinite(y)]
    for x, y in (place(x, y) for x, y in chosen):
        body.append(
            f'<circle class="kept" cx="{x:.1f}" cy="{y:.1f}" r="6"><title>{escaped(kept_label)}</title></circle>'
        )
    labels = [curve.label for curve in curves if curve.points]
    whole = svg(body, f"{alt}, {kept_label}" if chosen else alt)
    return chart(whole, labels, ring=kept_label if chosen else "")


def reliability_chart(before: Sequence[Bin], after: Sequence[Bin], *, alt: str) -> Markup:
    """Return how often answers of a given confidence were right, before and after calibration.

    A dot a bin, larger for more answers; the line through it is the 95 % interval, so that a bin of three pictures
    does not look like a finding.
    """
    place = scale((0.0, 1.0), (0.0, 1.0))
    steps = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    body = frame(place, steps, steps, "confidence of the answer", "share that was right", True, x_percent=True)
    (x0, y0), (x1, y1) = place(0, 0), place(1, 1)
    body.append(f'<line class="ideal" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"/>')
    for number, bins in enumerate((before, after)):
        total = max(1, sum(each.pictures for each in bins))
        for each in bins:
            if each.confidence is None or each.accuracy is None:
                continue
            x, y = place(each.confidence, each.accuracy.value)
            low, high = (place(0, end)[1] for end in (each.accuracy.low, each.accuracy.high))
            radius = 2.5 + 7 * math.sqrt(each.pictures / total)
            title = (
                f"{each.pictures} answers given at {each.confidence:.0%} on average: {each.accuracy.value:.0%} right"
            )
            body.append(f'<line class="whisker c{number}" x1="{x:.1f}" y1="{low:.1f}" x2="{x:.1f}" y2="{high:.1f}"/>')
            dot = f'<circle class="dot c{number}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}">'
            body.append(f"{dot}<title>{title}</title></circle>")
    return chart(svg(body, alt), ["as trained", "calibrated", "perfectly honest"])


def ticks(low: float, high: float, *, about: int = 5) -> list[float]:
    """Return round numbers from at most ``low`` to at least ``high``."""
    step = 10.0 ** math.floor(math.log10((high - low) / about))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= about)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{step * number:.12g}") for number in range(first, last + 1)]


def _whole(values: list[float]) -> list[float]:
    """Keep whole numbers only: there is no epoch 2.5."""
    return [value for value in values if value == int(value)]


Place = Callable[[float, float], tuple[float, float]]


def scale(x_range: tuple[float, float], y_range: tuple[float, float]) -> Place:
    """Return what places a point of these ranges within a chart, in its own units."""

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - x_range[0]) / (x_range[1] - x_range[0])
        up = (y - y_range[0]) / (y_range[1] - y_range[0])
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    return place


def frame(
    place: Place,
    x_ticks: list[float],
    y_ticks: list[float],
    x_label: str,
    y_label: str,
    percent: bool,
    *,
    x_percent: bool = False,
) -> list[str]:
    """Return grid, tick labels and axis names."""
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    body = []
    for value in y_ticks:
        y = place(x_ticks[0] if x_ticks else 0, value)[1]
        body.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
        body.append(f'<text class="tick end" x="{LEFT - 6}" y="{y + 4:.1f}">{_label(value, percent)}</text>')
    for value in x_ticks:
        x = place(value, y_ticks[0])[0]
        if LEFT - 1 <= x <= right + 1:
            body.append(f'<text class="tick mid" x="{x:.1f}" y="{bottom + 16}">{_label(value, x_percent)}</text>')
    body.append(f'<text class="axis mid" x="{(LEFT + right) / 2:.0f}" y="{HEIGHT - 6}">{escaped(x_label)}</text>')
    middle = (TOP + bottom) / 2
    turn = f'transform="rotate(-90 12 {middle:.0f})"'
    body.append(f'<text class="axis mid" x="12" y="{middle:.0f}" {turn}>{escaped(y_label)}</text>')
    return body


def _label(value: float, percent: bool) -> str:
    return f"{100 * value:g} %" if percent else f"{value:g}"


def svg(body: list[str], alt: str) -> Markup:
    """Return what was drawn as one SVG element; ``alt`` is the sentence a screen reader says."""
    inside = "".join(body)
    return drawing(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escaped(alt)}">{inside}</svg>'
    )


def chart(drawn: Markup | None, labels: Sequence[str] = (), *, ring: str = "") -> Markup:
    """Return a drawing with what its colours stand for, and its ring; without one, that there is nothing to draw."""
    return html("sections/chart.html", drawn=drawn, labels=labels, ring=ring)
