"""DenseNet: every layer sees the maps of all layers before it.

Huang, Liu, van der Maaten, Weinberger: "Densely Connected Convolutional Networks", CVPR 2017, table 1 (DenseNet-BC,
growth rate 32), as torchvision publishes it.
"""

from __future__ import annotations

from striate.spec import AvgPool, BatchNorm, Conv, Dense, Flatten, GlobalAvgPool, Identity, MaxPool, Net, ReLU

DEPTHS = {  # weight layers -> dense layers in each block
    121: (6, 12, 24, 16),
    169: (6, 12, 32, 32),
    201: (6, 12, 48, 32),
}
TORCHVISION = {  # timm's names are the same
    "features.conv0": "stem.conv1",
    "features.norm0": "stem.batchnorm1",
    "features.denseblock{s}.denselayer{b}.conv{i}": "block{s}.{b}.grow.conv{i}",
    "features.denseblock{s}.denselayer{b}.norm{i}": "block{s}.{b}.grow.batchnorm{i}",
    "features.denseblock{s}.denselayer{b}.conv.{i}": "block{s}.{b}.grow.conv{i}",  # as older files have it
    "features.denseblock{s}.denselayer{b}.norm.{i}": "block{s}.{b}.grow.batchnorm{i}",
    "features.transition{s}.conv": "transition{s}.conv1",
    "features.transition{s}.norm": "transition{s}.batchnorm1",
    "features.norm5": "norm",
    "classifier": "head",
}


def densenet(depth: int, classes: int | None = 1000, *, growth: int = 32) -> Net:
    """DenseNet with ``depth`` weight layers: 121, 169 or 201; ``classes=None`` leaves the number of classes open.

    >>> f"{densenet(121).on(3, 224, 224).parameters:,}"
    '7,978,856'
    """
    channels = 2 * growth
    net: Net = (
        Conv(channels, 7, stride=2, padding=3, bias=False) >> BatchNorm() >> ReLU() >> MaxPool(3, stride=2, padding=1)
    ).name("stem")
    for number, count in enumerate(DEPTHS[depth], 1):
        if number > 1:
            channels //= 2
            net = net >> _transition(channels).name(f"transition{number - 1}")
        net = net >> (count * (Identity() | _grow(growth).name("grow"))).name(f"block{number}")
        channels += count * growth
    return net >> BatchNorm().name("norm") >> ReLU() >> GlobalAvgPool() >> Flatten() >> Dense(classes).name("head")


def _grow(growth: int) -> Net:
    """Section 3: norm and ReLU before each convolution, a bottleneck of four times the maps that are added."""
    return (
        BatchNorm() >> ReLU() >> Conv(4 * growth, 1, bias=False)
        >> BatchNorm() >> ReLU() >> Conv(growth, 3, padding=1, bias=False)
    )  # fmt: skip


def _transition(channels: int) -> Net:
    return BatchNorm() >> ReLU() >> Conv(channels, 1, bias=False) >> AvgPool(2)
