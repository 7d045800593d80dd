"""The residual networks for CIFAR: three stages of 16, 32 and 64 channels, 6n + 2 layers, shortcuts without parameters.

He, Zhang, Ren, Sun: "Deep Residual Learning for Image Recognition", 2015, section 4.2.
"""

from __future__ import annotations

from striate.spec import AvgPool, BatchNorm, Conv, Dense, Flatten, GlobalAvgPool, Identity, Net, PadChannels, ReLU

AKAMASTER = {  # github.com/akamaster/pytorch_resnet_cifar10
    "conv1": "stem.conv1",
    "bn1": "stem.batchnorm1",
    "layer{s}.{b}.conv{i}": "stage{s}.{b+1}.body.conv{i}",
    "layer{s}.{b}.bn{i}": "stage{s}.{b+1}.body.batchnorm{i}",
    "linear": "head",
}
NAMES = (AKAMASTER,)


def resnet20(classes: int | None = 10) -> Net:
    """ResNet-20, 0.27 M parameters: 91.25 % on CIFAR-10 (table 6).

    >>> f"{resnet20().on(3, 32, 32).parameters:,}"
    '269,722'
    """
    return _resnet(3, classes)


def resnet32(classes: int | None = 10) -> Net:
    """ResNet-32, 0.46 M parameters: 92.49 % on CIFAR-10 (table 6)."""
    return _resnet(5, classes)


def resnet44(classes: int | None = 10) -> Net:
    """ResNet-44, 0.66 M parameters: 92.83 % on CIFAR-10 (table 6)."""
    return _resnet(7, classes)


def resnet56(classes: int | None = 10) -> Net:
    """ResNet-56, 0.85 M parameters: 93.03 % on CIFAR-10 (table 6)."""
    return _resnet(9, classes)


def resnet110(classes: int | None = 10) -> Net:
    """ResNet-110, 1.7 M parameters: 93.57 % on CIFAR-10 (table 6, the best of five)."""
    return _resnet(18, classes)


def _resnet(n: int, classes: int | None) -> Net:
    return (
        (Conv(16, 3, padding=1, bias=False) >> BatchNorm() >> ReLU()).name("stem")
        >> (n * _block(16)).name("stage1")
        >> (1 * _halving_block(32) >> (n - 1) * _block(32)).name("stage2")
        >> (1 * _halving_block(64) >> (n - 1) * _block(64)).name("stage3")
        >> GlobalAvgPool() >> Flatten() >> Dense(classes).name("head")
    )  # fmt: skip


def _block(channels: int) -> Net:
    return _body(channels, 1) + Identity().name("shortcut") >> ReLU()


def _halving_block(channels: int) -> Net:
    """Option A: the shortcut takes every second position, and channels of zeros for those that are new."""
    shortcut = AvgPool(1, stride=2) >> PadChannels(channels)
    return _body(channels, 2) + shortcut.name("shortcut") >> ReLU()


def _body(channels: int, stride: int) -> Net:
    return (
        Conv(channels, 3, stride=stride, padding=1, bias=False) >> BatchNorm() >> ReLU()
        >> Conv(channels, 3, padding=1, bias=False) >> BatchNorm()
    ).name("body")  # fmt: skip
