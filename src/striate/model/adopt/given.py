"""A module as people bring it: unwrapped, copied, asked with pictures alone, and which of its outputs answers."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, fx, nn

from striate.errors import DescribeError

Which: TypeAlias = "str | int | None"


def unwrapped(module: nn.Module) -> nn.Module:
    """Return the module within what torch wraps around one: `torch.compile`, several devices, an average of weights."""
    while True:
        if isinstance(inner := getattr(module, "_orig_mod", None), nn.Module):  # torch.compile
            module = inner
        elif isinstance(
            module,
            nn.DataParallel | nn.parallel.DistributedDataParallel | torch.optim.swa_utils.AveragedModel,
        ):
            module = module.module
        else:
            return module


def copied(module: nn.Module) -> nn.Module:
    """Return a copy, also of a module that holds computed tensors: `torch.nn.utils.weight_norm` keeps its weight so.

    They are computed anew when the copy works. Raises whatever copying raises.
    """
    memo: dict[int, Any] = {}
    for part in module.modules():
        for value in vars(part).values():
            if isinstance(value, Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
    with torch.no_grad():  # a ScriptModule's copied weights would otherwise be computed from its own
        own = copy.deepcopy(module, memo)
    for tensor, source in zip(own.parameters(), module.parameters(), strict=True):
        tensor.requires_grad_(source.requires_grad)
    return own


class SingleOutput(nn.Module):
    """A module asked with pictures alone, its other arguments at their defaults, for the output that answers."""

    def __init__(self, module: nn.Module, output: Which) -> None:
        super().__init__()
        self.module, self.output = module, output

    def forward(self, inputs: Tensor) -> Any:
        """Return the tensor that answers."""
        return picked(self.module(inputs), self.output)


def picked(output: Any, which: Which) -> Any:
    """Return the output that answers: a tensor as it is, of several the one named by its key, field or place.

    Raises `DescribeError` for one that is not there.

    Example: ``picked({"logits": torch.ones(1), "features": torch.zeros(1)}, "logits")`` is ``[1.0]``.
    """
    if which is None or isinstance(output, Tensor | fx.Proxy):
        return output
    named = outputs(output)
    if isinstance(which, str) and which in named:
        return named[which]
    several = list(named.values())
    if isinstance(which, int) and not isinstance(which, bool) and -len(several) <= which < len(several):
        return several[which]
    known = ", ".join(map(repr, named)) or "none"
    raise DescribeError(f"there is no output {which!r}; it has {known}")


def outputs(output: Any) -> dict[str, Any]:
    """Return several outputs by their names, or by their places where they have none; empty for what is not several."""
    if isinstance(output, Mapping):
        return {str(name): value for name, value in output.items()}
    if isinstance(output, tuple) and hasattr(output, "_fields"):
        return dict(zip(output._fields, output, strict=True))
    if isinstance(output, tuple | list):
        return {str(place): value for place, value in enumerate(output)}
    if is_dataclass(output):
        return {field.name: getattr(output, field.name) for field in fields(output)}
    return {}


def ending(output: Tensor) -> str | None:
    """Return by which function an answer was made last, of those that make probabilities: sigmoid or softmax.

    It is read from the way back that torch keeps; a change of shape behind it makes no difference.
    """
    step: Any = output.grad_fn
    for _ in range(8):
        name = "" if step is None else step.name()
        for function in ("softmax", "sigmoid"):
            if name.lower().startswith(function + "backward"):
                return function
        if not name.startswith(("View", "Unsafe", "Reshape", "Squeeze", "Unsqueeze", "Clone", "Alias", "Flatten")):
            return None
        step = step.next_functions[0][0] if step.next_functions else None
    return None
