"""The layers: frozen values that know their hyperparameters and what they make of a shape.

A field's annotation (`Count`, `Size` ...) says what it may be; `striate.spec.values` checks it. To add a layer,
write its class here and add its line to `LAYERS`: text, survey and refusals follow. Each answers, for the shape
of one input, ``shape`` (its output), ``parameters`` (trained), ``fixed`` (kept but not trained), ``macs``
(multiply-accumulates) and ``windows`` (what each output position sees, one window an axis).
"""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import ClassVar

from striate.spec.net import Net, node
from striate.spec.values import (
    Classes,
    Count,
    Flag,
    Margin,
    Mode,
    Padding,
    Positive,
    Real,
    Share,
    Size,
    Stride,
    Table,
)


class Layer(Net):
    """One layer. (Abstract.)"""


@node
class Conv(Layer):
    """Convolution: every output position is the same weighted sum over its window, one set of weights a channel.

    ``padding="same"`` keeps height and width (stride 1 only); an odd row goes below and to the right, as in PyTorch.
    `connections` lists, for each output channel, the input channels it sees (table I of LeCun et al. 1998).
    """

    keyword: ClassVar[str] = "conv"
    out: Count
    kernel: Size
    _: KW_ONLY
    stride: Size = 1
    padding: Padding = 0
    dilation: Size = 1
    groups: Count = 1
    bias: Flag = True
    connections: Table = None


@node
class ConvTranspose(Layer):
    """Transposed convolution: every input position spreads the same weights over its window of the output."""

    keyword: ClassVar[str] = "convtranspose"
    out: Count
    kernel: Size
    _: KW_ONLY
    stride: Size = 1
    padding: Margin = 0
    output_padding: Margin = 0
    dilation: Size = 1
    groups: Count = 1
    bias: Flag = True


class Pool(Layer):
    """A window that slides over each channel by itself; stride None is the kernel. (Abstract.)

    With `ceil` a last window may hang over the edge, if it begins inside the picture or its left padding (PyTorch).
    """

    kernel: Size
    stride: Stride
    padding: Margin
    ceil: Flag


@node
class MaxPool(Pool):
    """The largest value of each window; padding never wins."""

    keyword: ClassVar[str] = "maxpool"
    kernel: Size
    _: KW_ONLY
    stride: Stride = None
    padding: Margin = 0
    ceil: Flag = False


@node
class MinPool(Pool):
    """The smallest value of each window; padding never wins."""

    keyword: ClassVar[str] = "minpool"
    kernel: Size
    _: KW_ONLY
    stride: Stride = None
    padding: Margin = 0
    ceil: Flag = False


@node
class AvgPool(Pool):
    """The mean of each window; zeros of the padding count in it unless `count_padding` is False."""

    keyword: ClassVar[str] = "avgpool"
    kernel: Size
    _: KW_ONLY
    stride: Stride = None
    padding: Margin = 0
    ceil: Flag = False
    count_padding: Flag = True


@node
class Subsample(Layer):
    """LeNet-5's subsampling: the mean of each window times one trained coefficient a channel, plus one bias.

    LeCun et al. 1998, section II.B. (The paper adds the four inputs; the mean differs by a factor the coefficient
    takes up.) Windows do not overlap: the stride is the kernel.
    """

    keyword: ClassVar[str] = "subsample"
    kernel: Size


class GlobalPool(Layer):
    """One value for each whole channel: a map of 1x1. (Abstract.)"""


@node
class GlobalMaxPool(GlobalPool):
    """The largest value of each channel, as a 1x1 map."""

    keyword: ClassVar[str] = "globalmaxpool"


@node
class GlobalAvgPool(GlobalPool):
    """The mean of each channel, as a 1x1 map."""

    keyword: ClassVar[str] = "globalavgpool"


@node
class GlobalMinPool(GlobalPool):
    """The smallest value of each channel, as a 1x1 map."""

    keyword: ClassVar[str] = "globalminpool"


@node
class Flatten(Layer):
    """A map as one flat vector: channel by channel, row by row."""

    keyword: ClassVar[str] = "flatten"


