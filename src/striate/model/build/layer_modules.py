"""Layer type -> torch module: one plain table, a line a layer. All map (N, C, H, W) or (N, C) as the layer says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from striate import spec
from striate.errors import DescribeError
from striate.model.build.modules import (
    Conv,
    ConvTranspose,
    Crop,
    GlobalPool,
    Linear,
    LocalResponseNorm,
    MinPool,
    Rbf,
    ScaledTanh,
    Subsample,
    TableConv,
    UnevenConv,
)
from striate.model.build.residual import DropPath, LayerNorm, LayerScale, PadChannels
from striate.spec import Shape
from striate.spec.values import as_pair
from striate.spec.window import Slide


def module_for(layer: spec.Layer, shape: Shape) -> nn.Module:
    """Return the module of one layer for an input of ``shape``; weights that begin by chance are not yet set."""
    try:
        return TABLE[type(layer)](layer, shape)
    except KeyError:
        raise DescribeError(
            f"{layer.keyword}: no torch module is known; add a line to model/build/layer_modules.py"
        ) from None


def _conv(layer: spec.Conv, shape: Shape) -> nn.Module:
    stride, dilation = as_pair(layer.stride), as_pair(layer.dilation)
    # (left, right, top, bottom); for "same" the odd one comes last, as in the window that the survey reckons with.
    vertical, horizontal = layer.windows
    assert isinstance(vertical, Slide) and isinstance(horizontal, Slide)
    sides = (horizontal.before, horizontal.after, vertical.before, vertical.after)
    if layer.connections is not None:
        return TableConv(
            shape.channels,
            layer.connections,
            as_pair(layer.kernel),
            stride=stride,
            sides=sides,
            dilation=dilation,
            bias=layer.bias,
        )
    sizes = shape.channels, layer.outputs(), as_pair(layer.kernel)
    if sides[0] != sides[1] or sides[2] != sides[3]:
        return UnevenConv(*sizes, stride=stride, sides=sides, dilation=dilation, groups=layer.groups, bias=layer.bias)
    padding = (sides[2], sides[0])
    return Conv(*sizes, stride, padding, dilation, layer.groups, layer.bias)


def _conv_transpose(layer: spec.ConvTranspose, shape: Shape) -> nn.Module:
    return ConvTranspose(
        shape.channels,
        layer.out,
        as_pair(layer.kernel),
        stride=as_pair(layer.stride),
        padding=as_pair(layer.padding),
        output_padding=as_pair(layer.output_padding),
        dilation=as_pair(layer.dilation),
        groups=layer.groups,
        bias=layer.bias,
    )


def _window(layer: spec.MaxPool | spec.MinPool | spec.AvgPool) -> dict[str, Any]:
    return {
        "kernel_size": as_pair(layer.kernel),
        "stride": as_pair(layer.kernel if layer.stride is None else layer.stride),
        "padding": as_pair(layer.padding),
        "ceil_mode": layer.ceil,
    }


def _batch_norm(layer: spec.BatchNorm, shape: Shape) -> nn.Module:
    kind = nn.BatchNorm2d if shape.is_map else nn.BatchNorm1d
    return kind(shape.channels, eps=layer.eps, momentum=layer.momentum, affine=layer.affine)


TABLE: dict[type[spec.Layer], Callable[[Any, Shape], nn.Module]] = {
    spec.Conv: _conv,
    spec.ConvTranspose: _conv_transpose,
    spec.MaxPool: lambda layer, shape: nn.MaxPool2d(**_window(layer)),
    spec.MinPool: lambda layer, shape: MinPool(**_window(layer)),
    spec.AvgPool: lambda layer, shape: nn.AvgPool2d(**_window(layer), count_include_pad=layer.count_padding),
    spec.Subsample: lambda layer, shape: Subsample(shape.channels, as_pair(layer.kernel)),
    spec.GlobalMaxPool: lambda layer, shape: GlobalPool("max"),
    spec.GlobalAvgPool: lambda layer, shape: GlobalPool("average"),
    spec.GlobalMinPool: lambda layer, shape: GlobalPool("min"),
    spec.AdaptiveAvgPool: lambda layer, shape: nn.AdaptiveAvgPool2d(as_pair(layer.size)),
    spec.Crop: lambda layer, shape: Crop(as_pair(layer.margin)),
    spec.Upsample: lambda layer, shape: nn.Upsample(
        scale_factor=tuple(float(factor) for factor in as_pair(layer.factor)), mode=layer.mode
    ),
    spec.Flatten: lambda layer, shape: nn.Flatten(),
    spec.Dense: lambda layer, shape: Linear(shape.channels, layer.outputs(), layer.bias),
    spec.Rbf: lambda layer, shape: Rbf(shape.channels, layer.outputs()),
    spec.BatchNorm: _batch_norm,
    spec.GroupNorm: lambda layer, shape: nn.GroupNorm(layer.groups, shape.channels, layer.eps, layer.affine),
    spec.LocalResponseNorm: lambda layer, shape: LocalResponseNorm(
        layer.size, alpha=layer.alpha, beta=layer.beta, k=layer.k
    ),
    spec.Dropout: lambda layer, shape: nn.Dropout(layer.p),
    spec.SpatialDropout: lambda layer, shape: nn.Dropout2d(layer.p),
    spec.ReLU: lambda layer, shape: nn.ReLU(),
    spec.LeakyReLU: lambda layer, shape: nn.LeakyReLU(layer.slope),
    spec.Tanh: lambda layer, shape: nn.Tanh(),
    spec.ScaledTanh: lambda layer, shape: ScaledTanh(),
    spec.Sigmoid: lambda layer, shape: nn.Sigmoid(),
    spec.GELU: lambda layer, shape: nn.GELU(),
    spec.SiLU: lambda layer, shape: nn.SiLU(),
    spec.Softmax: lambda layer, shape: nn.Softmax(1),
    spec.Identity: lambda layer, shape: nn.Identity(),
    spec.ReLU6: lambda layer, shape: nn.ReLU6(),
    spec.HardSigmoid: lambda layer, shape: nn.Hardsigmoid(),
    spec.HardSwish: lambda layer, shape: nn.Hardswish(),
    spec.LayerNorm: lambda layer, shape: LayerNorm(shape.channels, layer.eps, layer.affine),
    spec.LayerScale: lambda layer, shape: LayerScale(shape.channels, layer.initial),
    spec.DropPath: lambda layer, shape: DropPath(layer.p),
    spec.PadChannels: lambda layer, shape: PadChannels(layer.sides(shape)),
}
