"""What a net's layers do on some pictures, and what is wrong with them: dead, alike, vanishing, exploding, and what
to do. Imports torch.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import parametrize

from striate.model.adopt.wrapped_module import WrappedModule
from striate.model.build.model import Model
from striate.recipe import Recipe
from striate.tasks.table import BY_ITSELF, TASKS
from striate.tasks.task import Task
from striate.train_config import TrainConfig
from striate.words import counted

ALIKE = 0.95  # cosine of two filters, from which on they look for the same
VANISHING, EXPLODING = 1e-3, 1e3  # the first layer's relative gradient over the last's; of exploding, any norm too
_RECTIFIERS = ("relu", "relu6")


@dataclass(frozen=True)
class Activations:
    """What a part puts out on some pictures: mean, deviation, share of zeros, and channels never above zero."""

    part: str
    layer: str
    mean: float
    deviation: float
    zeros: float
    channels: int
    dead: tuple[int, ...]


@dataclass(frozen=True)
class Gradient:
    """How strongly the loss pulls at a layer's weights: the norm of their gradient, beside the norm of the weights."""

    part: str
    norm: float
    weights: float

    @property
    def relative(self) -> float:
        """The gradient's norm over the weights'."""
        return self.norm / max(self.weights, 1e-12)


@dataclass(frozen=True)
class DuplicateFilters:
    """Two filters of a layer that look for the same: the cosine between their weights."""

    part: str
    first: int
    second: int
    cosine: float


@dataclass(frozen=True)
class Health:
    """How a net's layers do on ``pictures`` pictures; ``advice`` says in sentences what is wrong and what to do.

    ``frozen`` are the parts that did not learn, and of which there is no advice.
    """

    pictures: int
    activations: tuple[Activations, ...]
    gradients: tuple[Gradient, ...]
    duplicates: tuple[DuplicateFilters, ...]
    advice: tuple[str, ...]
    frozen: tuple[str, ...] = ()


def health(
    model: Model,
    pixels: NDArray[np.uint8],
    targets: NDArray[Any],
    *,
    task: Task = TASKS[BY_ITSELF],
    frozen: Collection[str] = (),
) -> Health:
    """Look at every layer on pictures (N, H, W, C) uint8 with their targets (N, ...), in evaluation mode.

    ``targets`` are `Task.encode` of their labels, and the loss is the task's.

    Two passes, one of them backwards; no weight is changed. What is ``frozen`` (paths) did not learn: no rate and no
    decay would have changed it, so that there is no advice about it. A channel is dead when a rectifier lets nothing of
    it through on any of the pictures; two filters of a layer are alike from a cosine of 0.95 on.

    Sources: dead units, Lu et al. 2020, "Dying ReLU and Initialization"; vanishing gradients, Glorot and Bengio 2010,
    section 4.2. Example: ``health(model, store.pixels, prepared.targets).advice``
    """
    inputs = model.normalise(torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))))
    layers = {row.path: row.layer for row in model.net.on(model.shape, fit="floor").rows}
    with torch.no_grad():
        found = tuple(_activations(path, layers[path], value) for path, value in model.each(inputs) if path in layers)
    gradients = tuple(
        one for one in _gradients(model, inputs, torch.from_numpy(targets), task) if one.part not in frozen
    )
    pairs = tuple(
        pair
        for path, module in _filters(model)
        if path not in frozen
        for pair in _duplicates(path, module.weight.detach())
    )
    learnt = tuple(one for one in found if one.part not in frozen)
    advice = tuple(_advice(learnt, gradients, pairs))
    return Health(len(pixels), found, gradients, pairs, advice, tuple(one.part for one in found if one.part in frozen))


def _activations(path: str, layer: str, value: Tensor) -> Activations:
    dead: tuple[int, ...] = ()
    if layer.split(maxsplit=1)[0] in _RECTIFIERS:
        highest = value.transpose(0, 1).flatten(1).amax(1)
        dead = tuple(torch.nonzero(highest <= 0).flatten().tolist())
    mean, zeros = float(value.mean()), float((value == 0).float().mean())
    return Activations(path, layer, mean, float(value.std(correction=0)), zeros, value.shape[1], dead)


