"""Guided backpropagation and deconvolution: gradients with another rule on the way back through rectifiers.

Both belong to activations that cut what is negative; through all other layers the gradient goes as it is, through max
pooling to the place that won. Imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import DescribeError
from striate.interpret.torch_probe import TorchProbe
from striate.model.adopt.wrapped_module import WrappedModule
from striate.model.build.model import Model
from striate.tasks.question import Question

Rule = Literal["guided", "deconvolution"]
RECTIFIERS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Hardswish)


class _Rectified(torch.autograd.Function):
    """Forwards the activation's output; backwards what is positive, wherever the activation was."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, output: Tensor) -> Tensor:
        return output.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0].clamp(min=0), None


def _guided(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
    # What comes from above is cut at zero before the activation's own gradient has its turn.
    if output.requires_grad:
        output.register_hook(lambda gradient: gradient.clamp(min=0))  # type: ignore[no-untyped-call]


def _deconvolution(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
    result: Tensor = _Rectified.apply(inputs[0], output.detach())  # type: ignore[no-untyped-call]
    return result


def is_ruled(model: nn.Module) -> bool:
    """Return whether the rules hold at an activation of a model: it has one that is a module."""
    return any(isinstance(each, RECTIFIERS) for each in model.modules())


@contextmanager
def ruled(model: nn.Module, rule: Rule) -> Iterator[int]:
    """Let gradients follow a rule within; yield how many activations it holds at.

    Errors: DescribeError for somebody's code whose activations are no modules, as nothing can hold at them.
    """
    hook = _guided if rule == "guided" else _deconvolution
    found = [each for each in model.modules() if isinstance(each, RECTIFIERS)]
    if isinstance(model, WrappedModule) and not found:
        raise DescribeError(
            f"no activation of {type(model.module).__name__} is a module (nn.ReLU), so that the rule of this method has"
            " nothing to hold at; use layer-cam, occlusion or integrated-gradients"
        )
    placed = [each for each in found if getattr(each, "inplace", False)]  # a hook must see what went in
    for each in placed:
        each.inplace = False
    handles = [each.register_forward_hook(hook) for each in found]
    try:
        yield len(handles)
    finally:
        for handle in handles:
            handle.remove()
        for each in placed:
            each.inplace = True


def guided_backpropagation(model: Model, inputs: Tensor, question: Question) -> Tensor:
    """Return the gradient of the score by the input (C, H, W), what is negative cut at each activation.

    Springenberg et al. 2015, "Striving for simplicity", section 3.4. In a net without rectifiers it is the gradient.
    """
    with ruled(model, "guided"), torch.enable_grad():
        given = inputs.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(question.score(model(given)).sum(), given)
    return gradient[0]


def deconvolution(
    probe: TorchProbe, part: str, channel: int, position: tuple[int, int] | None = None
) -> NDArray[np.float32]:
    """Return what in the picture one unit of a part answers to, (C, H, W), projected back to the input.

    ``position`` (row, column) of the part's map, where None the place at which the channel is strongest. Activations
    pass on what is positive, max pooling gives to the place that won. Zeiler and Fergus 2014, "Visualizing and
    understanding convolutional networks", section 2.1; scaled as for an activation of 1. Errors: DescribeError for a
    part, channel or place that is not there.

    Example: ``deconvolution(probe, "conv2", 5, (3, 4)).shape`` is ``(3, 16, 16)``.
    """
    with ruled(probe.model, "deconvolution"), torch.enable_grad():
        given = probe.inputs.detach().requires_grad_()
        _, seen = probe.model.forward_with(given, [part])
        values = seen[part][0] if seen[part].dim() == 4 else seen[part][0, :, None, None]  # (C, h, w)
        if not 0 <= channel < len(values):
            raise DescribeError(f"{part} has no channel {channel}: they go from 0 to {len(values) - 1}")
        height, width = values.shape[1:]
        row, column = divmod(int(values[channel].argmax()), width) if position is None else position
        if not (0 <= row < height and 0 <= column < width):
            raise DescribeError(f"{part} has no place {row},{column}: its map is {height} high and {width} wide")
        (gradient,) = torch.autograd.grad(values[channel, row, column], given)
    result: NDArray[np.float32] = gradient[0].numpy()
    return result
