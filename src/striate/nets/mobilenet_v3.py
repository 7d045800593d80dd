"""MobileNetV3: MobileNetV2's blocks with squeeze and excitation and cheaper activations, found by search.

Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, Le, Adam: "Searching for MobileNetV3", 2019, tables 1
and 2. As torchvision has them, in the paper's words but for the eps (0.001) and momentum (0.01) of the norms.
"""

from __future__ import annotations

from typing import NamedTuple

from striate.spec import (
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    HardSigmoid,
    HardSwish,
    Identity,
    Net,
    ReLU,
    row,
)


class Block(NamedTuple):
    """A line of table 1 or 2: "exp size", "#out", "SE", "NL" and "s" behind the kernel of the "Operator"."""

    kernel: int
    wide: int
    out: int
    excite: bool
    bend: Net
    stride: int = 1


# A stage is what works on one size of map with one number of channels.
LARGE = (
    (Block(3, 16, 16, False, ReLU()),),
    (Block(3, 64, 24, False, ReLU(), 2), Block(3, 72, 24, False, ReLU())),
    (Block(5, 72, 40, True, ReLU(), 2), Block(5, 120, 40, True, ReLU()), Block(5, 120, 40, True, ReLU())),
    (
        Block(3, 240, 80, False, HardSwish(), 2),
        Block(3, 200, 80, False, HardSwish()),
        Block(3, 184, 80, False, HardSwish()),
        Block(3, 184, 80, False, HardSwish()),
    ),
    (Block(3, 480, 112, True, HardSwish()), Block(3, 672, 112, True, HardSwish())),
    (
        Block(5, 672, 160, True, HardSwish(), 2),
        Block(5, 960, 160, True, HardSwish()),
        Block(5, 960, 160, True, HardSwish()),
    ),
)
SMALL = (
    (Block(3, 16, 16, True, ReLU(), 2),),
    (Block(3, 72, 24, False, ReLU(), 2), Block(3, 88, 24, False, ReLU())),
    (
        Block(5, 96, 40, True, HardSwish(), 2),
        Block(5, 240, 40, True, HardSwish()),
        Block(5, 240, 40, True, HardSwish()),
    ),
    (Block(5, 120, 48, True, HardSwish()), Block(5, 144, 48, True, HardSwish())),
    (
        Block(5, 288, 96, True, HardSwish(), 2),
        Block(5, 576, 96, True, HardSwish()),
        Block(5, 576, 96, True, HardSwish()),
    ),
)
NORM = BatchNorm(eps=0.001, momentum=0.01)


def mobilenet_v3_large(classes: int | None = 1000) -> Net:
    """MobileNetV3-Large (table 1): 74.0 % on ImageNet with 5.5 M parameters and 0.22 GMACs.

    >>> f"{mobilenet_v3_large().on(3, 224, 224).parameters:,}"
    '5,483,032'
    """
    return _mobilenet(LARGE, hidden=1280, classes=classes)


def mobilenet_v3_small(classes: int | None = 1000) -> Net:
    """MobileNetV3-Small (table 2): 67.7 % on ImageNet with 2.5 M parameters and 0.06 GMACs."""
    return _mobilenet(SMALL, hidden=1024, classes=classes)


def _mobilenet(stages: tuple[tuple[Block, ...], ...], *, hidden: int, classes: int | None) -> Net:
    parts, before = [], 16
    for number, blocks in enumerate(stages, 1):
        nets = []
        for block in blocks:
            nets.append(1 * _block(before, block))
            before = block.out
        parts.append(row(*nets).name(f"stage{number}"))
    return row(
        (Conv(16, 3, stride=2, padding=1, bias=False) >> NORM >> HardSwish()).name("stem"),
        *parts,
        (Conv(6 * before, 1, bias=False) >> NORM >> HardSwish()).name("last"),
        GlobalAvgPool() >> Flatten() >> Dense(hidden).name("hidden") >> HardSwish(),
        Dropout(0.2) >> Dense(classes).name("head"),
    )


def _block(before: int, block: Block) -> Net:
    """Figure 4: widen, filter each channel by itself, weigh the channels, narrow; a shortcut where the shape stays."""
    kernel, wide, out, excite, bend, stride = block
    expand = Conv(wide, 1, bias=False) >> NORM >> bend
    depthwise = Conv(wide, kernel, stride=stride, padding=kernel // 2, groups=wide, bias=False) >> NORM >> bend
    project = Conv(out, 1, bias=False) >> NORM
    body = [depthwise.name("depthwise"), project.name("project")]
    if excite:
        body.insert(1, Identity() * _weigh(wide).name("excite"))
    if wide != before:
        body.insert(0, expand.name("expand"))
    stays = stride == 1 and before == out
    return row(*body).name("body") + Identity().name("shortcut") if stays else row(*body).name("body")


def _weigh(channels: int) -> Net:
    """A weight from 0 to 1 for every channel, from the averages of all (section 5.3: squeezed to a quarter)."""
    squeezed = max(8, (channels // 4 + 4) // 8 * 8)  # to the nearest multiple of 8 ...
    if squeezed < 0.9 * (channels // 4):  # ... that takes away no more than a tenth
        squeezed += 8
    return GlobalAvgPool() >> Conv(squeezed, 1) >> ReLU() >> Conv(channels, 1) >> HardSigmoid()


# -- published names ---------------------------------------------------------------------------------------------------
# Timm's own weights are for norms with an eps of 0.00001: another net.


def _torchvision(stages: tuple[tuple[Block, ...], ...]) -> dict[str, str]:
    """Torchvision numbers the blocks through, and the parts of each that are there."""
    names = {"features.0.0": "stem.conv1", "features.0.1": "stem.batchnorm1"}
    before, n = 16, 0
    for stage, blocks in enumerate(stages, 1):
        for number, block in enumerate(blocks, 1):
            n += 1
            parts = ["expand"] * (block.wide != before) + ["depthwise"] + ["excite"] * block.excite + ["project"]
            for place, part in enumerate(parts):
                theirs, ours = f"features.{n}.block.{place}", f"stage{stage}.{number}.body.{part}"
                pairs = {"fc1": "conv1", "fc2": "conv2"} if part == "excite" else {"0": "conv1", "1": "batchnorm1"}
                names |= {f"{theirs}.{layer}": f"{ours}.{name}" for layer, name in pairs.items()}
            before = block.out
    return names | {
        f"features.{n + 1}.0": "last.conv1",
        f"features.{n + 1}.1": "last.batchnorm1",
        "classifier.0": "hidden",
        "classifier.3": "head",
    }


LARGE_NAMES = (_torchvision(LARGE),)
SMALL_NAMES = (_torchvision(SMALL),)
