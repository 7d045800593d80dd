"""Weight randomisation: a picture of what the network learnt must change when what it learnt is taken away. Torch.

From the answer down, the numbers within each trained tensor change places: of the last layer, a third, two thirds, all.
What is asked of the shuffled network is its own likeliest class: once its last layer is shuffled no class is what it
was, and of the others a network that ends in an activation may have nothing to say.
Evidence that stays as it was shows the picture's edges, not the network's reasons. Adebayo et al. 2018, "Sanity checks
for saliency maps", section 3 (cascading randomisation; there the weights are drawn anew). As there, likeness is
measured by ranks and by structure; their third measure, histograms of gradients, sees what structure sees.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from striate.inside.evidence.likeness import rank_correlation, structure
from striate.model.build import Model
from striate.model.initialise import generator

STAGES = (0.0, 1 / 3, 2 / 3, 1.0)  # of the layers, from the answer down; at least one


@dataclass(frozen=True)
class Shuffled:
    """How like itself the evidence stays, by Spearman's rank correlation of its pixels with those before, in [-1, 1].

    ``parts``: down to which part the weights were shuffled; one correlation a stage, after the last all are. None
    where the shuffled network gave no evidence at all, so that nothing can be compared. ``structures`` is how alike
    they look: structural similarity above chance, 1 for the same (`likeness.structure`).
    """

    parts: tuple[str, ...]
    correlations: tuple[float | None, ...]
    structures: tuple[float | None, ...]

    @property
    def mean(self) -> float | None:
        """The mean rank correlation over the stages that could be compared."""
        return _mean(self.correlations)

    @property
    def structure(self) -> float | None:
        """The mean structural similarity above chance over the stages that could be compared."""
        return _mean(self.structures)

    @property
    def alike(self) -> float | None:
        """The larger of both: evidence that stays the same by either has not changed."""
        return max((each for each in (self.mean, self.structure) if each is not None), default=None)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [each for each in values if each is not None]
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
    told: list[list[tuple[float, float] | None]] = [[] for _ in heats]
    for end in ends:
        for path in paths[done:end]:
            for number, tensor in enumerate(layers[path]):
                mixed = torch.randperm(tensor.numel(), generator=generator(seed, f"shuffle {path} {number}"))
                tensor.copy_(tensor.flatten()[mixed].view(tensor.shape))
        done = end
        for likeness, heat, found in zip(told, heats, again(other), strict=True):
            was, now = heat.numpy(), found.numpy()
            likeness.append((rank_correlation(was, now), structure(was, now)) if np.ptp(now) else None)
    parts = tuple(paths[end - 1] for end in ends)
    return tuple(
        Shuffled(parts, tuple(each and each[0] for each in likeness), tuple(each and each[1] for each in likeness))
        for likeness in told
    )
