"""What found boxes are worth: the report, the worst pictures, what a terminal and a page say. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from striate.metrics.box_errors import KINDS, BoxError
from striate.metrics.box_report import BoxReport, box_report
from striate.metrics.box_verdict import box_verdict
from striate.metrics.boxes import Found, Truth, iou
from striate.metrics.intervals import Interval
from striate.metrics.operating_points import Cut, checked_thresholds, operating_points
from striate.metrics.probability import Floats, Ints
from striate.metrics.verdict import Verdict
from striate.tasks.assessment import About, Assessment, Basis, Headline
from striate.tasks.detect_sections import box_sections
from striate.tasks.overlays import Mark, MarkOverlay, What
from striate.tasks.sections import Figure, Section, Tile, number, percent
from striate.words import counted

AP50: Final = "AP50"
AP: Final = "AP"
IN_SHORT: Final = {
    "class": "of the wrong class",
    "place": "in the wrong place",
    "both": "wrong in both",
    "copy": "found twice",
    "background": "on nothing",
    "missed": "missed",
}
UNKNOWN: Final = Interval(0.0, 0.0, 1.0)  # AP where nothing is there to measure by


@dataclass(frozen=True, eq=False)
class BoxAssessment(Assessment):
    """Boxes, measured, in pixels of the pictures.

    ``thresholds`` (P, K) are the scores from which on boxes are said. ``frames`` (P, 4) are across, down, left, top of
    every picture: the point (x, y) of the network's input is at (left + across * x, top + down * y) of the picture;
    None where nobody knows, and then nothing is drawn over the pictures of a page. ``judging``: these pictures were
    learnt from, or it is they that thresholds and calibration stand on.
    """

    report: BoxReport
    found: tuple[Found, ...]
    truth: tuple[Truth, ...]
    thresholds: Floats
    frames: Floats | None = None
    judging: bool = False

    loss_name = "1 - F1"

    @property
    def headline(self) -> Headline:
        """AP50; where nothing is there to measure by, anything from 0 to 1."""
        return Headline(AP50, self.report.intervals.ap50 or UNKNOWN, share=False)

    @property
    def losses(self) -> Floats:
        """One minus F1 of the boxes that are said (P,), all classes together; 0 where nothing is there nor said."""
        right, off = self.report.right.sum(axis=1), self.mistakes
        losses: Floats = np.divide(off, 2 * right + off, out=np.zeros(len(off)), where=off > 0)
        return losses

    @property
    def mistakes(self) -> Floats:
        """How many boxes are wrong and objects missed in each picture (P,)."""
        mistakes: Floats = (self.report.wrong + self.report.missed).sum(axis=1).astype(np.float64)
        return mistakes

    @cached_property
    def errors_of(self) -> dict[int, list[BoxError]]:
        """What is wrong in each picture, surest first; pictures without a mistake are not in it."""
        found: dict[int, list[BoxError]] = {}
        for error in self.report.errors.errors:
            found.setdefault(error.picture, []).append(error)
        return found

    def worst(self, most: int = 24) -> Ints:
        """Return the rows with most wrong boxes and missed objects, of equal ones the lower F1 first."""
        order = np.lexsort((np.arange(len(self.losses)), -self.losses, -self.mistakes))
        return np.asarray(order[self.mistakes[order] > 0][:most], np.int64)

    def caption(self, row: int) -> str:
        """Say how many objects are found, and what is wrong: ``9 of 11 found; 2 missed, 1 on nothing``."""
        right = int(self.report.right[row].sum())
        there = right + int(self.report.missed[row].sum())
        told = f"{right} of {there} found" if there else "nothing there"
        kinds = Counter(error.kind for error in self.errors_of.get(row, ()))
        if not there and kinds:
            return f"{told}, {counted(sum(kinds.values()), 'box')} said"
        wrong = ", ".join(f"{kinds[kind]} {IN_SHORT[kind]}" for kind in KINDS[::-1] if kinds[kind])
        return f"{told}; {wrong}" if wrong else told

    def verdict(self, about: About) -> Verdict:
        """Return the verdict; ``about.trained`` are rows (N, M, 7) of boxes, the class in the first column."""
        trained = None
        if about.trained is not None and np.ndim(about.trained) == 3:
            kinds = np.asarray(about.trained)[:, :, 0]
            trained = [int((kinds == kind).sum()) for kind in range(len(self.report.names))]
        return box_verdict(
            self.report,
            part=about.part,
            trained=trained,
            from_chance=about.from_chance,
            learnt_from=about.learnt_from,
            also=about.also,
        )

    def beside(self) -> str:  # noqa: D102
        return f"{AP} {(self.report.intervals.ap or UNKNOWN).value:.3f}"

    def caveats(self) -> tuple[str, ...]:
        """Return which classes had no box to measure by: the mean leaves them out."""
        without = self.report.precision.absent
        if not without:
            return ()
        names = ", ".join(without[:5]) + (f" and {len(without) - 5} more" if len(without) > 5 else "")
        return (f"no box to measure by of {names}, which the mean leaves out",)

    def learnt_lines(self) -> tuple[str, ...]:  # noqa: D102
        cuts = [point.threshold for point in self.report.points]
        between = f"{min(cuts):.2f}" if max(cuts) - min(cuts) < 0.005 else f"{min(cuts):.2f} to {max(cuts):.2f}"
        said = [f"a box is said from a score of {between} on"]
        if self.report.calibration.error is not None:
            said.append(f"scores are {100 * self.report.calibration.error.value:.1f} % off in the mean")
        return tuple(said)

    def pictures_to_dict(self, keys: Sequence[str]) -> dict[str, Any]:
        """Return the worst pictures, and every wrong box and missed object with its class and score."""
        told = super().pictures_to_dict(keys)
        names = self.report.names
        errors = [
            {**error.to_dict(), "picture": keys[error.picture], "class": names[error.number], **self._boxes(error)}
            for error in self.report.errors.errors
        ]
        return {**told, "errors": errors}

    def _boxes(self, error: BoxError) -> dict[str, Any]:
        told: dict[str, Any] = {"box": None, "object": None, "object_class": None}
        if error.found is not None:
            told["box"] = self.found[error.picture].boxes[error.found].tolist()
        if error.truth is not None:
            there = self.truth[error.picture]
            told["object"] = there.boxes[error.truth].tolist()
            told["object_class"] = self.report.names[int(there.classes[error.truth])]
        return told

    def figures(self) -> tuple[Figure, ...]:
        """Return AP50 and AP, the class with the lowest, what is found and right, calibration, counts."""
        report, tiles = self.report, [self.headline.figure]
        tiles.append(number(report.intervals.ap or UNKNOWN, "AP, the mean over overlaps of 0.50 to 0.95"))
        each = [(one.value, kind) for kind, one in enumerate(report.intervals.per_class_50) if one is not None]
        if len(each) > 1:
            kind = min(each)[1]
            lowest = report.intervals.per_class_50[kind]
            assert lowest is not None  # it is one of those that are known
            on = counted(report.points[kind].present, "object")
            tiles.append(number(lowest, f"AP50 of {report.names[kind]}, the lowest, on {on}"))
        if report.calibration.error is not None:
            tiles.append(percent(report.calibration.error, "calibration error: how far scores are from truth"))
        counts = [one for one in report.counts if one is not None]
        if counts:
            far = max(counts, key=lambda one: one.measures.mae.value)
            tiles.append(number(far.measures.mae, f"mean absolute error of the count of {far.name} a picture"))
        return tuple(tiles)

    def cuts(self) -> tuple[Cut, ...]:
        """Return what the boxes of each class come to from each score on, at an overlap of 0.50."""
        return tuple(
            Cut(point.name, operating_points(one), point.threshold, None)
            for one, point in zip(self.report.precision.matches, self.report.points, strict=True)
        )

    def sections(self) -> tuple[Section, ...]:
        """Return the worst pictures, the classes, what is wrong, sizes, thresholds, scores and counts."""
        return box_sections(self)

    def tile(self, row: int) -> Tile:
        """Return a picture with what is there and what was said."""
        return Tile(row, self.caption(row), overlay=self.overlay(row))

    def overlay(self, row: int, error: BoxError | None = None) -> MarkOverlay | None:
        """Return what is there and what was said in a picture, in pixels of the network's input.

        With an ``error`` of the picture it is that box alone and the object that it is about; of a missed object, the
        object and the boxes that touch it.
        """
        if self.frames is None:
            return None
        found, truth = self.found[row], self.truth[row]
        said = found.scores >= self.thresholds[row, found.classes]
        there = np.ones(len(truth), bool)
        if error is not None:
            there = np.arange(len(truth)) == (-1 if error.truth is None else error.truth)
            said &= (
                iou(found.boxes, truth.boxes[there]).any(axis=1)
                if error.found is None
                else np.arange(len(found)) == error.found
            )
        wrong = {one.found for one in self.errors_of.get(row, []) if one.found is not None}
        taken = self._taken(row)
        answers = [
            self._mark(row, found.boxes[box], f"{self.report.names[found.classes[box]]} {found.scores[box]:.2f}",
                       "wrong" if box in wrong else "right" if box in taken else "open")
            for box in np.flatnonzero(said).tolist()
        ]  # fmt: skip
        have = set(taken.values())
        objects: list[Mark] = []
        for box in np.flatnonzero(there).tolist():
            state: What = "open" if truth.ignored[box] else "right" if box in have else "missed"
            objects.append(self._mark(row, truth.boxes[box], self.report.names[truth.classes[box]], state))
        return MarkOverlay(tuple(objects), tuple(answers))

    def _taken(self, row: int) -> dict[int, int]:
        """Return which box there each right one of a picture has, of those that are said."""
        taken: dict[int, int] = {}
        for kind, one in enumerate(self.report.precision.matches):
            mine = (one.pictures == row) & one.right[0, 0] & (one.scores >= self.thresholds[row, kind])
            taken.update(zip(one.rows[mine].tolist(), one.taken[0, 0][mine].tolist(), strict=True))
        return taken

    def _mark(self, row: int, box: Floats, label: str, what: What) -> Mark:
        assert self.frames is not None  # there is nothing to draw without
        across, down, left, top = self.frames[row].tolist()
        edges = (box - np.array([left, top, left, top])) / np.array([across, down, across, down])
        first, second, third, fourth = edges.tolist()
        return Mark((first, second, third, fourth), label, what)


def assess_boxes(
    found: Sequence[Found],
    truth: Sequence[Truth],
    names: Sequence[str],
    basis: Basis,
    thresholds: ArrayLike,
    *,
    frames: ArrayLike | None = None,
    count_intervals: ArrayLike | None = None,
) -> BoxAssessment:
    """Return what boxes are worth that were found in P pictures, all in pixels of the pictures.

    Arguments:
        found: what was found, a picture each, down to low scores.
        truth: what is there, in the same order.
        names: the names of the K classes.
        basis: how the answers came about.
        thresholds: (K,), the score from which on boxes of a class are said, or (P, K), chosen by the other folds.
        frames: (P, 4), across, down, left, top of every picture; see `BoxAssessment`.
        count_intervals: (P, K, 2), the ends between which a count is said to lie; None: they are not measured.

    Example: ``assess_boxes([Found([[0, 0, 9, 9]], [0], [0.8])], [Truth([[0, 0, 9, 9]], [0])], ("cat",), Basis(),
    [0.5]).caption(0)`` is ``"1 of 1 found"``.
    """
    report = box_report(
        found,
        truth,
        names,
        thresholds,
        count_intervals=count_intervals,
        groups=basis.groups,
        design=basis.design,
    )
    cuts = checked_thresholds(thresholds, len(truth), len(names))
    where = None if frames is None else np.asarray(frames, np.float64)
    return BoxAssessment(report, tuple(found), tuple(truth), cuts, where, basis.judging)
