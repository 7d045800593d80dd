"""GoogLeNet, the first Inception network, with its two auxiliary heads.

Szegedy et al.: "Going Deeper with Convolutions", CVPR 2015, table 1 and figure 3. This is the network whose weights
torchvision publishes: batch norm behind every convolution (Ioffe and Szegedy 2015) in place of local response
normalisation, 3x3 convolutions where the paper has 5x5, a last pooling of 2x2 instead of 3x3, and auxiliary heads that
pool to 4x4 from any size. Its published weights take pixels from -1 to 1: (x / 255 - 0.5) / 0.5.
"""

from __future__ import annotations

from striate.spec import (
    AdaptiveAvgPool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    MaxPool,
    Net,
    ReLU,
    concat,
    side,
)

_UNITS = {  # a convolution and its norm each; * stands for the two words
    "conv{i}": "stem.*{i}",
    "inception{n}{K}.branch1": "inception{n}{K}.branch1.*1",
    "inception{n}{K}.branch4.1": "inception{n}{K}.branch4.*1",
    "inception{n}{K}.branch{b}.{i}": "inception{n}{K}.branch{b}.*{i+1}",
    "aux{i}.conv": "aux{i}.*1",
}
TORCHVISION = {
    **{f"{theirs}.conv": ours.replace("*", "conv") for theirs, ours in _UNITS.items()},
    **{f"{theirs}.bn": ours.replace("*", "batchnorm") for theirs, ours in _UNITS.items()},
    "aux{i}.fc1": "aux{i}.dense1",
    "aux{i}.fc2": "aux{i}.head",
    "fc": "head",
}


def googlenet(classes: int | None = 1000) -> Net:
    """Nine inception modules, read from one to the next as in table 1; ``classes=None`` leaves their number open.

    13,004,888 parameters, of which 6,379,984 in the auxiliary heads, which only training has:

        >>> survey = googlenet().on(3, 224, 224)
        >>> f"{survey.parameters:,} {sum(row.parameters for row in survey.rows if row.auxiliary):,}"
        '13,004,888 6,379,984'
    """
    stem = (
        _conv(64, 7, stride=2, padding=3) >> MaxPool(3, stride=2, ceil=True)
        >> _conv(64, 1) >> _conv(192, 3, padding=1) >> MaxPool(3, stride=2, ceil=True)
    )  # fmt: skip
    return (
        stem.name("stem")
        >> _inception(64, (96, 128), (16, 32), 32).name("inception3a")
        >> _inception(128, (128, 192), (32, 96), 64).name("inception3b")
        >> MaxPool(3, stride=2, ceil=True)
        >> _inception(192, (96, 208), (16, 48), 64).name("inception4a")
        >> side(_auxiliary(classes).name("aux1"))
        >> _inception(160, (112, 224), (24, 64), 64).name("inception4b")
        >> _inception(128, (128, 256), (24, 64), 64).name("inception4c")
        >> _inception(112, (144, 288), (32, 64), 64).name("inception4d")
        >> side(_auxiliary(classes).name("aux2"))
        >> _inception(256, (160, 320), (32, 128), 128).name("inception4e")
        >> MaxPool(2, ceil=True)
        >> _inception(256, (160, 320), (32, 128), 128).name("inception5a")
        >> _inception(384, (192, 384), (48, 128), 128).name("inception5b")
        >> GlobalAvgPool() >> Flatten() >> Dropout(0.2)
        >> Dense(classes).name("head")
    )  # fmt: skip


def _inception(one: int, three: tuple[int, int], five: tuple[int, int], pool: int) -> Net:
    """Figure 3b: 1x1, 3x3 and "5x5" convolutions and pooling side by side, narrowed by 1x1 convolutions."""
    return concat(
        _conv(one, 1),
        _conv(three[0], 1) >> _conv(three[1], 3, padding=1),
        _conv(five[0], 1) >> _conv(five[1], 3, padding=1),
        MaxPool(3, stride=1, padding=1, ceil=True) >> _conv(pool, 1),
    )


def _auxiliary(classes: int | None) -> Net:
    """Section 5: a small classifier in the middle, so that what is learned there is told of sooner."""
    return (
        AdaptiveAvgPool(4) >> _conv(128, 1) >> Flatten()
        >> Dense(1024) >> ReLU() >> Dropout(0.7)
        >> Dense(classes).name("head")
    )  # fmt: skip


def _conv(out: int, kernel: int, *, stride: int = 1, padding: int = 0) -> Net:
    return Conv(out, kernel, stride=stride, padding=padding, bias=False) >> BatchNorm(eps=1e-3) >> ReLU()
