"""What is learnt of boxes after training: how often a score is right, and from which score on a box is said. No torch.

A box is right where it overlaps one of its class that is there by half (`striate.metrics.box_matching`). How often
boxes of a score p are right is a curve of three numbers a class, sigmoid(a log p - b log(1 - p) + c): the beta
calibration (Kull, Silva Filho and Flach 2017), of which Platt's is the case a = b. With a and b at least 0 it never
falls. The curve of a class stands near that of all classes where its boxes are few, and that near p itself where all
are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike

from striate.errors import ModelError
from striate.tasks.values import State
from striate.words import counted, plural

if TYPE_CHECKING:
    from striate.metrics.box_matching import ClassMatches
    from striate.metrics.boxes import Found, Truth
    from striate.metrics.probability import Bools, Floats, Ints

OVERLAPS: Final = (0.5, 0.4, 0.6, 0.7)  # of two boxes of a class above which the weaker goes; the first by itself
PLAIN: Final = 0.3  # the score from which on a box is said where nothing was learnt
PRIOR: Final = 20.0  # boxes that the calibrated scores count for beside those that were seen, where a cut is chosen
SPREADS: Final = (1.0, 1.0, 3.0)  # how far a, b and c are thought to lie from 1, 1 and 0
OWN_SPREADS: Final = (0.5, 0.5, 1.0)  # and those of a class from those of all
POINTS: Final = 100  # of a class's curve of precision and recall that are kept
FEW: Final = 20  # boxes: a class of fewer is named in a note
LOWEST: Final = 1e-6
_LARGEST: Final = 1e6


@dataclass(frozen=True, eq=False)
class LearntBoxes:
    """What is learnt after training, of K classes.

    ``slopes`` (K, 3) are a, b and c; from ``thresholds`` (K,) on, of calibrated scores, a box is said. ``missed`` (K,)
    is how many boxes no box overlaps, of those that are there, for each that is found. ``curves`` are for each class
    the points (score, precision, recall) (T, 3), the highest score first; none where nothing was learnt. ``boxes`` and
    ``pictures`` are how many it stands on. Of two boxes of a class the weaker goes from ``overlap`` on; ``pooled``:
    where the other is, is said by both (`striate.tasks.box_candidates.pooled`).
    """

    slopes: Floats
    thresholds: Floats
    missed: Floats
    curves: tuple[Floats, ...] = ()
    boxes: int = 0
    pictures: int = 0
    errors: tuple[float, float] | None = None  # the calibration error before and after
    why: str = ""
    overlap: float = OVERLAPS[0]
    pooled: bool = True  # whether it is then said where all of them together are; not so in older files

    @classmethod
    def nothing(cls, classes: int, why: str = "") -> LearntBoxes:
        """Return what is known where nothing was learnt: scores as the network gives them."""
        ones = np.ones((classes, 1))
        return cls(ones * (1.0, 1.0, 0.0), np.full(classes, PLAIN), np.zeros(classes), why=why)

    def calibrated(self, scores: ArrayLike, classes: Ints) -> Floats:
        """Return how likely boxes (D,) are right, by their scores and classes."""
        return _curve(_features(scores), self.slopes[classes])

    def cuts(self, options: Mapping[str, Any]) -> Floats:
        """Return from which score on boxes of each class are said (K,).

        ``options``: ``precision`` or ``recall``, a share that is to be reached, each with as much of the other as
        there is. Where a class does not reach it, it is the score nearest to it; `unreached` names such classes.
        """
        aim = _aim(options)
        if aim is None or not self.curves:
            return self.thresholds
        return np.array([_reaching(curve, *aim)[0] for curve in self.curves])

    def unreached(self, options: Mapping[str, Any]) -> tuple[int, ...]:
        """Return the classes that did not reach what is asked for, on the pictures that it was learnt from."""
        aim = _aim(options)
        if aim is None:
            return ()
        return tuple(at for at in range(len(self.slopes)) if not self.curves or not _reaching(self.curves[at], *aim)[1])

    def state(self, notes: tuple[str, ...] = ()) -> State:
        """Return it as plain values, which `learnt_from` reads."""
        curves = [np.round(curve, 5).tolist() for curve in self.curves]
        facts = {"slopes": self.slopes.tolist(), "thresholds": self.thresholds.tolist(), "missed": self.missed.tolist()}
        counts = {"boxes": self.boxes, "pictures": self.pictures, "overlap": self.overlap, "pooled": self.pooled}
        errors = None if self.errors is None else list(self.errors)
        return State({**facts, "curves": curves, **counts, "calibration_errors": errors, "why": self.why}, notes=notes)


@dataclass(frozen=True, eq=False)
class _Said:
    """Boxes of one class that are right or wrong (D,), the surest first: raw ``scores``, and how many are there."""

    scores: Floats
    right: Bools
    pictures: Ints
    there: int
    features: Floats = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", _features(self.scores))


def fit_boxes(
    found: Sequence[Found], truth: Sequence[Truth], names: Sequence[str], *, overlap: float = OVERLAPS[0]
) -> State:
    """Return what is learnt of boxes that were found, with raw scores, in pictures that were not trained on.

    ``overlap`` is that above which the weaker of two was dropped. Never fails for want of boxes: notes say of which
    classes little or nothing could be learnt.
    """
    from striate.metrics.box_matching import match
    from striate.metrics.tagging import calibration_errors

    classes = len(names)
    if not len(truth):
        why = "there were no pictures to calibrate the scores by, or to choose by from which on a box is said"
        return LearntBoxes.nothing(classes, why).state((why,))
    each = [_said(one) for one in match(found, truth, classes=classes, thresholds=np.array([0.5]))]
    if not sum(len(one.scores) for one in each):
        why = f"no box was found in {counted(len(truth), 'picture')} to calibrate the scores by"
        return LearntBoxes.nothing(classes, why).state((why,))
    slopes = _slopes(each)
    halves = [_slopes([_half(one, side) for one in each]) for side in (0, 1)]
    scores = [_curve(one.features, slopes[kind]) for kind, one in enumerate(each)]
    honest = [
        np.where(one.pictures % 2 == 0, *(_curve(one.features, half[kind]) for half in halves[::-1]))
        for kind, one in enumerate(each)
    ]
    right = np.concatenate([one.right for one in each])[:, None]
    raw, after = (np.concatenate(some)[:, None] for some in ([one.scores for one in each], honest))
    hits = np.array([one.right.sum() for one in each], np.float64)
    there = np.array([one.there for one in each], np.float64)
    errors = tuple(float(calibration_errors(some, right)[0]) for some in (raw, after))
    learnt = LearntBoxes(
        slopes,
        np.array([_best_cut(some, one) for some, one in zip(scores, each, strict=True)]),
        np.minimum((there - hits) / np.maximum(hits, 1), 10.0),
        tuple(_points(some, one) for some, one in zip(scores, each, strict=True)),
        int(there.sum()),
        len(truth),
        (errors[0], errors[1]),
        overlap=overlap,
    )
    return learnt.state(_notes(there, names))


def learnt_from(state: State, classes: int) -> LearntBoxes:
    """Return a state as values, checked. Errors: ModelError for one that is damaged, or of other classes."""
    facts = state.facts
    if facts.get("slopes") is None:
        return LearntBoxes.nothing(classes, str(facts.get("why", "")))
    try:
        slopes = _array(facts["slopes"], (classes, 3), "slopes", -_LARGEST, _LARGEST)
        thresholds = _array(facts["thresholds"], (classes,), "thresholds", 0.0, 1.0)
        missed = _array(facts.get("missed", [0.0] * classes), (classes,), "missed", 0.0, _LARGEST)
        curves = facts.get("curves", [])
        if not isinstance(curves, list | tuple) or len(curves) not in (0, classes):
            raise ValueError("curves are not one a class")
        read = tuple(_array(one, (len(one), 3) if one else (0, 3), "curves", 0.0, 1.0) for one in curves)
        if slopes.shape[1] and (slopes[:, :2] < 0).any():
            raise ValueError("slopes fall")
        boxes, pictures = (facts.get(name, 0) for name in ("boxes", "pictures"))
        if not all(type(one) is int and one >= 0 for one in (boxes, pictures)):
            raise ValueError("counts are no whole numbers")
        errors = facts.get("calibration_errors")
        overlap = float(_array(facts.get("overlap", OVERLAPS[0]), (), "overlap", 0.0, 1.0))
        both = None if errors is None else tuple(_array(errors, (2,), "calibration errors", 0.0, 1.0).tolist())
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"what the model file has learnt of scores does not read: {error}") from None
    pair = None if both is None else (both[0], both[1])
    why, pooled = str(facts.get("why", "")), facts.get("pooled", False) is True
    return LearntBoxes(slopes, thresholds, missed, read, boxes, pictures, pair, why, overlap, pooled)


def _array(value: Any, shape: tuple[int, ...], name: str, low: float, high: float) -> Floats:
    array = np.asarray(value, np.float64).reshape(shape) if not np.size(value) else np.asarray(value, np.float64)
    if array.shape != shape or not (np.isfinite(array).all() and (array >= low).all() and (array <= high).all()):
        raise ValueError(f"its {name} are not numbers of shape {shape}")
    return array


def _said(one: ClassMatches) -> _Said:
    """Return the boxes of a class that are right or wrong, at the one overlap."""
    judged = ~one.open[0, 0]
    return _Said(one.scores[judged], one.right[0, 0][judged], one.pictures[judged], int(one.present[0].sum()))


def _half(one: _Said, side: int) -> _Said:
    mine = one.pictures % 2 == side
    return _Said(one.scores[mine], one.right[mine], one.pictures[mine], one.there)


def _features(scores: ArrayLike) -> Floats:
    """Return (D, 3): log p, -log(1 - p), 1."""
    p = np.clip(np.asarray(scores, np.float64), LOWEST, 1 - LOWEST)
    return np.stack([np.log(p), -np.log1p(-p), np.ones_like(p)], axis=-1)


def _curve(features: Floats, slopes: Floats) -> Floats:
    along = np.asarray((features * slopes).sum(-1), np.float64)
    return np.asarray(np.exp(-np.logaddexp(0.0, -along)))


def _slopes(each: Sequence[_Said]) -> Floats:
    """Return a, b and c of each class (K, 3)."""
    features, right = np.concatenate([one.features for one in each]), np.concatenate([one.right for one in each])
    common = _fit(features, right, np.array([1.0, 1.0, 0.0]), np.array(SPREADS))
    if len(each) == 1:
        return common[None]
    return np.stack([_fit(one.features, one.right, common, np.array(OWN_SPREADS)) for one in each])


def _fit(features: Floats, right: Bools, begin: Floats, spreads: Floats) -> Floats:
    """Return the likeliest a, b and c (3,), normal around ``begin`` before any box is seen; a and b at least 0.

    By Newton's method. A slope that would fall is 0, and the others are fitted again, as the source does it.
    """
    hits = int(right.sum())
    aims = np.where(right, (hits + 0.5) / (hits + 1), 0.5 / (len(right) - hits + 1))
    free = np.ones(3, bool)
    found = begin.copy()
    for _ in range(3):
        found = np.where(free, begin, 0.0)
        found = _newton(features, aims, found, begin, spreads, free)
        falling = free & (found < 0) & np.array([True, True, False])
        if not falling.any():
            break
        free &= ~falling
    return np.where(free, found, 0.0)


def _newton(features: Floats, aims: Floats, at: Floats, begin: Floats, spreads: Floats, free: Bools) -> Floats:
    def cost(theta: Floats) -> float:
        along = features @ theta
        return float((np.logaddexp(0.0, along) - aims * along).sum() + (((theta - begin) / spreads) ** 2).sum() / 2)

    now = cost(at)
    for _ in range(100):
        p = _curve(features, at)
        slope = features.T @ (p - aims) + (at - begin) / spreads**2
        bend = (features * (p * (1 - p))[:, None]).T @ features + np.diag(1 / spreads**2)
        step = np.zeros(3)
        step[free] = -np.linalg.solve(bend[np.ix_(free, free)], slope[free])
        share = 1.0
        while share > 1e-6 and (there := cost(at + share * step)) > now:
            share /= 2
        if share <= 1e-6:
            break
        at, now = at + share * step, there
        if np.abs(share * step).max() < 1e-9:
            break
    return at


def _ends(scores: Floats) -> Ints:
    """Return the last place of each run of equal scores: all of these are said, or none."""
    return np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)


def _best_cut(scores: Floats, one: _Said) -> float:
    """Return the score from which on F1 is highest, in the middle between two, on the scale of logits.

    The calibrated scores count as `PRIOR` further boxes, as in `striate.tasks.tag_thresholds`: of few boxes the best
    cut is a matter of chance.
    """
    expected = float(scores.sum())
    if not len(scores) or expected <= 0:
        return PLAIN
    share = PRIOR / expected
    missed = (one.there - one.right.sum()) / max(int(one.right.sum()), 1)
    hits = np.cumsum(one.right) + share * np.cumsum(scores)
    said = (1 + share) * np.arange(1, len(scores) + 1)
    ends = _ends(scores)
    f1 = 2 * hits[ends] / (said[ends] + one.there + PRIOR * (1 + min(missed, 10.0)))
    best = int(f1.argmax())
    upper = scores[ends[best]]
    lower = scores[ends[best] + 1] if ends[best] + 1 < len(scores) else LOWEST
    upper, lower = (min(max(float(p), LOWEST), 1 - LOWEST) for p in (upper, lower))
    middle = (np.log(upper / (1 - upper)) + np.log(lower / (1 - lower))) / 2
    return float(min(1 / (1 + np.exp(-middle)), upper))


def _points(scores: Floats, one: _Said) -> Floats:
    """Return score, precision and recall (T, 3) along a class's boxes, the highest score first.

    Between two boxes that are right precision falls and recall stays: the points are those at which another one is.
    """
    if not one.right.any():
        return np.zeros((0, 3))
    ends = _ends(scores)
    hits = np.cumsum(one.right)[ends]
    gained = np.diff(hits, prepend=0) > 0
    ends, hits = ends[gained], hits[gained].astype(np.float64)
    points: Floats = np.stack([scores[ends], hits / (ends + 1), hits / max(one.there, 1)], 1)
    if len(points) <= POINTS:
        return points
    kept: Floats = points[np.unique(np.linspace(0, len(points) - 1, POINTS).round().astype(int))]
    return kept


def _aim(options: Mapping[str, Any]) -> tuple[int, float] | None:
    """Return which column of the curves is to reach what, None where nothing is asked for."""
    for column, name in ((1, "precision"), (2, "recall")):
        if options.get(name) is not None:
            return column, float(options[name])
    return None


def _reaching(curve: Floats, column: int, aim: float) -> tuple[float, bool]:
    """Return the score from which on a class reaches what is asked for, and whether it does."""
    if not len(curve):
        return PLAIN, False
    there = np.flatnonzero(curve[:, column] >= aim)
    if len(there):  # the most recall with that precision; the most precision with that recall
        return float(curve[there[-1] if column == 1 else there[0], 0]), True
    return float(curve[curve[:, column].argmax(), 0]), False


def _notes(there: Floats, names: Sequence[str]) -> tuple[str, ...]:
    few = [name for name, many in zip(names, there, strict=True) if many < FEW]
    if not few:
        return ()
    shown = ", ".join(few[:5]) + (f" and {len(few) - 5} more" if len(few) > 5 else "")
    return (
        f"fewer than {FEW} boxes of the {plural(len(few), 'class')} {shown} stand in the pictures that the scores are"
        " calibrated by: from which score on these are said rests on the other classes too",
    )
