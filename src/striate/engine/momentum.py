"""SGD with momentum, and Muon: each weight matrix moves along the nearest orthogonal matrix of its momentum.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024): with all singular values of a step
near 1, directions that a plain gradient hardly ever takes are learnt as fast as the strong ones. The coefficients are
that paper's, three rounds of them as in its CIFAR-10 record.

Plain momentum is torch's to the bit (a test), and spares what `striate.engine.grouped` says, the one import of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, final

import torch
from torch import Tensor

from striate.engine.grouped import Grouped

_ROUNDS: Final = 3
_A, _B, _C = 3.4445, -4.7750, 2.0315  # the quintic that drives singular values towards 1 fastest


def orthogonal(matrix: Tensor) -> Tensor:
    """Return (R, C) -> (R, C) with the same singular vectors and singular values between about 0.7 and 1.2.

    Newton-Schulz. A round multiplies X from the left with a polynomial p of its square S = X X', and so does the next
    with one of S p(S)^2: all rounds are done on squares, a few times smaller than a kernel, and X is met twice.

    Example: ``torch.linalg.svdvals(orthogonal(torch.ones(8, 1) + torch.eye(8))).max() < 1.3``
    """
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    wide = wide / (wide.norm() + 1e-7)
    square, product = wide @ wide.T, None
    for last in [False] * (_ROUNDS - 1) + [True]:
        factor = torch.addmm(square, square, square, beta=_B, alpha=_C)
        factor.diagonal().add_(_A)
        product = factor if product is None else product @ factor
        if not last:
            square = factor @ square @ factor
    assert product is not None
    turned: Tensor = product @ wide
    return turned.T if matrix.shape[0] > matrix.shape[1] else turned


@final
class Momentum(Grouped):
    """SGD with momentum, in which the groups with ``matrix=True`` take orthogonal steps.

    A kernel (O, C, H, W) is the matrix (O, C·H·W). Weight decay is taken from a matrix itself, and added to the
    gradient of everything else. Fields of a group: ``params, weight_decay, matrix`` and ``lr``, that of all at first.
    ``state`` holds a ``momentum_buffer`` for each weight, and ``param_groups`` the groups, as in torch's optimisers.

    Sources: Sutskever et al. (2013) for Nesterov's form as torch has it.

    Example: ``Momentum([{"params": list(model.parameters()), "weight_decay": 5e-4}], lr=0.1, momentum=0.9).step()``
    """

    def __init__(self, groups: Iterable[dict[str, Any]], *, lr: float, momentum: float, nesterov: bool = True) -> None:
        super().__init__(groups, lr=lr, matrix=False)
        self.momentum, self.nesterov = momentum, nesterov

    def _move(self, weights: list[Tensor], gradients: list[Tensor], group: dict[str, Any]) -> None:
        rate, decay = group["lr"], group["weight_decay"]
        steps = gradients
        if decay and not group["matrix"]:
            steps = list(torch._foreach_add(steps, weights, alpha=decay))
        if self.momentum:
            kept = [self._kept(weight) for weight in weights]
            torch._foreach_mul_(kept, self.momentum)
            torch._foreach_add_(kept, steps)
            steps = list(torch._foreach_add(steps, kept, alpha=self.momentum)) if self.nesterov else kept
        if group["matrix"]:
            steps = [orthogonal(step.flatten(1)).view_as(step) for step in steps]
            torch._foreach_mul_(weights, 1 - rate * decay)
        torch._foreach_add_(weights, steps, alpha=-rate)

    def _kept(self, weight: Tensor) -> Tensor:
        state = self.state[weight]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        return state["momentum_buffer"]
