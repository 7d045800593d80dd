"""What counts are worth: the report, the worst pictures, what a terminal and a page say. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from striate.data.labels.marks import several
from striate.metrics.count_report import CountReport, count_report
from striate.metrics.count_verdict import count_verdict
from striate.metrics.counting import CountMeasure
from striate.metrics.intervals import Interval
from striate.metrics.number_report import span
from striate.metrics.probability import Floats, Ints
from striate.metrics.verdict import Verdict
from striate.tasks.assessment import About, Assessment, Basis, Headline
from striate.tasks.detect_sections import count_table, signed
from striate.tasks.overlays import Overlay
from striate.tasks.points import MEAN_ABSOLUTE_ERROR
from striate.tasks.sections import Figure, Filter, Part, Points, Section, Table, Text, Tile, chosen_by, number, percent

_TILES = 24  # worst pictures shown
_POINTS = 5000  # points drawn at most
_WAYS = ("too many", "too few")
_SIZES = {0.1: "by up to 10 %", 0.25: "by 10 to 25 %", np.inf: "by more than 25 %"}  # of how many there are
_DRAWN = 6  # classes of which points are drawn
UNKNOWN = Interval(0.0, 0.0, float("inf"))  # the error where no count is known


@dataclass(frozen=True, eq=False)
class CountAssessment(Assessment):
    """Counts, measured. ``counts`` and ``truth`` are (N, K), NaN where nobody counted.

    ``overlays`` returns what lies over a picture by its row, in pixels of the network's input: the dots that are there
    and the places that were found; None where there is nothing to draw.
    """

    report: CountReport
    counts: Floats
    truth: Floats
    overlays: Callable[[int], Overlay | None] | None = None

    loss_name = MEAN_ABSOLUTE_ERROR

    @property
    def headline(self) -> Headline:
        """The mean absolute error, over pictures and classes."""
        return Headline(MEAN_ABSOLUTE_ERROR, self.report.error or UNKNOWN, share=False, higher_is_better=False)

    @property
    def losses(self) -> Floats:
        """By how many the counts of each picture are off (N,), in the mean over the classes that are known; else 0."""
        off = np.abs(self.counts - self.truth)
        known = ~np.isnan(off)
        losses: Floats = np.where(known, off, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        return losses

    def overlay(self, row: int) -> Overlay | None:
        """Return the dots that are there and the places that were found, where there is anything to draw."""
        return None if self.overlays is None else self.overlays(row)

    def worst(self, most: int = 24) -> Ints:
        """Return the rows whose counts are farthest off, the farthest first; those that are right are none of them."""
        losses = self.losses
        order = np.argsort(-losses, kind="stable")
        return np.asarray(order[losses[order] >= 0.5][:most], np.int64)

    def caption(self, row: int) -> str:
        """Say what was counted and how many there are, first where that is farthest off: ``41 RBC, 45 there``."""
        off = np.nan_to_num(np.abs(self.counts[row] - self.truth[row]), nan=-1.0)
        told = []
        for kind in np.argsort(-off, kind="stable").tolist():
            name, said, true = self.report.names[kind], self.counts[row, kind], self.truth[row, kind]
            if np.isnan(true):
                continue
            there = f", {true:g} there"
            said = np.floor(said + 0.5)
            told.append(f"{said:.0f} {several(name, said)}{'' if said == true else there}")
        return "; ".join(told) or "nobody counted"

    def verdict(self, about: About) -> Verdict:  # noqa: D102
        return count_verdict(
            self.report,
            part=about.part,
            from_chance=about.from_chance,
            learnt_from=about.learnt_from,
            also=about.also,
        )

    def beside(self) -> str:
        """Return the bias: of several classes that of the one farthest off."""
        if not self.report.known:
            return ""
        one = max(self.report.known, key=lambda each: each.measures.mae.value)
        of = f" of {one.name}" if len(self.report.known) > 1 else ""
        return f"bias{of} {one.measures.bias.value:+.3g}"

    def caveats(self) -> tuple[str, ...]:
        """Return what always the same count would score where that is no worse, and of what nothing is known."""
        said = []
        for one in self.report.known:
            name, constant = one.constant
            if one.measures.mae.high >= constant.mae:
                said.append(
                    f"{one.name}: always saying {constant.value:.4g} (the {name}) has a mean absolute error of"
                    f" {constant.mae:.3g}: no worse than this"
                )
        if self.report.absent:
            said.append(f"nobody counted {', '.join(self.report.absent[:5])}, of which nothing is measured")
        return tuple(said)

    def learnt_lines(self) -> tuple[str, ...]:
        """Return how wide the intervals are, and which share of these counts they hold."""
        return tuple(
            f"{one.name}: {100 * one.level:g} % intervals are {one.width:.3g} wide in the mean and hold"
            f" {100 * one.coverage.value:.1f} % of these counts"
            for one in self.report.known
            if one.coverage is not None and one.width is not None
        )

    def figures(self) -> tuple[Figure, ...]:
        """Return the mean absolute error, bias, R2, how many are exactly right, and coverage."""
        several = len(self.report.known) > 1
        tiles = (
            [number(self.report.error, f"{MEAN_ABSOLUTE_ERROR} over all classes")]
            if several and self.report.error
            else []
        )
        for one in self.report.known:
            of = f" of {one.name}" if several else ""
            bias = signed(one.measures.bias)
            tiles.append(number(one.measures.mae, f"{MEAN_ABSOLUTE_ERROR}{of}"))
            tiles.append(Figure(bias.value, bias.between, f"bias{of}: counted - true"))
            if several:
                continue
            if one.measures.r2 is not None:
                tiles.append(number(one.measures.r2, "R2: the share of the counts' variance that is told"))
            tiles.append(percent(one.exact, "of the counts are exactly right"))
            if one.coverage is not None:
                tiles.append(percent(one.coverage, f"of the true counts lie in their {100 * one.level:g} % interval"))
        return tuple(tiles)

    def sections(self) -> tuple[Section, ...]:
        """Return the worst pictures, the classes, and of each counted against true and the bias by range."""
        rows = self.worst(_TILES).tolist()
        found = []
        if rows:
            told = Text(
                "The counts that are farthest off, farthest first. Where the answer is right, the list is wrong."
            )
            filters = (
                Filter("Counted", _WAYS),
                Filter("Off", tuple(_SIZES.values())),
                Filter("Class", self.report.names),
            )
            shown = chosen_by([self._tile(row) for row in rows], *filters)
            found.append(Section("Where was it most wrong?", (told, shown), anchor="worst"))
        if self.report.known:
            protocol = self.report.protocol
            parts = (Text(f"{protocol[0].upper()}{protocol[1:]}."), count_table(list(self.report.known)))
            found.append(Section("How far off are the counts?", parts, anchor="counts"))
        for kind, one in enumerate(self.report.each):
            if one is not None and len([each for each in found if each.half]) < 2 * _DRAWN:
                found += self._class(kind, one)
        return tuple(found)

    def _tile(self, row: int) -> Tile:
        overlay = None if self.overlays is None else self.overlays(row)
        return Tile(row, self.caption(row), overlay=overlay, tags=self._tags(row))

    def _tags(self, row: int) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        """Return by which way, how far and in which classes the counts of a picture are off by a half or more."""
        off = self.counts[row] - self.truth[row]
        kinds = [kind for kind in range(len(off)) if abs(off[kind]) >= 0.5]  # NaN, where nobody counted, is not
        shares = [abs(off[kind]) / max(self.truth[row, kind], 1) for kind in kinds]
        return (
            frozenset(_WAYS[int(off[kind] < 0)] for kind in kinds),
            frozenset(next(told for most, told in _SIZES.items() if share <= most) for share in shares),
            frozenset(self.report.names[kind] for kind in kinds),
        )

    def _class(self, kind: int, one: CountMeasure) -> list[Section]:
        known = np.flatnonzero(~np.isnan(self.truth[:, kind]))
        rows = known[np.unique(np.linspace(0, len(known) - 1, min(_POINTS, len(known))).astype(int))]
        true, said = self.truth[rows, kind], self.counts[rows, kind]
        of = f" of {one.name}" if len(self.report.known) > 1 else ""
        many = several(one.name)
        against = Points(true, said, f"{many} there", f"{many} counted", f"{many} counted against there", diagonal=True)
        parts: list[Part] = [Text("On the line a count is right."), against]
        sections = [
            Section(f"How near are the counts{of} to the truth?", tuple(parts), half=True, anchor=f"count-{kind}")
        ]
        if len(one.ranges) > 1:
            table = Table(
                ("there", "pictures", "counted - true", "off by"),
                tuple(
                    (span(part.low, part.high), f"{part.pictures:,}", signed(part.bias), number(part.mae))
                    for part in one.ranges
                ),
                f"bias of the counts{of} by how many there are",
            )
            told = Text("The mean error by how many there are, with its 95 % interval: 0 in it is no bias.")
            title = f"Does it count too many or too few{of}?"
            sections.append(Section(title, (told, table), half=True, anchor=f"bias-{kind}"))
        return sections

    def pictures_to_dict(self, keys: Sequence[str]) -> dict[str, Any]:
        """Return the worst answers, and of every picture what was counted and how many there are."""
        told = super().pictures_to_dict(keys)
        counts = [
            {
                "picture": key,
                "counted": dict(zip(self.report.names, map(float, said), strict=True)),
                "there": {
                    name: None if np.isnan(true) else float(true)
                    for name, true in zip(self.report.names, there, strict=True)
                },
            }
            for key, said, there in zip(keys, self.counts, self.truth, strict=True)
        ]
        return {**told, "counts": counts}


def assess_counts(
    counted: ArrayLike,
    truth: ArrayLike,
    intervals: ArrayLike | None,
    names: Sequence[str],
    basis: Basis,
    *,
    level: float = 0.9,
    overlays: Callable[[int], Overlay | None] | None = None,
) -> CountAssessment:
    """Return what counts are worth.

    Arguments:
        counted: (N, K), what was counted, whole numbers or not.
        truth: (N, K), how many there are, NaN where nobody counted.
        intervals: (N, K, 2), the ends between which each count is said to lie, infinite where that is not known; None:
            there are none. Where these pictures are those that the intervals stand on (``basis.judging``) they are not
            measured.
        names: the names of the classes.
        basis: how the answers came about.
        level: what share of the intervals should hold the true count.
        overlays: what lies over a picture, by its row; see `CountAssessment`.

    Example: ``assess_counts([[41.2]], [[45]], None, ("RBC",), Basis()).caption(0)`` is ``"41 RBC, 45 there"``.
    """
    told = None if basis.judging else intervals
    report = count_report(counted, truth, names, intervals=told, level=level, groups=basis.groups, design=basis.design)
    return CountAssessment(report, np.asarray(counted, np.float64), np.asarray(truth, np.float64), overlays)
