"""Told: what the pictures of a folder say of each other's classes, each left out, and what follows from that.

Labels that are doubted, classes that may be one, outliers, what more pictures would bring, and what copies on both
sides of a split are worth; all from one reading of the pictures by the usual trunk. No torch.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.errors import StriateError
from striate.metrics.intervals import wilson
from striate.metrics.mistakes import label_issues
from striate.metrics.outcomes import outcomes
from striate.search import left_out
from striate.search.examined import Doubt, Examined
from striate.search.kernel_answers import Floats, seen
from striate.search.learning_curve import learning_curve
from striate.search.outliers import far
from striate.search.told import Outlier, Outliers, Told
from striate.verbs.leaks import leak
from striate.verbs.pooled import pooled
from striate.verbs.workspace import Workspace

FEWEST: Final = 10  # pictures of each of two classes, below which nothing is told


def told(photos: Path, examined: Examined, workspace: Workspace) -> tuple[Examined, tuple[str, ...]]:
    """Return what was examined with what is told of its classes, and sentences on what could not be.

    Nothing is doubted, and no classes are said to be one, where answers are no better than always saying the most
    frequent class. Needs the near copies (``examined.near``), which do not answer for each other.
    """
    labelled = np.flatnonzero(examined.labels >= 0)
    if np.sum(np.bincount(examined.labels[labelled], minlength=1) >= FEWEST) < 2:
        return examined, ("labels were not doubted: that takes two classes of 10 pictures each",)
    try:
        features = pooled(photos, examined, workspace)
    except StriateError as error:
        return examined, (f"labels were not doubted: {error}",)
    chosen = np.isin(features.rows, labelled)
    rows, values = features.rows[chosen], features.values[chosen]
    if not len(rows):
        return examined, ("labels were not doubted: the pictures are gone",)
    labels, width = examined.labels[rows], len(examined.names)
    vectors, groups = seen(values, features.widths), copies_of(examined)[rows]
    workspace.tell(f"asking about {len(rows):,} labels")

    def done(part: int, parts: int) -> None:
        if workspace.progress is not None:
            workspace.progress("answers", part, parts)

    said = left_out.answers(vectors, labels, width, groups, progress=done)
    found = Told(rows, labels, said)
    examined = replace(examined, told=found)
    last = vectors[:, : features.widths[0]] * np.float32(np.sqrt(len(features.widths)))
    right = said.argmax(axis=1) == labels
    share, majority = wilson(int(right.sum()), len(right)), float(np.bincount(labels).max() / len(labels))
    if share is None or share.low <= majority:
        return examined, ("labels were not doubted: the usual trunk does not tell these classes apart",)
    curve = left_out.curve_answers(vectors, labels, width, groups)
    found = replace(
        found,
        curve=None if curve is None else learning_curve(*curve, of=len(labels)),
        outliers=_outliers(last, labels, groups, rows),
        leak=leak(vectors, labels, width, groups, tuple(examined.parts[row] for row in rows)),
    )
    doubts = doubted(found, last, groups)
    words = f"labels were doubted by answers that agree with {100 * right.mean():.0f} % of all of them"
    return replace(examined, told=found, doubts=doubts), (words,)


def copies_of(examined: Examined) -> NDArray[np.int64]:
    """Return of each picture (N,) the number of its group of copies, equal or near; those without have their own."""
    groups = np.arange(len(examined), dtype=np.int64)
    first: dict[bytes, int] = {}
    for row, digest in enumerate(examined.digests):
        groups[row] = first.setdefault(digest, row)
    for near in examined.near:
        members = np.isin(groups, groups[list(near.rows)])
        groups[members] = groups[members].min()
    return groups


def doubted(found: Told, last: Floats, groups: NDArray[np.int64]) -> tuple[Doubt, ...]:
    """Return the labels that answers stand against (confident learning), what most speaks against first."""
    shares, nearest = left_out.neighbours(last, found.labels, found.probabilities.shape[1], groups)
    score = left_out.against(found.probabilities, shares, found.labels)
    logits = np.log(np.maximum(found.probabilities.astype(np.float64), 1e-12))
    issues = label_issues(outcomes(logits, found.labels), classes=found.probabilities.shape[1])
    return tuple(
        Doubt(
            int(found.rows[one.index]),
            one.target,
            one.predicted,
            one.confidence,
            int(np.sum(found.labels[nearest[one.index]] == one.predicted)),
        )
        for one in sorted(issues, key=lambda one: (-score[one.index], one.index))
    )


def _outliers(last: Floats, labels: NDArray[np.int64], groups: NDArray[np.int64], rows: NDArray[np.int64]) -> Outliers:
    away = far(last, labels, groups)
    if away is None:
        return Outliers()
    order = np.argsort(-away.score, kind="stable")
    chosen = order[: int(np.sum(away.score >= away.threshold))]
    return Outliers(
        tuple(Outlier(int(rows[row]), float(away.score[row]), int(rows[away.nearest[row]])) for row in chosen),
        1.0,
    )
