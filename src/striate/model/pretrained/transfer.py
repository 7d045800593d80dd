"""Weights of one net into another that is the same but for its head."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from striate.errors import ModelError

if TYPE_CHECKING:
    from striate.model.build.model import Model

_COUNT = "num_batches_tracked"  # no answer depends on it, and not every publisher writes it


@torch.no_grad()
def load_trunk(
    model: Model,
    tensors: Mapping[str, Tensor],
    *,
    what: str,
    named: Callable[[str], str | None] | None = None,
) -> None:
    """Copy into a model every tensor before its head (`Model.embedding_part`); the head and the scaling stay.

    ``named`` says what a part of the model is called in the weights, None for one that is not theirs; without it all
    but the head is called alike (a net with a pyramid: `striate.spec.pyramid.trunk_path`).

    ``what`` names the weights in errors. Tensors that the model has no place for (the old head, side heads, what is
    known of "none of these") are left. Raises ModelError for one that is missing or of another shape or type.

    Example: ``load_trunk(build(with_new_head(net), shape, classes=5), model.state_dict(), what="pets-1")``
    """
    head = f"{model.embedding_part}."
    for name, own in model.state_dict().items():
        if name.startswith((head, "input.")) or (name.endswith(_COUNT) and name not in tensors):
            continue
        theirs: str | None = name
        if named is not None:
            path, _, what_of = name.rpartition(".")
            part = named(path)
            theirs = None if part is None else f"{part}.{what_of}"
        if theirs is None or (theirs.endswith(_COUNT) and theirs not in tensors):
            continue
        given = tensors.get(theirs)
        if given is None:
            raise ModelError(f"{what} has no {theirs}; its weights do not belong to its net")
        if given.shape != own.shape or given.dtype != own.dtype:
            raise ModelError(
                f"{what}: {theirs} is {given.dtype} {tuple(given.shape)}, and at this size of picture the net has"
                f" {own.dtype} {tuple(own.shape)} there; leave the size to the weights"
            )
        own.copy_(given)


@torch.no_grad()
def load_head(model: Model, tensors: Mapping[str, Tensor], is_trunk: Callable[[str], bool], *, what: str) -> None:
    """Copy into a model the tensors of every part that is not its trunk's, from a model of the same net.

    Errors: ModelError, as of `load_trunk`.

    Example: ``load_head(model, model.state_dict(), lambda path: False, what="pets-1")``
    """
    for name, own in model.state_dict().items():
        path = name.rpartition(".")[0]
        if path == "input" or is_trunk(path):
            continue
        given = tensors.get(name)
        if given is None or given.shape != own.shape:
            raise ModelError(f"{what} has no {name} of shape {tuple(own.shape)}; its weights do not belong to its net")
        own.copy_(given)


@torch.no_grad()
def set_head(model: Model, weight: Tensor, bias: Tensor) -> None:
    """Give a model's head these weights (classes, D) and biases (classes,)."""
    dense = model.get_submodule(model.embedding_part)
    dense.get_parameter("weight").copy_(weight)
    dense.get_parameter("bias").copy_(bias)
