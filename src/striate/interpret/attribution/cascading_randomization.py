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

from striate.interpret.attribution.likeness import rank_correlation, structure
from striate.model.build.initialise import generator
from striate.model.build.model import Model

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


class CascadingRandomization:
    """A network shuffled from the answer down, a stage at a time; the model is left as it is, a copy is shuffled.

    ``parts`` are those down to which each stage goes. Running statistics of norms stay. A stage is made when it is
    asked for; in their order each takes the last one further.

    Example: ``CascadingRandomization(model).stage(0)(inputs).shape`` is ``(1, 2)``.
    """

    def __init__(self, model: Model, *, seed: int = 0) -> None:
        self._model, self._seed = model, seed
        self._other, self._done = model, 0
        layers: dict[str, list[str]] = {}
        prototypes = [name for name, _ in model.named_buffers() if name.endswith(".prototypes")]
        for name in (*(name for name, _ in model.named_parameters()), *prototypes):
            layers.setdefault(name.rpartition(".")[0], []).append(name)
        self._layers = list(layers.items())[::-1]  # layers are registered in the order in which they work
        self._ends = sorted({max(1, round(len(layers) * stage)) for stage in STAGES})
        self.parts = tuple(self._layers[end - 1][0] for end in self._ends)

    @torch.no_grad()
    def stage(self, number: int) -> Model:
        """Return the network shuffled as far as stage ``number``; the next stage shuffles the same object further."""
        if not 0 < self._done <= self._ends[number]:
            self._other, self._done = copy.deepcopy(self._model), 0
        tensors = {**dict(self._other.named_parameters()), **dict(self._other.named_buffers())}
        for path, names in self._layers[self._done : self._ends[number]]:
            for place, name in enumerate(names):
                tensor = tensors[name]
                mixed = torch.randperm(tensor.numel(), generator=generator(self._seed, f"shuffle {path} {place}"))
                tensor.copy_(tensor.flatten()[mixed].view(tensor.shape))
        self._done = self._ends[number]
        return self._other


@torch.no_grad()
def shuffled(
    cascade: CascadingRandomization, heats: Sequence[Tensor], again: Callable[[int], Sequence[Tensor]]
) -> tuple[Shuffled, ...]:
    """Return how like ``heats`` (H, W) the evidence stays that ``again`` finds at each stage of a cascade, by number.

    Example: ``shuffled(CascadingRandomization(model), [heat], lambda number: [heat])[0].correlations[0]`` is 1.0.
    """
    told: list[list[tuple[float, float] | None]] = [[] for _ in heats]
    for number in range(len(cascade.parts)):
        for likeness, heat, found in zip(told, heats, again(number), strict=True):
            was, now = heat.numpy(), found.numpy()
            likeness.append((rank_correlation(was, now), structure(was, now)) if np.ptp(now) else None)
    return tuple(
        Shuffled(
            cascade.parts,
            tuple(each and each[0] for each in likeness),
            tuple(each and each[1] for each in likeness),
        )
        for likeness in told
    )
