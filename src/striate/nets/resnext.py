"""ResNeXt: ResNet whose 3x3 works in 32 groups, each on a few channels of its own, with more channels in all.

Xie, Girshick, Dollár, Tu, He: "Aggregated Residual Transformations for Deep Neural Networks", 2017, table 1. "32x4d":
32 groups of 4 channels in the first stage; the frame, stride and names are ResNet's (`resnet_imagenet`).
"""

from __future__ import annotations

from striate.nets.resnet_imagenet import bottlenecks, residual
from striate.spec import Net


def resnext50_32x4d(classes: int | None = 1000) -> Net:
    """ResNeXt-50: the middle of each bottleneck twice as wide as ResNet-50's, at the same cost."""
    return _resnext((3, 4, 6, 3), width=2, classes=classes)


def resnext101_32x8d(classes: int | None = 1000) -> Net:
    """ResNeXt-101 with 8 channels a group: the middle of each bottleneck four times as wide as ResNet-101's."""
    return _resnext((3, 4, 23, 3), width=4, classes=classes)


def _resnext(counts: tuple[int, int, int, int], *, width: int, classes: int | None) -> Net:
    first, second, third, fourth = (bottlenecks(count, width=width, groups=32) for count in counts)
    return residual((first, second, third, fourth), classes)
