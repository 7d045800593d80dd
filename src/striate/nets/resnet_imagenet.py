"""The residual networks: blocks that add to what they are given, 18 to 152 layers deep.

He, Zhang, Ren, Sun: "Deep Residual Learning for Image Recognition", 2015, table 1. As torchvision has them ("v1.5"):
where a bottleneck halves the map, its 3x3 has the stride of 2. In the paper its first 1x1 has it, which never looks at
three positions in four; the later placement costs 4.1 in place of 3.9 GMACs on ResNet-50.
"""

from __future__ import annotations

from collections.abc import Callable

from striate.spec import BatchNorm, Conv, Dense, Flatten, GlobalAvgPool, Identity, MaxPool, Net, ReLU

TORCHVISION = {  # and timm, whose ResNets have the same names
    "conv1": "stem.conv1",
    "bn1": "stem.batchnorm1",
    "layer{s}.{b}.conv{i}": "stage{s}.{b+1}.body.conv{i}",
    "layer{s}.{b}.bn{i}": "stage{s}.{b+1}.body.batchnorm{i}",
    "layer{s}.{b}.downsample.0": "stage{s}.{b+1}.shortcut.conv1",
    "layer{s}.{b}.downsample.1": "stage{s}.{b+1}.shortcut.batchnorm1",
    "fc": "head",
}
NAMES = (TORCHVISION,)
Stage = Callable[[int, int], Net]  # (channels, stride of its first block) -> net


def resnet18(classes: int | None = 1000) -> Net:
    """ResNet-18, of plain blocks: 69.8 % on ImageNet.

    >>> f"{resnet18().on(3, 224, 224).parameters:,}"
    '11,689,512'
    """
    return residual((_plain(2), _plain(2), _plain(2), _plain(2)), classes)


def resnet34(classes: int | None = 1000) -> Net:
    """ResNet-34, of plain blocks: 73.3 % on ImageNet."""
    return residual((_plain(3), _plain(4), _plain(6), _plain(3)), classes)


def resnet50(classes: int | None = 1000) -> Net:
    """ResNet-50, of bottlenecks: 76.1 % on ImageNet."""
    return residual((bottlenecks(3), bottlenecks(4), bottlenecks(6), bottlenecks(3)), classes)


def resnet101(classes: int | None = 1000) -> Net:
    """ResNet-101, of bottlenecks: 77.4 % on ImageNet."""
    return residual((bottlenecks(3), bottlenecks(4), bottlenecks(23), bottlenecks(3)), classes)


def resnet152(classes: int | None = 1000) -> Net:
    """ResNet-152, of bottlenecks: 78.3 % on ImageNet."""
    return residual((bottlenecks(3), bottlenecks(8), bottlenecks(36), bottlenecks(3)), classes)


def residual(stages: tuple[Stage, Stage, Stage, Stage], classes: int | None) -> Net:
    """The frame of table 1: a stem that quarters the picture, four stages, an average, a dense layer."""
    stem = Conv(64, 7, stride=2, padding=3, bias=False) >> BatchNorm() >> ReLU() >> MaxPool(3, stride=2, padding=1)
    first, second, third, fourth = stages
    return (
        stem.name("stem")
        >> first(64, 1).name("stage1")
        >> second(128, 2).name("stage2")
        >> third(256, 2).name("stage3")
        >> fourth(512, 2).name("stage4")
        >> GlobalAvgPool() >> Flatten() >> Dense(classes).name("head")
    )  # fmt: skip


def _plain(count: int) -> Stage:
    """Blocks of two 3x3 (figure 5, left); the first halves the map where it has a stride."""

    def block(channels: int, stride: int) -> Net:
        body = (
            Conv(channels, 3, stride=stride, padding=1, bias=False) >> BatchNorm() >> ReLU()
            >> Conv(channels, 3, padding=1, bias=False) >> BatchNorm()
        )  # fmt: skip
        shortcut = Identity() if stride == 1 else _projection(channels, stride)
        return body.name("body") + shortcut.name("shortcut") >> ReLU()

    def stage(channels: int, stride: int) -> Net:
        if stride == 1:
            return count * block(channels, 1)
        return 1 * block(channels, stride) >> (count - 1) * block(channels, 1)

    return stage


def bottlenecks(count: int, *, width: int = 1, groups: int = 1) -> Stage:
    """Blocks of 1x1, 3x3, 1x1 (figure 5, right), the last with four times the channels of the stage.

    The middle has `width` times the channels of the stage, in `groups` (Wide ResNet and ResNeXt).
    """

    def block(channels: int, stride: int, shortcut: Net) -> Net:
        inner, outer = width * channels, 4 * channels
        body = (
            Conv(inner, 1, bias=False) >> BatchNorm() >> ReLU()
            >> Conv(inner, 3, stride=stride, padding=1, groups=groups, bias=False) >> BatchNorm() >> ReLU()
            >> Conv(outer, 1, bias=False) >> BatchNorm()
        )  # fmt: skip
        return body.name("body") + shortcut.name("shortcut") >> ReLU()

    def stage(channels: int, stride: int) -> Net:
        first = block(channels, stride, _projection(4 * channels, stride))
        return 1 * first >> (count - 1) * block(channels, 1, Identity())

    return stage


def _projection(channels: int, stride: int) -> Net:
    """The shortcut where channels or size change (section 3.3, option B)."""
    return Conv(channels, 1, stride=stride, bias=False) >> BatchNorm()
