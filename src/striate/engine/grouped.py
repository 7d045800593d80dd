"""Grouped: what optimisers of ours have in common with torch's: groups of weights, and what is kept of each weight.

They stand beside torch's because making one of torch's, or its first step, imports its compiler: more than a second of
every run. Imports nothing of ours.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


class Grouped(ABC):
    """An optimiser as a training uses it; how weights move is its own.

    ``param_groups``: each with ``params``, ``weight_decay``, ``lr`` (that of all at first) and fields of its own.
    ``state`` holds what is kept of each weight, and ``defaults`` what a whole optimiser is made with, as torch's do.
    `striate.engine.momentum.Momentum` is one.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], **fields: Any) -> None:
        self.param_groups: list[dict[str, Any]] = [{**fields, **group} for group in groups]
        self.state: defaultdict[Tensor, dict[str, Tensor]] = defaultdict(dict)
        self.defaults: dict[str, Any] = {}

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or set them to zero."""
        for group in self.param_groups:
            for weight in group["params"]:
                if set_to_none:
                    weight.grad = None
                elif weight.grad is not None:
                    weight.grad.zero_()

    @torch.no_grad()
    def step(self) -> None:
        """Move the weights along the gradients that are there."""
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if weights:
                self._move(weights, [weight.grad for weight in weights], group)

    @abstractmethod
    def _move(self, weights: list[Tensor], gradients: list[Tensor], group: dict[str, Any]) -> None:
        """Move weights of one group, in place."""
