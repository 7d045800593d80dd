"""How good the tags of pictures are: pure functions on (N, T) scores and (N, T) tags, of which each has any number.

"Scores" are logits or probabilities: only their order counts. The average precision of a tag is the mean of the
precision over its positives, each at the score that finds it (the area under the stepwise precision-recall curve, no
interpolation; Buckley and Voorhees 2000), equal scores taken together, as in scikit-learn. Macro: every tag that has a
positive counts the same. Micro: all answers, of all tags, ranked together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.errors import StriateError
from striate.metrics.intervals import Bootstrap, Interval, f1_interval, mean_of, percentiles, widened, wilson
from striate.metrics.probability import Bools, Floats, Ints, checked_scores, checked_tag_pair, checked_tags

_AT_ONCE = 4_000_000  # resampled answers held at once: 16 MB an array
_WORTH = 200_000_000  # resampled answers in all: some seconds; with more answers there are fewer resamples
FEWEST_DRAWS, MOST_DRAWS = 100, 1000


@dataclass(frozen=True)
class TagMeasure:
    """One tag: how many pictures have it and are said to, and how well it is told.

    ``threshold`` is the probability from which on it is said (the mean one, where each fold has its own).
    ``calibration_error`` is the expected one over 15 equal bins of its probability. None says that a number has no
    meaning here: average precision and recall of a tag that no picture has, precision of one that is never said.
    """

    name: str
    support: int
    predicted: int
    threshold: float
    average_precision: Interval | None
    precision: Interval | None
    recall: Interval | None
    f1: Interval | None
    calibration_error: float

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        kinds = ("average_precision", "precision", "recall", "f1")
        measured = {kind: None if (one := getattr(self, kind)) is None else one.to_dict() for kind in kinds}
        plain = {"tag": self.name, "support": self.support, "predicted": self.predicted, "threshold": self.threshold}
        return {**plain, **measured, "calibration_error": self.calibration_error}


@dataclass(frozen=True)
class Miss:
    """A wrong answer about one tag of one picture (its row): a tag said that is not there, or one that was missed.

    ``nll`` is -log of the probability that was given to the truth, in nats.
    """

    index: int
    tag: int
    missed: bool
    probability: float
    nll: float

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON; the tag by number."""
        return dict(vars(self))


def average_precisions(scores: ArrayLike, targets: ArrayLike) -> Floats:
    """Return the average precision (T,) of each tag, NaN for one that no picture has.

    Example: ``average_precisions([[0.9], [0.8], [0.1]], [[1], [0], [1]])`` is ``[0.833]``.
    """
    matrix, wanted = checked_tag_pair(scores, targets)
    once = np.ones((1, len(matrix)), np.float32)
    return np.array([_Ranking.of(matrix[:, t], wanted[:, t]).areas(once)[0] for t in range(matrix.shape[1])])


def average_precision_intervals(scores: ArrayLike, targets: ArrayLike, *, design: float = 1.0) -> list[Interval | None]:
    """Return each tag's average precision with a 95 % interval, None for a tag that no picture has.

    The interval is Wilson's for a mean over as many positives (of the intervals compared by Boyd, Eng and Page 2013 it
    is the binomial one, in the form that keeps its width near 0 and 1 and with few positives).
    """
    matrix, wanted = checked_tag_pair(scores, targets)
    values, positives = average_precisions(matrix, wanted), wanted.sum(axis=0)
    return [
        None if n == 0 else wilson(float(value) * int(n), int(n), design=design)
        for value, n in zip(values, positives, strict=True)
    ]


