"""The activations: one function on every value by itself, and softmax on the channels of a position."""

from __future__ import annotations

from typing import ClassVar

from striate.spec.layer import Layer
from striate.spec.net import node
from striate.spec.values import Real


class ReLU(Layer):
    """max(x, 0)."""

    keyword: ClassVar[str] = "relu"


class ReLU6(Layer):
    """min(max(x, 0), 6): a ReLU that fits into few bits (Sandler et al. 2018, MobileNetV2, section 3.1)."""

    keyword: ClassVar[str] = "relu6"


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


class HardSigmoid(Layer):
    """relu6(x + 3) / 6: sigmoid's shape without its exp (Howard et al. 2019, MobileNetV3, section 5.2)."""

    keyword: ClassVar[str] = "hardsigmoid"


class HardSwish(Layer):
    """x times relu6(x + 3) / 6 (Howard et al. 2019, MobileNetV3, section 5.2)."""

    keyword: ClassVar[str] = "hardswish"


class Softmax(Layer):
    """exp(x) over its sum across the channels, at each position."""

    keyword: ClassVar[str] = "softmax"
