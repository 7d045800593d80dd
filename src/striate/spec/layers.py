# ruff: noqa: D102  (what an overriding method answers is said once, at its base)
"""The layers without a window, and `LAYERS`: every word of the notation.

A layer's fields come first; their annotations (`Count`, `Size` ...) say what each may be, and `striate.spec.values`
checks it. To add a layer, write its class and add its line to `LAYERS`: text, survey and refusals follow.
"""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import ClassVar

from striate.errors import ShapeError
from striate.spec.layer import Head, Layer, require_map
from striate.spec.net import node
from striate.spec.shape import Shape
from striate.spec.values import Classes, Count, Flag, Positive, Real, Share
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
    "Dropout",
    "FlatHead",
    "Flatten",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "GlobalMinPool",
    "GroupNorm",
    "Head",
    "Identity",
    "Layer",
    "LeakyReLU",
    "LocalResponseNorm",
    "MaxPool",
    "MinPool",
    "Rbf",
    "ReLU",
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
class BatchNorm(Layer):
    """Each channel to mean 0 and variance 1 over the batch, then scaled and shifted if `affine` (Ioffe 2015)."""

    keyword: ClassVar[str] = "batchnorm"
    _: KW_ONLY
    eps: Positive = 1e-5
    momentum: Share = 0.1
    affine: Flag = True

    def parameters(self, given: Shape) -> int:
        return 2 * given.channels * self.affine


@node
class GroupNorm(Layer):
    """Each group of channels of one picture to mean 0 and variance 1, then scaled and shifted if `affine` (Wu 2018)."""

    keyword: ClassVar[str] = "groupnorm"
    groups: Count
    _: KW_ONLY
    eps: Positive = 1e-5
    affine: Flag = True

    def shape(self, given: Shape) -> Shape:
        if given.channels % self.groups:
            divisors = ", ".join(str(n) for n in range(1, given.channels + 1) if given.channels % n == 0)
            raise ShapeError(
                f"{self.groups} groups must divide the {given.channels} channels of the input; what divides: {divisors}"
            )
        if given.elements == self.groups:
            raise ShapeError(f"each of the {self.groups} groups of {given} holds one value, and its norm is always 0")
        return given

    def parameters(self, given: Shape) -> int:
        return 2 * given.channels * self.affine


@node
class LocalResponseNorm(Layer):
    """Each value over (k + alpha/size * sum of squares of `size` neighbouring channels) ** beta (AlexNet, 3.3).

    `alpha` is divided by `size`, as in PyTorch; the paper's own alpha of 1e-4 at size 5 is 5e-4 here.
    """

    keyword: ClassVar[str] = "lrn"
    size: Count = 5
    _: KW_ONLY
    alpha: Real = 1e-4
    beta: Real = 0.75
    k: Real = 1.0

    def shape(self, given: Shape) -> Shape:
        require_map(self, given)
        return given


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


class ReLU(Layer):
    """max(x, 0)."""

    keyword: ClassVar[str] = "relu"


@node
class LeakyReLU(Layer):
    """x where it is positive, `slope` times x where it is not."""

    keyword: ClassVar[str] = "leakyrelu"
    slope: Real = 0.01


class Tanh(Layer):
    """tanh(x)."""

    keyword: ClassVar[str] = "tanh"


class ScaledTanh(Layer):
    """1.7159 tanh(2x/3): LeNet-5's squashing, 1 at 1 and -1 at -1 (LeCun et al. 1998, appendix A)."""

    keyword: ClassVar[str] = "scaledtanh"


class Sigmoid(Layer):
    """1 / (1 + exp(-x))."""

    keyword: ClassVar[str] = "sigmoid"


class GELU(Layer):
    """x times the share of the normal distribution below x (Hendrycks 2016), exact."""

    keyword: ClassVar[str] = "gelu"


class SiLU(Layer):
    """x times sigmoid(x), also called swish."""

    keyword: ClassVar[str] = "silu"


class Softmax(Layer):
    """exp(x) over its sum across the channels, at each position."""

    keyword: ClassVar[str] = "softmax"


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
}
