"""Inception v3: large windows taken apart into small and oblong ones; with its auxiliary head.

Szegedy et al.: "Rethinking the Inception Architecture for Computer Vision", CVPR 2016, table 1 and figures 5 to 7, 10.
The numbers are those of the network that Google published and torchvision carries. Its published weights take pixels
from -1 to 1: (x / 255 - 0.5) / 0.5.
"""

from __future__ import annotations

from striate.spec import (
    AvgPool,
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
    "Conv2d_1a_3x3": "stem.*1",
    "Conv2d_2a_3x3": "stem.*2",
    "Conv2d_2b_3x3": "stem.*3",
    "Conv2d_3b_1x1": "stem.*4",
    "Conv2d_4a_3x3": "stem.*5",
    "Mixed_{n}{K}.branch{a}x{b}": "mixed{n}{K}.branch{a}x{b}.*1",
    "Mixed_{n}{K}.branch{a}x{b}_{i}": "mixed{n}{K}.branch{a}x{b}.*{i}",
    "Mixed_{n}{K}.branch{a}x{b}_2{L}": "mixed{n}{K}.branch{a}x{b}.{L}.*1",
    "Mixed_{n}{K}.branch{a}x{b}dbl_{i}": "mixed{n}{K}.double{a}x{b}.*{i}",
    "Mixed_{n}{K}.branch{a}x{b}dbl_3{L}": "mixed{n}{K}.double{a}x{b}.{L}.*1",
    "Mixed_{n}{K}.branch{a}x{b}x{c}_{i}": "mixed{n}{K}.branch{a}x{b}x{c}.*{i}",
    "Mixed_{n}{K}.branch_pool": "mixed{n}{K}.pool.*1",
    "AuxLogits.conv{i}": "aux.*{i+1}",
}
TORCHVISION = {  # timm's names are the same
    **{f"{theirs}.conv": ours.replace("*", "conv") for theirs, ours in _UNITS.items()},
    **{f"{theirs}.bn": ours.replace("*", "batchnorm") for theirs, ours in _UNITS.items()},
    "AuxLogits.fc": "aux.head",
    "fc": "head",
}


def inception_v3(classes: int | None = 1000) -> Net:
    """Eleven modules at 35, 17 and 8 positions a side; ``classes=None`` leaves the number of classes open.

    27,161,264 parameters, of which 3,326,696 in the auxiliary head, which only training has:

        >>> survey = inception_v3().on(3, 299, 299)
        >>> f"{survey.parameters:,} {sum(row.parameters for row in survey.rows if row.auxiliary):,}"
        '27,161,264 3,326,696'
    """
    stem = (
        _conv(32, 3, stride=2) >> _conv(32, 3) >> _conv(64, 3, padding=1) >> MaxPool(3, stride=2)
        >> _conv(80, 1) >> _conv(192, 3) >> MaxPool(3, stride=2)
    )  # fmt: skip
    return (
        stem.name("stem")
        >> _at_35(32).name("mixed5b") >> _at_35(64).name("mixed5c") >> _at_35(64).name("mixed5d")
        >> _to_17().name("mixed6a")
        >> _at_17(128).name("mixed6b") >> _at_17(160).name("mixed6c")
        >> _at_17(160).name("mixed6d") >> _at_17(192).name("mixed6e")
        >> side(_auxiliary(classes).name("aux"))
        >> _to_8().name("mixed7a")
        >> _at_8().name("mixed7b") >> _at_8().name("mixed7c")
        >> GlobalAvgPool() >> Dropout() >> Flatten()
        >> Dense(classes).name("head")
    )  # fmt: skip


def _at_35(pool: int) -> Net:
    """Figure 5: two 3x3 convolutions do the work of one 5x5."""
    return concat(
        _conv(64, 1).name("branch1x1"),
        (_conv(48, 1) >> _conv(64, 5, padding=2)).name("branch5x5"),
        (_conv(64, 1) >> _conv(96, 3, padding=1) >> _conv(96, 3, padding=1)).name("double3x3"),
        _pooled(pool),
    )


def _to_17() -> Net:
    """Figure 10: half the size, without a bottleneck."""
    return concat(
        _conv(384, 3, stride=2).name("branch3x3"),
        (_conv(64, 1) >> _conv(96, 3, padding=1) >> _conv(96, 3, stride=2)).name("double3x3"),
        MaxPool(3, stride=2).name("pool"),
    )


def _at_17(width: int) -> Net:
    """Figure 6: 7x7 as 1x7 and 7x1."""
    return concat(
        _conv(192, 1).name("branch1x1"),
        (_conv(width, 1) >> _wide(width, 7) >> _high(192, 7)).name("branch7x7"),
        (_conv(width, 1) >> _high(width, 7) >> _wide(width, 7) >> _high(width, 7) >> _wide(192, 7)).name("double7x7"),
        _pooled(192),
    )


def _to_8() -> Net:
    return concat(
        (_conv(192, 1) >> _conv(320, 3, stride=2)).name("branch3x3"),
        (_conv(192, 1) >> _wide(192, 7) >> _high(192, 7) >> _conv(192, 3, stride=2)).name("branch7x7x3"),
        MaxPool(3, stride=2).name("pool"),
    )


def _at_8() -> Net:
    """Figure 7: 3x3 spread out as 1x3 beside 3x1."""
    spread = _wide(384, 3).name("a") | _high(384, 3).name("b")
    return concat(
        _conv(320, 1).name("branch1x1"),
        (_conv(384, 1) >> spread).name("branch3x3"),
        (_conv(448, 1) >> _conv(384, 3, padding=1) >> spread).name("double3x3"),
        _pooled(192),
    )


def _auxiliary(classes: int | None) -> Net:
    return (
        AvgPool(5, stride=3) >> _conv(128, 1) >> _conv(768, 5)
        >> GlobalAvgPool() >> Flatten()
        >> Dense(classes).name("head")
    )  # fmt: skip


def _pooled(out: int) -> Net:
    return (AvgPool(3, stride=1, padding=1) >> _conv(out, 1)).name("pool")


def _wide(out: int, width: int) -> Net:
    return _conv(out, (1, width), padding=(0, width // 2))


def _high(out: int, height: int) -> Net:
    return _conv(out, (height, 1), padding=(height // 2, 0))


def _conv(out: int, kernel: int | tuple[int, int], *, stride: int = 1, padding: int | tuple[int, int] = 0) -> Net:
    return Conv(out, kernel, stride=stride, padding=padding, bias=False) >> BatchNorm(eps=1e-3) >> ReLU()
