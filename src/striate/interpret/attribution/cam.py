"""Grad-CAM and LayerCAM: which places of a part's map speak for the answer. Imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from striate.model.build.model import Model
from striate.tasks.question import Question


class Map(NamedTuple):
    """What a part puts out for a picture (C, h, w), and the gradient of the score by it."""

    values: Tensor
    gradients: Tensor


def maps(model: Model, inputs: Tensor, question: Question, parts: Sequence[str]) -> list[Map]:
    """Return the maps of parts for one picture (1, C, H, W), all from one pass forward and one back."""
    with torch.enable_grad():
        output, seen = model.forward_with(inputs.detach().requires_grad_(), parts)
        values = [seen[part] for part in parts]
        gradients = torch.autograd.grad(question.score(output).sum(), values)
    return [Map(value.detach()[0], gradient[0]) for value, gradient in zip(values, gradients, strict=True)]


def grad_cam(at: Map) -> Tensor:
    """Return the channels of a map, weighted by their mean gradients and summed, negatives cut: (h, w).

    Selvaraju et al. 2017, "Grad-CAM", equations 1 and 2.

    Example: ``grad_cam(maps(model, inputs, ClassQuestion(1), ["conv2"])[0]).shape`` is ``(8, 8)``.
    """
    return (at.gradients.mean((1, 2), keepdim=True) * at.values).sum(0).relu()


def layer_cam(at: Map) -> Tensor:
    """Return the channels of a map, each place weighted by its own gradient where that is positive: (h, w).

    Jiang et al. 2021, "LayerCAM", equations 6 to 8: sharp in early parts too, where a mean gradient says little.
    """
    return (at.gradients.relu() * at.values).sum(0).relu()


def spread(small: Tensor, height: int, width: int) -> Tensor:
    """Return a map (h, w) brought to the size of the network's input, linearly between the middles of its places."""
    return functional.interpolate(small[None, None], (height, width), mode="bilinear", align_corners=False)[0, 0]
