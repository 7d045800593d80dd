"""BoxReport: every measure of found boxes as a value, as JSON and as text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from striate.metrics.average_precision import ALL, AT_50, Precision, coco, plain
from striate.metrics.box_calibration import BoxCalibration, box_calibration
from striate.metrics.box_errors import KINDS, BoxErrors, box_errors
from striate.metrics.boxes import Found, Truth
from striate.metrics.counting import CountMeasure, count_measures
from striate.metrics.intervals import Interval
from striate.metrics.operating_points import Point, checked_thresholds, points_at
from striate.metrics.picture_bootstrap import PictureBootstrap
from striate.metrics.precision_intervals import PrecisionIntervals, precision_intervals
from striate.metrics.probability import Floats, Ints
from striate.metrics.report_text import columns_of, figure_text, percent_text, shortened
from striate.words import counted

ERROR_WORDS = {
    "class": "wrong class",
    "place": "right class, wrong place",
    "both": "wrong class and wrong place",
    "copy": "a second box on one object",
    "background": "nothing there",
    "missed": "missed",
}


@dataclass(frozen=True, eq=False)
class BoxReport:
    """Every measure of one evaluation of P pictures and K classes. Intervals are 95 %, by picture.

    Attributes:
        precision: average precision and recall by COCO's protocol.
        intervals: AP with its intervals.
        points: precision, recall and F1 of every class at its threshold.
        errors: what is wrong, by kind, and what each kind costs.
        calibration: how far scores of the boxes that are said are from the share that is right.
        counts: how far the counts of each class are off; None for one that was looked for in no picture.
        right: (P, K), boxes that are said and right.
        wrong: (P, K), boxes that are said and wrong.
        missed: (P, K), objects that no box that is said has.
    """

    precision: Precision
    intervals: PrecisionIntervals
    points: tuple[Point, ...]
    errors: BoxErrors
    calibration: BoxCalibration
    counts: tuple[CountMeasure | None, ...]
    right: Ints
    wrong: Ints
    missed: Ints

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.precision.names

    @property
    def pictures(self) -> int:
        """How many pictures were measured."""
        return self.precision.pictures

    @property
    def objects(self) -> int:
        """How many boxes are there, those to be ignored left out."""
        return int(self.precision.present[:, ALL].sum())

    @property
    def protocol(self) -> str:
        """How AP was measured, in a sentence that stands with the number."""
        there = len(self.names) - len(self.precision.absent)
        over = "" if len(self.names) == 1 else f" and {counted(there, 'class')}"
        crowded = (
            f"; with every box, however many, AP is {self.precision.ap_unlimited:.3f}" if self.precision.crowded else ""
        )
        return (
            f"AP by COCO's protocol: the mean over intersections over union of 0.50 to 0.95 in steps of 0.05{over}, the"
            " 100 surest boxes of a class and picture, areas in pixels of the pictures; AP50 is that at 0.50;"
            f" {counted(self.pictures, 'picture')}, {counted(self.objects, 'box')}{crowded}"
        )

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON: a number without meaning is None, never NaN."""
        return {
            "protocol": self.protocol,
            **self.precision.to_dict(),
            "intervals": self.intervals.to_dict(),
            "absent_classes": list(self.precision.absent),
            "at_thresholds": [point.to_dict() for point in self.points],
            "errors": self.errors.to_dict(),
            "calibration": self.calibration.to_dict(),
            "counts": [None if one is None else one.to_dict() for one in self.counts],
        }

    def text(self, *, classes: int = 20) -> str:
        """Return a summary for the terminal; of many classes the ``classes`` worst by AP50."""
        said = self.intervals
        figures: list[tuple[str, Interval | None, str]] = [("AP50", said.ap50, ""), ("AP", said.ap, "")]
        figures.append(("AP75", said.ap75, ""))
        sizes = {
            "small": "  small (up to 32x32 px)",
            "medium": "  medium (32x32 to 96x96)",
            "large": "  large (from 96x96 on)",
        }
        figures += [(words, said.sizes[name], "") for name, words in sizes.items() if said.sizes[name] is not None]
        figures.append(("calibration error of scores", self.calibration.error, "%"))
        width = max(len(name) for name, _, _ in figures)
        lines = ["95 % intervals in brackets, by picture", self.protocol, ""]
        lines += [f"{name:<{width}}  {'-' if one is None else figure_text(one, unit)}" for name, one, unit in figures]
        if self.calibration.chance is not None:
            on = counted(self.calibration.boxes, "box")
            lines[-1] += f"; of scores that are exactly right, by chance {100 * self.calibration.chance:.1f} % on {on}"
        recalls = (self.precision.ar1, self.precision.ar10, self.precision.ar100)
        if not np.isnan(recalls[0]):
            name = "recall (AR) at 1, 10, 100"
            lines.append(f"{name:<{width}}   " + ", ".join(f"{value:.3f}" for value in recalls))
        lines += ["", *self._classes(classes), "", *self._errors(), *self._caveats()]
        return "\n".join(lines)

    def _classes(self, limit: int) -> list[str]:
        order, title = list(range(len(self.names))), "class"
        if len(order) > limit:
            values = self.precision.ap50_of
            order = [kind for kind in np.argsort(values, kind="stable").tolist() if not np.isnan(values[kind])][:limit]
            title = f"class (the worst {len(order)} of {len(self.names)})"
        names = [shortened(self.names[kind]) for kind in order]
        width = max([columns_of(name) for name in names] + [len(title)])
        lines = [
            f"{title:<{width}}   boxes   AP50     AP  said from   said  precision  recall      F1  count off by   bias"
        ]
        ap50, ap = self.precision.ap50_of, self.precision.ap_of
        for name, kind in zip(names, order, strict=True):
            point, count = self.points[kind], self.counts[kind]
            off = "-" if count is None else f"{count.measures.mae.value:.2f}"
            bias = "-" if count is None else f"{count.measures.bias.value:+.2f}"
            precision = percent_text(point.precision)
            lines.append(
                f"{name}{' ' * (width - columns_of(name))}  {point.present:>6,}  {_three(ap50[kind]):>5}"
                f"  {_three(ap[kind]):>5}  {point.threshold:>9.2f}  {point.said:>5,}  {precision:>9}"
                f"  {percent_text(point.recall):>6}  {percent_text(point.f1):>6}  {off:>12}  {bias:>5}"
            )
        return lines

    def _errors(self) -> list[str]:
        counts, costs = self.errors.by_kind, self.errors.costs
        width = max(len(words) for words in ERROR_WORDS.values())
        head = "wrong boxes and missed objects"
        lines = [f"{head:<{max(width, len(head))}}  {'how many':>8}  {'AP50 without them':>17}"]
        for kind in KINDS:
            cost = "-" if np.isnan(costs[kind]) else f"+{costs[kind]:.3f}"
            lines.append(f"{ERROR_WORDS[kind]:<{max(width, len(head))}}  {counts[kind]:>8,}  {cost:>17}")
        return lines

    def _caveats(self) -> list[str]:
        without = self.precision.absent
        if not without:
            return []
        names = ", ".join(without[:5]) + (f" and {len(without) - 5} more" if len(without) > 5 else "")
        return [
            "",
            f"no box to measure by of {names}: how well"
            f" {'it is' if len(without) == 1 else 'they are'} found is not known, and means over classes leave"
            f" {'it' if len(without) == 1 else 'them'} out",
        ]


