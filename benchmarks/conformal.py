"""How often the 90 % intervals of predicted numbers hold the true one, over many small lists drawn from real ones.

Features of cells-vgg (counts) and steering-sim (angles) are made once by the trunk; from each, lists are drawn, a head
is cross-validated on each as `striate train` does it, the intervals are made from its out-of-fold errors, and the head
that is kept answers for every picture that was not drawn. A row is a set and a size; its values are one a list, the
share of those pictures whose number lay in its interval. The notes give the mean coverage, which is to lie between 88
and 92 %, and the mean width, beside that of intervals that are as wide everywhere.

STRIATE_DRAWN says how many lists a size (40), STRIATE_WEIGHTS from which weights the features are.
"""

import os
import tempfile
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import SHARED
from benchmarks.table import Result, Row
from striate.data.folds import fold
from striate.data.strata import strata_of
from striate.engine.head import HeadTraining, watch_head
from striate.engine.head_folds import HeadAnswers, cross_validated
from striate.recipe import Recipe
from striate.tasks.conformal import covered, fit_conformal
from striate.tasks.number_answering import columns_of
from striate.tasks.objective import Objective
from striate.verbs.prepare import prepare
from striate.verbs.start import open_start
from striate.verbs.tune import begin_tuning
from striate.verbs.workspace import Workspace

SETS = {"cells-vgg/counts.csv": (60, 100, 150), "steering-sim/angles.csv": (100, 250)}
LISTS = int(os.environ.get("STRIATE_DRAWN", "40"))
WEIGHTS = os.environ.get("STRIATE_WEIGHTS", "efficientnet_lite0")


def run(trials: int) -> Result:
    """Run once, whatever ``trials`` says: the lists are the trials."""
    rows, notes = [], []
    for name, sizes in SETS.items():
        features, objective, digests = features_of(name)
        for size in sizes:
            found = [drawn(features, objective, digests, size, seed) for seed in range(LISTS)]
            shares = np.array([one[0] for one in found])
            rows.append(Row(f"{name}, {size} pictures: in its interval", tuple(shares), "", more=True))
            width, plain = (float(np.mean([one[place] for one in found])) for place in (1, 2))
            notes.append(
                f"{name}, {size} pictures: {100 * shares.mean():.1f} % in their 90 % intervals (deviation over lists"
                f" {100 * shares.std():.1f}), {width:.4g} wide in the mean; as wide everywhere: {plain:.4g}."
            )
            print(notes[-1], flush=True)
    return Result(tuple(rows), (), tuple(notes))


def features_of(name: str) -> tuple[np.ndarray, Objective, list[bytes]]:
    """Return the features of a list's pictures, what is learnt of them, and their digests."""
    os.environ.setdefault("STRIATE_DATA", str(SHARED / "weights"))
    with tempfile.TemporaryDirectory() as runs:
        start = open_start(WEIGHTS, workspace=Workspace(Path(runs)))
        prepared = prepare(Recipe(source=str(SHARED / name), start=WEIGHTS, tune="head", device="cpu"), start=start)
        features = np.array(begin_tuning(prepared, start).features.values)
    return features, prepared.objective, list(prepared.store.digests)


def drawn(
    features: np.ndarray, whole: Objective, digests: list[bytes], size: int, seed: int
) -> tuple[float, float, float]:
    """Return the share of pictures not drawn that lie in their intervals, the mean width, and that of plain ones."""
    order = np.random.default_rng(seed).permutation(len(features))
    rows, rest = np.sort(order[:size]), order[size:]
    values = whole.labels.values[rows]
    labels = whole.task.settle(replace(whole.labels, values=values, known=np.ones(size, bool)), range(size))
    objective = Objective(whole.task, labels, whole.config)
    columns = columns_of(labels.kept)
    strata = strata_of(values, np.ones(size, bool), periods=columns.periods)
    folds = fold(strata, [digests[row] for row in rows], range(size), seed=seed, count=5, draws=3)
    assert folds is not None
    answers = result_of(cross_validated(features[rows], objective, folds, epochs=100))
    head = HeadTraining(features[rows], objective, range(size), (), epochs=100, path=answers.path)
    for _ in watch_head(head):
        pass
    weight, bias = (each.numpy() for each in head.dense())
    out, along = columns.decode(answers.output)
    said, where = columns.decode(features[rest] @ weight.T + bias)
    measured, truth = folds.measured, whole.labels.values[rest, 0]
    found = [
        fit_conformal(
            out[:, 0],
            values[measured, 0],
            where=along[:, 0],
            folds=folds.places[0, measured],
            period=columns.periods[0],
            adaptive=adaptive,
        ).halves(where[:, 0])
        for adaptive in (None, False)
    ]
    inside = covered(said[:, 0] - found[0], said[:, 0] + found[0], truth, period=columns.periods[0])
    return float(inside.mean()), float(2 * found[0].mean()), float(2 * found[1].mean())


def result_of(under_way: Generator[Any, None, HeadAnswers]) -> HeadAnswers:
    """Return what a generator returns at its end."""
    while True:
        try:
            next(under_way)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
