"""Weight randomisation: a picture of what the network learnt must change when what it learnt is taken away. Torch.

From the answer down, the numbers within each trained tensor change places: of the last layer, a third, two thirds, all.
What is asked of the shuffled network is its own likeliest class: once its last layer is shuffled no class is what it
was, and of the others a network that ends in an activation may have nothing to say.
Evidence that stays as it was shows the picture's edges, not the network's reasons. Adebayo et al. 2018, "Sanity checks
for saliency maps", section 3 (cascading randomisation; there the weights are drawn anew).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.model.build import Model
from striate.model.initialise import generator

STAGES = (0.0, 1 / 3, 2 / 3, 1.0)  # of the layers, from the answer down; at least one


@dataclass(frozen=True)
class Shuffled:
    """How like itself the evidence stays: Spearman's rank correlation of its pixels with those before, in [-1, 1].

    ``parts``: down to which part the weights were shuffled; one correlation a stage, after the last all are. None
    where the shuffled network gave no evidence at all, so that nothing can be compared.
    """

    parts: tuple[str, ...]
    correlations: tuple[float | None, ...]

    @property
    def mean(self) -> float | None:
        """The mean over the stages that could be compared."""
        known = [each for each in self.correlations if each is not None]
        return sum(known) / len(known) if known else None


@torch.no_grad()
def shuffled(
    model: Model, heats: Sequence[Tensor], again: Callable[[Model], Sequence[Tensor]], *, seed: int = 0
) -> tuple[Shuffled, ...]:
    """Return how like ``heats`` (H, W) the evidence stays that ``again`` finds with shuffled weights.

    The model is left as it is: a copy is shuffled. Running statistics of norms stay.
    """
    other = copy.deepcopy(model)
    layers: dict[str, list[Tensor]] = {}
    prototypes = [(name, tensor) for name, tensor in other.named_buffers() if name.endswith(".prototypes")]
    for name, tensor in (*other.named_parameters(), *prototypes):
        layers.setdefault(name.rpartition(".")[0], []).append(tensor)
    paths = list(layers)[::-1]  # layers are registered in the order in which they work
    ends = sorted({max(1, round(len(paths) * stage)) for stage in STAGES})
    done = 0
    told: list[list[float | None]] = [[] for _ in heats]
    for end in ends:
        for path in paths[done:end]:
            for number, tensor in enumerate(layers[path]):
                mixed = torch.randperm(tensor.numel(), generator=generator(seed, f"shuffle {path} {number}"))
                tensor.copy_(tensor.flatten()[mixed].view(tensor.shape))
        done = end
        for correlations, heat, found in zip(told, heats, again(other), strict=True):
            now = found.numpy()
            correlations.append(rank_correlation(heat.numpy(), now) if np.ptp(now) else None)
    parts = tuple(paths[end - 1] for end in ends)
    return tuple(Shuffled(parts, tuple(each)) for each in told)


def rank_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return Spearman's rank correlation of two arrays, equal values sharing their mean rank; 0 where one is even."""
    a, b = (_ranks(each.ravel()) for each in (first, second))
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size else 0.0


def _ranks(values: NDArray[np.float32]) -> NDArray[np.float64]:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    result: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return result
