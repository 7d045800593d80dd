"""The words can say the blocks that published networks are made of, with the published numbers."""

from __future__ import annotations

from striate.spec import (
    BatchNorm,
    Concat,
    Conv,
    ConvTranspose,
    Dense,
    Flatten,
    GlobalAvgPool,
    Identity,
    MaxPool,
    Net,
    ReLU,
    Shape,
    Sigmoid,
    SiLU,
    concat,
    parse,
    row,
    side,
)


def conv(out: int, kernel: int | tuple[int, int], *, padding: int | tuple[int, int] = 0) -> Net:
    return Conv(out, kernel, padding=padding) >> ReLU()


def inception(one: int, three: tuple[int, int], five: tuple[int, int], pool: int) -> Concat:
    return concat(
        conv(one, 1),
        conv(three[0], 1) >> conv(three[1], 3, padding=1),
        conv(five[0], 1) >> conv(five[1], 5, padding=2),
        MaxPool(3, stride=1, padding=1) >> conv(pool, 1),
    )


def test_googlenet() -> None:
    # Szegedy et al. 2015, table 1: inception (3a) and (3b) have 159 K and 380 K weights.
    survey = inception(64, (96, 128), (16, 32), 32).on(192, 28, 28)
    assert str(survey.output) == "256x28x28"
    assert survey.parameters == 163_696  # with biases
    stages = (
        inception(64, (96, 128), (16, 32), 32)
        >> side(GlobalAvgPool() >> Flatten() >> Dense())
        >> inception(128, (128, 192), (32, 96), 64)
    )
    assert str(stages.on(192, 28, 28, classes=1000).output) == "480x28x28"


def test_inception_v3_rectangles() -> None:
    net = conv(128, (1, 7), padding=(0, 3)) >> conv(192, (7, 1), padding=(3, 0))
    survey = net.on(768, 17, 17)
    assert survey.field is not None
    assert (str(survey.output), survey.field.size) == ("192x17x17", (7, 7))
    assert "conv 128 1x7 pad 0x3" in str(net)


def test_resnext_and_its_groups() -> None:
    net = parse("conv 128 1x1 no bias >> conv 128 3x3 pad 1 groups 32 no bias >> conv 256 1x1 no bias")
    assert net.on(256, 56, 56).parameters == 256 * 128 + 128 * 4 * 9 + 128 * 256


def test_densenet() -> None:
    grow = Identity() | BatchNorm() >> ReLU() >> Conv(128, 1, bias=False) >> BatchNorm() >> ReLU() >> Conv(
        32, 3, padding=1, bias=False
    )
    survey = (6 * grow).on(64, 56, 56)
    assert survey.output == Shape(64 + 6 * 32, 56, 56)
    # DenseNet-121's first block as torchvision counts it.
    assert survey.parameters == 335_040


def test_squeeze_and_excitation() -> None:
    squeeze = GlobalAvgPool() >> Conv(4, 1) >> SiLU() >> Conv(16, 1) >> Sigmoid()
    survey = (Conv(16, 3, padding=1, groups=16) >> Identity() * squeeze).on(16, 14, 14)
    assert survey.output == Shape(16, 14, 14)
    assert survey.field is not None
    assert survey.field.size == (14, 14)


def test_u_net() -> None:
    def double(channels: int) -> Net:
        return conv(channels, 3, padding=1) >> conv(channels, 3, padding=1)

    def level(channels: int, below: Net) -> Net:
        through = Identity() | MaxPool(2) >> below >> ConvTranspose(channels, 2, stride=2)
        return double(channels) >> through >> double(channels)

    net = row(level(64, level(128, level(256, level(512, double(1024))))), Conv(2, 1))
    survey = net.on(1, 64, 64)
    assert survey.output == Shape(2, 64, 64)
    assert survey.parameters == 31_030_658  # the usual padded U-Net: 31.0 million
    assert parse(str(net)) == net