def box_report(
    found: Sequence[Found],
    truth: Sequence[Truth],
    names: Sequence[str],
    thresholds: ArrayLike,
    *,
    count_intervals: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    design: float = 1.0,
    seed: int = 0,
) -> BoxReport:
    """Return every measure of boxes that were found in P pictures.

    Arguments:
        found: what was found, a picture each, down to low scores: average precision needs them all.
        truth: what is there, in the same order.
        names: the names of the K classes.
        thresholds: (K,), the score from which on boxes of a class are said, or (P, K), each picture's own.
        count_intervals: (P, K, 2), the ends between which the count of each class is said to lie; None: not measured.
        groups: (P,), equal for copies of a picture; None where there are none.
        design: the design effect of answers that are not independent (docs/decisions/0010).
        seed: of the draws.

    Raises StriateError for no pictures, and for what does not belong together.

    Example: ``box_report([Found([[0, 0, 9, 9]], [0], [0.8])], [Truth([[0, 0, 9, 9]], [0])], ("cat",), [0.5]).objects``
    is 1.
    """
    precision = coco(found, truth, names)
    pictures = PictureBootstrap.of(len(truth), groups=groups, design=design, seed=seed)
    cuts = checked_thresholds(thresholds, len(truth), len(names))
    right, wrong, there = (np.zeros((len(truth), len(names)), np.int64) for _ in range(3))
    for kind, one in enumerate(precision.matches):
        said = one.scores >= cuts[one.pictures, kind]
        hit = one.right[ALL, AT_50]
        np.add.at(right[:, kind], one.pictures[said & hit], 1)
        np.add.at(wrong[:, kind], one.pictures[said & ~hit & ~one.open[ALL, AT_50]], 1)
        there[:, kind] = one.present[ALL]
    return BoxReport(
        precision=precision,
        intervals=precision_intervals(precision, groups=groups, design=design, seed=seed),
        points=points_at(precision.matches, names, cuts, pictures),
        errors=box_errors(found, truth, precision.matches, names, cuts),
        calibration=box_calibration(precision.matches, cuts, pictures),
        counts=count_measures(
            right + wrong,
            _known(there, truth),
            names,
            intervals=count_intervals,
            groups=groups,
            design=design,
            seed=seed,
        ),
        right=right,
        wrong=wrong,
        missed=there - right,
    )


def _known(there: Ints, truth: Sequence[Truth]) -> Floats:
    """Return how many of each class are there (P, K), NaN where nobody looked for it."""
    known = there.astype(np.float64)
    for picture, one in enumerate(truth):
        known[picture, [kind for kind in one.unlooked if kind < there.shape[1]]] = np.nan
    return known


def _three(value: float) -> str:
    return "-" if plain(value) is None else f"{value:.3f}"
