"""What masks are worth, in short: mean IoU and pixel accuracy with their intervals. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.metrics.intervals import Bootstrap, Interval, percentiles, widened
from striate.metrics.probability import Floats
from striate.metrics.verdict import Verdict
from striate.tasks.assessment import About, Assessment, Basis, Headline
from striate.tasks.masks import MEAN_IOU, PIXEL_ACCURACY
from striate.tasks.sections import Section, Table, Text, Tile, Tiles, percent


@dataclass(frozen=True)
class MaskReport:
    """The mean IoU, the pixel accuracy and the IoU of each class (None where it is not there), at the input's size."""

    size: tuple[int, int]
    mean: Interval
    accuracy: Interval
    each: dict[str, float | None]

    def text(self) -> str:
        """Return lines for a terminal."""
        classes = ", ".join(f"{name} {100 * iou:.1f} %" for name, iou in self.each.items() if iou is not None)
        return (
            f"{MEAN_IOU} {percent(self.mean)}, {PIXEL_ACCURACY} {percent(self.accuracy)}, of pixels of"
            f" {self.size[0]}x{self.size[1]}\nIoU: {classes}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {
            "mean_iou": self.mean.to_dict(),
            "pixel_accuracy": self.accuracy.to_dict(),
            "iou": self.each,
            "evaluated_at": list(self.size),
        }


@dataclass(frozen=True, eq=False)
class MaskFigures(Assessment):
    """Masks, measured; ``tables`` (N, K, K) are the confusions of the pictures."""

    report: MaskReport
    tables: NDArray[np.int64]
    loss_name = "share of pixels wrong"

    @property
    def headline(self) -> Headline:  # noqa: D102
        return Headline(MEAN_IOU, self.report.mean)

    @property
    def losses(self) -> Floats:  # noqa: D102
        wrong: Floats = 1 - _right(self.tables) / np.maximum(1, self.tables.sum((1, 2)))
        return wrong

    def caption(self, row: int) -> str:  # noqa: D102
        return f"{100 * self.losses[row]:.1f} % of its pixels wrong"

    def verdict(self, about: About) -> Verdict:  # noqa: D102
        always = float(self.tables.sum((0, 2)).max() / max(1, int(self.tables.sum())))
        accuracy = self.report.accuracy
        words = (
            f"{100 * accuracy.value:.1f} % of the pixels are right; always saying the most frequent class is right on"
            f" {100 * always:.1f} %."
        )
        return Verdict("fine" if accuracy.low > always else "guess", words, about.also)

    def sections(self) -> tuple[Section, ...]:  # noqa: D102
        tiles = Tiles(tuple(Tile(row, self.caption(row)) for row in self.worst(12).tolist()))
        rows = tuple(
            (name, "not there" if iou is None else f"{100 * iou:.1f} %") for name, iou in self.report.each.items()
        )
        return (
            Section("Where was it most wrong?", (Text("Most wrong pixels first."), tiles), anchor="worst"),
            Section(
                "How well is each class found?", (Table(("class", "IoU"), rows, "IoU by class"),), anchor="classes"
            ),
        )


def mask_figures(
    answers: NDArray[np.uint8], truths: NDArray[np.uint8], names: tuple[str, ...], basis: Basis
) -> MaskFigures:
    """Return what the classes (N, H, W) that were said of pixels are worth, against the true ones."""
    pairs = zip(answers, truths, strict=True)
    tables = np.stack([confusion(said, is_, len(names)) for said, is_ in pairs])
    draws = Bootstrap(len(tables))
    sums = draws.sums(tables.reshape(len(tables), -1)).reshape(-1, len(names), len(names))
    total = tables.sum(0)
    union = total.sum(0) + total.sum(1) - np.diag(total)
    each = {
        name: float(total[place, place] / union[place]) if union[place] else None for place, name in enumerate(names)
    }
    mean = percentiles(mean_iou(total), [mean_iou(one) for one in sums])
    accuracy = percentiles(
        float(np.trace(total) / max(1, int(total.sum()))), _right(sums) / np.maximum(1, sums.sum((1, 2)))
    )
    size = (answers.shape[1], answers.shape[2])
    mean, accuracy = (widened(one, basis.effect, high=1.0) for one in (mean, accuracy))
    return MaskFigures(MaskReport(size, mean, accuracy, each), tables)


def confusion(ids: NDArray[np.uint8], truth: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """Return how many pixels that are of a class (rows) were said to be of one (columns), (K, K); void ones are none.

    >>> confusion(np.array([0, 1, 1], np.uint8), np.array([0, 0, 255], np.uint8), 2).tolist()
    [[1, 1], [0, 0]]
    """
    known = truth < classes
    pairs = truth[known].astype(np.int64) * classes + ids[known]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def mean_iou(table: NDArray[Any]) -> float:
    """Return the mean of intersection over union over the classes of a confusion that are there or were said.

    >>> mean_iou(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
    0.775
    """
    right = np.diag(table)
    union = table.sum(0) + table.sum(1) - right
    there = union > 0
    return float((right[there] / union[there]).mean()) if there.any() else 0.0


def _right(tables: NDArray[Any]) -> Floats:
    return np.asarray(np.trace(tables, axis1=1, axis2=2), np.float64)
