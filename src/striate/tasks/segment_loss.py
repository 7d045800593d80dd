"""What masks are learnt by: a cross-entropy of every cell, and how well the areas overlap, picture by picture.

Both are taken on the cells of the net's last map, against the share of each cell's pixels that is of each class: at an
edge a cell is a bit of both. Pixels of which nothing is said take no part.
"""

from __future__ import annotations

import torch
from torch import Tensor


def class_shares(targets: Tensor, classes: int, size: tuple[int, int]) -> Tensor:
    """Return which share of each cell's pixels is of each class, (N, K, h, w) float32, of masks (N, H, W) of class ids.

    A pixel belongs to the cell that its middle falls into; of one that is void (any id beyond the classes) it is of
    none. So the shares of a cell sum to the labelled share of it; a cell without pixels has none.

    >>> class_shares(torch.tensor([[[0, 1, 1, 255]]], dtype=torch.uint8), 2, (1, 2)).tolist()
    [[[[0.5, 0.0]], [[0.5, 0.5]]]]
    """
    (number, tall, wide), (height, width), device = targets.shape, size, targets.device
    rows = (2 * torch.arange(tall, device=device) + 1) * height // (2 * tall)
    columns = (2 * torch.arange(wide, device=device) + 1) * width // (2 * wide)
    each, cells = classes + 1, height * width
    begins = ((rows[:, None] * width + columns) * each).int()
    found = torch.empty(number, cells, each, device=device)
    for row, mask in zip(found, targets, strict=True):  # one by one: what is counted stays in the cache
        places = mask.clamp(max=classes).int().add_(begins)
        row.copy_(torch.bincount(places.flatten(), minlength=cells * each).view(cells, each))
    pixels = torch.bincount(rows, minlength=height)[:, None] * torch.bincount(columns, minlength=width)
    counts = found.view(number, height, width, each).permute(0, 3, 1, 2)
    return counts[:, :classes] / pixels.clamp_(min=1)


def cross_entropy(logits: Tensor, shares: Tensor, *, weights: Tensor | None = None, smoothing: float = 0.0) -> Tensor:
    """Return the cross-entropy of logits (N, K, h, w) against shares, summed over cells and divided by all of them.

    ``weights`` (K,) are those of the classes. A cell counts for the labelled share of it, so that parts of a batch add
    up to the whole. ``smoothing`` is the share of each label that goes to all classes alike.
    """
    aims = shares
    if smoothing:
        aims = (1 - smoothing) * shares + smoothing / shares.shape[1] * shares.sum(1, keepdim=True)
    if weights is not None:
        aims = aims * weights.to(aims)[:, None, None]
    number, _, height, width = logits.shape
    return -(aims * logits.float().log_softmax(1)).sum() / (number * height * width)


def dice(logits: Tensor, shares: Tensor) -> Tensor:
    """Return how far areas are from overlapping, 0 to 1: the mean over the classes of each picture, and over pictures.

    It is 1 - 2 sum(p g) / (sum(p^2) + sum(g^2)) with probabilities p and shares g of the labelled cells (Milletari,
    Navab and Ahmadi, "V-Net", 2016, section 3). A class that a picture does not show has no area to be found there.
    """
    likely = logits.float().softmax(1) * shares.sum(1, keepdim=True)
    overlap = (likely * shares).sum((2, 3))
    both = likely.square().sum((2, 3)) + shares.square().sum((2, 3))
    there = (shares.amax((2, 3)) > 0).to(both.dtype)
    apart = there * (1 - 2 * overlap / both.clamp(min=1e-6))
    return (apart.sum(1) / there.sum(1).clamp(min=1)).sum() / len(logits)
