"""The house's net for an answer at every place: a slim U of three levels, from half the picture's size on.

Down to see what, up again to say where, after Ronneberger, Fischer, Brox 2015 (U-Net, figure 1). It begins with a
stride of 2 and answers there, which costs a quarter of an answer at every pixel; what comes from below is added to what
crosses over, and not laid beside it, which costs half. The published U-Net is a net of its own.
"""

from __future__ import annotations

from striate.spec import BatchNorm, Conv, Identity, MaxPool, Net, ReLU, Upsample

WIDTHS = (24, 32, 64, 96)  # channels at strides 2, 4, 8 and 16


def unet_small(classes: int | None = 2) -> Net:
    """A U from half the picture's size on; ``classes=None`` leaves their number open. Sides: multiples of 16.

    >>> str(unet_small().on(1, 256, 256).output)
    '2x128x128'
    """
    first, *others = WIDTHS
    stem = Conv(first, 5, stride=2, padding=2, bias=False) >> BatchNorm() >> ReLU()
    net: Net = (_block(others[-1]) >> _block(others[-1])).name("bottom")
    for width in reversed(WIDTHS[:-1]):
        up = Conv(width, 1, bias=False) >> BatchNorm() >> Upsample(2)
        across: Net = Identity()
        down = _block(width) if width == first else _block(width) >> _block(width)
        level = (across + (MaxPool(2) >> net >> up)) >> ReLU() >> _block(width)
        net = (down >> level).name(f"level{WIDTHS.index(width) + 1}")
    return stem.name("stem") >> net >> Conv(classes, 1).name("head")


def _block(width: int) -> Net:
    return Conv(width, 3, padding=1, bias=False) >> BatchNorm() >> ReLU()