def mean_average_precision(scores: ArrayLike, targets: ArrayLike, *, seed: int = 0, design: float = 1.0) -> Interval:
    """Return the macro mean average precision: the mean over the tags that some picture has.

    The interval is the wider of two, end by end: the percentile bootstrap over pictures (of the tags that are drawn),
    and the tags' own intervals carried through the mean; the bootstrap alone has no width where every answer is right.
    Errors: StriateError where no picture has any tag.

    Example: ``mean_average_precision([[0.9, 0.2], [0.1, 0.3]], [[1, 0], [0, 1]]).value`` is 1.0.
    """
    matrix, wanted = checked_tag_pair(scores, targets)
    each = [one for one in average_precision_intervals(matrix, wanted, design=design) if one is not None]
    if not each:
        raise StriateError("no picture has a tag, so there is no average precision to measure")
    rankings = [_Ranking.of(matrix[:, t], wanted[:, t]) for t in np.flatnonzero(wanted.any(axis=0))]
    drawn = []
    for times in _draws(len(matrix), len(rankings), seed):
        areas = np.stack([ranking.areas(times) for ranking in rankings])
        there = ~np.isnan(areas)
        drawn.append(np.where(there, areas, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1))
    return _wider(mean_of(each, np.ones(len(each))), np.concatenate(drawn), design)


def micro_average_precision(scores: ArrayLike, targets: ArrayLike, *, seed: int = 0, design: float = 1.0) -> Interval:
    """Return the micro average precision: the answers about all tags of all pictures, ranked together.

    The scores of different tags must be comparable: give probabilities, or logits of one calibration. The interval is
    the percentile bootstrap over pictures, or that of a mean over all positives, whichever is wider, end by end.
    """
    matrix, wanted = checked_tag_pair(scores, targets)
    tags, positives = matrix.shape[1], int(wanted.sum())
    if not positives:
        raise StriateError("no picture has a tag, so there is no average precision to measure")
    picture = np.repeat(np.arange(len(matrix)), tags)
    ranking = _Ranking.of(matrix.ravel(), wanted.ravel(), picture)
    value = float(ranking.areas(np.ones((1, len(matrix)), np.float32))[0])
    own = wilson(value * positives, positives, design=design)
    assert own is not None  # there are positives
    drawn = np.concatenate([ranking.areas(times) for times in _draws(len(matrix), tags, seed)])
    return _wider(own, drawn[~np.isnan(drawn)], design)


