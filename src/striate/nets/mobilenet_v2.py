"""MobileNetV2: blocks that widen, filter each channel by itself, and narrow again; shortcuts join the narrow ends.

Sandler, Howard, Zhu, Zhmoginov, Chen: "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018, tables 1 and 2.
"""

from __future__ import annotations

from striate.spec import BatchNorm, Conv, Dense, Dropout, Flatten, GlobalAvgPool, Identity, Net, ReLU6, row

# Table 2: how much a block widens (t), the channels it gives (c), how many blocks (n), the stride of the first (s).
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_v2(classes: int | None = 1000) -> Net:
    """MobileNetV2 at width 1: 71.9 % on ImageNet with 3.5 M parameters and 0.3 GMACs.

    >>> f"{mobilenet_v2().on(3, 224, 224).parameters:,}"
    '3,504,872'
    """
    stages, before = [], 32
    for number, (widening, channels, count, stride) in enumerate(STAGES, 1):
        stage: Net = 1 * _block(before, channels, widening, stride)
        if count > 1:
            stage = stage >> (count - 1) * _block(channels, channels, widening, 1)
        stages.append(stage.name(f"stage{number}"))
        before = channels
    return row(
        (Conv(32, 3, stride=2, padding=1, bias=False) >> BatchNorm() >> ReLU6()).name("stem"),
        *stages,
        (Conv(1280, 1, bias=False) >> BatchNorm() >> ReLU6()).name("last"),
        GlobalAvgPool() >> Flatten() >> Dropout(0.2) >> Dense(classes).name("head"),
    )


def _block(before: int, channels: int, widening: int, stride: int) -> Net:
    """Table 1: the last convolution has no activation, and a shortcut is there where the shape stays."""
    wide = widening * before
    expand = Conv(wide, 1, bias=False) >> BatchNorm() >> ReLU6()
    depthwise = Conv(wide, 3, stride=stride, padding=1, groups=wide, bias=False) >> BatchNorm() >> ReLU6()
    project = Conv(channels, 1, bias=False) >> BatchNorm()
    body = depthwise.name("depthwise") >> project.name("project")
    if widening != 1:
        body = expand.name("expand") >> body
    stays = stride == 1 and before == channels
    return body.name("body") + Identity().name("shortcut") if stays else body.name("body")


# -- published names ---------------------------------------------------------------------------------------------------

_BLOCK = {
    "0.0": "expand.conv1",
    "0.1": "expand.batchnorm1",
    "1.0": "depthwise.conv1",
    "1.1": "depthwise.batchnorm1",
    "2": "project.conv1",
    "3": "project.batchnorm1",
}
_FIRST_BLOCK = {  # it does not widen
    "0.0": "depthwise.conv1",
    "0.1": "depthwise.batchnorm1",
    "1": "project.conv1",
    "2": "project.batchnorm1",
}
_PLACES = [f"stage{stage}.{b + 1}" for stage, (_, _, count, _) in enumerate(STAGES, 1) for b in range(count)]
TORCHVISION = {  # numbers the blocks through
    "features.0.0": "stem.conv1",
    "features.0.1": "stem.batchnorm1",
    **{
        f"features.{n}.conv.{theirs}": f"{place}.body.{ours}"
        for n, place in enumerate(_PLACES, 1)
        for theirs, ours in (_BLOCK if n > 1 else _FIRST_BLOCK).items()
    },
    "features.18.0": "last.conv1",
    "features.18.1": "last.batchnorm1",
    "classifier.1": "head",
}
TIMM = {
    "conv_stem": "stem.conv1",
    "bn1": "stem.batchnorm1",
    "blocks.0.0.conv_dw": "stage1.1.body.depthwise.conv1",
    "blocks.0.0.bn1": "stage1.1.body.depthwise.batchnorm1",
    "blocks.0.0.conv_pw": "stage1.1.body.project.conv1",
    "blocks.0.0.bn2": "stage1.1.body.project.batchnorm1",
    "blocks.{s}.{b}.conv_pw": "stage{s+1}.{b+1}.body.expand.conv1",
    "blocks.{s}.{b}.bn1": "stage{s+1}.{b+1}.body.expand.batchnorm1",
    "blocks.{s}.{b}.conv_dw": "stage{s+1}.{b+1}.body.depthwise.conv1",
    "blocks.{s}.{b}.bn2": "stage{s+1}.{b+1}.body.depthwise.batchnorm1",
    "blocks.{s}.{b}.conv_pwl": "stage{s+1}.{b+1}.body.project.conv1",
    "blocks.{s}.{b}.bn3": "stage{s+1}.{b+1}.body.project.batchnorm1",
    "conv_head": "last.conv1",
    "bn2": "last.batchnorm1",
    "classifier": "head",
}
NAMES = (TORCHVISION, TIMM)