def _gradients(model: Model, inputs: Tensor, targets: Tensor, task: Task) -> tuple[Gradient, ...]:
    with parametrize.cached():  # so that weights made from others are those that the answer was made with
        output = model(inputs)
        weights = [(path, module.weight) for path, module in _filters(model, flat=True)]
    weighted = [(path, weight) for path, weight in weights if weight.requires_grad]
    if not weighted:
        return ()
    while output.dim() > 2 and not task.placed:  # the mean over a map of answers, where one answer is wanted
        output = output.mean(-1)
    loss = torch.stack([*task.loss({task.output: output}, targets, _plain(model, task)).values()]).sum()
    pulls = torch.autograd.grad(loss, [weight for _, weight in weighted], allow_unused=True)
    return tuple(
        Gradient(path, float(pull.norm()), float(weight.detach().norm()))
        for (path, weight), pull in zip(weighted, pulls, strict=True)
        if pull is not None
    )


def _plain(model: Model, task: Task) -> TrainConfig:
    """Return a config by which the loss is what the task says, without smoothing or weights."""
    wishes = Recipe(task=task.name, label_smoothing=0.0)
    height, width = model.shape.size
    return wishes.settled(pictures=1, height=height, width=width, gray=model.shape.channels == 1)


def _filters(model: Model, *, flat: bool = False) -> list[tuple[str, nn.Conv2d]]:
    kinds: tuple[type[nn.Module], ...] = (nn.Conv2d, nn.Linear) if flat else (nn.Conv2d,)
    root = model.module if isinstance(model, WrappedModule) else model
    return [(path, module) for path, module in root.named_modules() if isinstance(module, kinds)]  # type: ignore[misc]


def _duplicates(path: str, weights: Tensor) -> list[DuplicateFilters]:
    """Return the pairs of filters that are alike, closest first; a filter of one number is no pattern."""
    flat = weights.flatten(1)
    if flat.shape[1] < 4:
        return []
    flat = flat / flat.norm(dim=1, keepdim=True).clamp(min=1e-12)
    cosines = torch.triu(flat @ flat.T, diagonal=1)
    pairs = torch.nonzero(cosines >= ALIKE).tolist()
    found = [DuplicateFilters(path, first, second, float(cosines[first, second])) for first, second in pairs]
    return sorted(found, key=lambda pair: -pair.cosine)


def _advice(
    activations: tuple[Activations, ...], gradients: tuple[Gradient, ...], duplicates: tuple[DuplicateFilters, ...]
) -> list[str]:
    said = []
    dead = [one for one in activations if one.dead]
    if dead:
        worst = max(dead, key=lambda one: len(one.dead) / one.channels)
        total, of = sum(len(one.dead) for one in dead), sum(one.channels for one in dead)
        said.append(
            f"{total} of {of} channels in {counted(len(dead), 'layer')} are dead, most in {worst.part}"
            f" ({len(worst.dead)} of"
            f" {worst.channels}): a lower learning rate, batch norm before the activation, or leaky relu keeps them"
            " alive; or a net with fewer channels does as well"
        )
    if duplicates:
        parts = sorted(
            {pair.part for pair in duplicates}, key=lambda part: -sum(pair.part == part for pair in duplicates)
        )
        said.append(
            f"{len(duplicates)} pairs of filters look for the same (cosine {ALIKE} and more), most in {parts[0]}: that"
            " layer has more channels than it uses; try fewer, or more weight decay"
        )
    pulls = [one for one in gradients if one.relative > 0]
    if pulls:
        least, most = (choose(pulls, key=lambda one: one.relative) for choose in (min, max))
        first, last = pulls[0], pulls[-1]
        spread = f"{least.relative:.1e} in {least.part} against {most.relative:.1e} in {most.part}"
        if first.relative < VANISHING * last.relative:
            said.append(
                f"gradients vanish on the way back ({spread}): batch norm, shortcuts, or relu in place of sigmoid and"
                " tanh let the first layers learn"
            )
        elif first.relative > EXPLODING * last.relative or most.norm > EXPLODING:
            said.append(
                f"gradients explode on the way back ({spread}): a lower learning rate, clipping, or batch norm holds"
                " them"
            )
    elif gradients:
        said.append("no gradient reaches any layer: the answers are certain to the last digit, or the net is cut off")
    return said
