"""A first convolution that begins by whitening: its outputs are uncorrelated and of unit size. Imports errors, model.

Neighbouring pixels are nearly equal, so a convolution drawn at random begins by answering to one thing, brightness,
over and over. The principal components of the patches, each divided by its deviation, answer to as many as there are.
Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (arXiv:2404.00498, 2024), section 3.2, after Page (2018).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from striate.errors import RecipeError
from striate.model.build import Model

PATCHES = 200_000  # at most; more change the components no longer
_SMALLEST = 1e-3  # added to a component's variance, in that of a normalised pixel: noise is not blown up


@torch.no_grad()
def whiten(model: Model, pixels: np.ndarray, rows: np.ndarray) -> None:
    """Set the filters of the first convolution: each component of its patches, with either sign, largest first.

    ``pixels`` (N, H, W, C) uint8 are the store's, ``rows`` those to learn from. Filters beyond twice the components
    (or an odd one out) stay as they were drawn; all of them are trained afterwards as ever.

    Errors: RecipeError where the net does not begin with a plain convolution.

    Example: ``whiten(model, store.pixels, np.array(split.train))``
    """
    path, first = next(
        one for one in model.named_modules() if one[0] not in ("", "input") and not any(one[1].children())
    )
    if not (isinstance(first, nn.Conv2d) and first.groups == 1 and isinstance(first.weight, nn.Parameter)):
        raise RecipeError(
            f"whiten: the net begins with {path}, and what can begin by whitening is a convolution without groups;"
            " leave whiten out"
        )
    components = _components(first, model, pixels, rows)
    pairs = min(len(first.weight) // 2, len(components))
    for sign, place in ((1, 0), (-1, pairs)):
        first.weight[place : place + pairs] = sign * components[:pairs].to(first.weight)


def _components(conv: nn.Conv2d, model: Model, pixels: np.ndarray, rows: np.ndarray) -> Tensor:
    """Return the whitening filters (C·h·w, C, h, w), that of the largest variance first."""
    height, width = conv.kernel_size
    channels = conv.in_channels
    places = max(1, pixels.shape[1] * pixels.shape[2] // (conv.stride[0] * conv.stride[1]))
    chosen = rows[:: max(1, -(-len(rows) * places // PATCHES))]
    inputs = model.normalise(torch.from_numpy(pixels[chosen]).permute(0, 3, 1, 2))
    patches = inputs.unfold(2, height, conv.stride[0]).unfold(3, width, conv.stride[1])
    patches = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, channels * height * width).double()
    variances, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters: Tensor = (vectors / (variances.clamp(min=0) + _SMALLEST).sqrt()).T.flip(0)
    filters = filters.reshape(-1, channels, height, width)
    return filters
