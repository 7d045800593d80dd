"""A head cross-validated: every picture answered for by heads on the same features that had not seen it.

For each fold the head is fitted to the others and answers for its own. The weight decay it does that with is chosen
among the others too: heads are fitted along the whole path of decays without that fold and one of its neighbours, and
judged by their loss on the neighbour (nested cross-validation; Varma and Simon 2006, "Bias in error estimation when
using cross-validation for model selection"). A head without folds 1 and 2 judges for either of them, so that there are
as many of these as folds. The decay of the head that is kept is chosen by all these losses together. Nothing is drawn
by chance but the folds.

With several draws of the folds a picture's answer is the mean of its outputs. A head is linear in the features, so the
mean of heads is a head: the answer is one head's, that has not seen the picture, and is no more than one answer.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from striate.data.folds import Folds
from striate.engine.head import path_of
from striate.engine.heads import Problem, along
from striate.tasks.objective import Objective


@dataclass(frozen=True, eq=False)
class HeadAnswers:
    """The answers ``output`` (M, width) float32 to ``Folds.measured``, in that order.

    ``path`` are the decays of the head that is to be kept, the chosen one last. ``weights`` (draws, folds, width, D)
    and ``biases`` (draws, folds, width) are the heads of the folds.
    """

    output: NDArray[np.float32]
    path: tuple[float, ...]
    weights: NDArray[np.float32]
    biases: NDArray[np.float32]


def cross_validated(
    features: NDArray[np.float32],
    objective: Objective,
    folds: Folds,
    *,
    epochs: int,
    decay: float | None = None,
) -> Generator[tuple[int, int], None, HeadAnswers]:
    """Answer for every picture by heads that have not seen it; yield how far it is (done, of), return the answers.

    ``epochs`` is the most passes over the features on a path, ``decay`` one weight decay in place of a choice.
    Where the recipe asks for weights, each head's are those of the pictures that it is fitted to.

    Example: ``done, of = list(cross_validated(features, prepared.objective, folds, epochs=20))[-1]; done == of``
    """
    path = path_of(objective.task, decay, choose=True)
    chosen = decay is None and folds.count > 2  # of two folds nothing is left to choose by
    rows, measured = folds.dealt, folds.measured
    task, width = objective.task, objective.width
    some, wanted, places = np.array(features[rows]), objective.targets[rows], folds.places[:, rows]
    said = objective.labels.values[rows]
    neighbour = (np.arange(folds.count) + 1) % folds.count
    without = places[:, None, :] != np.arange(folds.count)[:, None]  # (draws, folds, pictures)
    heads = (folds.draws * folds.count, len(rows))

    def problem(sees: NDArray[np.bool_]) -> list[Problem]:
        return Problem(some, wanted, said, sees.reshape(heads), objective).parts()

    one_path = len(problem(without))
    of, done = one_path * len(path) * (2 if chosen else 1), 0
    losses = np.zeros((folds.draws, folds.count, len(path)))  # by the fold that is chosen for
    if chosen:
        sees, begin = without & without[:, neighbour], 0
        for part in problem(sees):
            for step, (weight, bias) in enumerate(along(part, path, epochs=epochs)):
                for head in range(len(part.sees)):
                    draw, fold = divmod(begin + head, folds.count)
                    known = task.judges(said, said[part.sees[head]])
                    for mine, other in ((fold, neighbour[fold]), (neighbour[fold], fold)):
                        judges = ~without[draw, other] & known
                        output = some[judges] @ weight[head].numpy().T + bias[head].numpy()
                        losses[draw, mine, step] += _loss(objective, output, wanted[judges])
                done += 1
                yield done, of
            begin += len(part.sees)
    best = losses.argmin(axis=2)  # (draws, folds), the strongest among equals
    if decay is None and not chosen:
        path = path_of(objective.task, None, choose=False)
    weights = np.zeros((*heads[:1], width, features.shape[1]), np.float32)
    biases, begin = np.zeros((*heads[:1], width), np.float32), 0
    for part in problem(without):
        ends = best.reshape(-1)[begin : begin + len(part.sees)]
        for step, (weight, bias) in enumerate(along(part, path[: int(ends.max()) + 1], epochs=epochs)):
            there = begin + np.flatnonzero(ends == step)
            weights[there], biases[there] = weight.numpy()[there - begin], bias.numpy()[there - begin]
            done += 1
            yield done, of
        begin += len(part.sees)
    kept = path[: int(losses.sum(axis=(0, 1)).argmin()) + 1]
    each = weights.reshape(*best.shape, width, -1), biases.reshape(*best.shape, width)
    return HeadAnswers(_answers(features, folds, measured, *each), kept, *each)


def _loss(objective: Objective, output: NDArray[np.float32], targets: NDArray[Any]) -> float:
    """Return the summed loss of some pictures, without weights."""
    there = torch.from_numpy(output).double()
    return float(objective.task.slopes(there, torch.from_numpy(targets), objective.config)[0].sum())


def _answers(
    features: NDArray[np.float32],
    folds: Folds,
    rows: NDArray[np.int64],
    weights: NDArray[np.float32],
    biases: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the mean over the draws of the output (M, width) by the head that has not seen the picture."""
    total = np.zeros((len(rows), biases.shape[2]))
    for draw in range(folds.draws):
        for fold in range(folds.count):
            mine = folds.places[draw, rows] == fold
            total[mine] += features[rows[mine]] @ weights[draw, fold].T + biases[draw, fold]
    return (total / folds.draws).astype(np.float32)
