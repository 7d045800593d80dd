"""Average precision of boxes by COCO's protocol, equal to pycocotools to the last digit.

Of a class and an overlap (intersection over union) from which on a box is right, the average precision is the mean over
101 recalls, 0 to 1, of the best precision at that recall or a higher one. AP is the mean of that over classes and ten
overlaps, 0.50 to 0.95; AP50 and AP75 are those at one overlap. A class, or a size, that is not there is left out of the
mean, and its own figure is not a number. Source: Lin et al., "Microsoft COCO" (2014), and pycocotools; how boxes are
matched: `striate.metrics.box_matching`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from striate.metrics.box_matching import SIZES, THRESHOLDS, ClassMatches, match
from striate.metrics.boxes import Found, Truth
from striate.metrics.probability import Bools, Floats, Ints

RECALLS: Floats = np.linspace(0.0, 1.0, 101)
LIMITS = (1, 10, 100)  # boxes of a class and picture that count
ALL, SMALL, MEDIUM, LARGE = range(len(SIZES))
AT_50, AT_75 = 0, 5  # places in THRESHOLDS


@dataclass(frozen=True, eq=False)
class Precision:
    """Average precision and recall of K classes in P pictures.

    Attributes:
        names: the names of the classes.
        pictures: how many pictures were measured.
        precision: (10, 101, K, 4), precision at ten overlaps and 101 recalls, by size (all, small, medium, large), at
            100 boxes a class and picture; NaN where nothing of the kind is there.
        recall: (10, K, 4, 3), the recall at 1, 10 and 100 boxes; NaN likewise.
        unlimited: (10, 101, K), precision where every box counts, however many.
        present: (K, 4), how many boxes are there.
        found: (K,), how many were found.
        matches: the found boxes of every class, and which are right.
    """

    names: tuple[str, ...]
    pictures: int
    precision: Floats
    recall: Floats
    unlimited: Floats
    present: Ints
    found: Ints
    matches: tuple[ClassMatches, ...]

    @property
    def ap(self) -> float:
        """The mean over classes and overlaps 0.50 to 0.95; NaN where nothing is there."""
        return mean_of_known(self.precision[:, :, :, ALL])

    @property
    def ap50(self) -> float:
        """AP at an overlap of 0.50."""
        return mean_of_known(self.precision[AT_50, :, :, ALL])

    @property
    def ap75(self) -> float:
        """AP at an overlap of 0.75."""
        return mean_of_known(self.precision[AT_75, :, :, ALL])

    @property
    def ap_small(self) -> float:
        """AP of objects of at most 32 x 32 pixels."""
        return mean_of_known(self.precision[:, :, :, SMALL])

    @property
    def ap_medium(self) -> float:
        """AP of objects between 32 x 32 and 96 x 96 pixels."""
        return mean_of_known(self.precision[:, :, :, MEDIUM])

    @property
    def ap_large(self) -> float:
        """AP of objects of at least 96 x 96 pixels."""
        return mean_of_known(self.precision[:, :, :, LARGE])

    @property
    def ap_unlimited(self) -> float:
        """AP where every box counts, not the surest 100 of a class and picture."""
        return mean_of_known(self.unlimited)

    @property
    def ar1(self) -> float:
        """The mean recall over classes and overlaps, the surest box of a class and picture counting."""
        return mean_of_known(self.recall[:, :, ALL, 0])

    @property
    def ar10(self) -> float:
        """The mean recall, ten boxes counting."""
        return mean_of_known(self.recall[:, :, ALL, 1])

    @property
    def ar100(self) -> float:
        """The mean recall, a hundred boxes counting."""
        return mean_of_known(self.recall[:, :, ALL, 2])

    @property
    def coco(self) -> tuple[float, ...]:
        """The twelve figures in the order pycocotools prints them, NaN where that has -1.

        AP, AP50, AP75, AP of small, medium, large; recall at 1, 10, 100 boxes, and at 100 of small, medium, large.
        """
        sizes = tuple(mean_of_known(self.recall[:, :, size, 2]) for size in (SMALL, MEDIUM, LARGE))
        precisions = (self.ap, self.ap50, self.ap75, self.ap_small, self.ap_medium, self.ap_large)
        return (*precisions, self.ar1, self.ar10, self.ar100, *sizes)

    @property
    def ap_of(self) -> Floats:
        """AP of every class (K,), NaN for one that is not there."""
        return np.array([mean_of_known(self.precision[:, :, kind, ALL]) for kind in range(len(self.names))])

    @property
    def ap50_of(self) -> Floats:
        """AP50 of every class (K,)."""
        return np.array([mean_of_known(self.precision[AT_50, :, kind, ALL]) for kind in range(len(self.names))])

    @property
    def absent(self) -> tuple[str, ...]:
        """The classes of which no box is there to measure by."""
        return tuple(name for name, count in zip(self.names, self.present[:, ALL], strict=True) if not count)

    @property
    def crowded(self) -> bool:
        """Whether some picture has more than 100 boxes found of a class, so that the limit leaves some out."""
        return any(len(one) and int(one.ranks.max()) >= LIMITS[-1] for one in self.matches)

    def to_dict(self) -> dict[str, object]:
        """Return the figures, ready for JSON: one without meaning is None, never NaN."""
        names = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large", "AR1", "AR10", "AR100")
        sized = ("AR_small", "AR_medium", "AR_large")
        figures = dict(zip((*names, *sized), map(plain, self.coco), strict=True))
        each = [
            {"class": name, "boxes": int(count), "found": int(many), "AP": plain(ap), "AP50": plain(ap50)}
            for name, count, many, ap, ap50 in zip(
                self.names, self.present[:, ALL], self.found, self.ap_of, self.ap50_of, strict=True
            )
        ]
        return {"pictures": self.pictures, **figures, "AP_unlimited": plain(self.ap_unlimited), "per_class": each}


def coco(found: Sequence[Found], truth: Sequence[Truth], names: Sequence[str]) -> Precision:
    """Return average precision and recall by COCO's protocol.

    Arguments:
        found: what was found, a picture each; scores of all pictures are ranked together.
        truth: what is there, in the same order.
        names: the names of the classes, by number.

    Raises StriateError for no pictures, other numbers of them, and for a class that is none.

    Example: ``coco([Found([[0, 0, 9, 9]], [0], [0.8])], [Truth([[0, 0, 9, 9]], [0])], ("cat",)).ap`` is 1.0.
    """
    return precision_of(match(found, truth, classes=len(names)), names, len(truth))


def precision_of(matches: Sequence[ClassMatches], names: Sequence[str], pictures: int) -> Precision:
    """Return average precision and recall of boxes that were matched, at COCO's overlaps and sizes, before."""
    kinds = len(names)
    precision = np.full((len(THRESHOLDS), len(RECALLS), kinds, len(SIZES)), np.nan)
    recall = np.full((len(THRESHOLDS), kinds, len(SIZES), len(LIMITS)), np.nan)
    unlimited = np.full((len(THRESHOLDS), len(RECALLS), kinds), np.nan)
    present = np.zeros((kinds, len(SIZES)), np.int64)
    for kind, one in enumerate(matches):
        present[kind] = one.present.sum(axis=1)
        within = one.ranks < LIMITS[-1]
        for size, count in enumerate(present[kind].tolist()):
            if not count:
                continue
            precision[:, :, kind, size] = curve(one.right[size][:, within], one.open[size][:, within], count)
            for place, limit in enumerate(LIMITS):
                recall[:, kind, size, place] = one.right[size][:, one.ranks < limit].sum(axis=1) / count
        if present[kind, ALL]:
            whole = within.all()
            unlimited[:, :, kind] = (
                precision[:, :, kind, ALL] if whole else curve(one.right[ALL], one.open[ALL], int(present[kind, ALL]))
            )
    many = np.array([len(one) for one in matches], np.int64)
    return Precision(tuple(names), pictures, precision, recall, unlimited, present, many, tuple(matches))


