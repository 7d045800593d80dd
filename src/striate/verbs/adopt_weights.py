"""Weights of somebody else's file into an adopted module, by the sandbox. Imports adopt, model; prints nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from striate.errors import ModelError
from striate.model.adopt.given import copied
from striate.model.pretrained.key_mapping import arrange, without_prefix
from striate.model.sandbox.parent import LIMITS, Limits, through

if TYPE_CHECKING:
    from torch import nn

WHAT = "the adopted module"


def with_weights(module: nn.Module, path: Path | str, *, entry: str = "", limits: Limits = LIMITS) -> nn.Module:
    """Return a copy of a module with the weights of a checkpoint: a pickle, of which nothing is run, or safetensors.

    ``entry`` as in `striate.import_weights`. One prefix before all names is taken off; every tensor of the module must
    be there in its shape. Raises DoorError, ModelError.

    Example: ``torch.save({"state_dict": MyNet().state_dict()}, "mine.tar"); with_weights(MyNet(), "mine.tar")``
    """
    path, own = Path(path), copied(module)
    state = own.state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    names = {name: name for name in shapes}
    below, _, _ = without_prefix(through(path, entry=entry, limits=limits).tensors, shapes, (names,))
    taken = arrange(below, shapes, (names,), what=path.name, whose=WHAT)
    for name, tensor in taken.items():
        if tensor.is_floating_point() != state[name].is_floating_point():
            raise ModelError(f"{path.name}: {name} is of {tensor.dtype}, and {WHAT} has {state[name].dtype} there")
        if not torch.isfinite(tensor).all():
            raise ModelError(f"{path.name}: {name} holds values that are not finite")
    own.load_state_dict(taken, strict=False)  # all are there but, perhaps, batch norm's counts
    return own
