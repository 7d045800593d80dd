"""Our own torch modules for residual branches: norm over channels, scale, stochastic depth, shortcuts of zeros.

All map (N, C, H, W) or (N, C). What `LayerNorm` puts out is channels last, which is how it works.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class LayerNorm(nn.LayerNorm):
    """Norm of the channels of each position (Ba et al. 2016)."""

    def __init__(self, channels: int, eps: float, affine: bool) -> None:
        super().__init__(channels, eps=eps, elementwise_affine=affine)

    def forward(self, inputs: Tensor) -> Tensor:
        """Bring the channels last, norm, and bring them back."""
        return super().forward(inputs.movedim(1, -1)).movedim(-1, 1)


class LayerScale(nn.Module):
    """Each channel times a trained factor (Touvron et al. 2021)."""

    def __init__(self, channels: int, initial: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), initial))

    def forward(self, inputs: Tensor) -> Tensor:
        """Scale."""
        return inputs * self.weight.view(-1, *(1,) * (inputs.dim() - 2))

    def extra_repr(self) -> str:
        """Show the size."""
        return str(len(self.weight))


class DropPath(nn.Module):
    """In training a picture's values all become 0 with probability ``p``, the others' grow by 1/(1 - p).

    Huang et al. 2016. One draw a picture from the global generator, which `engine.step` seeds for each step.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, inputs: Tensor) -> Tensor:
        """Drop or grow in training; in evaluation do nothing."""
        if not self.training or self.p == 0:
            return inputs
        kept = inputs.new_empty((len(inputs), *(1,) * (inputs.dim() - 1))).bernoulli_(1 - self.p)
        return inputs * kept / (1 - self.p)

    def extra_repr(self) -> str:
        """Show the probability."""
        return f"p={self.p}"


class PadChannels(nn.Module):
    """Channels of zeros before and behind (He et al. 2015, option A)."""

    def __init__(self, sides: tuple[int, int]) -> None:
        super().__init__()
        self.sides = sides

    def forward(self, inputs: Tensor) -> Tensor:
        """Pad the second axis."""
        return functional.pad(inputs, (*(0, 0) * (inputs.dim() - 2), *self.sides))

    def extra_repr(self) -> str:
        """Show how many."""
        return f"{self.sides}"
