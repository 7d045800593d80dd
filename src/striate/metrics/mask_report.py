"""MaskReport: every measure of a class for every pixel as a value, as JSON and as text for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.metrics.boundary import boundary_f, default_tolerance
from striate.metrics.intervals import Interval
from striate.metrics.picture_bootstrap import PictureBootstrap
from striate.metrics.probability import Floats
from striate.metrics.report_text import columns_of, figure_text, percent_text, shortened
from striate.metrics.segmentation import PixelCounts, PixelMeasure, PixelMeasures, pixel_counts, pixel_measures
from striate.words import counted


@dataclass(frozen=True, eq=False)
class MaskReport:
    """Every measure of one evaluation of P pictures and K classes. Intervals are 95 %, by picture.

    Attributes:
        names: the names of the classes.
        counts: pixels, counted over the whole set and by picture.
        measures: mean IoU, mean Dice, pixel accuracy, calibration, and the classes one by one.
        boundaries: the boundary F (P, K), NaN where a picture has no boundary of a class.
        boundary: its mean over classes, of each the mean over pictures; None where there is none.
        boundary_of: that of every class.
        tolerance: in pixels, the least and the most that a boundary was allowed to be off.
        sizes: the sizes of the pictures that were compared, (height, width), each once.
    """

    names: tuple[str, ...]
    counts: PixelCounts
    measures: PixelMeasures
    boundaries: Floats
    boundary: Interval | None
    boundary_of: tuple[Interval | None, ...]
    tolerance: tuple[float, float]
    sizes: tuple[tuple[int, int], ...]

    @property
    def pictures(self) -> int:
        """How many pictures were measured."""
        return self.counts.pictures

    @property
    def absent(self) -> tuple[str, ...]:
        """The classes of which no pixel is there to measure by."""
        return tuple(one.name for one in self.measures.per_class if not one.pixels)

    @property
    def constant(self) -> tuple[str, float]:
        """The most frequent class, and the pixel accuracy of always saying it."""
        there = self.counts.there.sum(axis=0)
        most = int(there.argmax())
        return self.names[most], float(there[most] / max(1, int(there.sum())))

    @property
    def protocol(self) -> str:
        """How the figures were measured, in a sentence that stands with them."""
        sizes = [f"{width}x{height}" for height, width in self.sizes]
        at = sizes[0] if len(sizes) == 1 else f"{len(sizes)} sizes, {sizes[0]} the smallest"
        over = len(self.names) - len(self.absent)
        low, high = self.tolerance
        off = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
        return (
            f"mean IoU of one count of pixels over all pictures, the mean over {counted(over, 'class')} that"
            f" {'is' if over == 1 else 'are'} there; void pixels do not count; boundary F at {off} px;"
            f" {counted(self.pictures, 'picture')} of {at}"
        )

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON: a number without meaning is None, never NaN."""
        name, share = self.constant
        return {
            "protocol": self.protocol,
            "classes": list(self.names),
            "pictures": self.pictures,
            **self.measures.to_dict(),
            "boundary_f": None if self.boundary is None else self.boundary.to_dict(),
            "boundary_f_per_class": [None if one is None else one.to_dict() for one in self.boundary_of],
            "boundary_tolerance": list(self.tolerance),
            "absent_classes": list(self.absent),
            "confusion": self.counts.confusion.tolist(),
            "always": {"class": name, "accuracy": share},
            "evaluated_at": [list(size) for size in self.sizes],
        }

    def text(self, *, classes: int = 20) -> str:
        """Return a summary for the terminal; of many classes the ``classes`` worst by IoU."""
        measures = self.measures
        figures = (
            ("mean IoU", measures.mean_iou),
            ("mean Dice", measures.mean_dice),
            ("pixel accuracy", measures.accuracy),
            ("boundary F", self.boundary),
            ("calibration error of pixels", measures.calibration_error),
        )
        width = max(len(name) for name, _ in figures)
        lines = ["95 % intervals in brackets, by picture", self.protocol, ""]
        lines += [f"{name:<{width}}  {figure_text(one, '%')}" for name, one in figures if one is not None]
        name, share = self.constant
        lines += [f"always saying {name} would be right on {100 * share:.1f} % of the pixels", ""]
        lines += [*self._classes(classes), *self._confused(), *self._caveats()]
        return "\n".join(lines)

    def _classes(self, limit: int) -> list[str]:
        shown: list[tuple[PixelMeasure, Interval | None]] = list(
            zip(self.measures.per_class, self.boundary_of, strict=True)
        )
        title = "class"
        if len(shown) > limit:
            known = [pair for pair in shown if pair[0].iou is not None]
            shown = sorted(known, key=lambda pair: pair[0].iou.value if pair[0].iou else 0.0)[:limit]
            title = f"class (the worst {len(shown)} of {len(self.names)})"
        names = [shortened(one.name) for one, _ in shown]
        width = max([columns_of(name) for name in names] + [len(title)])
        total = max(1, int(self.counts.there.sum()))
        lines = [f"{title:<{width}}  of pixels  in pictures    IoU   Dice  precision  recall  boundary F"]
        for name, (one, boundary) in zip(names, shown, strict=True):
            lines.append(
                f"{name}{' ' * (width - columns_of(name))}  {100 * one.pixels / total:>7.2f} %  {one.pictures:>11,}"
                f"  {percent_text(one.iou):>5}  {percent_text(one.dice):>5}  {percent_text(one.precision):>9}"
                f"  {percent_text(one.recall):>6}  {percent_text(boundary):>10}"
            )
        return lines

    def confused(self, most: int = 5) -> list[tuple[str, str, float]]:
        """Return the classes most often taken for others: what it is, what it is called, the share of its pixels."""
        table = self.counts.confusion.astype(np.float64)
        shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        off = np.where(np.eye(len(table), dtype=bool), 0.0, table)
        order = np.argsort(-off, axis=None, kind="stable")[:most]
        rows, columns = np.divmod(order, len(table))
        return [
            (self.names[row], self.names[column], float(shares[row, column]))
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
            if off[row, column] > 0
        ]

    def _confused(self) -> list[str]:
        pairs = self.confused()
        if not pairs or len(self.names) == 2:
            return []
        return ["", "Most pixels taken for others:"] + [
            f"  {100 * share:4.1f} % of {shortened(row)} called {shortened(column)}" for row, column, share in pairs
        ]

    def _caveats(self) -> list[str]:
        without = self.absent
        if not without:
            return []
        names = ", ".join(without[:5]) + (f" and {len(without) - 5} more" if len(without) > 5 else "")
        return [
            "",
            f"no pixel to measure by of {names}: how well {'it is' if len(without) == 1 else 'they are'} told is not"
            f" known, and means over classes leave {'it' if len(without) == 1 else 'them'} out",
        ]


