"""A module seen at work: what each of its own modules puts out for one picture, and what of its cost is known."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from striate.errors import DescribeError
from striate.model.operations import At, Unsaid, layers_of
from striate.spec import Shape
from striate.spec.survey import FLOAT_BYTES, Part

_NORMS = (
    nn.modules.batchnorm._BatchNorm,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.modules.instancenorm._InstanceNorm,
)


def observe(module: nn.Module, shape: Shape) -> tuple[Part, ...]:
    """Return a row for each call of a module without modules in it, and for each with weights of its own, as they work.

    Shapes and parameters are counted; MACs are known for torch's own layers and None for anybody else's. Weights that
    are used again count once. The module is run on one picture of zeros in evaluation, so give a copy.
    """
    rows: list[Part] = []
    counted: set[int] = set()

    def watch(path: str, part: nn.Module) -> Any:
        def seen(_: nn.Module, given: Any, output: Any) -> None:
            rows.append(_row(path, part, given[0] if given else None, output, counted))

        return seen

    hooks = [
        part.register_forward_hook(watch(path or "itself", part))
        for path, part in module.named_modules()
        if not list(part.children()) or part._parameters
    ]
    try:
        with torch.no_grad():
            module.eval()(torch.zeros(1, *shape))
    finally:
        for hook in hooks:
            hook.remove()
    return tuple(rows)


def is_normed(module: nn.Module) -> bool:
    """Say whether a module normalises what flows through it, by a norm of torch's."""
    return any(isinstance(part, _NORMS) for part in module.modules())


def last_with_weights(module: nn.Module, inputs: Tensor) -> str | None:
    """Return the path of the dense layer or convolution that works last: what flows into it is the embedding."""
    found: list[str] = []
    hooks = [
        part.register_forward_hook(lambda *_, path=path: found.append(path))
        for path, part in module.named_modules()
        if isinstance(part, nn.Linear | nn.Conv2d)
    ]
    try:
        with torch.no_grad():
            module.eval()(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    dense = [path for path in found if isinstance(module.get_submodule(path), nn.Linear)]
    return (dense or found)[-1] if found else None


def _row(path: str, part: nn.Module, given: Any, output: Any, counted: set[int]) -> Part:
    own = [tensor for tensor in part._parameters.values() if tensor is not None and id(tensor) not in counted]
    counted.update(map(id, own))
    return Part(
        path=path,
        layer=_said(part, given, output),
        output=_shape(output),
        parameters=sum(tensor.numel() for tensor in own if tensor.requires_grad),
        fixed=sum(tensor.numel() for tensor in own if not tensor.requires_grad),
        macs=_macs(part, given, output),
        memory_bytes=FLOAT_BYTES * output.numel() if isinstance(output, Tensor) else 0,
        field=None,
        unseen=None,
        aside=False,
    )


def _said(part: nn.Module, given: Any, output: Any) -> str:
    """Return the layer in our words where we have them, and the name of its class where not."""
    if isinstance(given, Tensor) and isinstance(output, Tensor):
        try:
            layers = layers_of(part, At(tuple(given.shape), tuple(output.shape)))
            return " >> ".join(map(str, layers)) or "identity"
        except Unsaid:
            pass
    return type(part).__name__


def _shape(output: Any) -> Shape | None:
    if not isinstance(output, Tensor) or output.dim() not in (2, 4):
        return None
    try:
        return Shape(*output.shape[1:])
    except DescribeError:
        return None


def _macs(part: nn.Module, given: Any, output: Any) -> int | None:
    """Return the multiply-accumulates for one picture of a layer of torch's; None for what is not known."""
    if not isinstance(given, Tensor) or not isinstance(output, Tensor):
        return None
    if type(part).__module__.split(".")[:2] != ["torch", "nn"]:
        return None
    if isinstance(part, nn.Linear):
        return output.numel() * part.in_features
    if isinstance(part, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        return given.numel() * prod(part.weight.shape[1:])
    if isinstance(part, nn.modules.conv._ConvNd):
        return output.numel() * prod(part.weight.shape[1:])
    return None if any(tensor.dim() > 1 for tensor in part.parameters()) else 0
