"""VGG: nothing but 3x3 convolutions, pooled five times, in four depths; each also with batch norm.

Simonyan, Zisserman: "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015, table 1, columns
A, B, D and E. Batch norm came later (Ioffe and Szegedy 2015); torchvision publishes weights for both.
"""

from __future__ import annotations

from striate.spec import AdaptiveAvgPool, BatchNorm, Conv, Dense, Dropout, Flatten, MaxPool, Net, ReLU, row

WIDTHS = (64, 128, 256, 512, 512)
DEPTHS = {  # weight layers -> convolutions in each stage
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}


def vgg(depth: int, classes: int | None = 1000, *, norm: bool = False) -> Net:
    """VGG with ``depth`` weight layers: 11, 13, 16 or 19; ``classes=None`` leaves the number of classes open.

    Pooling brings any picture to 7x7 before the dense layers, which at the 224 of the paper it is already:

        >>> f"{vgg(16).on(3, 224, 224).parameters:,}"
        '138,357,544'
    """
    stages = [
        _stage(width, count, norm=norm).name(f"stage{number}")
        for number, (width, count) in enumerate(zip(WIDTHS, DEPTHS[depth], strict=True), 1)
    ]
    return (
        row(*stages)
        >> AdaptiveAvgPool(7) >> Flatten()
        >> Dense(4096) >> ReLU() >> Dropout()
        >> Dense(4096) >> ReLU() >> Dropout()
        >> Dense(classes).name("head")
    )  # fmt: skip


def _stage(width: int, count: int, *, norm: bool) -> Net:
    conv: Net = Conv(width, 3, padding=1)
    layer = (conv >> BatchNorm() if norm else conv) >> ReLU()
    return row(*[layer] * count) >> MaxPool(2)


def names(depth: int, *, norm: bool = False) -> tuple[dict[str, str | None], ...]:
    """Torchvision's naming, which numbers all layers in a row, and timm's, whose dense layers are convolutions."""
    features: dict[str, str | None] = {}
    index = 0
    for stage, count in enumerate(DEPTHS[depth], 1):
        for conv in range(1, count + 1):
            features[f"features.{index}"] = f"stage{stage}.conv{conv}"
            if norm:
                features[f"features.{index + 1}"] = f"stage{stage}.batchnorm{conv}"
            index += 3 if norm else 2
        index += 1
    return (
        features | {"classifier.0": "dense1", "classifier.3": "dense2", "classifier.6": "head"},
        features | {"pre_logits.fc1": "dense1", "pre_logits.fc2": "dense2", "head.fc": "head"},
    )
