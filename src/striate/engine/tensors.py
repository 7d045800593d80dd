"""Tensors by name, as a training is kept in: parts of them, copies, whether all are finite."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names begin with the prefix, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def copied(tensor: Tensor) -> Tensor:
    """Return a copy on the CPU in plain memory order, whatever order and device the tensor has."""
    return torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor.detach())


def finite(tensors: Mapping[str, Tensor]) -> bool:
    """Whether every number in them is finite."""
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values() if tensor.is_floating_point())
