"""Adam and AdamW, each step in torch's fused kernel.

They are torch's own to the bit (a test), and spare what `striate.engine.grouped` says, the one import of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, final

import torch
from torch import Tensor

from striate.engine.grouped import Grouped


@final
class Adam(Grouped):
    """Adam, and AdamW where ``decoupled``: weight decay is then taken from the weights, not added to the gradient.

    Fields of a group: ``params``, ``weight_decay`` and ``lr``, that of all at first. ``state`` holds ``step``,
    ``exp_avg`` and ``exp_avg_sq`` of each weight, and ``param_groups`` the groups, as torch's optimisers have them.

    Sources: Kingma and Ba, "Adam" (2015), algorithm 1; Loshchilov and Hutter, "Decoupled weight decay" (2019).

    Example: ``Adam([{"params": list(model.parameters()), "weight_decay": 0.05}], lr=1e-3, decoupled=True).step()``
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        *,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        decoupled: bool,
    ) -> None:
        super().__init__(groups, lr=lr)
        self.betas, self.eps = betas, eps
        self.defaults = {"fused": True, "betas": betas, "eps": eps}
        self._fused = torch._fused_adamw_ if decoupled else torch._fused_adam_

    def _move(self, weights: list[Tensor], gradients: list[Tensor], group: dict[str, Any]) -> None:
        kept = [self._kept(weight) for weight in weights]
        steps, means, squares = ([one[slot] for one in kept] for slot in ("step", "exp_avg", "exp_avg_sq"))
        torch._foreach_add_(steps, 1)
        self._fused(
            weights,
            gradients,
            means,
            squares,
            [],
            steps,
            lr=group["lr"],
            beta1=self.betas[0],
            beta2=self.betas[1],
            weight_decay=group["weight_decay"],
            eps=self.eps,
            amsgrad=False,
            maximize=False,
        )

    def _kept(self, weight: Tensor) -> dict[str, Tensor]:
        state = self.state[weight]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32, device=weight.device)
            state["exp_avg"] = torch.zeros_like(weight, memory_format=torch.preserve_format)
            state["exp_avg_sq"] = torch.zeros_like(weight, memory_format=torch.preserve_format)
        return state
