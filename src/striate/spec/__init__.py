"""Describe a network: pure arithmetic on the standard library alone, no torch and no numpy.

    >>> from striate.spec import Conv, MaxPool, ReLU, parse
    >>> net = Conv(6, 5) >> ReLU() >> MaxPool(2)
    >>> str(net)
    'conv 6 5x5 >> relu >> maxpool 2x2'
    >>> parse(str(net)) == net
    True
"""

from striate.spec.layers import (
    GELU as GELU,
    LAYERS as LAYERS,
    AvgPool as AvgPool,
    BatchNorm as BatchNorm,
    Conv as Conv,
    ConvTranspose as ConvTranspose,
    Dense as Dense,
    Dropout as Dropout,
    Flatten as Flatten,
    GlobalAvgPool as GlobalAvgPool,
    GlobalMaxPool as GlobalMaxPool,
    GlobalMinPool as GlobalMinPool,
    GroupNorm as GroupNorm,
    Identity as Identity,
    Layer as Layer,
    LeakyReLU as LeakyReLU,
    LocalResponseNorm as LocalResponseNorm,
    MaxPool as MaxPool,
    MinPool as MinPool,
    Rbf as Rbf,
    ReLU as ReLU,
    ScaledTanh as ScaledTanh,
    Sigmoid as Sigmoid,
    SiLU as SiLU,
    Softmax as Softmax,
    SpatialDropout as SpatialDropout,
    Subsample as Subsample,
    Tanh as Tanh,
    Upsample as Upsample,
)
from striate.spec.net import (
    Add as Add,
    Concat as Concat,
    Multiply as Multiply,
    Named as Named,
    Net as Net,
    Repeat as Repeat,
    Row as Row,
    Side as Side,
    add as add,
    concat as concat,
    multiply as multiply,
    repeat as repeat,
    row as row,
    side as side,
)
from striate.spec.shape import Shape as Shape
