"""Optimisers, learning-rate schedules and averaged weights. A schedule is a pure function of the step.

Since no schedule holds state, a training that is resumed, or resumed with more epochs, needs none restored: the factor
at step s is what the function gives for s and the number of steps there are now to be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from striate.engine.adam import Adam
from striate.engine.momentum import Momentum
from striate.errors import RecipeError
from striate.model.build.model import decayed
from striate.train_config import TrainConfig

Schedule: TypeAlias = Callable[[int], float]
Optimiser: TypeAlias = torch.optim.Optimizer | Momentum | Adam


def optimiser(model: nn.Module, config: TrainConfig, factors: Mapping[str, float] | None = None) -> Optimiser:
    """Return the optimiser of a config, torch's own, `Momentum` or `Adam`, with no weight decay on norms and biases.

    Whatever has at most one axis (a bias, the scale and shift of a norm) is not decayed. Decay is what the torch class
    makes of it: added to the gradient by sgd, rmsprop and adam, taken from the weight itself by adamw.

    Where the work is done: Adam and AdamW in one fused kernel on cpu and cuda, the others in foreach kernels;
    all of these are element by element and therefore repeatable to the bit.

    ``factors`` (name of a parameter -> share of the learning rate, 1 where it is not named) makes a group of each rate;
    a group's ``factor`` is what `step` multiplies the rate of the moment with.

    Source: He et al., "Bag of Tricks" (2019), section 3.1, for the decay; the papers of the optimisers in torch's docs.

    Example: ``optimiser(model, config).step()``
    """
    named = dict(model.named_parameters())
    rate, share = config.learning_rate, factors or {}
    groups: list[dict[str, Any]] = []
    for names, decay in zip(decayed(model), (config.weight_decay or 0.0, 0.0), strict=True):
        for factor in dict.fromkeys(share.get(name, 1.0) for name in names):
            chosen = [named[name] for name in names if share.get(name, 1.0) == factor]
            groups.append({"params": chosen, "weight_decay": decay, "factor": factor})
    if not groups:
        raise RecipeError("the net has no parameters to train; it needs at least one convolution or dense layer")
    here = groups[0]["params"][0].device.type in ("cpu", "cuda")
    foreach = True if here else None
    match config.optimiser:
        case "sgd" | "muon":
            groups = _matrices(model, groups) if config.optimiser == "muon" else groups
            return Momentum(groups, lr=rate, momentum=config.momentum, nesterov=config.nesterov)
        case "rmsprop":
            return torch.optim.RMSprop(
                groups, lr=rate, alpha=config.alpha, eps=config.eps, momentum=config.momentum, foreach=foreach
            )
        case "adam" | "adamw" if here:
            decoupled = config.optimiser == "adamw"
            return Adam(groups, lr=rate, betas=config.betas, eps=config.eps, decoupled=decoupled)
        case "adam":
            return torch.optim.Adam(groups, lr=rate, betas=config.betas, eps=config.eps)
        case "adamw":
            return torch.optim.AdamW(groups, lr=rate, betas=config.betas, eps=config.eps)


def _matrices(model: nn.Module, groups: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the groups with those weights apart that Muon moves as matrices: of the hidden layers.

    The first layer and the one that answers are left to plain momentum, as the paper does, and so are depthwise
    kernels, whose rows are one channel each and have nothing to be orthogonal to.
    """
    named, names = dict(model.named_parameters()), decayed(model)[0]
    hidden = {id(named[name]) for name in names[1:-1] if named[name].shape[1] > 1}
    apart = [
        {**group, "params": [one for one in group["params"] if (id(one) in hidden) is matrix], "matrix": matrix}
        for group in groups
        for matrix in (True, False)
    ]
    return [group for group in apart if group["params"]]


def schedule(config: TrainConfig, steps: int) -> Schedule:
    """Return the function from a step (from 0) to the share of the peak learning rate that it is taken with.

    The first ``warmup`` share of all steps rises in a straight line to the peak, and the rest falls:

    - ``constant``: not at all;
    - ``step``: times ``gamma`` from each milestone (a share of all steps) on;
    - ``exponential``: times ``gamma`` after each ``every`` epochs, counted from the first step, whatever the length;
    - ``cosine``: along half a cosine towards ``final_rate`` (Loshchilov and Hutter, "SGDR", 2017, equation 5);
    - ``one-cycle``: in a straight line towards ``final_rate`` (Smith and Topin, "Super-Convergence", 2018).

    Example: ``[schedule(config.changed(schedule="constant", warmup=0.4), 10)(step) for step in (0, 3, 4, 9)]`` is
    ``[0.25, 1.0, 1.0, 1.0]``.
    """
    warm = min(round(config.warmup * steps), steps - 1)
    milestones = [round(share * steps) for share in config.milestones]
    epochs_a_step = config.epochs / steps

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        progress = min((step - warm) / max(steps - warm, 1), 1.0)
        match config.schedule:
            case "constant":
                return 1.0
            case "step":
                return config.gamma ** sum(step >= milestone for milestone in milestones)
            case "exponential":
                # A hair more: 3 x (1 / 3) of an epoch must be one whole.
                return float(config.gamma ** (int(step * epochs_a_step + 1e-9) // config.every))
            case "cosine":
                return config.final_rate + (1 - config.final_rate) * (1 + math.cos(math.pi * progress)) / 2
            case "one-cycle":
                return config.final_rate + (1 - config.final_rate) * (1 - progress)

    return factor


@torch.no_grad()
def average(averages: Sequence[Tensor], live: Sequence[Tensor], *, decay: float, updates: int) -> None:
    """Move averaged weights towards the live ones, in place, after the given number of updates (from 0).

    The decay is min(decay, (1 + updates) / (10 + updates)): at first the average follows closely, so that it is not
    held back by the random weights it began with.

    Source: Polyak and Juditsky (1992); the warm-up is TensorFlow's ExponentialMovingAverage.
    """
    now = min(decay, (1 + updates) / (10 + updates))
    torch._foreach_lerp_(list(averages), list(live), 1.0 - now)


def clip(parameters: Iterable[nn.Parameter], limit: float) -> Tensor:
    """Scale all gradients together so that their norm is at most ``limit``; return the norm that they had.

    Source: Pascanu, Mikolov and Bengio (2013), algorithm 1.
    """
    return nn.utils.clip_grad_norm_(parameters, limit)
