"""The losses that tags are learnt by: each tag a yes or no by itself, summed over tags, a mean over pictures."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional

from striate.metrics.probability import checked_tags

GAMMA_POSITIVE, GAMMA_NEGATIVE, MARGIN = 0.0, 4.0, 0.05  # those of Ridnik et al. 2021, section 3.1


def cross_entropy(
    logits: Tensor, targets: Tensor, *, positive_weights: Tensor | None = None, smoothing: float = 0.0
) -> Tensor:
    """Return the binary cross-entropy of (N, T) logits and (N, T) tags, a float32 scalar.

    It is summed over the tags, so that each is learnt as by a logistic regression of its own, and divided by the number
    of pictures, so that parts of a batch add up to the whole. ``positive_weights`` (T,) multiply what a tag's positives
    count. ``smoothing`` moves the aims from 0 and 1 by half of it, to 0.05 and 0.95 for 0.1.

    Example: ``cross_entropy(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]))`` is 1.386.
    """
    aims = targets.float() * (1 - smoothing) + smoothing / 2
    total = functional.binary_cross_entropy_with_logits(
        logits.float(), aims, pos_weight=positive_weights, reduction="sum"
    )
    return total / len(targets)


def asymmetric(
    logits: Tensor,
    targets: Tensor,
    *,
    gamma_positive: float = GAMMA_POSITIVE,
    gamma_negative: float = GAMMA_NEGATIVE,
    margin: float = MARGIN,
    positive_weights: Tensor | None = None,
) -> Tensor:
    """Return the asymmetric loss of (N, T) logits and (N, T) tags, summed over tags, a mean over pictures.

    The loss of a tag that is there is multiplied by (1 - p) ** gamma_positive; that of one that is not, -log(1 - q), by
    q ** gamma_negative, where q is p less ``margin``, at least 0: of the many pictures without a tag the easy ones,
    below the margin, count nothing. With 0 for all three it is the binary cross-entropy.

    Source: Ridnik et al. 2021, "Asymmetric Loss For Multi-Label Classification", equations 4 to 7.
    Example: ``asymmetric(torch.tensor([[0.0, -9.0]]), torch.tensor([[1.0, 0.0]]))`` is 0.693.
    """
    logits, there = logits.float(), targets.float()
    p = torch.sigmoid(logits)
    found = functional.logsigmoid(logits)
    if gamma_positive:
        found = found * (1 - p) ** gamma_positive
    if positive_weights is not None:
        found = found * positive_weights
    if margin:
        # -log(1 - q) is 0 up to the margin, and so is its slope.
        moved = (p - margin).clamp(min=0.0)
        passed = torch.log1p(-moved)
    else:
        moved, passed = p, functional.logsigmoid(-logits)
    if gamma_negative:
        passed = passed * moved**gamma_negative
    return -(there * found + (1 - there) * passed).sum() / len(targets)


def positive_weights_balanced(targets: ArrayLike) -> Tensor:
    """Return (T,) float32 weights of the positives under which each tag's count as much as its negatives.

    A tag that n of N pictures have gets (N - n) / n; one that none or all of them have gets 1.

    Example: ``positive_weights_balanced([[1], [0], [0], [0]])`` is ``[3.0]``.
    """
    wanted = np.asarray(targets)
    wanted = checked_tags(wanted, pictures=wanted.shape[0], tags=wanted.shape[1])
    there = wanted.sum(axis=0).astype(np.float64)
    missing = len(wanted) - there
    weights = np.where((there > 0) & (missing > 0), missing / np.maximum(there, 1), 1.0)
    return torch.from_numpy(weights.astype(np.float32))
