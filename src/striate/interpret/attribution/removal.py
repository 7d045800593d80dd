"""What "removed" means: a piece of the picture blurred away, or painted in the picture's mean colour. Imports torch."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from striate.errors import DescribeError

REMOVALS = {
    "blur": "blurred until nothing in it can be told, as wide as an eighth of the picture",
    "grey": "painted in the mean colour of the picture",
}


def without(inputs: Tensor, removal: str) -> Tensor:
    """Return inputs (N, C, H, W) with everything removed, each picture by itself.

    ``blur``: Gaussian, its standard deviation 1/8 of the shorter side, edges repeated; ``grey``: the mean of each
    channel. Errors: DescribeError for another word.
    """
    if removal == "grey":
        return inputs.mean((2, 3), keepdim=True).expand_as(inputs)
    if removal != "blur":
        raise DescribeError(f"there is no removal {removal!r}; there are {', '.join(REMOVALS)}")
    sigma = min(inputs.shape[2:]) / 8
    reach = math.ceil(3 * sigma)
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2).to(inputs)
    line = line / line.sum()
    flat = inputs.reshape(-1, 1, *inputs.shape[2:])
    flat = functional.conv2d(functional.pad(flat, (0, 0, reach, reach), "replicate"), line.view(1, 1, -1, 1))
    flat = functional.conv2d(functional.pad(flat, (reach, reach, 0, 0), "replicate"), line.view(1, 1, 1, -1))
    return flat.view_as(inputs)


def cells(height: int, width: int, across: int) -> Tensor:
    """Return which cell of a grid each pixel is in, (H, W) numbers from 0, row by row.

    The grid has ``across`` cells a side, fewer where the picture has fewer pixels.
    """
    down, along = min(across, height), min(across, width)
    rows = torch.arange(height) * down // height
    columns = torch.arange(width) * along // width
    return rows[:, None] * along + columns
