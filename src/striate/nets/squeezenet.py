"""SqueezeNet: as good as AlexNet with a fiftieth of its parameters; no dense layer, the last convolution answers.

Iandola et al.: "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size", arXiv:1602.07360,
2016, table 1 (1.0); 1.1 is its authors' later version, with the poolings sooner and 2.4 times less work. Pooling rounds
up as in Caffe, where both were made for 227x227 pictures; at the 224 of torchvision the last row and column of the
picture are lost to 1.0.
"""

from __future__ import annotations

from striate.spec import Conv, Dropout, Flatten, GlobalAvgPool, MaxPool, Net, ReLU, concat


def _names(*fires: int) -> dict[str, str]:
    """Torchvision's naming, which numbers all layers in a row: where the fire modules 2 to 9 are in it."""
    modules = {
        f"features.{index}.{part}": f"fire{number}.{part}"
        for number, index in enumerate(fires, 2)
        for part in ("squeeze", "expand1x1", "expand3x3")
    }
    return {"features.0": "conv1", **modules, "classifier.1": "head"}


TORCHVISION_1_0 = _names(3, 4, 5, 7, 8, 9, 10, 12)
TORCHVISION_1_1 = _names(3, 4, 6, 7, 9, 10, 11, 12)


def squeezenet1_0(classes: int | None = 1000) -> Net:
    """SqueezeNet 1.0; ``classes=None`` leaves the number of classes open.

    >>> f"{squeezenet1_0().on(3, 227, 227).parameters:,}"
    '1,248,424'
    """
    return (
        Conv(96, 7, stride=2) >> ReLU() >> _pool()
        >> _fire(2, 16, 64) >> _fire(3, 16, 64) >> _fire(4, 32, 128) >> _pool()
        >> _fire(5, 32, 128) >> _fire(6, 48, 192) >> _fire(7, 48, 192) >> _fire(8, 64, 256) >> _pool()
        >> _fire(9, 64, 256)
        >> _classifier(classes)
    )  # fmt: skip


def squeezenet1_1(classes: int | None = 1000) -> Net:
    """SqueezeNet 1.1; ``classes=None`` leaves the number of classes open.

    >>> f"{squeezenet1_1().on(3, 227, 227).parameters:,}"
    '1,235,496'
    """
    return (
        Conv(64, 3, stride=2) >> ReLU() >> _pool()
        >> _fire(2, 16, 64) >> _fire(3, 16, 64) >> _pool()
        >> _fire(4, 32, 128) >> _fire(5, 32, 128) >> _pool()
        >> _fire(6, 48, 192) >> _fire(7, 48, 192) >> _fire(8, 64, 256) >> _fire(9, 64, 256)
        >> _classifier(classes)
    )  # fmt: skip


def _fire(number: int, squeeze: int, expand: int) -> Net:
    """Figure 1: few 1x1 filters, and behind them more of 1x1 and of 3x3 side by side."""
    module = (
        Conv(squeeze, 1).name("squeeze") >> ReLU()
        >> concat(Conv(expand, 1).name("expand1x1"), Conv(expand, 3, padding=1).name("expand3x3")) >> ReLU()
    )  # fmt: skip
    return module.name(f"fire{number}")


def _pool() -> Net:
    return MaxPool(3, stride=2, ceil=True)


def _classifier(classes: int | None) -> Net:
    return Dropout() >> Conv(classes, 1).name("head") >> ReLU() >> GlobalAvgPool() >> Flatten()
