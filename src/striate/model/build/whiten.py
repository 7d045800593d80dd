"""A first convolution that begins by whitening: its outputs are uncorrelated and of unit size. Imports model.

Neighbouring pixels are nearly equal, so a convolution drawn at random begins by answering to one thing, brightness,
over and over. The principal components of the patches, each divided by its deviation, answer to as many as there are.
Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (arXiv:2404.00498, 2024), section 3.2, after Page (2018).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from striate.model.build.model import Model

PATCHES = 200_000  # at most; more change the components no longer
_NUMBERS = 2**24  # in all the patches, at most: 128 MB
_SMALLEST = 1e-3  # added to a component's variance, in that of a normalised pixel: noise is not blown up


@torch.no_grad()
def whiten(model: Model, pixels: np.ndarray, rows: np.ndarray) -> None:
    """Set the filters of the first convolution: each component of its patches, with either sign, largest first.

    ``pixels`` (N, H, W, C) uint8 are the store's, ``rows`` those to learn from. Filters beyond twice the components
    (or an odd one out) stay as they were drawn; all of them are trained afterwards as ever. The net must begin with a
    convolution that sees all channels, as `striate.verbs.prepare.plan` sees to.

    Example: ``whiten(model, store.pixels, np.array(split.train))``
    """
    first = next(one for one in model.modules() if isinstance(one, nn.Conv2d))
    components = _components(first, model, pixels, rows)
    pairs = min(len(first.weight) // 2, len(components))
    for sign, place in ((1, 0), (-1, pairs)):
        first.weight[place : place + pairs] = sign * components[:pairs].to(first.weight)


def _components(conv: nn.Conv2d, model: Model, pixels: np.ndarray, rows: np.ndarray) -> Tensor:
    """Return the whitening filters (C·h·w, C, h, w), that of the largest variance first."""
    height, width = conv.kernel_size
    channels = conv.in_channels
    length = channels * height * width
    places = max(1, pixels.shape[1] * pixels.shape[2] // (conv.stride[0] * conv.stride[1]))
    most = max(1, min(PATCHES, _NUMBERS // length))
    chosen = rows[:: max(1, -(-len(rows) * places // most))]
    inputs = model.normalise(torch.from_numpy(pixels[chosen]).permute(0, 3, 1, 2))
    patches = functional.unfold(inputs, conv.kernel_size, dilation=conv.dilation, stride=conv.stride)
    patches = patches.transpose(1, 2).reshape(-1, length).double()
    variances, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters: Tensor = (vectors / (variances.clamp(min=0) + _SMALLEST).sqrt()).T.flip(0)
    filters = filters.reshape(-1, channels, height, width)
    return filters