@node
class Dense(Layer):
    """Every output a weighted sum of the whole flat vector. Without a number: as many as there are classes."""

    keyword: ClassVar[str] = "dense"
    out: Classes = None
    _: KW_ONLY
    bias: Flag = True

    def as_head(self, classes: int) -> Dense:
        """The same layer with that many outputs."""
        return Dense(classes, bias=self.bias)


@node
class Rbf(Layer):
    """LeNet-5's output: minus the squared distance to one fixed prototype of -1s and 1s a class, never trained.

    LeCun et al. 1998, section II.B; negated here, so that the nearest class has the largest logit.
    """

    keyword: ClassVar[str] = "rbf"
    out: Classes = None

    def as_head(self, classes: int) -> Rbf:
        """The same layer with that many outputs."""
        return Rbf(classes)


@node
class BatchNorm(Layer):
    """Each channel to mean 0 and variance 1 over the batch, then scaled and shifted if `affine` (Ioffe 2015)."""

    keyword: ClassVar[str] = "batchnorm"
    _: KW_ONLY
    eps: Positive = 1e-5
    momentum: Share = 0.1
    affine: Flag = True


@node
class GroupNorm(Layer):
    """Each group of channels of one picture to mean 0 and variance 1, then scaled and shifted if `affine` (Wu 2018)."""

    keyword: ClassVar[str] = "groupnorm"
    groups: Count
    _: KW_ONLY
    eps: Positive = 1e-5
    affine: Flag = True


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


@node
class Dropout(Layer):
    """In training each value becomes 0 with probability `p` and the others grow by 1/(1 - p)."""

    keyword: ClassVar[str] = "dropout"
    p: Share = 0.5


@node
class SpatialDropout(Layer):
    """In training each whole channel of a map becomes 0 with probability `p` (Tompson 2015)."""

    keyword: ClassVar[str] = "spatialdropout"
    p: Share = 0.5


@node
class ReLU(Layer):
    """max(x, 0)."""

    keyword: ClassVar[str] = "relu"


@node
class LeakyReLU(Layer):
    """x where it is positive, `slope` times x where it is not."""

    keyword: ClassVar[str] = "leakyrelu"
    slope: Real = 0.01


@node
class Tanh(Layer):
    """tanh(x)."""

    keyword: ClassVar[str] = "tanh"


@node
class ScaledTanh(Layer):
    """1.7159 tanh(2x/3): LeNet-5's squashing, 1 at 1 and -1 at -1 (LeCun et al. 1998, appendix A)."""

    keyword: ClassVar[str] = "scaledtanh"


@node
class Sigmoid(Layer):
    """1 / (1 + exp(-x))."""

    keyword: ClassVar[str] = "sigmoid"


@node
class GELU(Layer):
    """x times the normal distribution's share below x (Hendrycks 2016), exact."""

    keyword: ClassVar[str] = "gelu"


@node
class SiLU(Layer):
    """x times sigmoid(x), also called swish."""

    keyword: ClassVar[str] = "silu"


@node
class Softmax(Layer):
    """exp(x) over its sum across the channels, at each position."""

    keyword: ClassVar[str] = "softmax"


@node
class Identity(Layer):
    """What comes in; the shortcut of a residual block."""

    keyword: ClassVar[str] = "identity"


@node
class Upsample(Layer):
    """A map `factor` times as high and wide: every position repeated ("nearest") or in between ("bilinear").

    Bilinear places pixels by their centres (PyTorch's ``align_corners=False``).
    """

    keyword: ClassVar[str] = "upsample"
    factor: Size
    _: KW_ONLY
    mode: Mode = "nearest"


LAYERS: dict[str, type[Layer]] = {
    "conv": Conv,
    "convtranspose": ConvTranspose,
    "maxpool": MaxPool,
    "avgpool": AvgPool,
    "minpool": MinPool,
    "globalmaxpool": GlobalMaxPool,
    "globalavgpool": GlobalAvgPool,
    "globalminpool": GlobalMinPool,
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
