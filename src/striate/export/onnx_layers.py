"""Layer type -> ONNX nodes: one plain table, a line a layer, beside `model/build/layer_modules.py`. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate import spec
from striate.export.onnx_graph import Affine, Graph, Part
from striate.spec.values import as_pair
from striate.spec.window import Slide, Window

Writer = Callable[[Graph, Part, str], str]

LINEAR: Final = (spec.Conv, spec.ConvTranspose, spec.Dense)
"""The layers into whose weights a norm or scale behind them is folded."""


def affine_of(graph: Graph, layer: Any) -> Affine | None:
    """Return what a batch norm or a layer scale does to each channel; None for another layer."""
    if isinstance(layer, spec.LayerScale):
        scale = graph.tensor("weight").astype(np.float64)
        return Affine(scale, np.zeros_like(scale))
    if not isinstance(layer, spec.BatchNorm):
        return None
    mean, variance = (graph.tensor(name).astype(np.float64) for name in ("running_mean", "running_var"))
    scale = 1 / np.sqrt(variance + layer.eps)
    if layer.affine:
        scale = scale * graph.tensor("weight")
    return Affine(scale, (graph.tensor("bias") if layer.affine else 0) - mean * scale)


def _weights(graph: Graph, part: Part, weight: NDArray[Any], axis: int = 0) -> list[str]:
    """Write a linear layer's weight and bias with what is folded into them; ``axis`` is that of the outputs."""
    bias = graph.tensor("bias").astype(np.float64) if graph.has("bias") else None
    if part.folded is not None:
        scale = part.folded.scale
        bias = part.folded.shift + (0 if bias is None else bias * scale)
        if axis == 0:
            weight = weight * scale.reshape(-1, *(1,) * (weight.ndim - 1))
        else:  # (inputs, outputs of a group, ...): each group of inputs has outputs of its own
            groups = part.layer.groups
            spread = np.repeat(scale.reshape(groups, 1, -1), len(weight) // groups, 1).reshape(len(weight), -1)
            weight = weight * spread[..., None, None]
    names = [graph.constant("weight", weight)]
    return names if bias is None else [*names, graph.constant("bias", bias)]


def _sides(windows: Sequence[Window]) -> list[int]:
    """Return the zeros at (top, left, bottom, right)."""
    assert all(isinstance(window, Slide) for window in windows)
    return [window.before for window in windows] + [window.after for window in windows]  # type: ignore[attr-defined]


def _conv(graph: Graph, part: Part, value: str) -> str:
    layer, weight = part.layer, graph.tensor("weight")
    if layer.connections is not None:
        full = np.zeros((len(layer.connections), part.given.channels, *weight.shape[1:]), weight.dtype)
        pairs = [(output, source) for output, sources in enumerate(layer.connections) for source in sources]
        full[tuple(np.array(pairs).T)] = weight
        weight = full
    attributes = {
        "kernel_shape": as_pair(layer.kernel),
        "strides": as_pair(layer.stride),
        "dilations": as_pair(layer.dilation),
        "pads": _sides(layer.windows),
        "group": layer.groups,
    }
    return graph.node("Conv", [value, *_weights(graph, part, weight)], attributes)


def _conv_transpose(graph: Graph, part: Part, value: str) -> str:
    layer = part.layer
    # What is added behind is what is not cut off there. ONNX Runtime takes only less than a stride of more than that;
    # where a dilation allows it, zeros behind the input make room, in whole strides, and what is too much is cut.
    cut, added, strides = as_pair(layer.padding), as_pair(layer.output_padding), as_pair(layer.stride)
    more = [max(a - c, 0) for a, c in zip(added, cut, strict=True)]
    zeros = [-(-m // stride) if m >= stride else 0 for m, stride in zip(more, strides, strict=True)]
    if any(zeros):
        pads = np.array([0, 0, 0, 0, 0, 0, *zeros], np.int64)
        value = graph.node("Pad", [value, graph.constant("pads", pads)])
    behind = [
        max(c - a, 0) if not z else z * stride - m
        for c, a, z, m, stride in zip(cut, added, zeros, more, strides, strict=True)
    ]
    attributes = {
        "kernel_shape": as_pair(layer.kernel),
        "strides": strides,
        "dilations": as_pair(layer.dilation),
        "pads": [*cut, *behind],
        "output_padding": [0 if z else m for z, m in zip(zeros, more, strict=True)],
        "group": layer.groups,
    }
    return graph.node("ConvTranspose", [value, *_weights(graph, part, graph.tensor("weight"), axis=1)], attributes)


def _dense(graph: Graph, part: Part, value: str) -> str:
    return graph.node("Gemm", [value, *_weights(graph, part, graph.tensor("weight"))], {"transB": 1})


def _max_pool(graph: Graph, part: Part, value: str) -> str:
    # A last window that hangs over the edge (ceil) is padding behind: padding never wins.
    windows, sizes = part.layer.windows, zip(part.given.size, part.shape.size, strict=True)
    after = [
        max(window.after, (out - 1) * window.stride + window.kernel - window.before - side)
        for window, (side, out) in zip(windows, sizes, strict=True)
    ]
    attributes = {
        "kernel_shape": as_pair(part.layer.kernel),
        "strides": as_pair(part.layer.stride),
        "pads": [*as_pair(part.layer.padding), *after],
    }
    return graph.node("MaxPool", [value], attributes)


def _avg_pool(graph: Graph, part: Part, value: str) -> str:
    layer = part.layer
    if layer.ceil:
        return _means(graph, value, [_slid(*axis, layer.count_padding) for axis in _axes(part)])
    attributes = {
        "kernel_shape": as_pair(layer.kernel),
        "strides": as_pair(layer.stride),
        "pads": as_pair(layer.padding) * 2,
        "count_include_pad": int(layer.count_padding),
    }
    return graph.node("AveragePool", [value], attributes)


def _axes(part: Part) -> list[tuple[Any, int, int]]:
    """Return for height and width: the window, the positions it is given and those it gives."""
    return list(zip(part.layer.windows, part.given.size, part.shape.size, strict=True))


def _slid(window: Slide, side: int, out: int, count_padding: bool) -> NDArray[np.float64]:
    """Return (out, side): the share of each position in each mean; what hangs over the padding never counts."""
    shares = np.zeros((out, side))
    for row in range(out):
        start = row * window.stride - window.before
        stop = min(start + window.kernel, side + window.after)
        inside = slice(max(start, 0), min(stop, side))
        shares[row, inside] = 1 / ((stop - start) if count_padding else max(inside.stop - inside.start, 1))
    return shares


def _adaptive(graph: Graph, part: Part, value: str) -> str:
    if part.given.size == part.shape.size:
        return value
    if part.shape.size == (1, 1):
        return graph.node("GlobalAveragePool", [value])
    shares = []
    for _, side, bins in _axes(part):
        share = np.zeros((bins, side))
        for row in range(bins):
            inside = slice(row * side // bins, -(-(row + 1) * side // bins))
            share[row, inside] = 1 / (inside.stop - inside.start)
        shares.append(share)
    return _means(graph, value, shares)


def _means(graph: Graph, value: str, shares: Sequence[NDArray[np.float64]]) -> str:
    """Write means over rows and over columns as two matrix products: rows @ map @ columns."""
    rows, columns = shares
    value = graph.node("MatMul", [graph.constant("rows", rows), value])
    return graph.node("MatMul", [value, graph.constant("columns", columns.T)])


def _subsample(graph: Graph, part: Part, value: str) -> str:
    # A mean times a weight plus a bias, channel by channel, is a convolution of each channel by itself.
    kernel, channels = as_pair(part.layer.kernel), part.given.channels
    weight = graph.tensor("weight").astype(np.float64) / (kernel[0] * kernel[1])
    weight = np.broadcast_to(weight.reshape(-1, 1, 1, 1), (channels, 1, *kernel))
    attributes = {"kernel_shape": kernel, "strides": kernel, "group": channels}
    return graph.node("Conv", [value, *_weights(graph, part, weight)], attributes)


def _turned(write: Writer) -> Writer:
    """Return a writer for smallest values: turn the values round, and the smallest is the largest."""

    def turned(graph: Graph, part: Part, value: str) -> str:
        return graph.node("Neg", [write(graph, part, graph.node("Neg", [value]))])

    return turned


def _crop(graph: Graph, part: Part, value: str) -> str:
    margins = np.array(as_pair(part.layer.margin), np.int64)
    bounds = {"starts": margins, "ends": np.array(part.given.size, np.int64) - margins, "axes": np.array([2, 3])}
    return graph.node("Slice", [value, *(graph.constant(name, bound) for name, bound in bounds.items())])


def _upsample(graph: Graph, part: Part, value: str) -> str:
    scales = graph.constant("scales", np.array([1, 1, *as_pair(part.layer.factor)], np.float32))
    bilinear = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    nearest = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return graph.node("Resize", [value, "", scales], bilinear if part.layer.mode == "bilinear" else nearest)


def _rbf(graph: Graph, part: Part, value: str) -> str:
    prototypes = graph.tensor("prototypes")
    if part.given.is_map:
        prototypes = prototypes[..., None, None]
    apart = graph.node("Unsqueeze", [value, graph.constant("axis", np.array([1], np.int64))])
    apart = graph.node("Sub", [apart, graph.constant("prototypes", prototypes)])
    axes = graph.constant("axes", np.array([2], np.int64))
    return graph.node("Neg", [graph.node("ReduceSumSquare", [apart, axes], {"keepdims": 0})])


def _batch_norm(graph: Graph, part: Part, value: str) -> str:
    affine = affine_of(graph, part.layer)
    assert affine is not None
    still = np.zeros_like(affine.scale)  # a mean of 0 and a variance of 1: all is in scale and shift
    names = ("scale", "shift", "mean", "variance")
    arrays = (affine.scale, affine.shift, still, still + 1)
    inputs = [graph.constant(name, array) for name, array in zip(names, arrays, strict=True)]
    return graph.node("BatchNormalization", [value, *inputs], {"epsilon": 0.0})


def _scaled(graph: Graph, part: Part, value: str, *, weight: bool = True, bias: bool = True) -> str:
    """Write times weight and plus bias, channel by channel, where there are such."""
    ones = (1, 1) if part.given.is_map else ()
    for operator, name, wanted in (("Mul", "weight", weight), ("Add", "bias", bias)):
        if wanted and graph.has(name):
            value = graph.node(operator, [value, graph.constant(name, graph.tensor(name).reshape(-1, *ones))])
    return value


def _group_norm(graph: Graph, part: Part, value: str) -> str:
    groups = part.layer.groups
    value = graph.node("Reshape", [value, graph.constant("grouped", np.array([0, groups, -1], np.int64))])
    one = [graph.constant("ones", np.ones(groups)), graph.constant("zeros", np.zeros(groups))]
    value = graph.node("InstanceNormalization", [value, *one], {"epsilon": part.layer.eps})
    sizes = [part.given.channels, *(part.given.size if part.given.is_map else ())]
    value = graph.node("Reshape", [value, graph.constant("apart", np.array([0, *sizes], np.int64))])
    return _scaled(graph, part, value)


def _layer_norm(graph: Graph, part: Part, value: str) -> str:
    channels = part.given.channels
    weight = graph.tensor("weight") if graph.has("weight") else np.ones(channels)
    inputs = [graph.constant("weight", weight)]
    if graph.has("bias"):
        inputs.append(graph.constant("bias", graph.tensor("bias")))
    if part.given.is_map:
        value = graph.node("Transpose", [value], {"perm": [0, 2, 3, 1]})
    value = graph.node("LayerNormalization", [value, *inputs], {"axis": -1, "epsilon": part.layer.eps})
    return graph.node("Transpose", [value], {"perm": [0, 3, 1, 2]}) if part.given.is_map else value


def _local_response_norm(graph: Graph, part: Part, value: str) -> str:
    layer, channels = part.layer, part.given.channels
    if layer.size % 2:
        attributes = {"size": layer.size, "alpha": layer.alpha, "beta": layer.beta, "bias": layer.k}
        return graph.node("LRN", [value], attributes)
    # ONNX counts the odd neighbour behind, torch the one before, and ONNX Runtime takes odd sizes alone: the sum over
    # neighbouring channels is a 1x1 convolution with a band of ones.
    apart = np.arange(channels)[None] - np.arange(channels)[:, None]
    band = (apart >= -(layer.size // 2)) & (apart < layer.size // 2)
    weight = graph.constant("band", layer.alpha / layer.size * band[..., None, None])
    inputs = [graph.node("Mul", [value, value]), weight, graph.constant("k", np.full(channels, float(layer.k)))]
    power = graph.constant("beta", np.array(float(layer.beta)))
    return graph.node("Div", [value, graph.node("Pow", [graph.node("Conv", inputs), power])])


def _scaled_tanh(graph: Graph, part: Part, value: str) -> str:
    value = graph.node("Tanh", [graph.node("Mul", [value, graph.constant("slope", np.array(2 / 3))])])
    return graph.node("Mul", [value, graph.constant("height", np.array(1.7159))])


def _relu6(graph: Graph, part: Part, value: str) -> str:
    return graph.node("Clip", [value, graph.constant("low", np.array(0.0)), graph.constant("high", np.array(6.0))])


def _pad_channels(graph: Graph, part: Part, value: str) -> str:
    before, after = part.layer.sides(part.given)
    others = [0, 0] if part.given.is_map else []
    pads = graph.constant("pads", np.array([0, before, *others, 0, after, *others], np.int64))
    return graph.node("Pad", [value, pads])


def _plain(operator: str, attributes: Callable[[Any], dict[str, Any]] = lambda layer: {}) -> Writer:
    """Return a writer of one node without constants; ``attributes`` are made of the layer."""
    return lambda graph, part, value: graph.node(operator, [value], attributes(part.layer))


def _nothing(graph: Graph, part: Part, value: str) -> str:
    """Write nothing: what is for training alone."""
    return value


TABLE: Final[dict[type[spec.Layer], Writer]] = {
    spec.Conv: _conv,
    spec.ConvTranspose: _conv_transpose,
    spec.MaxPool: _max_pool,
    spec.MinPool: _turned(_max_pool),
    spec.AvgPool: _avg_pool,
    spec.Subsample: _subsample,
    spec.GlobalMaxPool: _plain("GlobalMaxPool"),
    spec.GlobalAvgPool: _plain("GlobalAveragePool"),
    spec.GlobalMinPool: _turned(_plain("GlobalMaxPool")),
    spec.AdaptiveAvgPool: _adaptive,
    spec.Crop: _crop,
    spec.Upsample: _upsample,
    spec.Flatten: _plain("Flatten"),
    spec.Dense: _dense,
    spec.Rbf: _rbf,
    spec.BatchNorm: _batch_norm,
    spec.GroupNorm: _group_norm,
    spec.LayerNorm: _layer_norm,
    spec.LayerScale: _scaled,
    spec.LocalResponseNorm: _local_response_norm,
    spec.Dropout: _nothing,
    spec.SpatialDropout: _nothing,
    spec.DropPath: _nothing,
    spec.Identity: _nothing,
    spec.ReLU: _plain("Relu"),
    spec.ReLU6: _relu6,
    spec.LeakyReLU: _plain("LeakyRelu", lambda layer: {"alpha": float(layer.slope)}),
    spec.Tanh: _plain("Tanh"),
    spec.ScaledTanh: _scaled_tanh,
    spec.Sigmoid: _plain("Sigmoid"),
    spec.GELU: _plain("Gelu"),
    spec.SiLU: lambda graph, part, value: graph.node("Mul", [value, graph.node("Sigmoid", [value])]),
    spec.HardSigmoid: _plain("HardSigmoid", lambda layer: {"alpha": 1 / 6, "beta": 0.5}),
    spec.HardSwish: _plain("HardSwish"),
    spec.Softmax: _plain("Softmax", lambda layer: {"axis": 1}),
    spec.PadChannels: _pad_channels,
}
