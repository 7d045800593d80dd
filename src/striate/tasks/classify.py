"""Pictures into classes: the loss, the answer, the measure of an epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional

from striate.errors import StriateError
from striate.metrics.classification import target_ranks
from striate.metrics.probability import checked_scores, checked_targets, softmax
from striate.model.build import Outputs
from striate.tasks.prediction import Scores
from striate.tasks.unknown import Unknown


def loss(
    outputs: Outputs,
    targets: Tensor,
    *,
    label_smoothing: float = 0.0,
    class_weights: Tensor | None = None,
) -> Tensor:
    """Return the cross-entropy of the main output plus that of each side head times its weight, a float32 scalar.

    Example: ``loss(model.outputs(inputs), targets, label_smoothing=0.1).backward()``
    """
    main, *sides = losses(outputs, targets, label_smoothing=label_smoothing, class_weights=class_weights)
    return sum(sides, main)


def losses(
    outputs: Outputs,
    targets: Tensor,
    *,
    label_smoothing: float = 0.0,
    class_weights: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Return what ``loss`` adds up: the cross-entropy of the main output, then each side head's times its weight.

    ``targets`` (N,) int64. ``label_smoothing`` shares out that part of the certainty among all classes (Szegedy et al.
    2016, section 7). ``class_weights`` (K,) multiply the pictures of each class. The sum is divided by the number of
    pictures, not by their weights, so that parts of a batch add up to exactly the whole.

    Source: Szegedy et al. 2014, section 5, for the side heads. Example: ``main, *sides = losses(outputs, targets)``
    """
    return tuple(
        share
        * functional.cross_entropy(
            logits.float(), targets, weight=class_weights, label_smoothing=label_smoothing, reduction="sum"
        )
        / len(targets)
        for logits, share in ((outputs.main, 1.0), *outputs.sides)
    )


def class_weights_balanced(targets: ArrayLike, classes: int) -> Tensor:
    """Return (K,) float32 weights under which every class counts the same, 1 on average over the pictures.

    A class of n of N pictures, where k classes occur, gets N / (k n); one without pictures gets 0.

    Example: ``class_weights_balanced([0, 0, 0, 1], 2)`` is ``[0.667, 2.0]``.
    """
    wanted = np.asarray(targets)
    wanted = checked_targets(wanted, pictures=len(wanted), classes=classes)
    counts = np.bincount(wanted, minlength=classes).astype(np.float64)
    present = counts > 0
    weights = np.zeros(classes)
    weights[present] = len(wanted) / (present.sum() * counts[present])
    return torch.from_numpy(weights.astype(np.float32))


def decode(
    logits: ArrayLike,
    classes: Sequence[str],
    *,
    temperature: float = 1.0,
    embeddings: ArrayLike | None = None,
    unknown: Unknown | None = None,
) -> list[Scores]:
    """Return the answer to each of (N, K) logits: calibrated probabilities, and whether it is none of the classes.

    Whether a picture is unknown is looked at where both its embedding (N, D) and ``unknown`` are given.

    Example: ``decode([[2.0, 0.0]], ("cat", "dog"))[0].best`` is ``"cat"``.
    """
    matrix, names = checked_scores(logits), tuple(classes)
    if matrix.shape[1] != len(names):
        raise StriateError(f"the logits have {matrix.shape[1]} columns but there are {len(names)} classes")
    probabilities = softmax(matrix, temperature)
    if unknown is None or embeddings is None:
        return [Scores(names, row) for row in probabilities]
    strangeness = unknown.score(embeddings, matrix)
    flags = unknown.is_unknown(strangeness)
    return [
        Scores(names, row, unknown=bool(flag), strangeness=float(strange))
        for row, flag, strange in zip(probabilities, flags, strangeness, strict=True)
    ]


def measure(logits: ArrayLike, targets: ArrayLike) -> dict[str, float]:
    """Return what an epoch is judged by, without intervals: the share of right answers.

    Example: ``measure([[2.0, 0.0]], [0])`` is ``{"accuracy": 1.0}``.
    """
    return {"accuracy": float((target_ranks(logits, targets) == 0).mean())}
