"""ConvNeXt: a ResNet brought step by step to what vision transformers had taught.

Liu, Mao, Wu, Feichtenhofer, Darrell, Xie: "A ConvNet for the 2020s", 2022, figure 4
(the block) and section 3 (the nets).
"""

from __future__ import annotations

from striate.spec import GELU, Conv, Dense, DropPath, Flatten, GlobalAvgPool, Identity, LayerNorm, LayerScale, Net, row

CHANNELS = (96, 192, 384, 768)
NORM = LayerNorm(eps=1e-6)


def convnext_tiny(classes: int | None = 1000) -> Net:
    """ConvNeXt-T: 82.5 % on ImageNet with 28.6 M parameters and 4.5 GMACs.

    >>> f"{convnext_tiny().on(3, 224, 224).parameters:,}"
    '28,589,128'
    """
    return _convnext((3, 3, 9, 3), drop=0.1, classes=classes)


def convnext_small(classes: int | None = 1000) -> Net:
    """ConvNeXt-S: 83.6 % on ImageNet with 50.2 M parameters and 8.7 GMACs."""
    return _convnext((3, 3, 27, 3), drop=0.4, classes=classes)


def _convnext(counts: tuple[int, ...], *, drop: float, classes: int | None) -> Net:
    """Patches of 4x4, four stages with halvings between them, an average, a norm, a dense layer.

    Stochastic depth rises evenly from 0 in the first block to `drop` in the last.
    """
    parts, done = [], 0
    for number, (channels, count) in enumerate(zip(CHANNELS, counts, strict=True), 1):
        if number > 1:
            parts.append((NORM >> Conv(channels, 2, stride=2)).name(f"halve{number - 1}"))
        drops = (round(drop * block / (sum(counts) - 1), 4) for block in range(done, done + count))
        parts.append(row(*(1 * _block(channels, p) for p in drops)).name(f"stage{number}"))
        done += count
    return row(
        (Conv(CHANNELS[0], 4, stride=4) >> NORM).name("stem"),
        *parts,
        GlobalAvgPool() >> Flatten() >> NORM >> Dense(classes).name("head"),
    )


def _block(channels: int, drop: float) -> Net:
    """A wide filter on each channel by itself, a norm, and a hidden layer of four times the channels at each place."""
    body = (
        Conv(channels, 7, padding=3, groups=channels) >> NORM
        >> Conv(4 * channels, 1) >> GELU()
        >> Conv(channels, 1) >> LayerScale(1e-6) >> DropPath(drop)
    )  # fmt: skip
    return body.name("body") + Identity().name("shortcut")


# -- published names ---------------------------------------------------------------------------------------------------

TORCHVISION = {
    "features.0.0": "stem.conv1",
    "features.0.1": "stem.layernorm1",
    **{  # its features are stem, stage, halving, stage, halving ...
        f"features.{2 * s - 1}.{{b}}.{theirs}": f"stage{s}.{{b+1}}.body.{ours}"
        for s in (1, 2, 3, 4)
        for theirs, ours in (
            ("block.0", "conv1"),
            ("block.2", "layernorm1"),
            ("block.3", "conv2"),
            ("block.5", "conv3"),
            ("layer_scale", "layerscale1.weight"),
        )
    },
    **{f"features.{2 * s}.0": f"halve{s}.layernorm1" for s in (1, 2, 3)},
    **{f"features.{2 * s}.1": f"halve{s}.conv1" for s in (1, 2, 3)},
    "classifier.0": "layernorm1",
    "classifier.2": "head",
}
TIMM = {
    "stem.0": "stem.conv1",
    "stem.1": "stem.layernorm1",
    "stages.{s}.downsample.0": "halve{s}.layernorm1",
    "stages.{s}.downsample.1": "halve{s}.conv1",
    "stages.{s}.blocks.{b}.conv_dw": "stage{s+1}.{b+1}.body.conv1",
    "stages.{s}.blocks.{b}.norm": "stage{s+1}.{b+1}.body.layernorm1",
    "stages.{s}.blocks.{b}.mlp.fc1": "stage{s+1}.{b+1}.body.conv2",
    "stages.{s}.blocks.{b}.mlp.fc2": "stage{s+1}.{b+1}.body.conv3",
    "stages.{s}.blocks.{b}.gamma": "stage{s+1}.{b+1}.body.layerscale1.weight",
    "head.norm": "layernorm1",
    "head.fc": "head",
}
AUTHORS = {  # github.com/facebookresearch/ConvNeXt
    "downsample_layers.0.0": "stem.conv1",
    "downsample_layers.0.1": "stem.layernorm1",
    "downsample_layers.{s}.0": "halve{s}.layernorm1",
    "downsample_layers.{s}.1": "halve{s}.conv1",
    "stages.{s}.{b}.dwconv": "stage{s+1}.{b+1}.body.conv1",
    "stages.{s}.{b}.norm": "stage{s+1}.{b+1}.body.layernorm1",
    "stages.{s}.{b}.pwconv1": "stage{s+1}.{b+1}.body.conv2",
    "stages.{s}.{b}.pwconv2": "stage{s+1}.{b+1}.body.conv3",
    "stages.{s}.{b}.gamma": "stage{s+1}.{b+1}.body.layerscale1.weight",
    "norm": "layernorm1",
    "head": "head",
}
NAMES = (TORCHVISION, TIMM, AUTHORS)
