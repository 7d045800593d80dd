"""Layer type -> what the interpreter of a page is told: one plain table, a line a layer. No torch.

Beside `onnx_layers.py`; what the words mean stands in `render/html/model/layers.js`, which computes them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate import spec
from striate.export.onnx_graph import Graph
from striate.export.onnx_layers import affine_of
from striate.export.page_tensors import Packed
from striate.spec.trace import Step
from striate.spec.values import as_pair

Facts = dict[str, Any]


@dataclass(frozen=True)
class Telling:
    """A layer to be told: its ``step``, the model's ``tensors`` by name, and where its own are kept."""

    step: Step
    tensors: Any
    packed: Packed

    @property
    def layer(self) -> Any:
        """The layer."""
        return self.step.net

    def has(self, name: str) -> bool:
        """Say whether the layer has a tensor of that name."""
        return f"{self.step.path}.{name}" in self.tensors

    def tensor(self, name: str) -> NDArray[Any]:
        """Return a tensor of the layer."""
        array: NDArray[Any] = self.tensors[f"{self.step.path}.{name}"]
        return array

    def kept(self, *names: str) -> Facts:
        """Keep those tensors of the layer that there are, and return where they lie."""
        return {name: self.packed.add(self.tensor(name)) for name in names if self.has(name)}


Writer = Callable[[Telling], Facts]


def _conv(told: Telling) -> Facts:
    layer, weight = told.layer, told.tensor("weight")
    if layer.connections is not None:
        full = np.zeros((len(layer.connections), told.step.given.channels, *weight.shape[1:]), weight.dtype)
        pairs = [(output, source) for output, sources in enumerate(layer.connections) for source in sources]
        full[tuple(np.array(pairs).T)] = weight
        weight = full
    down, across = layer.windows
    return {
        "op": "conv",
        "kernel": as_pair(layer.kernel),
        "stride": as_pair(layer.stride),
        "dilation": as_pair(layer.dilation),
        "before": (down.before, across.before),
        "groups": layer.groups,
        "weight": told.packed.add(weight),
        **told.kept("bias"),
    }


def _conv_transpose(told: Telling) -> Facts:
    layer = told.layer
    return {
        "op": "convtranspose",
        "kernel": as_pair(layer.kernel),
        "stride": as_pair(layer.stride),
        "dilation": as_pair(layer.dilation),
        "before": as_pair(layer.padding),
        "groups": layer.groups,
        "weight": told.packed.add(told.tensor("weight"), axis=0),
        **told.kept("bias"),
    }


def _pool(operation: str) -> Writer:
    def write(told: Telling) -> Facts:
        layer = told.layer
        return {
            "op": operation,
            "kernel": as_pair(layer.kernel),
            "stride": as_pair(layer.stride),
            "before": as_pair(layer.padding),
            **({"countPadding": layer.count_padding} if operation == "avgpool" else {}),
        }

    return write


def _affine(told: Telling) -> Facts:
    affine = affine_of(Graph(told.tensors, told.step.path), told.layer)
    assert affine is not None
    return {"op": "affine", "scale": told.packed.add(affine.scale), "shift": told.packed.add(affine.shift)}


def _subsample(told: Telling) -> Facts:
    return {"op": "subsample", "kernel": as_pair(told.layer.kernel), **told.kept("weight", "bias")}


def _upsample(told: Telling) -> Facts:
    return {"op": "upsample", "factor": as_pair(told.layer.factor), "bilinear": told.layer.mode == "bilinear"}


def _group_norm(told: Telling) -> Facts:
    return {"op": "groupnorm", "groups": told.layer.groups, "eps": told.layer.eps, **told.kept("weight", "bias")}


def _layer_norm(told: Telling) -> Facts:
    return {"op": "layernorm", "eps": told.layer.eps, **told.kept("weight", "bias")}


def _lrn(told: Telling) -> Facts:
    layer = told.layer
    numbers = {name: float(getattr(layer, name)) for name in ("alpha", "beta", "k")}
    return {"op": "lrn", "size": layer.size, **numbers}


def _plain(operation: str, facts: Callable[[Telling], Facts] = lambda told: {}) -> Writer:
    """Return a writer of an operation without tensors; ``facts`` are made of the layer."""
    return lambda told: {"op": operation, **facts(told)}


_SAME: Final = _plain("identity")

TABLE: Final[dict[type[spec.Layer], Writer]] = {
    spec.Conv: _conv,
    spec.ConvTranspose: _conv_transpose,
    spec.MaxPool: _pool("maxpool"),
    spec.MinPool: _pool("minpool"),
    spec.AvgPool: _pool("avgpool"),
    spec.Subsample: _subsample,
    spec.GlobalMaxPool: _plain("globalmax"),
    spec.GlobalAvgPool: _plain("globalavg"),
    spec.GlobalMinPool: _plain("globalmin"),
    spec.AdaptiveAvgPool: _plain("adaptiveavg"),
    spec.Crop: _plain("crop", lambda told: {"margin": as_pair(told.layer.margin)}),
    spec.Upsample: _upsample,
    spec.Flatten: _plain("flatten"),
    spec.Dense: lambda told: {"op": "dense", **told.kept("weight", "bias")},
    spec.Rbf: lambda told: {"op": "rbf", **told.kept("prototypes")},
    spec.BatchNorm: _affine,
    spec.GroupNorm: _group_norm,
    spec.LayerNorm: _layer_norm,
    spec.LayerScale: _affine,
    spec.LocalResponseNorm: _lrn,
    spec.Dropout: _SAME,
    spec.SpatialDropout: _SAME,
    spec.DropPath: _SAME,
    spec.Identity: _SAME,
    spec.ReLU: _plain("relu"),
    spec.ReLU6: _plain("relu6"),
    spec.LeakyReLU: _plain("leakyrelu", lambda told: {"slope": float(told.layer.slope)}),
    spec.Tanh: _plain("tanh"),
    spec.ScaledTanh: _plain("scaledtanh"),
    spec.Sigmoid: _plain("sigmoid"),
    spec.GELU: _plain("gelu"),
    spec.SiLU: _plain("silu"),
    spec.HardSigmoid: _plain("hardsigmoid"),
    spec.HardSwish: _plain("hardswish"),
    spec.Softmax: _plain("softmax"),
    spec.PadChannels: _plain("padchannels", lambda told: {"front": told.layer.sides(told.step.given)[0]}),
}
