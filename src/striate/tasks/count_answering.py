"""Counts, after training: tables of answers, what they are worth, what may be asked of them. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.errors import ModelError, StriateError
from striate.metrics.probability import Floats, Ints
from striate.tasks.answering import PARTS, Answering, number_of
from striate.tasks.conformal import LEVEL, Conformal, fit_conformal, too_few
from striate.tasks.points import MEAN_ABSOLUTE_ERROR, as_counts, count_columns, densities, peaks
from striate.tasks.values import LabelFacts, Labels, Outputs, State

if TYPE_CHECKING:  # what measures and explains is imported by who does: predicting needs none of it
    from striate.data.pictures.crop_transform import CropTransform
    from striate.tasks.assessment import Assessment, Basis
    from striate.tasks.count_question import CountQuestion
    from striate.tasks.decoding import Compared, Decoding, Frame
    from striate.tasks.overlays import MarkOverlay
    from striate.tasks.question import Place
    from striate.tasks.sections import Part
    from striate.tasks.task import Judged

DENSITY: Final = "density"
BIAS: Final = "bias"
BY: Final = "by"  # the fact that says what counts are learnt by: "dots", or "counts" alone
DOTS, COUNTS = "dots", "counts"
FEW: Final = 8  # pictures, below which a bias is not corrected
ROOTS: Final = 24  # points of the curve of how large errors are by the count
FARTHEST: Final = 2.0  # times that a correction multiplies or divides by at most: beyond, the model is wrong otherwise


@dataclass(frozen=True, eq=False)
class LearntCounts:
    """What is learnt after training: of each class what its count is multiplied by, and what is known of the errors."""

    slopes: Floats
    intervals: tuple[Conformal, ...]
    level: float = LEVEL

    def within(self, counts: Floats, level: float | None = None) -> tuple[Floats, Floats]:
        """Return from where to where counts (N, K) reach, (N, K) each: 0 and infinity where nothing is known."""
        asked_for = self.level if level is None else level
        halves = [one.halves(column, asked_for) for one, column in zip(self.intervals, counts.T, strict=True)]
        half = np.stack(halves, axis=1)
        return np.maximum(0.0, counts - half), counts + half


class CountAnswering(Answering):
    """The answering half of `striate.tasks.count.CountObjects`. ``learnt`` is a `LearntCounts`."""

    output = DENSITY
    headline = MEAN_ABSOLUTE_ERROR
    higher_is_better = False
    asks = frozenset({"pixel", "box"})

    def columns(self, facts: LabelFacts, top: int | None = None) -> tuple[str, ...]:
        """Return each class, and the ends of its interval."""
        return count_columns(facts.names)

    def decoding(self, facts: LabelFacts, learnt: Any, frame: Frame) -> Decoding:
        """Return the steps to counts, and to their intervals."""
        from striate.tasks.map_decoding import count_decoding

        return count_decoding(facts, learnt, frame)

    def held(
        self,
        said: Mapping[str, NDArray[Any]],
        answer: Any,
        outputs: Outputs,
        facts: LabelFacts,
        learnt: Any,
        crop: CropTransform | None = None,
    ) -> Compared:
        """Return what a graph said of one picture, against its answer."""
        from striate.tasks.map_decoding import same_counts

        return same_counts(said, answer)

    def measure(self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts) -> dict[str, float]:
        """Return how far off counts are in the mean, and by how much too many: of several classes the mean over them.

        Nothing is corrected yet.
        """
        apart = summed(outputs[DENSITY]) - truth_of(targets, facts)
        known = np.isfinite(apart)
        if not known.any():
            return {MEAN_ABSOLUTE_ERROR: 0.0, BIAS: 0.0}
        return {MEAN_ABSOLUTE_ERROR: float(np.abs(apart[known]).mean()), BIAS: float(apart[known].mean())}

    def shown(self, name: str, value: float, facts: LabelFacts) -> str:
        """Return a figure in objects: ``mean absolute error 3.92``, ``bias +0.4``."""
        return f"{name} {value:+.3g}" if name == BIAS else f"{name} {value:.3g}"

    def evaluate(
        self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts, learnt: Any, basis: Basis
    ) -> Assessment:
        """Return errors, bias and coverage; out-of-fold answers are corrected, and bounded, by those of other folds."""
        from striate.tasks.count_assessment import assess_counts

        raw, truth = summed(outputs[DENSITY]), truth_of(targets, facts)
        counts = raw * learnt.slopes
        low, high = learnt.within(counts)
        if basis.folds is not None:
            for fold in np.unique(basis.folds):
                mine = basis.folds == fold
                groups = None if basis.groups is None else basis.groups[~mine]
                others = learnt_from(raw[~mine], truth[~mine], folds=basis.folds[~mine], groups=groups)
                counts[mine] = raw[mine] * others.slopes
                low[mine], high[mine] = others.within(counts[mine])
        ends = np.stack([low, high], 2)
        overlays = partial(overlay, outputs[DENSITY], targets, counts, facts.names) if np.ndim(targets) == 3 else None
        return assess_counts(counts, truth, ends, facts.names, basis, level=learnt.level, overlays=overlays)

    def shown_parts(
        self, values: NDArray[Any], parts: Mapping[str, NDArray[np.int64]], facts: LabelFacts
    ) -> tuple[Part, ...]:
        """Return how many objects of each class the pictures of each part hold, and from how few to how many."""
        from striate.tasks.sections import Table

        used = [part for part in PARTS if len(parts[part])]
        counts = {part: truth_of(values[parts[part]], facts) for part in used}
        rows = []
        for place, name in enumerate(facts.names):
            cells = []
            for part in used:
                each = counts[part][:, place]
                each = each[np.isfinite(each)]
                said = f"{each.sum():,.0f} in all, {each.min():,.0f} to {each.max():,.0f} a picture"
                cells.append(said if len(each) else "none")
            rows.append((name, *cells))
        rows.append(("pictures", *(f"{len(parts[part]):,}" for part in used)))
        return (Table(("class", *(PARTS[part] for part in used)), tuple(rows), label="objects by part"),)

    def matched(self, labels: Labels, facts: LabelFacts) -> NDArray[Any]:
        """Return the counts (N, K) of another source by this model's names, or its dots with its numbers.

        Errors: StriateError for classes that the model does not know, or counts of one that are not there.
        """
        by, wanted = labels.facts[BY], facts.facts.get(BY, DOTS)
        if by == COUNTS and wanted == COUNTS:
            return super().matched(labels, facts)
        counts = as_counts(labels.values, by, len(labels.names))
        strange = [
            name for place, name in enumerate(labels.names) if counts[:, place].any() and name not in facts.names
        ]
        if strange:
            raise StriateError(
                f"has {', '.join(strange[:5])}{' ...' if len(strange) > 5 else ''}, which the model does not know; it"
                f" knows {', '.join(facts.names[:10])}"
            )
        mine = np.zeros((len(counts), len(facts.names)))
        for place, name in enumerate(labels.names):
            if name in facts.names:
                mine[:, facts.names.index(name)] = counts[:, place]
        return mine

    def question(
        self,
        output: NDArray[np.float32],
        facts: LabelFacts,
        learnt: Any,
        word: str | int | None = None,
        against: str | int | None = None,
    ) -> CountQuestion:
        """Return what made a count: that of the class of which most were counted, or of one by its name or number."""
        from striate.tasks.count_question import CountQuestion

        if against is not None:
            raise StriateError("a count stands against no other; leave that out, and name the class alone")
        place = _place(output, facts, word)
        return CountQuestion(place, facts.names[place], float(learnt.slopes[place]))

    def question_at(
        self,
        output: NDArray[np.float32],
        facts: LabelFacts,
        learnt: Any,
        place: Place,
        against: str | int | None = None,
    ) -> CountQuestion:
        """Return what made a count in a box, or around a pixel."""
        from striate.tasks.count_question import part_question

        if against is not None:
            raise StriateError("a count stands against no other; leave that out, and name the class alone")
        kind = _place(output, facts, place.word)
        return part_question(output, kind, facts.names[kind], float(learnt.slopes[kind]), place)


def _place(output: NDArray[np.floating], facts: LabelFacts, word: str | int | None) -> int:
    """Return the number of a class by its name or number, or of that of which most were counted."""
    return int(summed(output[None])[0].argmax()) if word is None else number_of(word, facts.names)


def summed(maps: NDArray[np.floating]) -> Floats:
    """Return how many objects of each class maps (N, K, h, w) say there are, (N, K), before any correction."""
    return np.stack([densities(each).sum((1, 2)) for each in maps]) if len(maps) else np.zeros(maps.shape[:2])


def truth_of(targets: NDArray[Any], facts: LabelFacts) -> Floats:
    """Return how many objects of each class there are (N, K), of `Labels.values` by dots, or of counts as they are."""
    by = COUNTS if np.ndim(targets) == 2 else str(facts.facts.get(BY, DOTS))
    return as_counts(targets, by, len(facts.names))


def overlay(
    maps: NDArray[np.floating], dots: NDArray[Any], counts: Floats, names: Sequence[str], row: int
) -> MarkOverlay:
    """Return the dots (N, M, 3) of one picture and the places that were found, in cells of the maps (N, K, h, w).

    As many places of a class are looked for as were counted; those that lie close together share one.
    """
    from striate.tasks.overlays import Mark, MarkOverlay

    height, width = maps.shape[2:]
    mine = dots[row][dots[row][:, 0] >= 0].astype(np.float64)
    there = [
        Mark((x * width, y * height, x * width, y * height), names[int(kind)], "open") for kind, x, y in mine.tolist()
    ]
    found = [
        Mark((x, y, x, y), name, "open")
        for each, count, name in zip(densities(maps[row]), counts[row], names, strict=True)
        for x, y in peaks(each, int(np.floor(count + 0.5))).tolist()
    ]
    return MarkOverlay(tuple(there), tuple(found), (height, width))


def learnt_from(raw: Floats, truth: Floats, *, folds: Ints | None = None, groups: Ints | None = None) -> LearntCounts:
    """Return what counts (N, K) of pictures not trained on say of the next ones, of which ``truth`` is known.

    What a count is multiplied by is the true number of objects over the counted one, as far as that is certain. The
    errors are those of counts that were multiplied by what the other pictures say, each left out once; they are taken
    to grow as the root of the count, where there are not pictures enough to see how they do.
    """
    slopes, each = np.ones(raw.shape[1]), []
    for place in range(raw.shape[1]):
        said, is_ = raw[:, place], truth[:, place]
        slopes[place], corrected = _corrected(said, is_)
        each.append(fit_conformal(corrected, is_, folds=folds, groups=groups, known=_roots(corrected)))
    return LearntCounts(slopes, tuple(each))


def _corrected(said: Floats, is_: Floats) -> tuple[float, Floats]:
    """Return what counts (N,) are to be multiplied by, and each multiplied by what the others say.

    It is the ratio of all that are there to all that were counted, drawn towards 1 by as much as it is uncertain: by
    the share 1 / t^2 of its distance, of which t is how many standard errors that is (James and Stein, 1961).
    """
    if len(said) < FEW or said.sum() <= 0 or is_.sum() <= 0:
        return 1.0, said
    slope = _ratio(said, is_)
    if not 1 / FARTHEST <= slope <= FARTHEST:
        return 1.0, said
    rest = np.arange(len(said))
    others = np.array([_ratio(said[rest != one], is_[rest != one]) for one in rest.tolist()])
    return slope, np.asarray(said * np.clip(others, 1 / FARTHEST, FARTHEST), np.float64)


def _ratio(said: Floats, is_: Floats) -> float:
    """Return what counts are to be multiplied by, near 1 where that is uncertain. Cochran, "Sampling" (1977), 6.4."""
    total = max(float(said.sum()), 1e-9)
    ratio = float(is_.sum()) / total
    error = math.sqrt(len(said) / (len(said) - 1) * float(((is_ - ratio * said) ** 2).sum())) / total
    apart = ratio - 1
    return 1 + apart * max(0.0, 1 - (error / apart) ** 2) if apart else 1.0


def _roots(counts: Floats) -> tuple[Floats, Floats]:
    """Return how large errors are by the count, up to a factor: its root, as of anything that is counted."""
    at = np.geomspace(1.0, max(2.0, 4.0 * float(counts.max(initial=0.0))), ROOTS)
    return at, np.sqrt(at)


def state_of(judged: Judged, facts: LabelFacts) -> State:
    """Return what errors on unseen pictures say of the next ones, as a model file keeps it; `learnt_of` reads it."""
    found = learnt_from(
        summed(judged.outputs[DENSITY]), truth_of(judged.targets, facts), folds=judged.folds, groups=judged.groups
    )
    arrays = {
        f"{what}.{place}": array
        for place, one in enumerate(found.intervals)
        for what, array in one.to_arrays().items()
        if len(array)
    }
    notes = tuple(words for one in found.intervals[:1] if (words := too_few(one.count)))
    facts_kept = {"slopes": found.slopes.tolist(), "level": LEVEL, "counts": [one.count for one in found.intervals]}
    return State(facts_kept, arrays, notes)


def learnt_of(state: State, facts: LabelFacts) -> LearntCounts:
    """Return what `state_of` kept. Errors: ModelError for what is damaged, or of other classes."""
    classes = len(facts.names)
    slopes, level = state.facts.get("slopes", [1.0] * classes), state.facts.get("level", LEVEL)
    counts: Sequence[Any] = state.facts.get("counts", [0] * classes)
    try:
        values = np.array(slopes, np.float64)
        if values.shape != (classes,) or not ((values > 0) & np.isfinite(values)).all() or not 0 < float(level) < 1:
            raise ValueError(f"counts are multiplied by {slopes}, at {level}")
        intervals = tuple(
            Conformal.of(
                {what: state.arrays.get(f"{what}.{place}", np.zeros(0)) for what in ("sizes", "at", "spread")},
                int(count),
            )
            for place, count in enumerate(counts)
        )
        if len(intervals) != classes:
            raise ValueError(f"{len(intervals)} intervals for {classes} classes")
    except (StriateError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"the model file's intervals do not read: {str(error)[:100]}") from None
    return LearntCounts(values, intervals, float(level))
