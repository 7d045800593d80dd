"""Wide residual networks: fewer layers with more channels.

Zagoruyko, Komodakis: "Wide Residual Networks", 2016. For ImageNet (section 3.4) ResNet's bottlenecks with twice the
channels in the middle, as torchvision has them. For CIFAR (table 1) blocks that norm and bend before they convolve (He
et al. 2016, "Identity Mappings in Deep Residual Networks").
"""

from __future__ import annotations

from striate.nets.resnet_imagenet import bottlenecks, residual
from striate.spec import BatchNorm, Conv, Dense, Flatten, GlobalAvgPool, Identity, Net, ReLU


def wide_resnet50_2(classes: int | None = 1000) -> Net:
    """Wide ResNet-50-2: ResNet-50 with twice as many channels in the middle of its bottlenecks."""
    return _wide((3, 4, 6, 3), classes)


def wide_resnet101_2(classes: int | None = 1000) -> Net:
    """Wide ResNet-101-2: ResNet-101 with twice as many channels in the middle of its bottlenecks."""
    return _wide((3, 4, 23, 3), classes)


def wrn28_10(classes: int | None = 10) -> Net:
    """WRN-28-10 for CIFAR: three stages of four blocks, ten times as wide as ResNet's; without dropout.

    >>> f"{wrn28_10().on(3, 32, 32).parameters:,}"
    '36,479,194'
    """
    return (
        Conv(16, 3, padding=1, bias=False).name("stem")
        >> _stage(160, 1).name("stage1")
        >> _stage(320, 2).name("stage2")
        >> _stage(640, 2).name("stage3")
        >> BatchNorm() >> ReLU()
        >> GlobalAvgPool() >> Flatten() >> Dense(classes).name("head")
    )  # fmt: skip


def _stage(channels: int, stride: int) -> Net:
    """Four blocks; what goes into the first is normed for its shortcut too, as that has weights."""
    normed = BatchNorm() >> ReLU()
    shortcut = Conv(channels, 1, stride=stride, bias=False)
    first = normed >> _convs(channels, stride).name("body") + shortcut.name("shortcut")
    other = (normed >> _convs(channels, 1)).name("body") + Identity().name("shortcut")
    return 1 * first >> 3 * other


def _convs(channels: int, stride: int) -> Net:
    return (
        Conv(channels, 3, stride=stride, padding=1, bias=False) >> BatchNorm() >> ReLU()
        >> Conv(channels, 3, padding=1, bias=False)
    )  # fmt: skip


def _wide(counts: tuple[int, int, int, int], classes: int | None) -> Net:
    first, second, third, fourth = (bottlenecks(count, width=2) for count in counts)
    return residual((first, second, third, fourth), classes)