@dataclass(frozen=True, eq=False)
class _Ranking:
    """Answers from the highest score down: ``row`` is each one's picture, ``positive`` whether it is true.

    ``ends`` are the places of the last of equal scores.
    """

    row: Ints
    positive: NDArray[np.float32]
    ends: Ints

    @classmethod
    def of(cls, scores: Floats, positive: Bools, picture: Ints | None = None) -> _Ranking:
        order = np.argsort(-scores, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
        return cls(order if picture is None else picture[order], positive[order].astype(np.float32), ends)

    def areas(self, times: NDArray[np.float32]) -> Floats:
        """Return the average precision (B,) of pictures that count (B, N) times each; NaN without a positive."""
        found, step = [], max(1, _AT_ONCE // len(self.row))
        for begin in range(0, len(times), step):
            some = times[begin : begin + step][:, self.row]
            hits = np.cumsum(some * self.positive, axis=1, dtype=np.float64)[:, self.ends]
            said = np.cumsum(some, axis=1, dtype=np.float64)[:, self.ends]
            found_here = np.diff(hits, axis=1, prepend=0.0)
            area = (found_here * hits / np.maximum(said, 1.0)).sum(axis=1)
            with np.errstate(invalid="ignore"):
                found.append(area / np.where(hits[:, -1] > 0, hits[:, -1], np.nan))
        return np.concatenate(found)


def _draws(pictures: int, tags: int, seed: int) -> list[NDArray[np.float32]]:
    """Return how often each picture is drawn, (resamples, pictures) in parts: fewer resamples of very many answers."""
    resamples = min(MOST_DRAWS, max(FEWEST_DRAWS, _WORTH // (pictures * tags)))
    return list(Bootstrap(pictures, seed=seed, resamples=resamples).draws())


def _wider(own: Interval, drawn: Floats, design: float) -> Interval:
    """Return the wider of an interval and that of its bootstrap, end by end, within 0 and 1."""
    other = widened(percentiles(own.value, drawn), design, high=1.0)
    return Interval(own.value, max(0.0, min(own.low, other.low)), min(1.0, max(own.high, other.high)))


def said(probabilities: ArrayLike, thresholds: ArrayLike) -> Bools:
    """Return which tags are said (N, T): those whose probability is at least the threshold, (T,) or (N, T).

    Example: ``said([[0.4, 0.6]], [0.3, 0.7])`` is ``[[True, False]]``.
    """
    matrix = checked_scores(probabilities)
    answers: Bools = matrix >= np.asarray(thresholds, np.float64)
    return answers


def tag_measures(
    probabilities: ArrayLike,
    targets: ArrayLike,
    thresholds: ArrayLike,
    names: Sequence[str],
    *,
    design: float = 1.0,
) -> tuple[TagMeasure, ...]:
    """Return the measures of every tag; precision and recall carry Wilson's interval, F1 that of `f1_interval`."""
    matrix, wanted = checked_tag_pair(probabilities, targets)
    cuts = np.broadcast_to(np.asarray(thresholds, np.float64), matrix.shape)
    answers = said(matrix, cuts)
    hits, support, predicted = (answers & wanted).sum(axis=0), wanted.sum(axis=0), answers.sum(axis=0)
    areas = average_precision_intervals(matrix, wanted, design=design)
    errors = calibration_errors(matrix, wanted)
    return tuple(
        TagMeasure(
            name=name,
            support=int(s),
            predicted=int(p),
            threshold=float(cuts[:, t].mean()),
            average_precision=areas[t],
            precision=wilson(int(h), int(p), design=design),
            recall=wilson(int(h), int(s), design=design),
            f1=f1_interval(int(h), int(s - h), int(p - h), design=design),
            calibration_error=float(errors[t]),
        )
        for t, (name, h, s, p) in enumerate(zip(names, hits, support, predicted, strict=True))
    )


def f1_averages(
    answers: ArrayLike, targets: ArrayLike, *, seed: int = 0, design: float = 1.0
) -> tuple[Interval, Interval]:
    """Return the macro F1, over the tags that some picture has, and the micro F1, of all answers together.

    ``answers`` and ``targets`` are (N, T): which tags are said, and which are there. The intervals are the wider of two
    as in `mean_average_precision`. Errors: StriateError where no picture has any tag.
    """
    wanted = np.asarray(targets)
    wanted = checked_tags(wanted, pictures=wanted.shape[0], tags=wanted.shape[1])
    given = checked_tags(answers, pictures=wanted.shape[0], tags=wanted.shape[1])
    present = wanted.any(axis=0)
    if not present.any():
        raise StriateError("no picture has a tag, so there is no F1 to measure")
    hits, missed, alarms = given & wanted, ~given & wanted, given & ~wanted
    counts = [part.sum(axis=0) for part in (hits, missed, alarms)]
    each = [f1_interval(*(int(part[t]) for part in counts), design=design) for t in np.flatnonzero(present)]
    macro = mean_of([one for one in each if one is not None], np.ones(len(each)))
    micro = f1_interval(*(int(part.sum()) for part in counts), design=design)
    assert micro is not None  # some picture has a tag
    resamples = min(MOST_DRAWS, max(FEWEST_DRAWS, _WORTH // wanted.size))
    bootstrap = Bootstrap(len(wanted), seed=seed, resamples=resamples)
    drawn = [bootstrap.sums(part[:, present]) for part in (hits, missed, alarms)]
    there = drawn[0] + drawn[1] > 0
    f1 = 2 * drawn[0] / np.maximum(2 * drawn[0] + drawn[1] + drawn[2], 1)
    means = (f1 * there).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    others = bootstrap.sums(alarms[:, ~present].sum(axis=1, keepdims=True))[:, 0]  # of tags that are never there
    sums = [part.sum(axis=1) for part in drawn]
    together = 2 * sums[0] / np.maximum(2 * sums[0] + sums[1] + sums[2] + others, 1)
    return _wider(macro, means, design), _wider(micro, together, design)


def calibration_errors(probabilities: ArrayLike, targets: ArrayLike, *, bins: int = 15) -> Floats:
    """Return the expected calibration error (T,) of each tag: over equal bins of its probability, how far off it is.

    It is sum over bins of (pictures in it / all) x |share that has the tag - mean probability| (Naeini et al. 2015).

    Example: ``calibration_errors([[0.8]] * 5, [[1], [1], [1], [1], [0]])`` is ``[0.0]``.
    """
    matrix, wanted = checked_tag_pair(probabilities, targets)
    off, tags = _by_bin(matrix, wanted, bins), matrix.shape[1]
    gaps = np.zeros((tags, bins))
    np.add.at(gaps, (np.broadcast_to(np.arange(tags), matrix.shape), off), wanted - matrix)
    errors: Floats = np.abs(gaps).sum(axis=1) / len(matrix)
    return errors


def pooled_calibration_error(
    probabilities: ArrayLike, targets: ArrayLike, *, bins: int = 15, seed: int = 0, design: float = 1.0
) -> Interval:
    """Return the expected calibration error of all answers together, its interval by drawing whole pictures.

    The ends are made as `striate.metrics.reliability.expected_calibration_error` makes them, but without its test for
    chance alone: the answers about one picture are not independent.
    """
    matrix, wanted = checked_tag_pair(probabilities, targets)
    off = _by_bin(matrix, wanted, bins)
    gaps = np.zeros((len(matrix), bins))
    np.add.at(gaps, (np.broadcast_to(np.arange(len(matrix))[:, None], matrix.shape), off), wanted - matrix)
    value = float(np.abs(gaps.sum(axis=0)).sum() / matrix.size)
    drawn = np.abs(Bootstrap(len(matrix), seed=seed).sums(gaps)).sum(axis=1) / matrix.size
    low, high = (float(end) for end in np.percentile(drawn, (2.5, 97.5)))
    found = Interval(value, min(max(0.0, 2 * value - high), value), max(high, 2 * value - low, value))
    return widened(found, design, high=1.0)


def _by_bin(probabilities: Floats, wanted: Bools, bins: int) -> Ints:
    """Return the bin (N, T) of each probability: above its low end, up to its high end."""
    if probabilities.min() < 0 or probabilities.max() > 1 + 1e-6:
        raise StriateError(
            f"probabilities lie from 0 to 1, these from {probabilities.min():.3g} to {probabilities.max():.3g}; "
            "logits become probabilities with sigmoid"
        )
    edges = np.linspace(0.0, 1.0, bins + 1)
    return np.clip(np.searchsorted(edges, probabilities, side="left") - 1, 0, bins - 1).astype(np.int64)


def co_occurrence(tags: ArrayLike) -> Ints:
    """Return (T, T) counts: in how many pictures two tags stand together; the diagonal is how many have the tag.

    Example: ``co_occurrence([[1, 1], [0, 1]])`` is ``[[1, 1], [1, 2]]``.
    """
    there = np.asarray(tags)
    counts = checked_tags(there, pictures=there.shape[0], tags=there.shape[1]).astype(np.float64)
    return np.rint(counts.T @ counts).astype(np.int64)


def worst_misses(
    probabilities: ArrayLike, targets: ArrayLike, thresholds: ArrayLike, *, most: int = 100
) -> tuple[Miss, ...]:
    """Return the wrong answers that are most surprising: tags said with confidence that are not there, or missed ones.

    ``thresholds`` are (T,) or (N, T). Among equal ones the picture, then the tag, that comes first.
    """
    matrix, wanted = checked_tag_pair(probabilities, targets)
    wrong = said(matrix, thresholds) != wanted
    rows, tags = np.nonzero(wrong)
    missed = wanted[rows, tags]
    given = matrix[rows, tags]
    nll = -np.log(np.maximum(np.where(missed, given, 1 - given), 1e-300))
    order = np.lexsort((tags, rows, -nll))[:most]
    return tuple(Miss(int(rows[i]), int(tags[i]), bool(missed[i]), float(given[i]), float(nll[i])) for i in order)
