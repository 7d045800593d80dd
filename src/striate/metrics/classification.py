"""How good a classifier's answers are: pure functions on (N, K) scores and (N,) targets.

"Scores" are logits or probabilities: only their order counts. What counts the size says which of the two it takes.
Among equal scores the class that comes first wins, as in ``argmax``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from striate.errors import StriateError
from striate.metrics.intervals import (
    RESAMPLES,
    Interval,
    bootstrap_mean,
    f1_interval,
    mean_of,
    newcombe_auroc,
    percentiles,
    widened,
    wilson,
)
from striate.metrics.probability import Floats, Ints, checked_pair, checked_scores, checked_targets, log_softmax

_CELL_CHUNK = 8_000_000  # resampled cells held at once: 64 MB


@dataclass(frozen=True)
class ClassMeasure:
    """One class: how many pictures are of it and are called so, and its precision, recall and F1.

    None says that a number has no meaning here: precision of a class that was never answered, recall of one that has
    no picture, F1 of one that has neither.
    """

    name: str
    support: int
    predicted: int
    precision: Interval | None
    recall: Interval | None
    f1: Interval | None

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        measured = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {"class": self.name, "support": self.support, "predicted": self.predicted} | {
            key: value.to_dict() if value else None for key, value in measured.items()
        }


@dataclass(frozen=True)
class Average:
    """Precision, recall and F1 averaged over the classes that occur in the targets."""

    precision: Interval
    recall: Interval
    f1: Interval

    def to_dict(self) -> dict[str, object]:
        """Return the three, ready for JSON."""
        return {"precision": self.precision.to_dict(), "recall": self.recall.to_dict(), "f1": self.f1.to_dict()}


def target_ranks(scores: ArrayLike, targets: ArrayLike) -> Ints:
    """Return the place, (N,) from 0, of each picture's own class among its scores.

    Example: ``target_ranks([[0.1, 0.7, 0.2]], [2])`` is ``[1]``.
    """
    matrix, wanted = checked_pair(scores, targets)
    own = matrix[np.arange(len(wanted)), wanted][:, None]
    earlier = np.arange(matrix.shape[1]) < wanted[:, None]
    ranks: Ints = ((matrix > own) | ((matrix == own) & earlier)).sum(axis=1)
    return ranks


def accuracy(scores: ArrayLike, targets: ArrayLike) -> Interval:
    """Return the share of pictures whose highest score is their own class, with Wilson's interval.

    Example: ``accuracy([[0.9, 0.1], [0.2, 0.8]], [0, 0]).value`` is 0.5.
    """
    return top_k_accuracy(scores, targets, k=1)


def top_k_accuracy(scores: ArrayLike, targets: ArrayLike, *, k: int) -> Interval:
    """Return the share of pictures whose own class is among the ``k`` highest scores, with Wilson's interval."""
    if k < 1:
        raise StriateError(f"top-{k} accuracy has no meaning; k must be at least 1")
    ranks = target_ranks(scores, targets)
    return share_of(ranks < k)


def share_of(right: ArrayLike, *, design: float = 1.0) -> Interval:
    """Return the share of True in (N,) booleans, N at least 1, with Wilson's interval."""
    flags = np.asarray(right, dtype=bool)
    share = wilson(int(flags.sum()), len(flags), design=design)
    if share is None:
        raise StriateError("there are no pictures to measure; give at least one with its label")
    return share


def confusion_matrix(scores: ArrayLike, targets: ArrayLike) -> Ints:
    """Return (K, K) counts: the row is the picture's own class, the column the answer.

    Example: ``confusion_matrix([[0.9, 0.1], [0.2, 0.8]], [0, 0])`` is ``[[1, 1], [0, 0]]``.
    """
    matrix, wanted = checked_pair(scores, targets)
    return count_pairs(wanted, matrix.argmax(axis=1), classes=matrix.shape[1])