def mask_report(
    answers: Sequence[NDArray[Any]] | NDArray[Any],
    truths: Sequence[NDArray[Any]] | NDArray[Any],
    names: Sequence[str],
    *,
    confidences: Iterable[NDArray[Any]] | None = None,
    tolerance: float | None = None,
    groups: ArrayLike | None = None,
    design: float = 1.0,
    seed: int = 0,
) -> MaskReport:
    """Return every measure of P answers against masks; sizes may differ from picture to picture.

    Arguments:
        answers: (H, W) each, class numbers.
        truths: (H, W) each, class numbers, 255 where nothing is said.
        names: the names of the K classes.
        confidences: (H, W) each, the probability given to the answer; None: calibration is not measured.
        tolerance: how many pixels a boundary may be off; None: 0.75 % of each picture's diagonal.
        groups: (P,), equal for copies of a picture; None where there are none.
        design: the design effect of answers that are not independent (docs/decisions/0010).
        seed: of the draws.

    Raises StriateError for no pictures, and for what does not belong together.

    Example: ``mask_report([np.array([[0, 1]])], [np.array([[0, 0]])], ("sky", "sea")).measures.mean_iou.value`` is 0.5.
    """
    counts = pixel_counts(answers, truths, len(names), confidences)
    pictures = PictureBootstrap.of(counts.pictures, groups=groups, design=design, seed=seed)
    boundaries = np.stack([
        boundary_f(answer, truth, len(names), tolerance=tolerance)
        for answer, truth in zip(answers, truths, strict=True)
    ])  # fmt: skip
    sizes = sorted({(int(np.shape(one)[0]), int(np.shape(one)[1])) for one in truths})
    reach = [default_tolerance(*size) if tolerance is None else tolerance for size in sizes]
    # A class that is not there at all is not a number, whatever was called so.
    boundaries = np.where(counts.there.sum(axis=0) > 0, boundaries, np.nan)
    mean, each = _boundary(boundaries, pictures)
    return MaskReport(
        tuple(names), counts, pixel_measures(counts, names, pictures), boundaries, mean, each,
        (min(reach), max(reach)), tuple(sizes),
    )  # fmt: skip


def _boundary(scores: Floats, pictures: PictureBootstrap) -> tuple[Interval | None, tuple[Interval | None, ...]]:
    """Return the mean boundary F over classes, and that of every class over the pictures that have it."""
    known = ~np.isnan(scores)
    kinds = scores.shape[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(known, scores, 0.0).sum(axis=0) / known.sum(axis=0)
        drawn = pictures.sums(np.concatenate([np.where(known, scores, 0.0), known], axis=1))
        some = np.where(drawn[:, kinds:] > 0.5, drawn[:, :kinds] / drawn[:, kinds:], np.nan)
        means = np.where(np.isnan(some), 0.0, some).sum(axis=1) / (~np.isnan(some)).sum(axis=1)
    each = tuple(pictures.interval(float(values[kind]), some[:, kind], high=1.0) for kind in range(kinds))
    there = values[~np.isnan(values)]
    return (pictures.interval(float(there.mean()), means, high=1.0) if there.size else None), each
