"""airbench94: the net with which CIFAR-10 is learnt to 94 % in seconds on one GPU.

Jordan: "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", arXiv:2404.00498, 2024, section 3.1 and listing 4: a 2x2
convolution that begins as the whitening of its patches (`striate.model.build.whiten`), then three blocks of two
convolutions, the first of each pooled at once, GELU in place of ReLU. What is not the paper's: norms scale as well as
shift, and there is no factor of 1/9 behind the last layer, which begins small anyway
(`striate.model.build.initialise`).
"""

from __future__ import annotations

from striate.spec import GELU, BatchNorm, Conv, Dense, Flatten, GlobalMaxPool, MaxPool, Net


def airbench94(classes: int | None = 10) -> Net:
    """24 whitened maps, blocks of 64, 256 and 256; ``classes=None`` leaves the number of classes open.

    >>> f"{airbench94().on(3, 32, 32).parameters:,}"
    '1,972,792'
    """
    return (
        Conv(24, 2) >> GELU()
        >> _block(64) >> _block(256) >> _block(256)
        >> GlobalMaxPool() >> Flatten() >> Dense(classes, bias=False).name("head")
    )  # fmt: skip


def _block(channels: int) -> Net:
    """Two convolutions, the first of them pooled before its norm."""
    conv = Conv(channels, 3, padding=1, bias=False)
    return conv >> MaxPool(2) >> BatchNorm() >> GELU() >> conv >> BatchNorm() >> GELU()
