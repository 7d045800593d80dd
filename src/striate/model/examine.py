"""Whether a module of somebody's own can be a classifier here: it is run before anything is built on it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from striate.errors import DescribeError, ShapeError
from striate.model.adopt import noise
from striate.spec import Shape

ALIKE = 1e-4  # of the largest logit: how much a picture's answer may depend on how many are asked about at once


def examine(module: nn.Module, shape: Shape, classes: int) -> nn.Module:
    """Return a copy of a module, on the CPU, that answers with (N, classes) logits for (N, ``shape``) inputs.

    Raises `DescribeError`, or `ShapeError` for answers of another shape, naming what it gave.
    """
    if not isinstance(module, nn.Module):
        what = f"the class {module.__name__}; call it" if isinstance(module, type) else type(module).__name__
        raise DescribeError(f"adopt takes a torch.nn.Module, and was given {what}")
    name = type(module).__name__
    lazy = [
        path
        for path, tensor in (*module.named_parameters(), *module.named_buffers())
        if isinstance(tensor, UninitializedParameter | UninitializedBuffer)
    ]
    if lazy:
        raise DescribeError(
            f"{name} has lazy layers whose sizes are still open ({lazy[0]}); run it once before:"
            f" module(torch.zeros(1, {', '.join(map(str, shape))}))"
        )
    for path, value in module.state_dict().items():
        if not isinstance(value, Tensor):
            raise DescribeError(f"{name} keeps {path} in its state, which is no tensor and cannot be saved")
        if value.is_floating_point() and value.dtype != torch.float32:
            raise DescribeError(f"{name} has {path} in {value.dtype}; training here is in float32: module.float()")
    try:
        own = copy.deepcopy(module).cpu().eval()
    except Exception as error:
        raise DescribeError(f"{name} cannot be copied ({_first_line(error)}), and adopt works on a copy") from None
    zeros, pictures = torch.zeros(1, *shape), noise(2, shape)
    with quiet(), torch.no_grad():
        _answered(own, zeros, classes)
        both = _answered(own, pictures, classes)
        each = torch.cat([_answered(own, picture, classes) for picture in pictures.chunk(2)])
    if not bool(torch.isfinite(both).all()):
        raise DescribeError(f"{name} answers random pictures with numbers that are not finite")
    if float((both - each).abs().max()) > ALIKE * max(1.0, float(both.abs().max())):
        raise DescribeError(
            f"{name} in evaluation answers otherwise for two pictures at once than for each alone; an answer must not"
            " depend on its batch (a batch norm without running statistics does), nor on chance"
        )
    if classes > 1 and bool((both >= 0).all()) and bool((both.sum(1) - 1).abs().max() < 1e-4):
        raise DescribeError(f"{name} puts out probabilities, and training takes logits: leave its last softmax out")
    return own


def why_not_trained(module: nn.Module, shape: Shape, classes: int) -> str | None:
    """Return why a module cannot be trained although it answers, or None; it is run in a copy."""
    if not any(parameter.requires_grad for parameter in module.parameters()):
        return f"{type(module).__name__} has no parameters that are trained"
    try:
        with quiet():
            _answered(copy.deepcopy(module).train(), noise(2, shape), classes, ", in training,").sum().backward()  # type: ignore[no-untyped-call]
    except (DescribeError, RuntimeError) as error:
        return _first_line(error)
    return None


@contextmanager
def quiet() -> Iterator[None]:
    """Leave torch's random numbers as they were, whatever is drawn within."""
    kept = torch.random.get_rng_state()
    try:
        yield
    finally:
        torch.random.set_rng_state(kept)


def _answered(module: nn.Module, pictures: Tensor, classes: int, when: str = "") -> Tensor:
    name, given = type(module).__name__, "x".join(map(str, pictures.shape))
    try:
        output = module(pictures)
    except Exception as error:
        raise DescribeError(f"{name}{when} fails on a batch of {given}: {_first_line(error)}") from None
    if not isinstance(output, Tensor):
        raise ShapeError(
            f"{name}{when} returns {_kind(output)} for a batch of {given}; wanted is one tensor of"
            f" {len(pictures)}x{classes} logits"
        )
    if tuple(output.shape) != (len(pictures), classes):
        shown = "x".join(map(str, output.shape)) or "a single number"
        raise ShapeError(
            f"{name}{when} gives {shown} for a batch of {given}; {classes} classes take {len(pictures)}x{classes}"
        )
    return output


def _kind(value: Any) -> str:
    several = f" of {len(value)}" if isinstance(value, tuple | list | dict) else ""
    return f"a {type(value).__name__}{several}"


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
