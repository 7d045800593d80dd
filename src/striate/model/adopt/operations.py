"""Torch's modules, functions and methods -> layers of ours: one plain table. What has no line is said, not guessed."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  (as everybody writes it)

from striate import spec
from striate.errors import DescribeError
from striate.spec import Layer


class UnsupportedOpError(Exception):
    """Something that the words of a net cannot say."""


@dataclass(frozen=True)
class At:
    """Where an operation works: the shapes of a batch before and after it, (N, ...)."""

    given: tuple[int, ...]
    out: tuple[int, ...]


Layers = tuple[Layer, ...]  # in a row; none: passes its input on
Reader = Callable[..., Layers]


def layers_of(module: nn.Module, at: At) -> Layers:
    """Return a module of torch's own as layers. Raises `UnsupportedOpError`."""
    kind = known(module)
    if kind is None:
        raise UnsupportedOpError(f"{type(module).__name__} is not a layer that Striate has")
    return _read(MODULES[kind], kind.__name__, module, at)


def known(module: nn.Module) -> type[nn.Module] | None:
    """Return which of `MODULES` a module works as: its own class, or one it is made from without working otherwise."""
    for kind in MODULES:
        if isinstance(module, kind) and all(
            getattr(type(module), name, None) is getattr(kind, name, None) for name in ("forward", "_conv_forward")
        ):
            return kind
    return None


def layers_of_call(target: Any, at: At, *args: Any, **kwargs: Any) -> Layers:
    """Return a call of a function, or of a method by its name, as layers; the tensor is left out of ``args``.

    Raises `UnsupportedOpError`.
    """
    name = target if isinstance(target, str) else getattr(target, "__name__", str(target))
    reader = METHODS.get(target) if isinstance(target, str) else FUNCTIONS.get(target)
    if reader is None:
        raise UnsupportedOpError(f"{name} is not a layer that Striate has")
    return _read(reader, name, at, *args, **kwargs)


def _read(reader: Reader, name: str, *args: Any, **kwargs: Any) -> Layers:
    try:
        return reader(*args, **kwargs)
    except TypeError:
        raise UnsupportedOpError(f"{name} is called in a way that Striate does not read") from None
    except DescribeError as error:
        raise UnsupportedOpError(f"{name}: {error}") from None


def _need(true: bool, reason: str) -> None:
    if not true:
        raise UnsupportedOpError(reason)


# -- with weights ----------------------------------------------------------------------------------------------


def _conv(module: nn.Conv2d, at: At) -> Layers:
    _need(module.padding_mode == "zeros", f"a convolution padded by {module.padding_mode!r}, not by zeros")
    padding: Any = 0 if module.padding == "valid" else module.padding
    layer = spec.Conv(
        module.out_channels,
        _pair(module.kernel_size),
        stride=_pair(module.stride),
        padding=padding,
        dilation=_pair(module.dilation),
        groups=module.groups,
        bias=module.bias is not None,
    )
    return (layer,)


def _conv_transpose(module: nn.ConvTranspose2d, at: At) -> Layers:
    layer = spec.ConvTranspose(
        module.out_channels,
        _pair(module.kernel_size),
        stride=_pair(module.stride),
        padding=_pair(module.padding),
        output_padding=_pair(module.output_padding),
        dilation=_pair(module.dilation),
        groups=module.groups,
        bias=module.bias is not None,
    )
    return (layer,)


def _linear(module: nn.Linear, at: At) -> Layers:
    _need(len(at.given) == 2, "Linear on something that is not a flat vector")
    return (spec.Dense(module.out_features, bias=module.bias is not None),)


def _batch_norm(module: nn.BatchNorm2d | nn.BatchNorm1d, at: At) -> Layers:
    _need(len(at.given) in (2, 4), "BatchNorm1d on a sequence")
    _need(module.track_running_stats, "a batch norm without running statistics")
    _need(module.momentum is not None, "a batch norm whose statistics are a plain average (momentum=None)")
    return (spec.BatchNorm(eps=module.eps, momentum=float(module.momentum or 0), affine=module.affine),)


def _layer_norm(module: nn.LayerNorm, at: At) -> Layers:
    flat = len(at.given) == 2 and tuple(module.normalized_shape) == at.given[1:]
    _need(flat, "LayerNorm on something else than a flat vector as a whole")
    _need((module.weight is None) == (module.bias is None), "LayerNorm with a scale and no shift")
    return (spec.LayerNorm(eps=module.eps, affine=module.weight is not None),)


# -- pools, and maps of another size ---------------------------------------------------------------------------


