"""CountReport: every measure of counted objects as a value, as JSON and as text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from striate.metrics.counting import CountMeasure, count_measures
from striate.metrics.intervals import Interval
from striate.metrics.number_report import span
from striate.metrics.picture_bootstrap import PictureBootstrap
from striate.metrics.report_text import columns_of, shortened
from striate.words import counted


@dataclass(frozen=True, eq=False)
class CountReport:
    """Every measure of one evaluation of N pictures and K classes. Intervals are 95 %, by picture.

    Attributes:
        names: the names of the classes.
        pictures: how many pictures were measured.
        error: the mean absolute error, over pictures and the classes whose counts are known; None where none is.
        each: the measures of every class, None for one whose count is known in no picture.
    """

    names: tuple[str, ...]
    pictures: int
    error: Interval | None
    each: tuple[CountMeasure | None, ...]

    @property
    def known(self) -> tuple[CountMeasure, ...]:
        """The classes whose counts are known."""
        return tuple(one for one in self.each if one is not None)

    @property
    def absent(self) -> tuple[str, ...]:
        """The classes whose counts are known in no picture."""
        return tuple(name for name, one in zip(self.names, self.each, strict=True) if one is None)

    @property
    def protocol(self) -> str:
        """How the figures were measured, in a sentence that stands with them."""
        objects = sum(one.objects for one in self.known)
        over = "" if len(self.known) < 2 else f" and over {counted(len(self.known), 'class')}"
        return (
            f"mean absolute error: by how many a count is off, up or down, in the mean over pictures{over}; bias:"
            f" counted less true; {counted(self.pictures, 'picture')}, {counted(round(objects), 'object')}"
        )

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON: a number without meaning is None, never NaN."""
        return {
            "protocol": self.protocol,
            "pictures": self.pictures,
            "mean_absolute_error": None if self.error is None else self.error.to_dict(),
            "unknown_classes": list(self.absent),
            "classes": [one.to_dict() for one in self.known],
        }

    def text(self, *, classes: int = 20) -> str:
        """Return a summary for the terminal; of many classes those whose counts are farthest off."""
        lines = ["95 % intervals in brackets, by picture", self.protocol, ""]
        shown, title = list(self.known), "class"
        if len(shown) > classes:
            shown = sorted(shown, key=lambda one: -one.measures.mae.value)[:classes]
            title = f"class (the {classes} farthest off of {len(self.names)})"
        names = [shortened(one.name) for one in shown]
        width = max([columns_of(name) for name in names] + [len(title)])
        lines.append(f"{title:<{width}}  objects  counted  {'off by':<24}{'bias':<26}{'exactly right':>13}")
        for name, one in zip(names, shown, strict=True):
            lines.append(
                f"{name}{' ' * (width - columns_of(name))}  {one.objects:>7,.0f}  {one.counted:>7,.0f}"
                f"  {_figure(one.measures.mae):<24}{_figure(one.measures.bias, sign=True):<26}"
                f"{100 * one.exact.value:>11.1f} %"
            )
        for one in shown:
            lines += ["", *_more(one, named=len(self.known) > 1)]
        if self.absent:
            lines += ["", f"no picture's count is known of {', '.join(self.absent[:5])}: nothing is measured of them"]
        return "\n".join(lines)


def _more(one: CountMeasure, *, named: bool) -> list[str]:
    """Return the lines on one class: what constants would score, its intervals, bias by how many there are."""
    name, constant = one.constant
    before = f"{one.name}: " if named else ""
    lines = [f"{before}always {constant.value:.4g} (the {name}) would be off by {constant.mae:.3g}"]
    if one.coverage is not None and one.width is not None:
        share = one.coverage
        lines.append(
            f"{before}{100 * share.value:.1f} % [{100 * share.low:.1f} to {100 * share.high:.1f}] lie in their"
            f" {100 * one.level:g} % interval, {one.width:.3g} wide in the mean"
        )
    if one.measures.r2 is not None:
        lines.append(f"{before}R2 {_figure(one.measures.r2)}")
    if len(one.ranges) > 1:
        lines.append(f"{before}{'true count':<16}pictures  bias")
        lines += [
            f"{before}{span(part.low, part.high):<16}{part.pictures:>8,}  {_figure(part.bias, sign=True)}"
            for part in one.ranges
        ]
    return lines


def count_report(
    counts: ArrayLike,
    truth: ArrayLike,
    names: Sequence[str],
    *,
    intervals: ArrayLike | None = None,
    level: float = 0.9,
    groups: ArrayLike | None = None,
    design: float = 1.0,
    seed: int = 0,
) -> CountReport:
    """Return every measure of counts (N, K) against the true ones; the arguments are those of `count_measures`.

    Example: ``count_report([[3.0], [5.0]], [[3], [7]], ("cell",)).error.value`` is 1.0.
    """
    each = count_measures(
        counts, truth, names, intervals=intervals, level=level, groups=groups, design=design, seed=seed
    )
    off = np.abs(np.asarray(counts, np.float64) - np.asarray(truth, np.float64))
    known = ~np.isnan(off)
    error = None
    if known.any():
        pictures = PictureBootstrap.of(len(off), groups=groups, design=design, seed=seed)
        drawn = pictures.sums(np.column_stack([np.where(known, off, 0.0).sum(axis=1), known.sum(axis=1)]))
        with np.errstate(invalid="ignore", divide="ignore"):
            error = pictures.interval(float(off[known].mean()), drawn[:, 0] / drawn[:, 1])
    return CountReport(tuple(names), len(off), error, each)


def _figure(one: Interval, *, sign: bool = False) -> str:
    plus = "+" if sign else ""
    return f"{one.value:{plus}.3g} [{one.low:{plus}.3g} to {one.high:{plus}.3g}]"
