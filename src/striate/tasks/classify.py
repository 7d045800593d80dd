"""Pictures into classes: the loss, the answer, the measure of an epoch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional

from striate.metrics.classification import target_ranks
from striate.metrics.probability import checked_targets
from striate.model.build.model import Outputs
from striate.tasks.decode import decode


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


def measure(logits: ArrayLike, targets: ArrayLike) -> dict[str, float]:
    """Return what an epoch is judged by, without intervals: the share of right answers.

    Example: ``measure([[2.0, 0.0]], [0])`` is ``{"accuracy": 1.0}``.
    """
    return {"accuracy": float((target_ranks(logits, targets) == 0).mean())}


__all__ = ["class_weights_balanced", "decode", "loss", "losses", "measure"]
