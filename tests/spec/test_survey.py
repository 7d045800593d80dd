"""The survey: numbers of the textbooks, golden tables, refusals and what they propose."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from tests.page_reader import Read
from tests.strategies import cases, loose_cases

from striate import nets
from striate.errors import DescribeError, FitError, ShapeError
from striate.spec import (
    AvgPool,
    Conv,
    ConvTranspose,
    Dense,
    Flatten,
    GlobalAvgPool,
    MaxPool,
    Net,
    ReLU,
    Shape,
    parse,
    side,
)

# -- the textbook cases ----------------------------------------------------------------------------------------------


def test_ten_filters_of_five() -> None:
    survey = Conv(10, 5, padding=2).on(3, 32, 32)
    assert str(survey.output) == "10x32x32"
    assert survey.parameters == 760
    assert survey.macs == 32 * 32 * 10 * 5 * 5 * 3
    assert survey.memory_bytes == 4 * 10 * 32 * 32


@pytest.mark.parametrize(("stride", "side_length"), [(1, 5), (2, 3)])
def test_seven_under_three(stride: int, side_length: int) -> None:
    assert Conv(1, 3, stride=stride).on(1, 7, 7).output == Shape(1, side_length, side_length)


def test_seven_under_three_with_stride_three_is_refused() -> None:
    with pytest.raises(FitError) as caught:
        Conv(8, 3, stride=3).on(1, 7, 7)
    assert str(caught.value) == (
        "conv1 (conv 8 3x3 stride 3) never sees row 6 and column 6 of its 1x7x7 input: "
        "(7 - 3 + 2*0)/3 + 1 = 2.33 is not whole, and no other path leads from there to the output.\n"
        'What fits: input 1x6x6, input 1x9x9, pad 1, stride 2 or fit="floor" to accept the loss.'
    )
    assert Conv(8, 3, stride=3).on(1, 7, 7, fit="floor").output == Shape(8, 2, 2)


def test_alexnet_at_the_size_its_paper_names() -> None:
    net = parse("conv 96 11x11 stride 4 >> relu >> maxpool 3 stride 2 >> conv 256 5x5 pad 2 >> maxpool 3 stride 2")
    with pytest.raises(FitError, match=r"\(224 - 11 \+ 2\*0\)/4 \+ 1 = 54.25 is not whole") as caught:
        net.on(3, 224, 224)
    assert "input 3x227x227" in [proposal.text for proposal in caught.value.proposals]
    assert [row.path for row in caught.value.survey.rows] == ["conv1"]
    assert str(net.on(3, 227, 227).output) == "256x13x13"


def test_leftover_padding_is_harmless() -> None:
    # (224 - 7 + 6)/2 + 1 = 112.5, but the half that is left over is padding.
    assert Conv(64, 7, stride=2, padding=3).on(3, 224, 224).output == Shape(64, 112, 112)


def test_rows_that_overlapping_windows_saw_before_are_not_lost() -> None:
    net = Conv(4, 3, padding=1) >> MaxPool(2)
    survey = net.on(1, 7, 7)  # pooling passes over row 6 of the map; its neighbour saw row 6 of the picture
    assert survey.unseen is None
    assert survey.rows[1].unseen is not None
    assert survey.rows[1].unseen.rows == (6,)
    with pytest.raises(FitError):
        (Conv(4, 3) >> MaxPool(2)).on(1, 7, 7)


def test_transposed_convolution_by_hand() -> None:
    survey = ConvTranspose(4, 3, stride=2, padding=1, output_padding=1).on(2, 5, 5)
    assert str(survey.output) == "4x10x10"  # (5 - 1)*2 + 3 - 2 + 1
    assert survey.parameters == 2 * 4 * 9 + 4
    assert survey.macs == 5 * 5 * 2 * 4 * 9


def test_pooling_that_hangs_over() -> None:
    assert MaxPool(3, stride=2, ceil=True).on(1, 6, 6).output == Shape(1, 3, 3)
    assert MaxPool(3, stride=2).on(1, 6, 6, fit="floor").output == Shape(1, 2, 2)
    assert AvgPool(2, stride=2, padding=1, ceil=True).on(1, 5, 5).output == Shape(1, 3, 3)  # the 4th would be padding


def test_groups_and_connections() -> None:
    assert Conv(8, 3, groups=4).on(4, 8, 8).parameters == 8 * 9 + 8
    assert Conv(8, 3, groups=4).on(4, 8, 8).macs == 8 * 9 * 6 * 6
    table = ((0, 1), (1, 2), (0, 1, 2))
    assert Conv(3, 5, connections=table).on(3, 9, 9).parameters == 7 * 25 + 3


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shape", "error", "says", "proposes"),
    [
        ("conv 8 9x9", "1x7x7", FitError, "a window 9 high does not fit into an input 7 high: (7 - 9 + 2*0)/1 + 1 = -1",
         ["input 1x9x9", "pad 1", "kernel 7"]),
        ("conv 8 1x9", "1x7x7", FitError, "a window 9 wide does not fit into an input 7 wide", ["input 1x9x9"]),
        ("conv 8 3 dilation 4", "1x7x7", FitError, "(7 - (4*(3 - 1) + 1) + 2*0)/1 + 1 = -1", ["input 1x12x12"]),
        ("conv 8 3 >> maxpool 2", "1x7x7", FitError, "the 1x7x7 picture loses row 6 and column 6",
         ["input 1x6x6", "input 1x8x8", "ceil"]),
        ("conv 8 3 stride 3", "1x7x9", FitError, "never sees row 6 of its 1x7x9 input", ["input 1x6x9", "input 1x9x9"]),
        ("conv 1 1x1 stride 2", "1x9x9", FitError, "is whole, but its windows leave holes", ["stride 1"]),
        ("convtranspose 1 1x1 pad 1", "1x2x2", FitError, "(2 - 1)*1 + 1 - 2*1 = 0", ["pad 0"]),
        ("conv 8 3 >> dense 10", "1x7x7", ShapeError, "dense takes a flat vector, but is given the map 8x5x5",
         ["flatten before it", "globalavgpool >> flatten before it"]),
        ("conv 8 3 >> dense", "1x7x7", ShapeError, "given the map", ["flatten before it, and classes=10"]),
        ("flatten >> dense", "1x7x7", ShapeError, "nobody said how many", ["classes=10, or dense 10"]),
        ("flatten >> conv 8 3", "1x7x7", ShapeError, "takes a map of channels x height x width, but is given the flat",
         ["identity in place of flatten1 (flatten)"]),
        ("conv 6 3 groups 4", "12x7x7", ShapeError, "4 groups must divide both the 12 channels of the input and the 6",
         ["groups 3"]),
        ("groupnorm 5", "12x7x7", ShapeError, "5 groups must divide the 12 channels", ["groups 4", "groups 6"]),
        ("globalavgpool >> groupnorm 4", "4x7x7", ShapeError, "each of the 4 groups of 4x1x1 holds one value",
         ["groups 2", "groups 1"]),
        ("layernorm", "1x7x7", ShapeError, "each position of 1x7x7 holds one value, and its norm is always 0", []),
        ("padchannels 8", "12x7x7", ShapeError, "12 channels cannot be filled up to 8",
         ["padchannels 12 in place of padchannels 8"]),
        ("conv 2 3 connections (0 1, 2 5)", "3x8x8", ShapeError, "input channel 5, but the input has 3 (0 to 2)", []),
        ("a: conv 8 3 pad 1 | conv 4 5x5", "4x7x7", ShapeError, "but a gives 8x7x7 and branch1 gives 4x3x3",
         ["branch1.conv1 with pad 2"]),
        ("conv 8 3 pad 1 + identity", "4x7x7", ShapeError, "but branch1 gives 8x7x7 and branch2 gives 4x7x7",
         ["conv 8 1x1 in place of branch2.identity1"]),
        ("(conv 8 3x3 stride 2 pad 1 >> batchnorm) + identity", "4x8x8", ShapeError, "branch2 gives 4x8x8",
         ["conv 8 1x1 stride 2 in place of branch2.identity1"]),
        ("identity * (globalavgpool >> conv 3 1x1)", "4x8x8", ShapeError, "branch2 gives 3x1x1", []),
        ("conv 8 3 >> conv classes 1x1", "4x8x8", ShapeError, "nobody said how many", ["classes=10, or conv 10 1x1"]),
        ("flatten >> conv classes 1x1", "4x8x8", ShapeError, "but is given the flat", []),
        ("crop 1", "1x7x7", FitError, "it cuts off the edges ((7 - 1 - 2*1)/1 + 1 = 5)", []),
        ("crop 4", "1x7x7", FitError, "the margin leaves nothing of an input 7 high: (7 - 1 - 2*4)/1 + 1 = -1", []),
        ("identity | maxpool 2 >> convtranspose 1 2x2 stride 2", "1x7x7", ShapeError, "branch2 gives 1x6x6",
         ["input 1x6x6", "input 1x8x8"]),
        ("10 * (conv 1 9x9)", "1x30x30", FitError, "a window 9 high", ["input 1x81x81"]),
        ("flatten >> globalavgpool", "4x8x8", ShapeError, "globalavgpool takes a map", []),
        ("flatten >> spatialdropout", "4x8x8", ShapeError, "spatialdropout takes a map", []),
    ],
)  # fmt: skip
def test_what_does_not_go_together(
    text: str, shape: str, error: type[DescribeError], says: str, proposes: list[str]
) -> None:
    with pytest.raises(error) as caught:
        parse(text).on(Shape.parse(shape))
    assert says in str(caught.value)
    texts = [proposal.text for proposal in caught.value.proposals]
    assert [one for one in texts if one in proposes] == proposes
    for proposal in caught.value.proposals:
        assert proposal.text in str(caught.value)
        proposal.net.on(proposal.input, fit=proposal.fit)


@settings(max_examples=60, deadline=None)
@given(cases())
def test_every_proposal_for_what_is_lost_works(case: tuple[Net, Shape]) -> None:
    net, shape = case
    try:
        net.on(shape)
    except FitError as error:
        assert error.proposals
        for proposal in error.proposals:
            proposal.net.on(proposal.input, fit=proposal.fit)


@settings(max_examples=150, deadline=None)
@given(loose_cases())
def test_every_proposal_for_what_does_not_go_together_works(case: tuple[Net, Shape]) -> None:
    net, shape = case
    try:
        net.on(shape)
    except (FitError, ShapeError) as error:
        assert error.survey is not None
        for proposal in error.proposals:
            proposal.net.on(proposal.input, fit=proposal.fit)


def test_a_net_that_fails_is_shown_up_to_the_part_that_fails() -> None:
    with pytest.raises(ShapeError) as caught:
        parse("conv 8 3 >> relu >> dense 10 >> relu").on(1, 7, 7)
    assert [row.path for row in caught.value.survey.rows] == ["conv1", "relu1"]
    assert "total" in str(caught.value.survey)
    with pytest.raises(FitError) as lost:
        parse("conv 8 3 pad 1 >> maxpool 3 stride 4 >> relu >> flatten").on(1, 9, 9)
    assert [row.path for row in lost.value.survey.rows] == ["conv1", "maxpool1"]


def test_the_part_within_repeats_is_named() -> None:
    with pytest.raises(FitError, match=r"^stage1\.2\.maxpool1 \(maxpool 2x2\)"):
        parse("stage1: 3 * (conv 4 3 pad 1 >> maxpool 2)").on(1, 2, 2)


# -- how it looks ----------------------------------------------------------------------------------------------------

LENET = """\
part      layer               output  parameters     MACs   memory  field  jump
───────────────────────────────────────────────────────────────────────────────
input                        1x28x28
conv1     conv 6 5x5 pad 2   6x28x28         156  117,600  18.8 kB      5     1
tanh1     tanh               6x28x28           0        0  18.8 kB      5     1
avgpool1  avgpool 2x2        6x14x14           0        0  4.70 kB      6     2
conv2     conv 16 5x5       16x10x10       2,416  240,000  6.40 kB     14     2
tanh2     tanh              16x10x10           0        0  6.40 kB     14     2
avgpool2  avgpool 2x2         16x5x5           0        0  1.60 kB     16     4
flatten1  flatten                400           0        0  1.60 kB    all
dense1    dense 120              120      48,120   48,000    480 B    all
tanh3     tanh                   120           0        0    480 B    all
dense2    dense 84                84      10,164   10,080    336 B    all
tanh4     tanh                    84           0        0    336 B    all
dense3    dense 10                10         850      840     40 B    all
───────────────────────────────────────────────────────────────────────────────
total                             10      61,706  416,520  60.0 kB"""

REPEATS = """\
part                      layer                            output  parameters    MACs  field  unseen
────────────────────────────────────────────────────────────────────────────────────────────────────
input                                                     3x33x33
stem                      conv 16 3x3 pad 1              16x33x33         448   470 k      3
stage1.1.branch1.conv1    conv 16 3x3 pad 1              16x33x33       2,320  2.51 M      5
stage1…branch2.identity1  identity                       16x33x33           0       0      3
stage1.1.add1             add                            16x33x33           0       0      5
stage1.1.relu1            relu                           16x33x33           0       0      5
stage1.2–5                the same as stage1.1, 4 times  16x33x33       9,280  10.0 M     13
maxpool1                  maxpool 2x2                    16x16x16           0       0     14  5.97 %
relu1                     relu                           16x16x16           0       0     14
────────────────────────────────────────────────────────────────────────────────────────────────────
total                                                    16x16x16      12,048  13.0 M"""


def test_golden_table_of_lenet() -> None:
    assert nets.lenet5().on(1, 28, 28).table(80) == LENET
    assert str(nets.lenet5().on(1, 28, 28)).splitlines()[0].startswith("part")


def test_golden_table_of_repeats() -> None:
    net = parse("stem: conv 16 3x3 pad 1 >> stage1: 5 * (conv 16 3x3 pad 1 + identity >> relu) >> maxpool 2 >> relu")
    assert net.on(3, 33, 33).table(100) == REPEATS


def test_the_table_fits_the_width() -> None:
    deep = "a_long_name_for_a_stage: (another_long_name: (conv 1024 3x3 stride 2 pad 1 dilation 2 groups 8 no bias))"
    net = parse(f"conv 1024 1x1 >> 12 * ({deep.replace('stride 2 ', '').replace('dilation 2', '')} >> relu)")
    survey = net.on(1024, 96, 96)
    for width in range(80, 121, 5):
        lines = survey.table(width).splitlines()
        assert max(map(len, lines)) <= width
        assert "…" in survey.table(width) or width > 100


@settings(max_examples=50, deadline=None)
@given(cases())
def test_every_table_fits_and_every_survey_is_json(case: tuple[Net, Shape]) -> None:
    net, shape = case
    survey = net.on(shape, fit="floor")
    assert max(map(len, survey.table(80).splitlines()[: 3 + len(survey.rows)])) <= 80
    facts = json.loads(json.dumps(survey.to_dict()))
    assert facts["parameters"] == sum(row["parameters"] for row in facts["rows"]) == survey.parameters
    assert facts["input"] == list(shape)
    assert parse(facts["net"]) == net


def test_totals_say_what_side_heads_and_fixed_numbers_are() -> None:
    head = GlobalAvgPool() >> Flatten() >> Dense(3)
    survey = (Conv(4, 3) >> side(head) >> ReLU() >> Flatten() >> Dense(3)).on(1, 5, 5)
    assert [row.path for row in survey.rows if row.auxiliary] == [
        "side1.globalavgpool1",
        "side1.flatten1",
        "side1.dense1",
    ]
    assert survey.parameters == 40 + 15 + 4 * 9 * 3 + 3
    assert survey.output == Shape(3)
    assert "in side heads, which only training has: 15 parameters, 12 MACs" in survey.table()
    assert "840 fixed" in nets.lenet5_1998().on(1, 32, 32).table()


def test_unseen_is_shown() -> None:
    survey = Conv(8, 3, stride=3).on(1, 7, 7, fit="floor")
    assert "never seen: row 6 and column 6 of the picture (26.5 % of it)" in survey.table()
    assert survey.to_dict()["unseen"] == {"rows": [6], "columns": [6], "positions": 13, "of": 49}


def test_html_stands_alone_and_is_escaped() -> None:
    survey = parse("conv 4 3x3 >> flatten >> dense 10").on(1, 28, 28)
    html = survey._repr_html_()
    assert "conv 4 3x3" in Read(html).text
    assert "http" not in html


def test_a_flat_input_has_no_field() -> None:
    survey = parse("dense 5 >> relu >> dense 2").on(7)
    assert survey.field is None
    assert survey.parameters == 7 * 5 + 5 + 5 * 2 + 2
    assert survey.unseen is None
    assert "field" in survey.table()


def test_asking_for_what_is_not_there() -> None:
    survey = Conv(1, 3).on(1, 5, 5)
    with pytest.raises(DescribeError, match="no part 'conv2'"):
        survey.footprint("conv2")
    with pytest.raises(DescribeError, match="no position 3, 0"):
        survey.footprint("conv1", 3, 0)
    with pytest.raises(DescribeError, match="fit must be"):
        Conv(1, 3).on(1, 5, 5, fit="loose")
