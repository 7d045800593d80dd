"""What boxes are worth, in short: average precision by COCO's protocol, counts, precision and recall. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from striate.metrics.average_precision import Precision, coco
from striate.metrics.box_matching import ClassMatches
from striate.metrics.boxes import Found, Truth
from striate.metrics.intervals import Bootstrap, Interval, percentiles, widened
from striate.metrics.probability import Floats, Ints
from striate.metrics.verdict import Verdict
from striate.tasks.assessment import About, Assessment, Basis, Headline
from striate.tasks.sections import Figure, Section, Table, Text, Tile, Tiles

HALF = "AP50"


@dataclass(frozen=True, eq=False)
class BoxReport:
    """AP and AP50 with their intervals, and how far the counts of each class are off a picture."""

    precision: Precision
    half: Interval
    whole: Interval
    off: dict[str, float]

    def text(self) -> str:
        """Return lines for a terminal."""
        each = ", ".join(
            f"{name} {value:.3f}"
            for name, value in zip(self.precision.names, self.precision.ap50_of.tolist(), strict=True)
            if not np.isnan(value)
        )
        counts = ", ".join(f"{name} {value:.2f}" for name, value in self.off.items())
        return (
            f"{HALF} {self.half}, AP {self.whole} (COCO's protocol, in the pictures' own pixels)\n{HALF}: {each}\n"
            f"counts are off by, a picture: {counts}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        intervals = {"AP50_interval": self.half.to_dict(), "AP_interval": self.whole.to_dict()}
        return {**self.precision.to_dict(), **intervals, "count_error": self.off}


@dataclass(frozen=True, eq=False)
class BoxFigures(Assessment):
    """Boxes, measured; ``right``, ``wrong`` and ``missed`` (N, K) are how many of each class a picture has."""

    report: BoxReport
    hits: Ints
    wrong: Ints
    missed: Ints
    loss_name = "1 - F1"

    @property
    def headline(self) -> Headline:  # noqa: D102
        return Headline(HALF, self.report.half, share=False)

    @property
    def losses(self) -> Floats:
        """One minus F1 of the boxes that are said, by picture; 0 where nothing is there and nothing said."""
        errors = (self.wrong + self.missed).sum(axis=1).astype(np.float64)
        whole = 2 * self.hits.sum(axis=1) + errors
        return np.asarray(np.divide(errors, whole, out=np.zeros_like(errors), where=whole > 0))

    def caption(self, row: int) -> str:
        """Say how many boxes are right, missed and wrong."""
        right, wrong, missed = (int(some[row].sum()) for some in (self.hits, self.wrong, self.missed))
        return f"{right} right, {missed} missed, {wrong} wrong"

    def verdict(self, about: About) -> Verdict:  # noqa: D102
        right, wrong, missed = (int(some.sum()) for some in (self.hits, self.wrong, self.missed))
        words = f"Of {right + missed:,} objects {right:,} are found; {wrong:,} boxes are said where there is none."
        return Verdict("fine" if right > wrong + missed else "more", words, about.also)

    def worst(self, most: int = 24) -> Ints:
        """Return the rows with wrong or missed boxes, the worst first."""
        order = np.argsort(-self.losses, kind="stable")
        return np.asarray(order[self.losses[order] > 0][:most], np.int64)

    def sections(self) -> tuple[Section, ...]:  # noqa: D102
        precision = self.report.precision
        rows = tuple(
            (name, f"{int(there):,}", _plain(half), _plain(ap), f"{self.report.off[name]:.2f}")
            for name, there, half, ap in zip(
                precision.names, precision.present[:, 0], precision.ap50_of, precision.ap_of, strict=True
            )
        )
        table = Table(("class", "boxes", HALF, "AP", "counts off by"), rows, "figures of every class")
        tiles = Tiles(tuple(Tile(row, self.caption(row)) for row in self.worst(12).tolist()))
        told = Text("Average precision by COCO's protocol, and by how many the count of a picture is off, on average.")
        worst = (Section("Where was it most wrong?", (tiles,), anchor="misses"),) if tiles.tiles else ()
        return (*worst, Section("How well is each class found?", (told, table), anchor="classes"))

    def figures(self) -> tuple[Figure, ...]:  # noqa: D102
        return (self.headline.figure, Headline("AP", self.report.whole, share=False).figure)


def assess_boxes(
    found: Sequence[Found], truth: Sequence[Truth], names: Sequence[str], basis: Basis, thresholds: Floats
) -> BoxFigures:
    """Return what boxes are worth that were ``found`` in pictures with these truths, all in pixels of the pictures.

    From ``thresholds`` (K,) on, of scores, boxes are said.
    """
    precision = coco(found, truth, names)
    hits, wrong, missed = (np.zeros((len(truth), len(names)), np.int64) for _ in range(3))
    for kind, one in enumerate(precision.matches):
        said = one.scores >= thresholds[kind]
        right = one.right[0, 0] & said
        np.add.at(hits[:, kind], one.pictures[right], 1)
        np.add.at(wrong[:, kind], one.pictures[said & ~right & ~one.open[0, 0]], 1)
        missed[:, kind] = one.present[0] - hits[:, kind]
    drawn = _drawn(precision.matches, len(truth))
    half, whole = (
        widened(percentiles(float(np.nan_to_num(value)), some), basis.effect, high=1.0)
        for value, some in ((precision.ap50, drawn[0]), (precision.ap, drawn[1]))
    )
    off = np.abs(wrong - missed).mean(axis=0).tolist()
    return BoxFigures(BoxReport(precision, half, whole, dict(zip(names, off, strict=True))), hits, wrong, missed)


def _drawn(matches: Sequence[ClassMatches], pictures: int) -> tuple[Floats, Floats]:
    """Return AP50 and AP of pictures drawn with replacement: the area under precision, boxes counted as often."""
    found: list[tuple[float, float]] = []
    for draws in Bootstrap(pictures, resamples=200).draws():
        for times in draws:
            each = [_area(one, times) for one in matches]
            known = np.array([area for area in each if area is not None])
            if len(known):
                found.append((float(known[:, 0].mean()), float(known.mean())))
    if not found:
        return np.zeros(1), np.zeros(1)
    return np.array([one for one, _ in found]), np.array([one for _, one in found])


def _area(one: ClassMatches, times: Any) -> Floats | None:
    """Return the area under the precision of a class at each overlap (T,); None where the draw has none of it."""
    there = float(one.present[0] @ times)
    if not there:
        return None
    weight = times[one.pictures]
    hits = np.cumsum(one.right[0] * weight, axis=1)
    judged = np.cumsum(~one.open[0] * weight, axis=1)
    precision = np.divide(hits, judged, out=np.zeros_like(hits), where=judged > 0)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    gained = np.diff(hits, axis=1, prepend=0.0) / there
    area: Floats = (best * gained).sum(axis=1)
    return area


def _plain(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"
