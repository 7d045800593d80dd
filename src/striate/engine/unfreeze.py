"""A net that starts from good weights learns from its end: stages unfrozen one by one, lower rates towards the picture.

Source: Howard and Ruder, "Universal Language Model Fine-tuning" (2018), sections 3.2 (discriminative rates, gradual
unfreezing). A frozen stage is in evaluation mode: no gradient, no dropout, and its norms keep their statistics.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

from torch import nn

from striate.train_config import TrainConfig

Stages: TypeAlias = Sequence[Sequence[str]]


def learning(stages: int, epoch: int, epochs: int, share: float) -> int:
    """Return how many of the last stages learn in an epoch (from 0): two at first, all after ``share`` of the epochs.

    Example: ``[learning(5, epoch, 10, 0.3) for epoch in range(4)] == [2, 3, 4, 5]``
    """
    begun = epoch / (share * epochs) if share * epochs > 0 else 1.0
    return min(stages, 2 + int((stages - 2) * begun))


def factors(model: nn.Module, stages: Stages, decay: float) -> dict[str, float]:
    """Return each parameter's share of the learning rate: 1 in the last stage, ``decay`` times that a stage before.

    Example: ``factors(model, (("conv1",), ("dense1",)), 0.4)["conv1.weight"] == 0.4``
    """
    rate = {path: decay**steps for steps, paths in enumerate(reversed(stages)) for path in paths}
    owned = ((name, name.rpartition(".")[0]) for name, _ in model.named_parameters())
    return {name: rate[path] for name, path in owned if path in rate}


def train_mode(
    model: nn.Module,
    stages: Stages,
    parameters: Mapping[str, nn.Parameter],
    config: TrainConfig,
    epoch: int,
    epochs: int,
    still: Collection[str] = (),
) -> None:
    """Put a model into training mode and freeze the stages whose turn in ``epoch`` (from 0) has not come.

    The parts at the paths ``still`` stay in evaluation mode, whether their weights learn or not: batches of a few large
    pictures have no good statistics.
    """
    model.train()
    for path in still:
        model.get_submodule(path).eval()
    if not stages:
        return
    count = learning(len(stages), epoch, epochs, config.unfreeze)
    frozen = {path for paths in stages[: len(stages) - count] for path in paths}
    for path, module in model.named_modules():
        if path in frozen:
            module.eval()
    for name, parameter in parameters.items():
        parameter.requires_grad_(name.rpartition(".")[0] not in frozen)
