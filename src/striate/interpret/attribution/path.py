"""Integrated gradients: what each pixel adds on the way from a picture without anything to this one. Imports torch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from striate.interpret.attribution.question import BACK, batches
from striate.interpret.attribution.removal import without
from striate.model.build.model import Model
from striate.tasks.question import Question

STEPS = 32


def integrated_gradients(
    model: Model, inputs: Tensor, question: Question, *, baseline: Tensor | None = None, steps: int = STEPS
) -> tuple[Tensor, float]:
    """Return each value's part of the score's rise from the baseline to the picture (C, H, W), and what is missing.

    All parts sum to score(picture) - score(baseline), but for the error of ``steps`` points of Gauss-Legendre
    quadrature: the second value is the sum minus the rise. ``baseline`` (1, C, H, W): one even colour, the
    picture's mean, where None; what has the baseline's colour is given nothing. Sundararajan et al. 2017, "Axiomatic
    attribution for deep networks", equations 1 and 3, proposition 1.

    Example: ``integrated_gradients(model, inputs, ClassQuestion(1))[0].shape`` is ``(3, 16, 16)``.
    """
    inputs = inputs.detach()
    baseline = without(inputs, "grey") if baseline is None else baseline.detach()
    points, weights = np.polynomial.legendre.leggauss(steps)
    along = torch.tensor((points + 1) / 2, dtype=inputs.dtype).view(-1, 1, 1, 1)
    share = torch.tensor(weights / 2, dtype=inputs.dtype).view(-1, 1, 1, 1)
    total = torch.zeros_like(inputs[0])
    for at, weight in zip(batches(along, BACK), batches(share, BACK), strict=True):
        with torch.enable_grad():
            way = (baseline + at * (inputs - baseline)).requires_grad_()
            (gradient,) = torch.autograd.grad(question.score(model(way)).sum(), way)
        total += (weight * gradient).sum(0)
    parts = (inputs - baseline)[0] * total
    with torch.no_grad():
        ends = question.score(model(torch.cat([baseline[:1], inputs])))
    return parts, float(parts.double().sum() - (ends[1] - ends[0]).double())
