"""Steps of a decoding as operators of torch: what ONNX says of each, on tensors. Imports torch.

Source of what the operators do: https://onnx.ai/onnx/operators.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, Final

import torch
from torch import Tensor
from torch._higher_order_ops.while_loop import while_loop
from torch.nn import functional

from striate.tasks.decoding import BYTE_CODE, DOUBLE_CODE, REAL_CODE, WHOLE_CODE, YES_CODE, Step

TYPES: Final = {
    REAL_CODE: torch.float32,
    DOUBLE_CODE: torch.float64,
    WHOLE_CODE: torch.int64,
    BYTE_CODE: torch.uint8,
    YES_CODE: torch.bool,
}

Operator = Callable[[Sequence[Any], Mapping[str, Any]], Any]
"""What computes a step: inputs, of which constants of whole numbers are lists, and attributes, to its output or all."""


def compute(step: Step, inputs: Sequence[Any]) -> tuple[Tensor, ...]:
    """Return what a step puts out. Raises KeyError for an operator that no decoding has used so far."""
    found = OPERATORS[step.operator](inputs, step.attributes)
    return found if isinstance(found, tuple) else (found,)


def _plain(function: Callable[..., Any]) -> Operator:
    return lambda inputs, attributes: function(*inputs)


def _reduced(function: Callable[..., Any]) -> Operator:
    def reduced(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
        value, axes = inputs
        return function(value, dim=list(axes), keepdim=bool(attributes.get("keepdims", 1)))

    return reduced


def _product(value: Tensor, dim: list[int], keepdim: bool) -> Tensor:
    (axis,) = dim
    return torch.prod(value, dim=axis, keepdim=keepdim)


def _slice(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Tensor:
    value, (begin,), (end,), (axis,) = inputs
    return value.narrow(axis, begin, min(end, value.shape[axis]) - begin)  # type: ignore[no-any-return]


def _reshape(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Tensor:
    value, sides = inputs
    return value.reshape([value.shape[at] if side == 0 else side for at, side in enumerate(sides)])  # type: ignore[no-any-return]


def _squeeze(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Tensor:
    value, (axis,) = inputs
    return value.squeeze(axis)  # type: ignore[no-any-return]


def _unsqueeze(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Tensor:
    value, (axis,) = inputs
    return value.unsqueeze(axis)  # type: ignore[no-any-return]


def _gather(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Tensor:
    value, places = inputs
    return torch.index_select(value, attributes.get("axis", 0), places)


def _gather_each(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Tensor:
    value, places = inputs
    return value[tuple(places.unbind(-1))]  # type: ignore[no-any-return]


def _top(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    value, count = inputs
    axis, largest = attributes.get("axis", -1), bool(attributes.get("largest", 1))
    if isinstance(count, Tensor):  # as many as there are
        ordered, places = torch.sort(value, dim=axis, descending=largest, stable=True)
        return ordered, places
    most, places = torch.topk(value, count[0], dim=axis, largest=largest)
    return most, places


def _largest(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Tensor:
    return torch.argmax(inputs[0], dim=attributes["axis"], keepdim=bool(attributes.get("keepdims", 1)))


def _suppressed(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Tensor:
    """Return picture, class and cell (D, 3) of the boxes that stay: greedy, class by class.

    A box stays where no surer one that stays overlaps it too much. Beginning with all, what that says is said again
    until nothing changes: the first box is right from the start, the second from the second time on, and so forth, so
    that it ends where going from the surest on would.
    """
    boxes, scores, _, overlap, least = inputs
    at = torch.nonzero(scores > least)
    sure = scores[at[:, 0], at[:, 1], at[:, 2]]
    at = at[torch.argsort(sure, descending=True, stable=True)]
    box = boxes[at[:, 0], at[:, 2]]
    begin, end = torch.maximum(box[:, None, :2], box[None, :, :2]), torch.minimum(box[:, None, 2:], box[None, :, 2:])
    inside = (end - begin).clamp(min=0).prod(-1)
    own = (box[:, 2:] - box[:, :2]).prod(-1)
    share = inside / (own[:, None] + own[None] - inside).clamp(min=1e-12)
    rivals = torch.tril((share > overlap) & (at[:, None, :2] == at[None, :, :2]).all(-1), diagonal=-1)
    every = torch.ones_like(at[:, 0], dtype=torch.bool)

    def goes_on(stays: Tensor, before: Tensor) -> Tensor:
        return (stays != before).any()

    def again(stays: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        return ~((rivals & stays[None]).any(1)), stays.clone()

    stays, _ = while_loop(goes_on, again, (every, torch.zeros_like(every)))  # type: ignore[no-untyped-call]
    return at[stays]


OPERATORS: Final[dict[str, Operator]] = {
    "Abs": _plain(torch.abs),
    "Add": _plain(torch.add),
    "And": _plain(torch.logical_and),
    "ArgMax": _largest,
    "Atan": _plain(torch.atan),
    "Cast": lambda inputs, attributes: inputs[0].to(TYPES[attributes["to"]]),
    "Concat": lambda inputs, attributes: torch.cat(list(inputs), dim=attributes["axis"]),
    "Div": _plain(torch.div),
    "Equal": _plain(torch.eq),
    "Exp": _plain(torch.exp),
    "Flatten": lambda inputs, attributes: inputs[0].flatten(attributes["axis"]),
    "Floor": _plain(torch.floor),
    "Gather": _gather,
    "GatherND": _gather_each,
    "Greater": _plain(torch.gt),
    "GreaterOrEqual": _plain(torch.ge),
    "Identity": _plain(torch.clone),
    "Less": _plain(torch.lt),
    "Log": _plain(torch.log),
    "MatMul": _plain(torch.matmul),
    "Max": lambda inputs, attributes: reduce(torch.maximum, inputs),
    "Min": lambda inputs, attributes: reduce(torch.minimum, inputs),
    "Mul": _plain(torch.mul),
    "Neg": _plain(torch.neg),
    "NonMaxSuppression": _suppressed,
    "NonZero": lambda inputs, attributes: torch.nonzero(inputs[0]).T,
    "Pow": _plain(torch.pow),
    "ReduceMax": _reduced(torch.amax),
    "ReduceMin": _reduced(torch.amin),
    "ReduceProd": _reduced(_product),
    "ReduceSum": _reduced(torch.sum),
    "Reshape": _reshape,
    "Shape": lambda inputs, attributes: inputs[0],  # which only `TopK` reads, of as many as there are
    "Sigmoid": _plain(torch.sigmoid),
    "Slice": _slice,
    "Softmax": lambda inputs, attributes: torch.softmax(inputs[0], dim=attributes["axis"]),
    "Softplus": _plain(functional.softplus),
    "Sqrt": _plain(torch.sqrt),
    "Squeeze": _squeeze,
    "Sub": _plain(torch.sub),
    "TopK": _top,
    "Transpose": lambda inputs, attributes: inputs[0].permute(attributes["perm"]),
    "Unsqueeze": _unsqueeze,
    "Where": _plain(torch.where),
}
"""What computes each operator that decodings use."""
