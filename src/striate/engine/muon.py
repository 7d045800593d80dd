"""Muon: each weight matrix moves along the nearest orthogonal matrix of its momentum. Imports nothing of ours.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024): with all singular values of a step
near 1, directions that a plain gradient hardly ever takes are learnt as fast as the strong ones. The coefficients are
that paper's, three rounds of them as in its CIFAR-10 record.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, final

import torch
from torch import Tensor

_ROUNDS: Final = 3
_A, _B, _C = 3.4445, -4.7750, 2.0315  # the quintic that drives singular values towards 1 fastest


def orthogonal(matrix: Tensor) -> Tensor:
    """Return (R, C) -> (R, C) with the same singular vectors and singular values between about 0.7 and 1.2.

    Newton-Schulz in bfloat16, as the step's direction is all that is wanted of it.

    Example: ``orthogonal(torch.randn(8, 72)) @ orthogonal(...).T`` is near the identity.
    """
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    wide = (wide / (wide.norm() + 1e-7)).bfloat16()
    for _ in range(_ROUNDS):
        square = wide @ wide.T
        wide = _A * wide + (_B * square + _C * square @ square) @ wide
    turned: Tensor = wide.T if matrix.shape[0] > matrix.shape[1] else wide
    return turned.to(matrix.dtype)


@final
class Muon(torch.optim.Optimizer):
    """SGD with Nesterov momentum, in which the groups with ``matrix=True`` take orthogonal steps.

    A kernel (O, C, H, W) is the matrix (O, C·H·W). Weight decay is taken from a matrix itself, and added to the
    gradient of everything else. Group fields: ``lr, momentum, weight_decay, matrix``.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], *, lr: float, momentum: float) -> None:
        fields = {"lr": lr, "momentum": momentum, "weight_decay": 0.0, "matrix": False}
        super().__init__(list(groups), fields)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move the weights along the gradients that are there."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, weight.grad, group)

    def _move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        rate, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]
        if decay and not group["matrix"]:
            gradient = gradient.add(weight, alpha=decay)
        state = self.state[weight]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        state["momentum_buffer"].mul_(momentum).add_(gradient)
        step = gradient.add(state["momentum_buffer"], alpha=momentum)
        if not group["matrix"]:
            weight.add_(step, alpha=-rate)
            return
        weight.mul_(1 - rate * decay)
        weight.add_(orthogonal(step.flatten(1)).view_as(step), alpha=-rate)
