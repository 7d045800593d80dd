"""Describe a network: pure arithmetic on the standard library alone, no torch and no numpy.

>>> from striate.spec import Conv, MaxPool, ReLU, parse
>>> net = Conv(6, 5) >> ReLU() >> MaxPool(2)
>>> str(net)
'conv 6 5x5 >> relu >> maxpool 2x2'
>>> parse(str(net)) == net
True
"""

from striate.spec.branches import (
    Add,
    Branches,
    Concat,
    Multiply,
    add,
    concat,
    multiply,
)
from striate.spec.composing import repeat, row, side
from striate.spec.layers import (
    GELU,
    LAYERS,
    AvgPool,
    BatchNorm,
    Conv,
    ConvTranspose,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    GlobalMinPool,
    GroupNorm,
    Head,
    Identity,
    Layer,
    LeakyReLU,
    LocalResponseNorm,
    MaxPool,
    MinPool,
    Rbf,
    ReLU,
    ScaledTanh,
    Sigmoid,
    SiLU,
    Softmax,
    SpatialDropout,
    Subsample,
    Tanh,
    Upsample,
)
from striate.spec.net import (
    Named,
    Net,
    Repeat,
    Row,
    Side,
)
from striate.spec.notation import parse
from striate.spec.shape import Shape

__all__ = [
    "GELU",
    "LAYERS",
    "Add",
    "AvgPool",
    "BatchNorm",
    "Branches",
    "Concat",
    "Conv",
    "ConvTranspose",
    "Dense",
    "Dropout",
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
    "Multiply",
    "Named",
    "Net",
    "Rbf",
    "ReLU",
    "Repeat",
    "Row",
    "ScaledTanh",
    "Shape",
    "SiLU",
    "Side",
    "Sigmoid",
    "Softmax",
    "SpatialDropout",
    "Subsample",
    "Tanh",
    "Upsample",
    "add",
    "concat",
    "multiply",
    "parse",
    "repeat",
    "row",
    "side",
]