def count_pairs(targets: Ints, predicted: Ints, *, classes: int) -> Ints:
    """Return the (K, K) confusion counts of (N,) targets and (N,) answers."""
    counts = np.bincount(targets * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def precision_recall_f1(
    confusion: ArrayLike, names: tuple[str, ...] | None = None, *, design: float = 1.0
) -> tuple[ClassMeasure, ...]:
    """Return the measures of every class, worked out from the (K, K) confusion counts.

    Precision and recall carry Wilson's interval, F1 that of the proportion it is made of (see ``f1_interval``).
    """
    counts = np.asarray(confusion, dtype=np.int64)
    names = names or tuple(str(k) for k in range(len(counts)))
    support, predicted, hits = counts.sum(axis=1), counts.sum(axis=0), counts.diagonal()
    return tuple(
        ClassMeasure(
            name=name,
            support=int(s),
            predicted=int(p),
            precision=wilson(int(h), int(p), design=design),
            recall=wilson(int(h), int(s), design=design),
            f1=f1_interval(int(h), int(s - h), int(p - h), design=design),
        )
        for name, s, p, h in zip(names, support, predicted, hits, strict=True)
    )


def averages(
    confusion: ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES, design: float = 1.0
) -> tuple[Average, Average]:
    """Return the macro average (every class counts the same) and the weighted one (by its pictures).

    Both run over the classes that occur in the targets; the precision of one that was never answered counts as 0.
    The interval is the wider of two, end by end: the percentile bootstrap over pictures, and the classes' own
    intervals carried through the mean. The bootstrap alone has no width where every answer is right.
    """
    counts = np.asarray(confusion, dtype=np.int64)
    support = counts.sum(axis=1)
    present = np.flatnonzero(support)
    if len(present) == 0:
        raise StriateError("there are no pictures to measure; give at least one with its label")
    measures = precision_recall_f1(counts, design=design)
    never = Interval(0.0, 0.0, 0.0)
    parts = [[getattr(measures[k], kind) or never for k in present] for kind in ("precision", "recall", "f1")]
    resampled = _resampled_averages(counts, seed=seed, resamples=resamples)
    results = []
    for which, weights in enumerate((np.ones(len(present)), support[present].astype(np.float64))):
        three = []
        for kind in range(3):
            carried = mean_of(parts[kind], weights)
            drawn = widened(percentiles(carried.value, resampled[which, kind]), design, high=1.0)
            three.append(Interval(carried.value, min(carried.low, drawn.low), max(carried.high, drawn.high)))
        results.append(Average(*three))
    return results[0], results[1]


def _resampled_averages(counts: Ints, *, seed: int, resamples: int) -> Floats:
    """Return (2, 3, resamples): macro and weighted x precision, recall, F1 of redrawn pictures.

    Pictures in one cell are alike here, so a draw of N pictures is one multinomial over the cells that are not empty.
    """
    rows, columns = np.nonzero(counts)
    classes, pictures = len(counts), int(counts.sum())
    chances = counts[rows, columns] / pictures
    by_column = np.argsort(columns, kind="stable")
    generator = np.random.Generator(np.random.PCG64([seed, 0xC0DE]))
    found = []
    step = max(1, _CELL_CHUNK // len(rows))
    for begin in range(0, resamples, step):
        cells = generator.multinomial(pictures, chances, size=min(step, resamples - begin))  # (B, cells)
        support = _grouped(cells, rows, classes)
        predicted = _grouped(cells[:, by_column], columns[by_column], classes)
        hits = _grouped(cells[:, rows == columns], rows[rows == columns], classes)
        precision = hits / np.maximum(predicted, 1)
        recall = hits / np.maximum(support, 1)
        f1 = 2 * hits / np.maximum(support + predicted, 1)
        for weights in ((support > 0).astype(np.float64), support.astype(np.float64)):
            found.append([(kind * weights).sum(axis=1) / weights.sum(axis=1) for kind in (precision, recall, f1)])
    macro, weighted = found[0::2], found[1::2]
    return np.stack([np.concatenate(which, axis=1) for which in (macro, weighted)])


def _grouped(cells: Ints, groups: Ints, classes: int) -> Ints:
    """Sum (B, cells) over the sorted groups of cells: (B, classes)."""
    sums = np.zeros((len(cells), classes), dtype=np.int64)
    if len(groups):
        names, starts = np.unique(groups, return_index=True)
        sums[:, names] = np.add.reduceat(cells, starts, axis=1)
    return sums


def log_loss(logits: ArrayLike, targets: ArrayLike, *, temperature: float = 1.0, seed: int = 0) -> Interval:
    """Return the mean of -log p(own class), in nats, with a percentile bootstrap over pictures.

    Takes logits, for which it is exact at any size; of probabilities give the logarithm.
    """
    matrix, wanted = checked_pair(logits, targets)
    return bootstrap_mean(-log_softmax(matrix, temperature)[np.arange(len(wanted)), wanted], seed=seed)


def brier_score(probabilities: ArrayLike, targets: ArrayLike, *, seed: int = 0) -> Interval:
    """Return the Brier score, bootstrapped: the mean over pictures of the squared distances summed over ALL classes.

    That is Brier's own definition (1950), from 0 to 2; for two classes it is twice what is often shown.
    """
    matrix, wanted = checked_pair(probabilities, targets)
    return bootstrap_mean(squared_distances(matrix, wanted), seed=seed)


def squared_distances(probabilities: Floats, targets: Ints) -> Floats:
    """Return (N,) squared distances between each row of probabilities and the certain right answer."""
    own = probabilities[np.arange(len(targets)), targets]
    others = (probabilities**2).sum(axis=1) - own**2
    distances: Floats = (1 - own) ** 2 + np.maximum(others, 0)
    return distances


def auroc(scores: ArrayLike, positive: ArrayLike) -> Interval:
    """Return the chance that a positive scores higher than a negative, ties counting half, with Newcombe's interval.

    ``scores`` and ``positive`` (booleans) are (N,); there must be at least one of either kind.

    Example: ``auroc([0.1, 0.9, 0.5], [False, True, False]).value`` is 1.0.
    """
    values = checked_scores(np.asarray(scores).reshape(-1, 1))[:, 0]
    flags = checked_targets(np.asarray(positive).astype(np.int64), pictures=len(values), classes=2).astype(bool)
    positives, negatives = int(flags.sum()), int((~flags).sum())
    if not (positives and negatives):
        raise StriateError(f"AUROC compares two kinds of pictures; here are {positives} positive, {negatives} negative")
    # A tie's rank is the middle of the places it takes (Mann and Whitney 1947).
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(sizes) - (sizes - 1) / 2
    beaten = float(middle[group][flags].sum()) - positives * (positives + 1) / 2
    return newcombe_auroc(beaten / (positives * negatives), positives, negatives)


__all__ = [
    "Average",
    "ClassMeasure",
    "Interval",
    "accuracy",
    "auroc",
    "averages",
    "brier_score",
    "confusion_matrix",
    "log_loss",
    "precision_recall_f1",
    "top_k_accuracy",
]
