"""Doubts: labels of a folder that out-of-fold answers speak against (confident learning), with what is nearest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.sources.items import CLASSES
from striate.errors import StriateError
from striate.metrics.intervals import wilson
from striate.metrics.mistakes import label_issues
from striate.metrics.outcomes import outcomes
from striate.search.checks.labels import ALIKE
from striate.search.examined import Doubt, Examined
from striate.search.nearest import directions, middle, nearest
from striate.verbs.index import index
from striate.verbs.workspace import Workspace

if TYPE_CHECKING:
    from striate.search.index_files import Index

FOLDS: Final = 5
DRAWS: Final = 2
EPOCHS: Final = 100
FEWEST: Final = 10  # pictures of each of two classes, below which no label is doubted
SPREAD: Final = 16.0  # directions have length 1; a number of them is then about 1, as weight decays are made for


def doubts(photos: Path, examined: Examined, workspace: Workspace) -> tuple[tuple[Doubt, ...], str]:
    """Return the labels that are worth a look, the one that is thought least of first; and what to know of that.

    Nothing is doubted where the answers are no better than always saying the most frequent class.
    """
    labelled = np.flatnonzero(examined.labels >= 0)
    target = examined.labels[labelled]
    if np.sum(np.bincount(target, minlength=1) >= FEWEST) < 2:
        return (), "labels were not doubted: that takes two classes of 10 pictures each" if len(examined.names) else ""
    try:
        made = index(photos, workspace=workspace).index
    except StriateError as error:
        return (), f"labels were not doubted: {error}"
    place = {path: row for row, path in enumerate(made.paths)}
    there = np.array([examined.paths[row] in place for row in labelled], np.bool_)
    labelled, target = labelled[there], target[there]
    rows = np.array([place[examined.paths[row]] for row in labelled], np.int64)
    workspace.tell(f"asking about {len(rows):,} labels")
    seen, answered = answers(
        features_of(made)[rows], target, [examined.digests[row] for row in labelled], examined.names
    )
    said = outcomes(answered, target[seen])
    majority = float(np.bincount(target).max() / len(target))
    right = wilson(int(said.correct.sum()), len(said))
    if right is None or right.low <= majority:
        return (), "labels were not doubted: the usual trunk does not tell these classes apart"
    found = label_issues(said, classes=len(examined.names))
    alike = _alike(made, rows, target, [int(seen[one.index]) for one in found], [one.predicted for one in found])
    return tuple(
        Doubt(int(labelled[seen[one.index]]), one.target, one.predicted, one.confidence, near)
        for one, near in zip(found, alike, strict=True)
    ), f"labels were doubted by answers that agree with {100 * said.correct.mean():.0f} % of all of them"


def features_of(made: Index) -> NDArray[np.float32]:
    """Return the vectors of an index as features (N, D) for a head: seen from their middle, each of one length."""
    found: NDArray[np.float32] = directions(made.vectors, middle(made.vectors)) * np.float32(SPREAD)
    return found


def answers(
    features: NDArray[np.float32], target: NDArray[np.int64], digests: list[bytes], names: tuple[str, ...]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the rows (M,) that were answered for, and the logits (M, K) of heads that had not seen them.

    ``features`` (N, D) and ``target`` (N,); copies, which have the same digest, are in one fold.
    """
    from striate.data.folds import fold
    from striate.engine.head_folds import cross_validated
    from striate.recipe import Recipe
    from striate.tasks.objective import Objective
    from striate.tasks.table import TASKS, task_of
    from striate.tasks.task import Labels

    task = next(name for name, one in TASKS.items() if one.kind == CLASSES)
    config = Recipe(task=task, start="usual").settled(pictures=len(target), height=224, width=224)
    objective = Objective(task_of(config), Labels(names, target, target >= 0), config)
    folds = fold(target, digests, range(len(target)), seed=0, count=FOLDS, draws=DRAWS)
    if folds is None:
        return np.zeros(0, np.int64), np.zeros((0, len(names)), np.float32)
    under_way = cross_validated(features, objective, folds, epochs=EPOCHS)
    while True:
        try:
            next(under_way)
        except StopIteration as end:
            return folds.measured, end.value.output


def _alike(
    made: Index, rows: NDArray[np.int64], target: NDArray[np.int64], asked: list[int], said: list[int]
) -> list[int]:
    """Return how many of the 10 nearest labelled pictures have the class that was said, of each that is asked."""
    if not asked:
        return []
    seen = directions(made.vectors[rows], middle(made.vectors))
    near = nearest(seen, seen[asked], ALIKE + 1).rows
    return [
        int(sum(target[other] == what for other in [one for one in others if one != row][:ALIKE]))
        for row, what, others in zip(asked, said, near.tolist(), strict=True)
    ]
