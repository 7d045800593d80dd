"""Whether a module of somebody's own can be a classifier here: it is run before anything is built on it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from striate.errors import DescribeError, ShapeError
from striate.model.adopt.express import noise
from striate.model.adopt.given import SingleOutput, Which, copied, ending, outputs, unwrapped
from striate.spec import Shape

ALIKE = 1e-4  # of the largest logit: how much a picture's answer may depend on how many are asked about at once


def examine(module: nn.Module, shape: Shape, classes: int, output: Which = None) -> nn.Module:
    """Return a copy of a module, on the CPU, that answers with (N, classes) logits for (N, ``shape``) inputs.

    ``output`` is the name or place of the output that answers, where there are several. What torch wraps around a
    module (`torch.compile` and the like) is taken off.

    Raises `DescribeError`, or `ShapeError` for answers of another shape, naming what it gave.
    """
    if not isinstance(module, nn.Module):
        what = f"the class {module.__name__}; call it" if isinstance(module, type) else type(module).__name__
        raise DescribeError(f"adopt takes a torch.nn.Module, and was given {what}")
    module = unwrapped(module)
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
        own = copied(module).cpu().eval()
    except Exception as error:
        raise DescribeError(f"{name} cannot be copied ({_first_line(error)}), and adopt works on a copy") from None
    asked = SingleOutput(own, output)
    zeros, pictures = torch.zeros(1, *shape), noise(2, shape)
    with quiet(), torch.no_grad():
        _answered(asked, zeros, classes)
        both = _answered(asked, pictures, classes)
        each = torch.cat([_answered(asked, picture, classes) for picture in pictures.chunk(2)])
    with quiet(), torch.enable_grad():
        last = ending(_answered(asked, zeros.requires_grad_(), classes))
    _refuse_unused(asked, zeros)
    if not bool(torch.isfinite(both).all()):
        raise DescribeError(f"{name} answers random pictures with numbers that are not finite")
    if float((both - each).abs().max()) > ALIKE * max(1.0, float(both.abs().max())):
        raise DescribeError(
            f"{name} in evaluation answers otherwise for two pictures at once than for each alone; an answer must not"
            " depend on its batch (a batch norm without running statistics does), nor on chance"
        )
    if last is None and bool((both >= 0).all()) and bool((both.sum(1) - 1).abs().max() < 1e-4):
        last = "softmax"
    if last is not None:
        raise DescribeError(
            f"{name} ends in {last}, so it puts out probabilities. Training and calibration take logits and put a"
            f" softmax behind them, as its classes exclude each other; behind a {last} that would be a second"
            f" squashing: leave its last {last} out, and the softmax of what it then puts out is the answer"
        )
    return own


def why_not_trained(module: nn.Module, shape: Shape, classes: int, output: Which = None) -> str | None:
    """Return why a module cannot be trained although it answers, or None; it is run in a copy."""
    if not any(parameter.requires_grad for parameter in module.parameters()):
        return f"{type(module).__name__} has no parameters that are trained"
    try:
        with quiet():
            asked = SingleOutput(copied(module).train(), output)
            _answered(asked, noise(2, shape), classes, ", in training,").sum().backward()  # type: ignore[no-untyped-call]
    except (DescribeError, RuntimeError) as error:
        return _first_line(error)
    return None


@contextmanager
def quiet() -> Iterator[None]:
    """Leave torch's random numbers as they were, whatever is drawn within, and its warnings of the code unsaid."""
    kept = torch.random.get_rng_state()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.random.set_rng_state(kept)


def _answered(asked: SingleOutput, pictures: Tensor, classes: int, when: str = "") -> Tensor:
    name, given = type(asked.module).__name__, "x".join(map(str, pictures.shape))
    try:
        # A copy, as a module may work in place on what it is given.
        output = asked(pictures.clone())
    except DescribeError as error:
        raise DescribeError(f"{name}{when}: {error}") from None
    except Exception as error:
        raise DescribeError(f"{name}{when} fails on a batch of {given}: {_first_line(error)}") from None
    if not isinstance(output, Tensor):
        raise ShapeError(
            f"{name}{when} returns {_kind(output)} for a batch of {given}; wanted is one tensor of"
            f" {len(pictures)}x{classes} logits{_choice(output)}"
        )
    if tuple(output.shape) != (len(pictures), classes):
        raise ShapeError(
            f"{name}{when} gives {_sizes(output)} for a batch of {given}; {classes} classes take"
            f" {len(pictures)}x{classes}"
        )
    return output


def _refuse_unused(asked: SingleOutput, pictures: Tensor) -> None:
    """Refuse the name of an output where there is one tensor, in evaluation and in training: it is a mistake."""
    if asked.output is None:
        return
    with quiet(), torch.no_grad():
        for mode in (False, True):
            try:
                output = copied(asked.module).train(mode)(noise(2, Shape(*pictures.shape[1:])))
            except Exception:  # whether it can be trained is asked when it is
                continue
            if not isinstance(output, Tensor):
                return
    raise DescribeError(
        f"output = {asked.output!r} chooses among several, and {type(asked.module).__name__} returns one tensor; leave"
        " it out"
    )


def _choice(output: Any) -> str:
    """Say which outputs there are to choose from, and how."""
    named = {name: value for name, value in outputs(output).items() if isinstance(value, Tensor)}
    if not named:
        return ""
    first = next(iter(named))
    said = int(first) if isinstance(output, tuple | list) and not hasattr(output, "_fields") else first
    shown = ", ".join(f"{name} ({_sizes(value)})" for name, value in named.items())
    return f". It has {shown}; say which answers, such as output={said!r}"


def _sizes(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a single number"


def _kind(value: Any) -> str:
    several = f" of {len(value)}" if isinstance(value, tuple | list | dict) else ""
    return f"a {type(value).__name__}{several}"


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
