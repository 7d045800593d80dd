"""U-Net: down to see what, up again to say where; one answer a pixel.

Ronneberger, Fischer, Brox: "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015, figure 1.
The output is a map with a channel a class. No weights are published for either.
"""

from __future__ import annotations

from striate.spec import Conv, ConvTranspose, Crop, Dropout, Identity, MaxPool, Net, ReLU


def unet(classes: int | None = 2) -> Net:
    """U-Net as it is mostly used now: padded, so that the answer is as large as the picture. Sides: multiples of 16.

    As many parameters as the original; no batch norm. ``classes=None`` leaves the number of classes open.

        >>> survey = unet().on(1, 512, 512)
        >>> f"{survey.parameters:,} {survey.output}"
        '31,030,658 2x512x512'
    """
    net = _twice(1024, padding=1).name("bottom")
    for level in (4, 3, 2, 1):
        net = _level(level, net, skip=Identity(), padding=1)
    return net >> Conv(classes, 1).name("head")


def unet_2015(classes: int | None = 2) -> Net:
    """U-Net as published: no padding, so the answer is 184 pixels smaller than the picture and knows all it looks at.

    What crosses over is cropped to what comes from below. Dropout stands at the end of the way down (section 3.1).

        >>> str(unet_2015().on(1, 572, 572).output)
        '2x388x388'
    """
    net = (_twice(1024, padding=0) >> Dropout()).name("bottom")
    for level, crop in ((4, 4), (3, 16), (2, 40), (1, 88)):
        net = _level(level, net, skip=Crop(crop), padding=0)
    return net >> Conv(classes, 1).name("head")


def _level(number: int, below: Net, *, skip: Net, padding: int) -> Net:
    """One step of the U: down, what lies below at half the size, and up, where both meet."""
    width = 32 * 2**number
    up = ConvTranspose(width, 2, stride=2)
    return (
        _twice(width, padding=padding).name(f"down{number}")
        >> (skip.name(f"skip{number}") | MaxPool(2) >> below >> up.name(f"up{number}"))
        >> _twice(width, padding=padding).name(f"merge{number}")
    )


def _twice(width: int, *, padding: int) -> Net:
    return Conv(width, 3, padding=padding) >> ReLU() >> Conv(width, 3, padding=padding) >> ReLU()
