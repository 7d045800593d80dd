"""How alike two evidence pictures are: by the ranks of their pixels, and by what an eye compares, their structure.

Adebayo et al. 2018 measure both, as either can be fooled alone. Ranks are lost in the faint pixels, which are most: a
picture of strong lines over faint noise stays the same to the eye while its ranks are all changed. Structure is lost in
blank areas: two pictures that are empty but for a few places are alike there, wherever those places are; so it is
measured against the same two pictures moved apart. Imports torch.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

WINDOW = 7  # pixels
_MOVES = ((0.5, 0.0), (0.0, 0.5), (0.5, 0.5))  # of the sides, around the edges


def rank_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return Spearman's rank correlation of two arrays, equal values sharing their mean rank; 0 where one is even."""
    a, b = (_ranks(each.ravel()) for each in (first, second))
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size else 0.0


def ssim(first: NDArray[np.float32], second: NDArray[np.float32], *, window: int = WINDOW) -> float:
    """Return the structural similarity of two pictures (H, W) with values from 0 to 1: 1 for the same.

    The mean over all windows that lie within. Wang et al. 2004, "Image quality assessment", equation 13, with even
    windows and sample variances, as scikit-image has it. A window is no larger than the picture.
    """
    side = min(window, *first.shape)
    pair = torch.from_numpy(np.stack([first, second])).double()
    x, y = pair

    def mean(values: Tensor) -> Tensor:  # of each window, from the sums of all that lies above and to the left
        sums = functional.pad(values.cumsum(0).cumsum(1), (1, 0, 1, 0))
        over = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
        means: Tensor = over / (side * side)
        return means

    count = side * side
    sample = count / max(1, count - 1)
    of_x, of_y = mean(x), mean(y)
    square_x, square_y = (sample * (mean(each * each) - at * at) for each, at in ((x, of_x), (y, of_y)))
    both = sample * (mean(x * y) - of_x * of_y)
    low, high = 0.01**2, 0.03**2
    above = (2 * of_x * of_y + low) * (2 * both + high)
    below = (of_x * of_x + of_y * of_y + low) * (square_x + square_y + high)
    return float((above / below).mean())


def structure(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return how much more alike two pictures are as they lie than moved apart: 1 the same, 0 no more than by chance.

    Each is brought to 0..1 as it is drawn; apart means by half their sides, around the edges. 0 where one is even.

    Example: ``structure(np.eye(8, dtype=np.float32), np.eye(8, dtype=np.float32))`` is 1.0.
    """
    if not np.ptp(first) or not np.ptp(second):
        return 0.0
    x, y = ((each - each.min()) / np.ptp(each) for each in (first, second))
    apart = [
        ssim(x, np.roll(y, (round(down * y.shape[0]), round(across * y.shape[1])), (0, 1))) for down, across in _MOVES
    ]
    chance = float(np.mean(apart))
    return (ssim(x, y) - chance) / (1 - chance) if chance < 1 else 0.0


def _ranks(values: NDArray[np.float32]) -> NDArray[np.float64]:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    result: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return result
