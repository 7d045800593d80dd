"""The house's nets for pictures up to 64 pixels: good answers in minutes on a laptop.

Ours, of the usual parts: 3x3 convolutions in pairs (Simonyan and Zisserman 2014), batch norm behind each (Ioffe and
Szegedy 2015). The first convolution is pooled at once and the channels grow slowly, so that most of the work is done on
small maps; the end is global max pooling, so any size goes in. What was tried and measured stands in docs/defaults.md.
"""

from __future__ import annotations

from striate.spec import BatchNorm, Conv, Dense, Flatten, GlobalMaxPool, MaxPool, Net, ReLU


def small(classes: int | None = 10, *, width: int = 32) -> Net:
    """Six convolutions of ``width`` to 8 x ``width`` channels, three poolings; for small pictures in colour.

    ``classes=None`` leaves the number of classes open.

        >>> f"{small().on(3, 32, 32).parameters:,}"
        '576,170'
    """
    return (
        _conv(width, pool=True)
        >> _conv(2 * width) >> _conv(2 * width, pool=True)
        >> _conv(4 * width) >> _conv(4 * width, pool=True)
        >> _conv(8 * width) >> GlobalMaxPool()
        >> Flatten() >> Dense(classes)
    )  # fmt: skip


def tiny(classes: int | None = 10) -> Net:
    """`small` at half the width, a quarter of the work: for small gray pictures such as digits.

    >>> f"{tiny().on(1, 28, 28).parameters:,}"
    '144,954'
    """
    return small(classes, width=16)


def _conv(channels: int, *, pool: bool = False) -> Net:
    """Convolution, pooling where asked (before the norm, on a quarter of the values), batch norm, ReLU."""
    conv: Net = Conv(channels, 3, padding=1, bias=False)
    return (conv >> MaxPool(2) if pool else conv) >> BatchNorm() >> ReLU()
