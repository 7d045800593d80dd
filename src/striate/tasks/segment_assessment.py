"""What a class for every pixel is worth: the report, the worst pictures, what a terminal and a page say. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.metrics.intervals import Interval
from striate.metrics.mask_errors import KINDS, MEANS, mask_errors
from striate.metrics.mask_report import MaskReport, mask_report
from striate.metrics.mask_verdict import mask_verdict
from striate.metrics.probability import Floats, Ints
from striate.metrics.reliability import BINS
from striate.metrics.segmentation import VOID, iou_of
from striate.metrics.verdict import Verdict
from striate.tasks.assessment import About, Assessment, Basis, Headline
from striate.tasks.masks import MEAN_IOU
from striate.tasks.overlays import MaskOverlay
from striate.tasks.sections import (
    Bar,
    Bars,
    Cell,
    Figure,
    Filter,
    Matrix,
    Part,
    Section,
    Table,
    Text,
    Tile,
    chosen_by,
    percent,
)
from striate.words import counted

_TILES = 24  # worst pictures shown
_BARS = 40  # classes of which a bar is drawn
_CONFUSED = 24  # classes of which it is shown what they are called
UNKNOWN = Interval(0.0, 0.0, 1.0)  # mean IoU where nothing is there to measure by


@dataclass(frozen=True, eq=False)
class MaskAssessment(Assessment):
    """Masks, measured at the size at which they were compared.

    ``answers`` and ``truths`` are (H, W) each, 255 in a truth is void; they lie over the worst pictures of a page.
    ``judging``: these pictures were learnt from, or it is they that the calibration stands on.
    """

    report: MaskReport
    answers: Sequence[NDArray[Any]] | NDArray[Any]
    truths: Sequence[NDArray[Any]] | NDArray[Any]
    judging: bool = False

    loss_name = "1 - mean IoU"

    @property
    def headline(self) -> Headline:
        """Mean IoU; where all is void, anything from 0 to 1."""
        return Headline(MEAN_IOU, self.report.measures.mean_iou or UNKNOWN)

    @property
    def losses(self) -> Floats:
        """One minus the mean IoU (P,) over the classes that are there in each picture; 0 where all of it is void."""
        return np.nan_to_num(1 - self.report.counts.by_picture, nan=0.0)

    def worst(self, most: int = 24) -> Ints:
        """Return the rows with the lowest mean IoU, the lowest first; those without a wrong pixel are none of them."""
        wrong = self.report.counts.there.sum(axis=1) > self.report.counts.hits.sum(axis=1)
        order = np.argsort(-self.losses, kind="stable")
        return np.asarray(order[wrong[order]][:most], np.int64)

    def caption(self, row: int) -> str:
        """Say how much is right, and which class is told worst: ``mean IoU 61 %; pole 12 %, 94 % of pixels right``."""
        counts = self.report.counts
        total = int(counts.there[row].sum())
        if not total:
            return "all of it is void"
        right = f"{100 * counts.hits[row].sum() / total:.0f} % of pixels right"
        each = iou_of(counts.hits[row], counts.there[row], counts.called[row])
        told = f"mean IoU {100 * (1 - self.losses[row]):.0f} %"
        if (~np.isnan(each)).sum() < 2 or not self.losses[row]:
            return f"{told}; {right}"
        kind = int(np.nanargmin(each))
        return f"{told}; {self.report.names[kind]} {100 * each[kind]:.0f} %, {right}"

    def verdict(self, about: About) -> Verdict:
        """Return the verdict; ``about.trained`` are masks (N, H, W)."""
        trained = None
        if about.trained is not None and np.ndim(about.trained) == 3:
            trained = [0] * len(self.report.names)
            for mask in about.trained:
                for kind in np.unique(mask).tolist():
                    if kind < len(trained):
                        trained[kind] += 1
        return mask_verdict(
            self.report,
            part=about.part,
            trained=trained,
            from_chance=about.from_chance,
            learnt_from=about.learnt_from,
            also=about.also,
        )

    def beside(self) -> str:  # noqa: D102
        accuracy = self.report.measures.accuracy
        return "" if accuracy is None else f"pixel accuracy {100 * accuracy.value:.1f} %"

    def caveats(self) -> tuple[str, ...]:
        """Return which classes had no pixel to measure by: the mean leaves them out."""
        without = self.report.absent
        if not without:
            return ()
        names = ", ".join(without[:5]) + (f" and {len(without) - 5} more" if len(without) > 5 else "")
        return (f"no pixel to measure by of {names}, which the mean leaves out",)

    def learnt_lines(self) -> tuple[str, ...]:  # noqa: D102
        error = self.report.measures.calibration_error
        return () if error is None else (f"the confidence of a pixel is {100 * error.value:.1f} % off in the mean",)

    def figures(self) -> tuple[Figure, ...]:
        """Return mean IoU, the lowest of a class, Dice, pixel accuracy, boundary F and calibration."""
        measures = self.report.measures
        tiles = [self.headline.figure]
        known = [one for one in measures.per_class if one.iou is not None]
        if len(known) > 1:
            worst = min(known, key=lambda one: one.iou.value if one.iou else 1.0)
            assert worst.iou is not None  # it is one of those that are known
            tiles.append(
                percent(worst.iou, f"IoU of {worst.name}, the lowest, in {counted(worst.pictures, 'picture')}")
            )
        others = (
            (measures.mean_dice, "mean Dice"),
            (measures.accuracy, "of the pixels are right"),
            (self.report.boundary, f"boundary F, {self.report.tolerance[1]:.3g} pixels off at most"),
            (measures.calibration_error, "calibration error: how far the confidence of a pixel is from truth"),
        )
        return (*tiles, *(percent(one, text) for one, text in others if one is not None))

    def sections(self) -> tuple[Section, ...]:
        """Return the worst pictures, the classes, what they are called instead, and the confidence of pixels."""
        every = (self._worst(), self._classes(), self._confused(), self._confidence())
        return tuple(section for section in every if section is not None)

    def overlay(self, row: int) -> MaskOverlay:
        """Return what is there and what was said of every pixel of a picture; void where the truth is."""
        truth, answer = (np.asarray(some[row], np.uint8) for some in (self.truths, self.answers))
        return MaskOverlay(truth, np.where(truth == VOID, np.uint8(VOID), answer), self.report.names)

    def _worst(self) -> Section | None:
        rows = self.worst(_TILES).tolist()
        if not rows:
            return None
        kinds = "; ".join(f"{kind}: {MEANS[kind]}" for kind in KINDS)
        told = Text(
            "The pictures with the lowest mean IoU. Where the answer is right, the mask is wrong. Chosen by a class are"
            " those where a tenth of the wrong pixels are of it or called so, or where its own IoU is below 50 %. Kinds"
            f" are of a class: {kinds}."
        )
        tiles = [Tile(row, self.caption(row), overlay=self.overlay(row), tags=self._tags(row)) for row in rows]
        shown = chosen_by(tiles, Filter("Kind of error", KINDS), Filter("Class", tuple(self.report.names)))
        return Section("Where was it most wrong?", (told, shown), anchor="worst")

    def _tags(self, row: int) -> tuple[frozenset[str], frozenset[str]]:
        errors = mask_errors(self.report.counts, row)
        return frozenset(one.kind for one in errors), frozenset(self.report.names[one.number] for one in errors)

    def _classes(self) -> Section:
        report, total = self.report, max(1, int(self.report.counts.there.sum()))
        heads = ("class", "of the pixels", "pictures", "IoU", "Dice", "precision", "recall", "boundary F")
        rows = tuple(
            (
                one.name,
                f"{100 * one.pixels / total:.2f} %",
                f"{one.pictures:,}",
                *(_share(part) for part in (one.iou, one.dice, one.precision, one.recall, boundary)),
            )
            for one, boundary in zip(report.measures.per_class, report.boundary_of, strict=True)
        )
        known = sorted(
            ((one.iou, one.name) for one in report.measures.per_class if one.iou is not None),
            key=lambda pair: pair[0].value,
        )
        bars = tuple(Bar(name, one.value, f"{100 * one.value:.0f} %", one.low, one.high) for one, name in known[:_BARS])
        name, share = report.constant
        parts: list[Part] = [
            Text(
                f"{report.protocol[0].upper()}{report.protocol[1:]}. Always saying {name} would be right on"
                f" {100 * share:.1f} % of the pixels."
            )
        ]
        if report.absent:
            parts.append(Text(f"No pixel to measure by of {', '.join(report.absent)}: not a number, and in no mean."))
        if bars:
            parts.append(Bars(bars, "IoU of each class, the lowest first", top=1.0))
        parts.append(Table(heads, rows, "figures of every class", folded=len(rows) > _BARS))
        return Section("How well is each class told?", tuple(parts), anchor="classes")

    def _confused(self) -> Section | None:
        table = self.report.counts.confusion
        if len(table) < 2 or not table.sum():
            return None
        kept = np.sort(np.argsort(-table.sum(axis=1), kind="stable")[:_CONFUSED])
        some = table[np.ix_(kept, kept)]
        shares = some / np.maximum(table[kept].sum(axis=1, keepdims=True), 1)
        names = tuple(self.report.names[kind] for kind in kept)
        words = tuple(tuple(f"{100 * share:.0f}" if share >= 0.005 else "" for share in row) for row in shares)
        more = f" The {len(kept)} largest of {len(table)} classes." if len(kept) < len(table) else ""
        told = Text(f"Of the pixels that are of a class (row), how many in a hundred are called what (column).{more}")
        parts = (told, Matrix(names, names, shares, words, "is, called", "what pixels are called"))
        return Section("What are pixels called instead?", parts, anchor="confusion")

    def _confidence(self) -> Section | None:
        error, bins = self.report.measures.calibration_error, self.report.counts.bins.sum(axis=0)
        if error is None:
            return None
        rows: list[tuple[Cell, ...]] = [
            (
                f"{place / BINS:.2f} to {(place + 1) / BINS:.2f}",
                f"{100 * many / bins[:, 0].sum():.1f} %",
                f"{100 * sure / many:.1f} %",
                f"{100 * right / many:.1f} %",
            )
            for place, (many, right, sure) in enumerate(bins.tolist())
            if many
        ]
        others = "these very pictures (expect less of new ones)" if self.judging else "pictures not measured here"
        told = Text(
            f"The confidence of a pixel is {percent(error)} off the share that is right, in the mean; it was calibrated"
            f" by {others}."
        )
        table = Table(("confidence", "of the pixels", "mean confidence", "right"), tuple(rows), "pixels by confidence")
        return Section("Does 87 % mean 87 %?", (told, table), half=True, anchor="calibration")


def assess_masks(
    answers: Sequence[NDArray[Any]] | NDArray[Any],
    confidences: Iterable[NDArray[Any]] | None,
    truths: Sequence[NDArray[Any]] | NDArray[Any],
    names: Sequence[str],
    basis: Basis,
) -> MaskAssessment:
    """Return what a class for every pixel is worth, at the size of the answers and masks.

    Arguments:
        answers: (H, W) each, class numbers; an array (N, H, W) will do.
        confidences: (H, W) each, the calibrated probability of the answer, one after the other; None: not measured.
        truths: (H, W) each, class numbers, 255 where nothing is said.
        names: the names of the classes.
        basis: how the answers came about.

    Example: ``assess_masks([np.array([[0, 1]])], None, [np.array([[0, 0]])], ("sky", "sea"), Basis()).caption(0)`` is
    ``"mean IoU 50 %; 50 % of pixels right"``.
    """
    report = mask_report(answers, truths, names, confidences=confidences, groups=basis.groups, design=basis.design)
    return MaskAssessment(report, answers, truths, basis.judging)


def _share(one: Interval | None) -> Cell:
    return "-" if one is None else percent(one)
