"""Occlusion: how far the score falls when a window of the picture is covered. Imports torch."""

from __future__ import annotations

from itertools import product
from math import ceil

import torch
from torch import Tensor

from striate.interpret.attribution.question import BATCH, answers
from striate.interpret.attribution.removal import without
from striate.model.build.model import Model
from striate.tasks.question import Question

WINDOWS = 8  # across the picture; they overlap by half


def occlusion(
    model: Model,
    inputs: Tensor,
    question: Question,
    *,
    window: int | None = None,
    stride: int | None = None,
    removal: str = "grey",
) -> Tensor:
    """Return by how much the score falls where the picture (1, C, H, W) is covered: (H, W).

    A square ``window`` of pixels moves by ``stride``; a pixel's value is the mean over the windows that cover it. The
    last window of a row may reach beyond the edge. Zeiler and Fergus 2014, section 4.2.

    Example: ``occlusion(model, inputs, ClassQuestion(1), window=4, stride=2).shape`` is ``(16, 16)``.
    """
    height, width = inputs.shape[2:]
    window = window or ceil(min(height, width) / WINDOWS)
    stride = stride or max(1, window // 2)
    cover = without(inputs, removal)
    corners = list(
        product(*(range(0, stride * (ceil(max(side - window, 0) / stride) + 1), stride) for side in (height, width)))
    )
    total, count = torch.zeros(height, width), torch.zeros(height, width)
    before = question.score(answers(model, inputs))
    for start in range(0, len(corners), BATCH):
        few = corners[start : start + BATCH]
        covered = inputs.repeat(len(few), 1, 1, 1)
        for picture, (top, left) in zip(covered, few, strict=True):
            picture[:, top : top + window, left : left + window] = cover[0, :, top : top + window, left : left + window]
        for fall, (top, left) in zip(before - question.score(answers(model, covered)), few, strict=True):
            total[top : top + window, left : left + window] += fall
            count[top : top + window, left : left + window] += 1
    return total / count.clamp(min=1)
