"""The report as text for a terminal: the figures, the classes, the most confused pairs."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from striate.metrics.classification import ClassMeasure
from striate.metrics.intervals import Interval
from striate.words import counted

_NAME = 28  # columns a class name may take


def report_text(
    pictures: int,
    figures: Sequence[tuple[str, Interval, str]],
    per_class: Sequence[ClassMeasure],
    pairs: Sequence[tuple[str, str, int]],
    *,
    limit: int,
) -> str:
    """Return the summary: ``figures`` are (name, value, unit), ``pairs`` (class, called, pictures)."""
    lines = [f"{counted(pictures, 'picture')}; 95 % intervals in brackets", ""]
    width = max(len(name) for name, _, _ in figures)
    lines += [f"{name:<{width}}  {figure_text(value, unit)}" for name, value, unit in figures]
    lines += ["", *_class_table(per_class, limit)]
    if pairs:
        lines += ["", "Most often confused:"]
        lines += [f"  {count:>5,}  {shortened(target)} called {shortened(called)}" for target, called, count in pairs]
    return "\n".join(lines)


def figure_text(value: Interval, unit: str) -> str:
    """Return a value with its interval: as percent where the unit is %, else as a number with its unit."""
    if unit == "%":
        return f"{value.value * 100:6.2f} %  [{value.low * 100:.2f} to {value.high * 100:.2f}]"
    return f"{value.value:6.3f}{' ' + unit if unit else ''}  [{value.low:.3f} to {value.high:.3f}]"


def _class_table(per_class: Sequence[ClassMeasure], limit: int) -> list[str]:
    """Return one line a class; of more than ``limit`` the worst by F1, those without F1 left out."""
    shown = list(per_class)
    if len(shown) > limit:
        shown = sorted((m for m in shown if m.f1), key=lambda m: (m.f1.value if m.f1 else 0.0, -m.support))[:limit]
        title = f"class (the worst {len(shown)} of {len(per_class)})"
    else:
        title = "class"
    names = [shortened(measure.name) for measure in shown]
    width = max([columns_of(name) for name in names] + [len(title)])
    lines = [f"{title:<{width}}  pictures  precision  recall      F1"]
    for name, measure in zip(names, shown, strict=True):
        padding = " " * (width - columns_of(name))
        lines.append(
            f"{name}{padding}  {measure.support:>8,}  {percent_text(measure.precision):>9}"
            f"  {percent_text(measure.recall):>6}  {percent_text(measure.f1):>6}"
            + (f"  [{measure.f1.low * 100:.1f} to {measure.f1.high * 100:.1f}]" if measure.f1 else "")
        )
    return lines


def percent_text(value: Interval | None) -> str:
    """Return a share as percent without its interval, "-" for none."""
    return f"{value.value * 100:.1f}" if value else "-"


def columns_of(text: str) -> int:
    """Return how many terminal columns a text takes: wide letters two, accents that join none."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def shortened(name: str) -> str:
    """Return the name without line breaks and other control letters, cut to the columns it may take."""
    clean = "".join(letter if letter.isprintable() else "�" for letter in name)
    while columns_of(clean) > _NAME:
        clean = clean[:-2] + "…" if clean.endswith("…") else clean[:-1] + "…"
    return clean