def curve(right: Bools, left_open: Bools, count: int) -> Floats:
    """Return the precision (T, 101) at every recall, of boxes (T, D) surest first, where ``count`` objects are there.

    Example: ``curve(np.array([[True]]), np.array([[False]]), 2).sum()`` is 51.0.
    """
    hits = np.cumsum(right, axis=1).astype(np.float64)
    alarms = np.cumsum(~right & ~left_open, axis=1).astype(np.float64)
    reached = hits / count
    # The order of these operations is pycocotools', for the last digit.
    precision = hits / (alarms + hits + np.spacing(1))
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    curve = np.zeros((len(right), len(RECALLS)))
    for row in range(len(right)):
        place = np.searchsorted(reached[row], RECALLS, side="left")
        inside = place < right.shape[1]
        curve[row, inside] = best[row, place[inside]]
    return curve


def mean_of_known(values: Floats) -> float:
    """Return the mean of what is a number, NaN where nothing is.

    Example: ``mean_of_known(np.array([1.0, float("nan"), 2.0]))`` is 1.5.
    """
    known = values[~np.isnan(values)]
    return float(np.mean(known)) if known.size else float("nan")


def plain(value: float) -> float | None:
    """Return a figure for JSON: None where it is not a number. Example: ``plain(float("nan"))`` is None."""
    return None if np.isnan(value) else float(value)
