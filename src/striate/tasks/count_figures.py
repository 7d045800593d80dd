"""What counts are worth, in short: how far off they are, too many or too few, how often intervals hold. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from striate.metrics.counting import CountMeasure, count_measures
from striate.metrics.intervals import Interval, bootstrap_mean, widened
from striate.metrics.probability import Floats
from striate.metrics.verdict import Verdict
from striate.tasks.assessment import About, Assessment, Basis, Headline
from striate.tasks.points import MEAN_ABSOLUTE_ERROR
from striate.tasks.sections import Points, Section, Table, Text, Tile, Tiles, number


@dataclass(frozen=True)
class CountReport:
    """The mean absolute error over all classes, and the measures of each."""

    error: Interval
    each: tuple[CountMeasure, ...]

    def text(self) -> str:
        """Return lines for a terminal."""
        lines = []
        for one in self.each:
            held = "" if one.coverage is None else f"; {100 * one.coverage.value:.1f} % lie in their interval"
            lines.append(
                f"{one.name}: off by {number(one.measures.mae)} in the mean, bias {one.measures.bias.value:+.3g};"
                f" always {one.constant[1].value:g} is off by {one.constant[1].mae:.3g}{held}"
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {"mean_absolute_error": self.error.to_dict(), "classes": [one.to_dict() for one in self.each]}


@dataclass(frozen=True, eq=False)
class CountFigures(Assessment):
    """Counts, measured; ``counts`` and ``truth`` are (N, K)."""

    report: CountReport
    names: tuple[str, ...]
    counts: Floats
    truth: Floats
    loss_name = MEAN_ABSOLUTE_ERROR

    @property
    def headline(self) -> Headline:  # noqa: D102
        return Headline(MEAN_ABSOLUTE_ERROR, self.report.error, share=False, higher_is_better=False)

    @property
    def losses(self) -> Floats:  # noqa: D102
        return np.asarray(np.abs(self.counts - self.truth).mean(1), np.float64)

    def caption(self, row: int) -> str:  # noqa: D102
        pairs = zip(self.names, self.counts[row], self.truth[row], strict=True)
        return ", ".join(f"{said:.0f} {name}, {'is' if is_ == 1 else 'are'} {is_:g}" for name, said, is_ in pairs)

    def verdict(self, about: About) -> Verdict:  # noqa: D102
        constant = float(np.mean([one.constant[1].mae for one in self.report.each]))
        error = self.report.error
        words = f"Counts are off by {error.value:.3g} in the mean; always the same count is off by {constant:.3g}."
        return Verdict("fine" if error.high < constant else "guess", words, about.also)

    def sections(self) -> tuple[Section, ...]:  # noqa: D102
        tiles = Tiles(tuple(Tile(row, self.caption(row)) for row in self.worst(12).tolist()))
        drawn = tuple(
            Points(self.truth[:, place], self.counts[:, place], f"{name} there", f"{name} counted", f"counts of {name}",
                   diagonal=True)
            for place, name in enumerate(self.names)
        )  # fmt: skip
        rows = tuple(
            (one.name, number(one.measures.mae), f"{one.measures.bias.value:+.3g}", f"{one.constant[1].mae:.3g}")
            for one in self.report.each
        )
        heads = ("class", "mean absolute error", "bias", "always the same count")
        return (
            Section("Where was it most wrong?", (Text("Farthest off first."), tiles), anchor="worst"),
            Section(
                "How near are counts to the truth?", (*drawn, Table(heads, rows, "errors by class")), anchor="counts"
            ),
        )


def count_figures(
    counts: Floats, truth: Floats, intervals: Floats, names: tuple[str, ...], basis: Basis, *, level: float
) -> CountFigures:
    """Return what counts (N, K) are worth against the true ones, with their intervals (N, K, 2)."""
    told = intervals if np.isfinite(intervals).all() and not basis.judging else None
    each = count_measures(counts, truth, names, intervals=told, level=level, groups=basis.groups, design=basis.design)
    error = widened(bootstrap_mean(np.abs(counts - truth).mean(1)), basis.effect)
    return CountFigures(CountReport(error, tuple(one for one in each if one is not None)), names, counts, truth)
