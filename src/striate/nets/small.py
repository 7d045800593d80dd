"""The house's net for pictures up to 64 pixels: good answers in minutes on a laptop.

Ours, after the usual parts: 3x3 convolutions (Simonyan and Zisserman 2014), batch norm behind each (Ioffe and Szegedy
2015), pooled early so that most of the work is done on small maps. It ends in global pooling, so it takes any size.
What was tried and measured stands in docs/defaults.md.
"""

from __future__ import annotations

from striate.spec import BatchNorm, Conv, Dense, Flatten, GlobalMaxPool, MaxPool, Net, ReLU


def small(classes: int | None = 10) -> Net:
    """Five convolutions, 16 to 64 channels, two poolings; ``classes=None`` leaves their number open.

    >>> f"{small().on(1, 28, 28).parameters:,}"
    '70,106'
    """
    return (
        Conv(16, 3, padding=1, bias=False) >> MaxPool(2) >> BatchNorm() >> ReLU()
        >> _conv(32) >> _conv(32) >> MaxPool(2)
        >> _conv(64) >> _conv(64) >> GlobalMaxPool()
        >> Flatten() >> Dense(classes)
    )  # fmt: skip


def _conv(channels: int) -> Net:
    return Conv(channels, 3, padding=1, bias=False) >> BatchNorm() >> ReLU()
