"""What densities are learnt by: the square of what they are off by, cell by cell, and how far off the whole count is.

A dot becomes a Gaussian of a cell's width that sums to 1 within the picture, so that the density sums to the count
(Lempitsky and Zisserman, "Learning to count objects in images", 2010). A density is a softplus of what the net puts
out, less 4: never below 0, and near nothing where the net says nothing yet. Of a softplus, a ReLU and the plain output
it learnt soonest in a small net on cells-vgg (one seed, validation pictures: off by 7.2, 7.6 and 15.3).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from striate.tasks.points import LATE

SPREAD = 1.0  # standard deviation of a dot's Gaussian, in cells
WHOLE = 0.25  # what the error of the whole count weighs, beside that of the cells (measured as above)
SMALL = 0.1  # of the count: errors below count by their square, those above as they are


def densities(maps: Tensor) -> Tensor:
    """Return what maps (N, K, h, w) say of how many objects of each class are in each cell, float32, at least 0.

    >>> densities(torch.full((1, 1, 1, 1), 4.0)).item() == torch.tensor(2.0).log().item()
    True
    """
    return functional.softplus(maps.float() - LATE)


def rendered(targets: Tensor, classes: int, size: tuple[int, int]) -> Tensor:
    """Return the densities (N, K, h, w) of dots (N, M, 3): class, x and y; a class below 0 is none.

    x and y are shares of the picture's sides. Each dot is spread by a Gaussian over cells, and sums to 1.

    >>> rendered(torch.tensor([[[0.0, 0.25, 0.5], [-1.0, 0.0, 0.0]]]), 1, (1, 2)).sum().item()
    1.0
    """
    which = targets[..., 0].round().long()
    mine = which[:, None] == torch.arange(classes, device=targets.device)[:, None]  # (N, K, M)
    down, across = (_spread(targets[..., 2 - axis] * size[axis], size[axis]) for axis in (0, 1))
    lines = mine.to(down.dtype)[..., None] * down[:, None]  # (N, K, M, h)
    return lines.transpose(2, 3) @ across[:, None]


def _spread(places: Tensor, cells: int) -> Tensor:
    """Return how a dot at each of places (N, M) in cells is spread over them, (N, M, cells), each summing to 1."""
    middles = torch.arange(cells, device=places.device, dtype=torch.float32) + 0.5
    return (-0.5 * ((middles - places.float()[..., None]) / SPREAD).square()).softmax(-1)


def density_error(found: Tensor, wanted: Tensor) -> Tensor:
    """Return the squared error of densities (N, K, h, w), summed over cells, for each object and one more a picture."""
    apart = (found - wanted).square().sum((2, 3)) / (wanted.sum((2, 3)) + 1)
    return apart.sum() / len(found)


def count_error(counted: Tensor, wanted: Tensor) -> Tensor:
    """Return how far off counts (N, K) are, as a share of one more than the true ones, a quarter of it.

    Small errors count by their square.
    """
    size = wanted + 1
    apart = functional.smooth_l1_loss(counted / size, wanted / size, beta=SMALL, reduction="none")
    return WHOLE * apart.sum() / len(counted)


def dots_of(targets: Tensor, classes: int) -> Tensor:
    """Return how many dots (N, M, 3) are of each class, (N, K) float32.

    >>> dots_of(torch.tensor([[[0.0, 0.5, 0.5], [-1.0, 0.0, 0.0]]]), 2).tolist()
    [[1.0, 0.0]]
    """
    which = targets[..., 0].round()
    return torch.stack([(which == place).sum(1) for place in range(classes)], 1).float()
