"""Small folders drawn from large ones, trained as `striate train` does, and asked about all that was not drawn."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import SHARED
from striate.data.folds import Folds, fold
from striate.engine.fit import fit
from striate.engine.head import HeadTraining, watch_head
from striate.engine.head_folds import cross_validated
from striate.engine.infer import infer
from striate.recipe import Recipe
from striate.tasks.classify import Classify
from striate.tasks.objective import Objective
from striate.tasks.task import Labels
from striate.verbs.prepare import prepare
from striate.verbs.prepared import Prepared
from striate.verbs.start import open_start
from striate.verbs.workspace import Workspace

WEIGHTS = os.environ.get("STRIATE_WEIGHTS", "imagenet-squeezenet1_0")
HEAD = Recipe(task="classify", start=WEIGHTS).settled(pictures=1000, height=224, width=224)


@dataclass(frozen=True, eq=False)
class Large:
    """A large folder: ``features`` (N, D), ``targets`` (N,), ``digests``; copies of a picture are in it once."""

    features: np.ndarray
    targets: np.ndarray
    digests: list[bytes]


@dataclass(frozen=True, eq=False)
class Drawn:
    """A small folder: its out-of-fold logits, and the logits of the kept model on the rest."""

    logits: np.ndarray
    targets: np.ndarray
    folds: np.ndarray
    rest_logits: np.ndarray
    rest_targets: np.ndarray


def features_of(name: str) -> Large:
    """Return the features of a large folder, from the cache where they were made before."""
    from striate.verbs.tune import begin_tuning

    os.environ.setdefault("STRIATE_DATA", str(SHARED / "weights"))
    with tempfile.TemporaryDirectory() as runs:
        start = open_start(WEIGHTS, workspace=Workspace(Path(runs)))
        recipe = Recipe(source=str(SHARED / name), start=WEIGHTS, tune="head", device="cpu")
        prepared = prepare(recipe, start=start)
        values = begin_tuning(prepared, start).features.values
    rows = _different(prepared)
    return Large(np.array(values[rows]), prepared.targets[rows], [prepared.store.digests[row] for row in rows])


def drawn_heads(large: Large, size: int, seed: int) -> Drawn:
    """Return a small folder of ``size`` pictures, its head cross-validated, and the kept head on the rest."""
    classes = int(large.targets.max()) + 1
    rows, rest = _draw(len(large.targets), size, seed)
    features, targets = large.features[rows], large.targets[rows]
    folds = fold(targets, [large.digests[row] for row in rows], range(size), seed=seed, count=5, draws=3)
    assert folds is not None
    objective = Objective(Classify(), Labels(tuple(map(str, range(classes))), targets, targets >= 0), HEAD)
    under_way = cross_validated(features, objective, folds, epochs=100)
    while True:
        try:
            next(under_way)
        except StopIteration as end:
            answers = end.value
            break
    head = HeadTraining(features, objective, range(size), (), epochs=100, path=answers.path)
    for _ in watch_head(head):
        pass
    weight, bias = head.dense()
    others = (torch.from_numpy(large.features[rest]) @ weight.T + bias).numpy()
    return _found(folds, answers.output, targets, others, large.targets[rest])


def pictures_of(name: str, *, net: str, epochs: int) -> Prepared:
    """Return a large folder decoded, with a settled recipe for a net from chance."""
    recipe = Recipe(source=str(SHARED / name), net=net, epochs=epochs, folds=5, device="cpu", threads=1)
    return prepare(recipe)


def drawn_nets(large: Prepared, size: int, seed: int, *, most: int = 4000) -> Drawn:
    """Return a small folder of ``size`` pictures, its net cross-validated, and the kept net on ``most`` of the rest."""
    from dataclasses import replace

    from striate.verbs.chance import from_chance
    from striate.verbs.folds import fold_prepared

    rows, rest = _draw(len(large.targets), size, seed, _different(large))
    recipe = large.recipe.changed(seed=seed, batch=32)
    folds = fold(large.targets, large.store.digests, rows.tolist(), seed=seed, count=5)
    assert folds is not None
    logits = np.zeros((size, len(large.source.label_names)), np.float32)
    place = {int(row): number for number, row in enumerate(folds.dealt)}

    def trained(some: np.ndarray):
        training = from_chance(replace(fold_prepared(large, some), recipe=recipe))
        for _ in fit(training):
            pass
        return training.final_model()

    for number in range(folds.count):
        held = folds.held(0, number)
        logits[[place[int(row)] for row in held]] = infer(trained(folds.others(0, number)), large.store, held)[0]
    others = rest[:most]
    said = infer(trained(rows), large.store, np.sort(others))[0]
    return _found(folds, logits, large.targets[folds.dealt], said, large.targets[np.sort(others)])


def _found(folds: Folds, logits: np.ndarray, targets: np.ndarray, rest: np.ndarray, wanted: np.ndarray) -> Drawn:
    measured = np.isin(folds.dealt, folds.measured)
    kept = logits if len(logits) == measured.sum() else logits[measured]
    return Drawn(kept, targets[measured], folds.places[0, folds.measured], rest, wanted)


def _draw(pictures: int, size: int, seed: int, among: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows are the small folder, in rising order, and the others, shuffled."""
    order = np.random.default_rng([seed, size]).permutation(np.arange(pictures) if among is None else among)
    return np.sort(order[:size]), order[size:]


def _different(prepared: Prepared) -> np.ndarray:
    """Return the first row of every different picture."""
    first: dict[bytes, int] = {}
    for row, digest in enumerate(prepared.store.digests):
        first.setdefault(digest, row)
    return np.sort(np.array(list(first.values()), np.int64))


__all__ = ["Drawn", "Large", "drawn_heads", "drawn_nets", "features_of", "pictures_of"]