def _max_pool(
    at: At,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Layers:
    _need(_pair(dilation) == (1, 1) and not return_indices, "a max pool that is dilated or returns indices")
    return (spec.MaxPool(_pair(kernel_size), stride=_stride(stride), padding=_pair(padding), ceil=ceil_mode),)


def _avg_pool(
    at: At,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Layers:
    _need(divisor_override is None, "an average pool with a divisor of its own")
    layer = spec.AvgPool(
        _pair(kernel_size),
        stride=_stride(stride),
        padding=_pair(padding),
        ceil=ceil_mode,
        count_padding=count_include_pad,
    )
    return (layer,)


def _adaptive(at: At, layer: type[spec.GlobalAvgPool | spec.GlobalMaxPool]) -> Layers:
    """An adaptive pool: of the whole map, of nothing at all, or (of the largest) in equal windows of this input."""
    (height, width), (high, wide) = at.given[2:], at.out[2:]
    if (high, wide) == (1, 1):
        return (layer(),)
    if (high, wide) == (height, width):
        return ()
    if layer is spec.GlobalAvgPool:
        return (spec.AdaptiveAvgPool((high, wide)),)
    _need(height % high == 0 and width % wide == 0, f"an adaptive pool of {height}x{width} to {high}x{wide}")
    return (spec.MaxPool((height // high, width // wide)),)


def _over_map(layer: type[Layer], at: At, dim: Any = None, keepdim: bool = False) -> Layers:
    axes = {axis % len(at.given) for axis in (dim if isinstance(dim, tuple | list) else (dim,)) if axis is not None}
    _need(len(at.given) == 4 and axes == {2, 3}, "a mean or maximum over something else than height and width")
    return (layer(),) if keepdim else (layer(), spec.Flatten())


def _resized(
    at: At, mode: str = "nearest", align_corners: bool | None = None, antialias: bool = False, **how: Any
) -> Layers:
    _need(not align_corners and not antialias, "a resize that aligns corners or filters first")
    (height, width), (high, wide) = at.given[2:], at.out[2:]
    _need(high % height == 0 and wide % width == 0, f"a resize of {height}x{width} to {high}x{wide}")
    return (spec.Upsample((high // height, wide // width), mode=mode),)


def _reshaped(at: At) -> Layers:
    """Any change of shape that keeps the numbers in their order. Raises `UnsupportedOpError` for one without a word."""
    if at.given == at.out:
        return ()
    if len(at.given) == 4 and at.out == (at.given[0], prod(at.given[1:])):
        return (spec.Flatten(),)
    raise UnsupportedOpError(f"a picture's numbers arranged anew, from {_sizes(at.given)} to {_sizes(at.out)}")


def _along_channels(at: At, dim: int | None, layer: Layer) -> Layers:
    _need(dim in (1, 1 - len(at.given)), f"softmax over axis {dim}, not over the channels")
    return (layer,)


def _sizes(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape[1:])) or "one number"


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, tuple | list):
        return (int(value[0]), int(value[-1]))
    return int(value), int(value)


def _stride(value: Any) -> tuple[int, int] | None:
    return None if value is None or value == [] else _pair(value)


def _simple(layer: type[Layer]) -> Reader:
    return lambda at, inplace=False: (layer(),)


def _dropout(layer: type[spec.Dropout]) -> Reader:
    def read(at: At, p: float = 0.5, training: bool = True, inplace: bool = False) -> Layers:
        return (layer(p),) if training else ()

    return read


def _gelu(at: At, approximate: str = "none") -> Layers:
    _need(approximate == "none", "gelu by the approximation tanh")
    return (spec.GELU(),)


def _softmax(at: At, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Layers:
    return _along_channels(at, dim, spec.Softmax())


def _lrn(at: At, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Layers:
    return (spec.LocalResponseNorm(size, alpha=alpha, beta=beta, k=k),)


MODULES: dict[type[nn.Module], Reader] = {
    nn.Conv2d: _conv,
    nn.ConvTranspose2d: _conv_transpose,
    nn.Linear: _linear,
    nn.BatchNorm2d: _batch_norm,
    nn.BatchNorm1d: _batch_norm,
    nn.GroupNorm: lambda m, at: (spec.GroupNorm(m.num_groups, eps=m.eps, affine=m.affine),),
    nn.LayerNorm: _layer_norm,
    nn.LocalResponseNorm: lambda m, at: _lrn(at, m.size, m.alpha, m.beta, m.k),
    nn.MaxPool2d: lambda m, at: _max_pool(
        at, m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode, m.return_indices
    ),
    nn.AvgPool2d: lambda m, at: _avg_pool(
        at, m.kernel_size, m.stride, m.padding, m.ceil_mode, m.count_include_pad, m.divisor_override
    ),
    nn.AdaptiveAvgPool2d: lambda m, at: _adaptive(at, spec.GlobalAvgPool),
    nn.AdaptiveMaxPool2d: lambda m, at: _adaptive(at, spec.GlobalMaxPool),
    nn.Upsample: lambda m, at: _resized(at, m.mode, m.align_corners),
    nn.UpsamplingNearest2d: lambda m, at: _resized(at),
    nn.Flatten: lambda m, at: _reshaped(at),
    nn.Unflatten: lambda m, at: _reshaped(at),
    nn.Dropout: lambda m, at: (spec.Dropout(m.p),),
    nn.Dropout2d: lambda m, at: (spec.SpatialDropout(m.p),),
    nn.ReLU: lambda m, at: (spec.ReLU(),),
    nn.ReLU6: lambda m, at: (spec.ReLU6(),),
    nn.Hardsigmoid: lambda m, at: (spec.HardSigmoid(),),
    nn.Hardswish: lambda m, at: (spec.HardSwish(),),
    nn.LeakyReLU: lambda m, at: (spec.LeakyReLU(m.negative_slope),),
    nn.Tanh: lambda m, at: (spec.Tanh(),),
    nn.Sigmoid: lambda m, at: (spec.Sigmoid(),),
    nn.GELU: lambda m, at: _gelu(at, m.approximate),
    nn.SiLU: lambda m, at: (spec.SiLU(),),
    nn.Softmax: lambda m, at: _along_channels(at, m.dim, spec.Softmax()),
    nn.Identity: lambda m, at: (),
}

_mean, _amax = partial(_over_map, spec.GlobalAvgPool), partial(_over_map, spec.GlobalMaxPool)
_relu, _tanh, _sigmoid = _simple(spec.ReLU), _simple(spec.Tanh), _simple(spec.Sigmoid)


def _same_order(at: At, *sizes: Any, **names: Any) -> Layers:
    return _reshaped(at)


def _indexed(at: At, index: Any) -> Layers:
    parts = index if isinstance(index, tuple) else (index,)
    _need(all(part is None or part is Ellipsis or part == slice(None) for part in parts), "a part of a tensor")
    return _reshaped(at)


FUNCTIONS: dict[Any, Reader] = {
    F.relu: _relu,
    F.relu_: _relu,
    torch.relu: _relu,
    torch.relu_: _relu,
    F.relu6: _simple(spec.ReLU6),
    F.hardsigmoid: _simple(spec.HardSigmoid),
    F.hardswish: _simple(spec.HardSwish),
    F.leaky_relu: lambda at, negative_slope=0.01, inplace=False: (spec.LeakyReLU(negative_slope),),
    F.tanh: _tanh,
    torch.tanh: _tanh,
    F.sigmoid: _sigmoid,
    torch.sigmoid: _sigmoid,
    F.gelu: _gelu,
    F.silu: _simple(spec.SiLU),
    F.softmax: _softmax,
    torch.softmax: _softmax,
    F.max_pool2d: _max_pool,
    torch.max_pool2d: _max_pool,
    F.avg_pool2d: _avg_pool,
    F.adaptive_avg_pool2d: lambda at, output_size: _adaptive(at, spec.GlobalAvgPool),
    F.adaptive_max_pool2d: lambda at, output_size, return_indices=False: _adaptive(at, spec.GlobalMaxPool),
    F.local_response_norm: _lrn,
    F.interpolate: lambda at, size=None, scale_factor=None, mode="nearest", **how: _resized(
        at, mode, how.get("align_corners"), bool(how.get("antialias"))
    ),
    F.dropout: _dropout(spec.Dropout),
    F.dropout2d: _dropout(spec.SpatialDropout),
    torch.mean: _mean,
    torch.amax: _amax,
    operator.getitem: _indexed,
    torch.flatten: _same_order,
    torch.reshape: _same_order,
    torch.squeeze: _same_order,
    torch.unsqueeze: _same_order,
}

METHODS: dict[str, Reader] = {
    "relu": _relu,
    "relu_": _relu,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softmax": _softmax,
    "mean": _mean,
    "amax": _amax,
    "contiguous": lambda at, memory_format=None: (),
    "clone": lambda at, memory_format=None: (),
    **dict.fromkeys(("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze"), _same_order),
}

SAME_ORDER: frozenset[Any] = frozenset(
    key for table in (FUNCTIONS, METHODS) for key, reader in table.items() if reader in (_same_order, _indexed)
)
