"""Where the weights begin: every tensor is a function of (seed, its name) alone.

Because nothing else is asked, adding, removing or widening one layer leaves the first weights of all others as they
were, to the bit, and two nets that share a part share its beginning.
"""

from __future__ import annotations

import hashlib
import math

import torch
from torch import nn

from striate.model.build.modules import Rbf, TableConv


def generator(seed: int, name: str) -> torch.Generator:
    """Return a generator that depends on ``seed`` and ``name`` and on nothing else.

    Example: ``torch.randn(3, generator=generator(0, "conv1.weight"))``
    """
    digest = hashlib.sha256(f"striate initialise {seed} {name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


@torch.no_grad()
def initialise(module: nn.Module, path: str, seed: int) -> None:
    """Set the tensors that ``module`` itself owns (not its children's), in place.

    Convolutions: He normal, standard deviation sqrt(2 / fan-in): keeps the variance of what flows forward through
    ReLUs (He et al. 2015, "Delving deep into rectifiers", eq. 10; fan-in and fan-out do equally well there, and
    fan-in stays right where the stride or the groups change). Dense: LeCun normal, sqrt(1 / fan-in) (LeCun et al.
    1998, "Efficient BackProp", eq. 16): logits begin of unit size. Biases are 0; norms scale by 1 and shift by 0.
    """
    if isinstance(module, Rbf):
        # The prototypes of the paper are drawn by hand as pictures of -1 and +1; without the drawings, signs by chance.
        bits = torch.randint(0, 2, module.prototypes.shape, generator=generator(seed, f"{path}.prototypes"))
        module.prototypes.copy_(bits * 2 - 1)
        return
    fan = _fan_in(module)
    if fan is None:
        return  # norms and the like: torch begins them at 1 and 0
    weight = module.get_parameter("weight")
    gain = 1.0 if isinstance(module, nn.Linear) else 2.0
    weight.normal_(0.0, math.sqrt(gain / fan), generator=generator(seed, f"{path}.weight"))
    if isinstance(module, TableConv):
        # Each output map has a fan-in of its own.
        seen = torch.tensor([len(sources) for sources in module.table for _ in sources])
        weight.mul_(torch.sqrt(module.inputs / seen).view(-1, 1, 1))
    bias = getattr(module, "bias", None)
    if bias is not None:
        bias.zero_()


def _fan_in(module: nn.Module) -> int | None:
    """Return how many values are summed into one output value (at stride 1), or None where there is no such weight."""
    if isinstance(module, TableConv):
        return module.inputs * module.kernel[0] * module.kernel[1]
    if isinstance(module, nn.ConvTranspose2d):
        return module.in_channels // module.groups * module.kernel_size[0] * module.kernel_size[1]
    if isinstance(module, nn.Conv2d):
        return module.weight[0].numel()
    if isinstance(module, nn.Linear):
        return module.in_features
    return None
