"""EfficientNet-Lite: EfficientNet for processors that are poor at squeezing and at swish.

Liu: "Higher accuracy on vision models with EfficientNet-Lite", TensorFlow blog, 2020; Tan and Le: "EfficientNet:
Rethinking Model Scaling for Convolutional Neural Networks", 2019, table 1, for what is scaled. Against EfficientNet no
block weighs its channels (squeeze and excitation), ReLU6 stands for swish, and the first and the last stage are as wide
and as deep in every size. Written for TensorFlow: batch norm adds 1e-3, and a convolution that moves 2 over an even map
is padded by one pixel more below and at the right.
"""

from __future__ import annotations

from math import ceil

from striate.nets.efficientnet import STAGES, rounded
from striate.spec import BatchNorm, Conv, Dense, Dropout, DropPath, Flatten, GlobalAvgPool, Identity, Net, ReLU6, row
from striate.spec.values import Padding

EPS = 1e-3  # of batch norm, as in TensorFlow's EfficientNet
FIRST, LAST = 32, 1280  # channels of the stem and of the last convolution, whatever the width


def efficientnet_lite0(classes: int | None = 1000) -> Net:
    """EfficientNet-Lite0, for 224 pixels: 75.1 % on ImageNet with 4.7 M parameters and 0.38 GMACs.

    >>> f"{efficientnet_lite0().on(3, 224, 224).parameters:,}"
    '4,652,008'
    """
    return _lite(classes, side=224, width=1.0, depth=1.0, dropout=0.2)


def efficientnet_lite1(classes: int | None = 1000) -> Net:
    """EfficientNet-Lite1, for 240 pixels: Lite0 1.1 times as deep."""
    return _lite(classes, side=240, width=1.0, depth=1.1, dropout=0.2)


def efficientnet_lite2(classes: int | None = 1000) -> Net:
    """EfficientNet-Lite2, for 260 pixels: Lite0 1.2 times as deep and 1.1 times as wide."""
    return _lite(classes, side=260, width=1.1, depth=1.2, dropout=0.3)


def _lite(classes: int | None, *, side: int, width: float, depth: float, dropout: float) -> Net:
    """The net for pictures of ``side`` pixels, which decides how its strided convolutions are padded."""
    fixed = (0, len(STAGES) - 1)
    counts = [count if stage in fixed else ceil(depth * count) for stage, (_, _, _, count, _) in enumerate(STAGES)]
    stem = _conv(FIRST, 3, stride=2, side=side) >> BatchNorm(eps=EPS) >> ReLU6()
    stages, before, side, done = [], FIRST, ceil(side / 2), 0
    for number, ((widening, kernel, base, _, stride), count) in enumerate(zip(STAGES, counts, strict=True), 1):
        channels, blocks = rounded(base * width), []
        for block in range(count):
            drop = round(0.2 * done / sum(counts), 4)
            blocks.append(1 * _block(before, channels, widening, kernel, 1 if block else stride, side, drop))
            before, side, done = channels, ceil(side / (1 if block else stride)), done + 1
        stages.append(row(*blocks).name(f"stage{number}"))
    return row(
        stem.name("stem"),
        *stages,
        (Conv(LAST, 1, bias=False) >> BatchNorm(eps=EPS) >> ReLU6()).name("last"),
        GlobalAvgPool() >> Flatten() >> Dropout(dropout) >> Dense(classes).name("head"),
    )


def _block(before: int, channels: int, widening: int, kernel: int, stride: int, side: int, drop: float) -> Net:
    """MBConv without excitation: widen, filter each channel by itself, narrow; a shortcut where the shape stays."""
    wide = widening * before
    depthwise = _conv(wide, kernel, stride=stride, side=side, groups=wide).name("depthwise")
    body = depthwise >> BatchNorm(eps=EPS) >> ReLU6()
    if widening != 1:
        body = Conv(wide, 1, bias=False).name("expand") >> BatchNorm(eps=EPS) >> ReLU6() >> body
    body = body >> Conv(channels, 1, bias=False).name("project") >> BatchNorm(eps=EPS)
    if stride == 1 and before == channels:
        return (body >> DropPath(drop)).name("body") + Identity().name("shortcut")
    return body.name("body")


def _conv(out: int, kernel: int, *, stride: int, side: int, groups: int = 1) -> Conv:
    """A convolution as TensorFlow pads one: side / stride outputs, rounded up, an odd pixel of padding behind."""
    total = max((ceil(side / stride) - 1) * stride + kernel - side, 0)
    around = (total // 2, total - total // 2)
    padding: Padding = (around, around)
    return Conv(out, kernel, stride=stride, padding=padding, groups=groups, bias=False)


# -- published names ---------------------------------------------------------------------------------------------------

_BLOCK = {
    "_expand_conv": "expand",
    "_bn0": "batchnorm1",
    "_depthwise_conv": "depthwise",
    "_bn1": "batchnorm2",
    "_project_conv": "project",
    "_bn2": "batchnorm3",
}
_FIRST_BLOCK = {"_depthwise_conv": "depthwise", "_bn1": "batchnorm1", "_project_conv": "project", "_bn2": "batchnorm2"}


def names(depth: float) -> dict[str, str | None]:
    """How `efficientnet-lite-pytorch` names the weights of a net so deep: it numbers the blocks through.

    >>> names(1.0)["_blocks.15._project_conv"]
    'stage7.1.body.project'
    """
    fixed = (0, len(STAGES) - 1)
    places = [
        f"stage{stage + 1}.{block}"
        for stage, (_, _, _, count, _) in enumerate(STAGES)
        for block in range(1, (count if stage in fixed else ceil(depth * count)) + 1)
    ]
    return {
        "_conv_stem": "stem.conv1",
        "_bn0": "stem.batchnorm1",
        **{
            f"_blocks.{number}.{theirs}": f"{place}.body.{ours}"
            for number, place in enumerate(places)
            for theirs, ours in (_BLOCK if number else _FIRST_BLOCK).items()
        },
        "_conv_head": "last.conv1",
        "_bn1": "last.batchnorm1",
        "_fc": "head",
    }
