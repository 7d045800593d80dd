"""The house's net for pictures above 64 pixels: a slim residual network.

Residual blocks after He et al. 2015 (Deep Residual Learning, figure 5 left), four stages of 32 to 256 channels, one
block each, behind a stem that quarters the picture. The published ResNets are nets of their own.
"""

from __future__ import annotations

from striate.spec import (
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    GlobalAvgPool,
    Identity,
    MaxPool,
    Net,
    ReLU,
)


def resnet(classes: int | None = 10) -> Net:
    """A stem and four residual stages; ``classes=None`` leaves their number open."""
    stem = Conv(32, 3, stride=2, padding=1, bias=False) >> BatchNorm() >> ReLU() >> MaxPool(3, stride=2, padding=1)
    return (
        stem.name("stem")
        >> _block(32, 32).name("stage1")
        >> _block(32, 64).name("stage2")
        >> _block(64, 128).name("stage3")
        >> _block(128, 256).name("stage4")
        >> GlobalAvgPool()
        >> Flatten()
        >> Dense(classes)
    )


def _block(before: int, channels: int) -> Net:
    """Two 3x3 convolutions beside a shortcut; more channels than before also means half the size."""
    stride = 1 if channels == before else 2
    convs = (
        Conv(channels, 3, stride=stride, padding=1, bias=False) >> BatchNorm() >> ReLU()
        >> Conv(channels, 3, padding=1, bias=False) >> BatchNorm()
    )  # fmt: skip
    pooled = AvgPool(2, ceil=True) >> Conv(channels, 1, bias=False) >> BatchNorm()
    return (convs + (Identity() if stride == 1 else pooled)) >> ReLU()
