"""EfficientNet: one net found by search, made wider, deeper and sharper in step.

Tan, Le: "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019, table 1. As torchvision has
it: zeros around the map on both sides alike, stochastic depth that rises from 0 towards 0.2 with the depth.
"""

from __future__ import annotations

from math import ceil

from striate.spec import (
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    DropPath,
    Flatten,
    GlobalAvgPool,
    Identity,
    Net,
    Sigmoid,
    SiLU,
    row,
)

# Table 1, stages 2 to 8: how much a block widens, its kernel, the channels it gives, how many, stride of the first.
STAGES = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)


def efficientnet_b0(classes: int | None = 1000) -> Net:
    """EfficientNet-B0, for 224 pixels: 77.7 % on ImageNet with 5.3 M parameters and 0.39 GMACs.

    >>> f"{efficientnet_b0().on(3, 224, 224).parameters:,}"
    '5,288,548'
    """
    return _efficientnet(classes, width=1.0, depth=1.0, dropout=0.2)


def efficientnet_b1(classes: int | None = 1000) -> Net:
    """EfficientNet-B1, for 240 pixels: B0 1.1 times as deep."""
    return _efficientnet(classes, width=1.0, depth=1.1, dropout=0.2)


def efficientnet_b2(classes: int | None = 1000) -> Net:
    """EfficientNet-B2, B0 1.2 times as deep and 1.1 times as wide: for 260 pixels in the paper, 288 here."""
    return _efficientnet(classes, width=1.1, depth=1.2, dropout=0.3)


def _efficientnet(classes: int | None, *, width: float, depth: float, dropout: float) -> Net:
    counts = [ceil(depth * count) for _, _, _, count, _ in STAGES]
    stages, before, done = [], rounded(32 * width), 0
    stem = Conv(before, 3, stride=2, padding=1, bias=False) >> BatchNorm() >> SiLU()
    for number, ((widening, kernel, base, _, stride), count) in enumerate(zip(STAGES, counts, strict=True), 1):
        channels, blocks = rounded(base * width), []
        for block in range(count):
            drop = round(0.2 * done / sum(counts), 4)
            blocks.append(1 * _block(before, channels, widening, kernel, 1 if block else stride, drop))
            before, done = channels, done + 1
        stages.append(row(*blocks).name(f"stage{number}"))
    return row(
        stem.name("stem"),
        *stages,
        (Conv(4 * before, 1, bias=False) >> BatchNorm() >> SiLU()).name("last"),
        GlobalAvgPool() >> Flatten() >> Dropout(dropout) >> Dense(classes).name("head"),
    )


def _block(before: int, channels: int, widening: int, kernel: int, stride: int, drop: float) -> Net:
    """MBConv: widen, filter each channel by itself, weigh the channels, narrow; a shortcut where the shape stays."""
    wide = widening * before
    expand = Conv(wide, 1, bias=False).name("expand") >> BatchNorm() >> SiLU()
    depthwise = Conv(wide, kernel, stride=stride, padding=kernel // 2, groups=wide, bias=False).name("depthwise")
    weigh = GlobalAvgPool() >> Conv(before // 4, 1) >> SiLU() >> Conv(wide, 1) >> Sigmoid()
    body = depthwise >> BatchNorm() >> SiLU() >> Identity().name("identity") * weigh.name("excite")
    if widening != 1:
        body = expand >> body
    body = body >> Conv(channels, 1, bias=False).name("project") >> BatchNorm()
    if stride == 1 and before == channels:
        return (body >> DropPath(drop)).name("body") + Identity().name("shortcut")
    return body.name("body")


def rounded(channels: float) -> int:
    """The nearest multiple of 8 that takes away no more than a tenth."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


# -- published names ---------------------------------------------------------------------------------------------------

TORCHVISION = {
    "features.0.0": "stem.conv1",
    "features.0.1": "stem.batchnorm1",
    "features.1.{b}.block.0.0": "stage1.{b+1}.body.depthwise",  # the first stage does not widen
    "features.1.{b}.block.0.1": "stage1.{b+1}.body.batchnorm1",
    "features.1.{b}.block.1.fc{i}": "stage1.{b+1}.body.excite.conv{i}",
    "features.1.{b}.block.2.0": "stage1.{b+1}.body.project",
    "features.1.{b}.block.2.1": "stage1.{b+1}.body.batchnorm2",
    "features.{s}.{b}.block.0.0": "stage{s}.{b+1}.body.expand",
    "features.{s}.{b}.block.0.1": "stage{s}.{b+1}.body.batchnorm1",
    "features.{s}.{b}.block.1.0": "stage{s}.{b+1}.body.depthwise",
    "features.{s}.{b}.block.1.1": "stage{s}.{b+1}.body.batchnorm2",
    "features.{s}.{b}.block.2.fc{i}": "stage{s}.{b+1}.body.excite.conv{i}",
    "features.{s}.{b}.block.3.0": "stage{s}.{b+1}.body.project",
    "features.{s}.{b}.block.3.1": "stage{s}.{b+1}.body.batchnorm3",
    "features.8.0": "last.conv1",
    "features.8.1": "last.batchnorm1",
    "classifier.1": "head",
}
TIMM = {
    "conv_stem": "stem.conv1",
    "bn1": "stem.batchnorm1",
    "blocks.0.{b}.conv_pw": "stage1.{b+1}.body.project",  # the first stage does not widen
    "blocks.{s}.{b}.conv_pw": "stage{s+1}.{b+1}.body.expand",
    "blocks.{s}.{b}.conv_dw": "stage{s+1}.{b+1}.body.depthwise",
    "blocks.{s}.{b}.se.conv_reduce": "stage{s+1}.{b+1}.body.excite.conv1",
    "blocks.{s}.{b}.se.conv_expand": "stage{s+1}.{b+1}.body.excite.conv2",
    "blocks.{s}.{b}.conv_pwl": "stage{s+1}.{b+1}.body.project",
    "blocks.{s}.{b}.bn{i}": "stage{s+1}.{b+1}.body.batchnorm{i}",
    "conv_head": "last.conv1",
    "bn2": "last.batchnorm1",
    "classifier": "head",
}
NAMES = (TORCHVISION, TIMM)
