# ruff: noqa: D102  (what an overriding method answers is said once, at its base)
"""The layers without a window that are neither norm nor activation, and `LAYERS`: every word of the notation.

A layer's fields come first; their annotations (`Count`, `Size` ...) say what each may be, and `striate.spec.values`
checks it. To add a layer, write its class and add its line to `LAYERS`: text, survey and refusals follow.
"""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import ClassVar

from striate.errors import ShapeError
from striate.spec.activations import (
    GELU,
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    ReLU,
    ReLU6,
    ScaledTanh,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)
from striate.spec.layer import Head, Layer, require_map
from striate.spec.net import node
from striate.spec.norms import BatchNorm, GroupNorm, LayerNorm, LayerScale, LocalResponseNorm
from striate.spec.shape import Shape
from striate.spec.values import Classes, Count, Flag, Share
from striate.spec.windowed import (
    AdaptiveAvgPool,
    AvgPool,
    Conv,
    ConvTranspose,
    Crop,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    GlobalMinPool,
    MaxPool,
    MinPool,
    Subsample,
    Upsample,
)

__all__ = [
    "GELU",
    "LAYERS",
    "AdaptiveAvgPool",
    "AvgPool",
    "BatchNorm",
    "Conv",
    "ConvTranspose",
    "Crop",
    "Dense",
    "DropPath",
    "Dropout",
    "FlatHead",
    "Flatten",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "GlobalMinPool",
    "GroupNorm",
    "HardSigmoid",
    "HardSwish",
    "Head",
    "Identity",
    "Layer",
    "LayerNorm",
    "LayerScale",
    "LeakyReLU",
    "LocalResponseNorm",
    "MaxPool",
    "MinPool",
    "PadChannels",
    "Rbf",
    "ReLU",
    "ReLU6",
    "ScaledTanh",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "SpatialDropout",
    "Subsample",
    "Tanh",
    "Upsample",
]


@node
class FlatHead(Head):
    """A head on a flat vector. (Abstract.)"""

    out: Classes = None

    def shape(self, given: Shape) -> Shape:
        if given.is_map:
            raise ShapeError(f"{self.keyword} takes a flat vector, but is given the map {given}")
        return Shape(self.outputs())

    def macs(self, given: Shape) -> int:
        return given.channels * self.shape(given).channels


@node
class Dense(FlatHead):
    """Every output a weighted sum of the whole flat vector. Without a number: as many as there are classes."""

    keyword: ClassVar[str] = "dense"
    _: KW_ONLY
    bias: Flag = True

    def parameters(self, given: Shape) -> int:
        return (given.channels + self.bias) * self.shape(given).channels


class Rbf(FlatHead):
    """LeNet-5's output: minus the squared distance to one fixed prototype of -1s and 1s a class, never trained.

    LeCun et al. 1998, section II.B; negated here, so that the nearest class has the largest logit.
    """

    keyword: ClassVar[str] = "rbf"

    def fixed(self, given: Shape) -> int:
        return given.channels * self.shape(given).channels


@node
class Dropout(Layer):
    """In training each value becomes 0 with probability `p` and the others grow by 1/(1 - p)."""

    keyword: ClassVar[str] = "dropout"
    p: Share = 0.5


class SpatialDropout(Dropout):
    """In training each whole channel of a map becomes 0 with probability `p` (Tompson 2015)."""

    keyword: ClassVar[str] = "spatialdropout"

    def shape(self, given: Shape) -> Shape:
        require_map(self, given)
        return given


class DropPath(Dropout):
    """In training the whole branch of a picture becomes 0 with probability `p`; the others grow by 1/(1 - p).

    At the end of a residual branch this is stochastic depth: the picture skips the block (Huang et al. 2016, section
    3, where the branch shrinks in evaluation instead).
    """

    keyword: ClassVar[str] = "droppath"


@node
class PadChannels(Layer):
    """Channels of zeros, half before and half behind, up to `out` channels; an odd one goes behind.

    The shortcut without parameters of a residual net whose channels grow (He et al. 2015, section 4.1, option A).
    """

    keyword: ClassVar[str] = "padchannels"
    out: Count

    def sides(self, given: Shape) -> tuple[int, int]:
        """How many channels of zeros come before and behind."""
        more = self.out - given.channels
        return more // 2, more - more // 2

    def shape(self, given: Shape) -> Shape:
        if given.channels > self.out:
            raise ShapeError(f"{given.channels} channels cannot be filled up to {self.out}")
        return Shape(self.out, given.height, given.width)


class Identity(Layer):
    """What comes in; the shortcut of a residual block."""

    keyword: ClassVar[str] = "identity"


LAYERS: dict[str, type[Layer]] = {
    "conv": Conv,
    "convtranspose": ConvTranspose,
    "maxpool": MaxPool,
    "avgpool": AvgPool,
    "minpool": MinPool,
    "globalmaxpool": GlobalMaxPool,
    "globalavgpool": GlobalAvgPool,
    "globalminpool": GlobalMinPool,
    "adaptiveavgpool": AdaptiveAvgPool,
    "crop": Crop,
    "dense": Dense,
    "flatten": Flatten,
    "batchnorm": BatchNorm,
    "groupnorm": GroupNorm,
    "lrn": LocalResponseNorm,
    "dropout": Dropout,
    "spatialdropout": SpatialDropout,
    "relu": ReLU,
    "leakyrelu": LeakyReLU,
    "tanh": Tanh,
    "scaledtanh": ScaledTanh,
    "sigmoid": Sigmoid,
    "gelu": GELU,
    "silu": SiLU,
    "softmax": Softmax,
    "identity": Identity,
    "upsample": Upsample,
    "subsample": Subsample,
    "rbf": Rbf,
    "relu6": ReLU6,
    "hardsigmoid": HardSigmoid,
    "hardswish": HardSwish,
    "layernorm": LayerNorm,
    "layerscale": LayerScale,
    "droppath": DropPath,
    "padchannels": PadChannels,
}
