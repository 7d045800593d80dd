"""Receptive fields and lost pixels against brute force, and against fields worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from tests.spec.oracle import look, picture
from tests.strategies import cases

from striate.errors import DescribeError, FitError
from striate.spec import (
    AdaptiveAvgPool,
    AvgPool,
    Branches,
    Conv,
    ConvTranspose,
    GlobalAvgPool,
    Identity,
    MaxPool,
    Net,
    Shape,
    Sigmoid,
    Upsample,
    parse,
)


@settings(max_examples=80, deadline=None)
@given(cases())
def test_the_footprint_of_every_position_is_what_it_sees(case: tuple[Net, Shape]) -> None:
    net, shape = case
    survey = net.on(shape, fit="floor")
    grid = look(net, picture(shape))
    last = [row for row in survey.rows if not row.auxiliary][-1:]
    if not last:  # a net of side heads alone
        return
    assert {place: survey.footprint(last[0].path, *place) for place in grid} == grid


@settings(max_examples=80, deadline=None)
@given(cases())
def test_what_is_unseen_is_what_no_position_sees(case: tuple[Net, Shape]) -> None:
    net, shape = case
    seen = frozenset().union(*look(net, picture(shape)).values())
    height, width = shape.size
    lost = picture(shape).keys() - seen
    unseen = net.on(shape, fit="floor").unseen
    if not lost:
        assert unseen is None
        assert net.on(shape).unseen is None  # and the net is accepted
        return
    assert unseen is not None
    assert unseen.positions == len(lost)
    assert unseen.of == height * width
    assert unseen.rows == tuple(row for row in range(height) if all((row, column) in lost for column in range(width)))
    assert unseen.columns == tuple(col for col in range(width) if all((row, col) in lost for row in range(height)))
    with pytest.raises(FitError) as caught:
        net.on(shape)
    assert caught.value.proposals[-1].fit == "floor"


@settings(max_examples=40, deadline=None)
@given(cases())
def test_a_row_shows_what_its_own_layer_passes_over(case: tuple[Net, Shape]) -> None:
    net, shape = case
    for row in net.on(shape, fit="floor").rows:
        if row.unseen is not None:
            layer = parse(row.layer)
            given_to_it = next(given for path, given in _inputs(net, shape) if path == row.path)
            seen = frozenset().union(*look(layer, picture(given_to_it)).values())
            assert row.unseen.positions == given_to_it.size[0] * given_to_it.size[1] - len(seen)


def _inputs(net: Net, shape: Shape) -> list[tuple[str, Shape]]:
    from striate.spec.trace import Trace

    trace = Trace(net, shape)
    trace.run()
    return [(step.path, step.given) for step in trace.done]


@settings(max_examples=40, deadline=None)
@given(cases())
def test_the_field_holds_every_footprint(case: tuple[Net, Shape]) -> None:
    net, shape = case
    survey = net.on(shape, fit="floor")
    for row in survey.rows:
        assert row.field is not None
        for place in picture(row.output):
            spans = [reach.span(at) for reach, at in zip(row.field, place, strict=True)]
            for pixel in survey.footprint(row.path, *place):
                assert all(first <= at <= last for at, (first, last) in zip(pixel, spans, strict=True))


@settings(max_examples=40, deadline=None)
@given(cases())
def test_far_from_the_edge_the_field_is_exactly_as_large_as_the_footprint(case: tuple[Net, Shape]) -> None:
    """With windows that move evenly and branches that step alike: on a picture so large that its edges play no part."""
    net, small = case
    shape = Shape(small.channels, 150, 150)
    assume(not any(isinstance(layer, Upsample | ConvTranspose | AdaptiveAvgPool) for layer in net.layers()))
    try:
        survey = net.on(shape, fit="floor")
    except DescribeError:  # branches can differ in size here though they did not on the small picture
        assume(False)
    rows = [row for row in survey.rows if row.field and row.field.jump != (0, 0)]
    assume(_even(net, shape))
    for row in rows[-4:]:
        assert row.field is not None
        height, width = row.output.size
        middle = (height // 2, width // 2)
        pixels = survey.footprint(row.path, *middle)
        spans = [reach.span(at) for reach, at in zip(row.field, middle, strict=True)]
        if all(first >= 20 and last < 130 for first, last in spans):
            assert [(min(side), max(side)) for side in zip(*pixels, strict=True)] == spans
            assert row.field.size == tuple(last - first + 1 for first, last in spans)


def _even(net: Net, shape: Shape) -> bool:
    """Whether at every join the branches step alike (or see everything)."""
    from striate.spec.trace import Trace

    trace = Trace(net, shape)
    trace.run()
    return all(
        len({branch[-1].field.jump for branch in step.branches}) == 1
        for step in trace.done
        if isinstance(step.net, Branches)
    )


@pytest.mark.parametrize(
    ("text", "size", "jump", "start"),
    [
        ("conv 1 3x3", 3, 1, 0),
        ("conv 1 3x3 pad 1", 3, 1, -1),
        # 12x12 -> conv 3x3 -> pool 3x3 -> conv 2x2: 3; 3 + 2*1 = 5; 5 + 1*3 = 8.
        ("conv 1 3x3 >> maxpool 3x3 >> conv 1 2x2", 8, 3, 0),
        ("conv 1 3x3 >> maxpool 3x3 stride 1 >> conv 1 2x2", 6, 1, 0),
        # Dilation 2: the span is 5, the taps 3.
        ("conv 1 3x3 dilation 2 pad 2", 5, 1, -2),
        # The stem of a ResNet, 7 and 7 + 2*2 = 11, half of each padding to the left: -3, -3 - 1*2 = -5.
        ("conv 1 7x7 stride 2 pad 3 >> maxpool 3x3 stride 2 pad 1", 11, 4, -5),
        # Branches: the union of 5 wide (from -2) and 1 wide.
        ("conv 1 5x5 pad 2 + identity", 5, 1, -2),
        ("conv 1 1x1 stride 2 | maxpool 3x3 stride 2 pad 1", 3, 2, -1),
        # Nearest enlarging: a position still sees one pixel, and moves by half of one.
        ("upsample 2", 1, 0.5, 0),
    ],
)
def test_fields_by_hand(text: str, size: int, jump: float, start: int) -> None:
    field = parse(text).on(1, 12, 12, fit="floor").field
    assert field is not None
    assert (field.size, field.jump, field.start) == ((size, size), (jump, jump), (start, start))


def test_textbook_field_row_by_row() -> None:
    net = Conv(1, 3) >> MaxPool(3) >> Conv(1, 2)
    with pytest.raises(FitError, match="1x12x12 picture loses row 11 and column 11"):
        net.on(1, 12, 12)  # (10 - 3)/3 + 1 is not whole
    survey = net.on(1, 12, 12, fit="floor")
    assert [(str(row.output), row.field.size[0], row.field.jump[0]) for row in survey.rows if row.field] == [
        ("1x10x10", 3, 1),
        ("1x3x3", 5, 3),
        ("1x2x2", 8, 3),
    ]


def test_global_pooling_sees_all_and_so_does_what_it_is_multiplied_with() -> None:
    net = Conv(4, 3, padding=1) * (GlobalAvgPool() >> Conv(4, 1) >> Sigmoid())
    survey = net.on(4, 9, 7)
    assert survey.field is not None
    assert (survey.field.size, survey.field.jump) == ((9, 7), (0, 0))
    assert len(survey.footprint("multiply1", 0, 0)) == 9 * 7
    assert len(survey.footprint("branch1.conv1", 0, 0)) == 4


def test_branches_that_step_differently_are_held_by_one_window() -> None:
    net = Conv(1, 2, stride=2) + Conv(1, 3)  # 4x4 -> 2x2 both
    survey = net.on(1, 4, 4)
    assert survey.field is not None
    # It moves by 2, the larger jump; position 1 of the second branch sees pixels 1 to 3, one before 2.
    assert [survey.field.height.span(position) for position in (0, 1)] == [(-1, 2), (1, 4)]


@pytest.mark.parametrize(("net", "on"), [(AvgPool(2), (1, 4, 5)), (Conv(1, (1, 2), dilation=(1, 3)), (1, 2, 5))])
def test_unseen_columns_only(net: Net, on: tuple[int, int, int]) -> None:
    with pytest.raises(FitError, match="column") as caught:
        net.on(*on)
    assert "row" not in str(caught.value).split("\n")[0]


def test_a_pixel_lost_between_branches_is_lost_though_its_row_and_column_are_seen() -> None:
    # One branch sees the even rows, the other the even columns: nobody sees pixel (1, 1).
    rows = Conv(1, 1, stride=(2, 1)) >> Upsample((2, 1))
    columns = Conv(1, 1, stride=(1, 2)) >> Upsample((1, 2))
    survey = (rows + columns).on(1, 4, 4, fit="floor")
    assert survey.unseen is not None
    assert (survey.unseen.rows, survey.unseen.columns, survey.unseen.positions) == ((), (), 4)
    with pytest.raises(FitError, match="4 of 16 positions"):
        (rows + columns).on(1, 4, 4)


def test_what_the_padding_alone_sees_counts_for_nothing() -> None:
    # The only output of the last layer is a corner of the padded map, whose window holds no pixel.
    net = Conv(1, (1, 1), padding=(1, 0)) >> Conv(1, 1, stride=(9, 1))
    survey = net.on(1, 3, 3, fit="floor")
    assert survey.unseen is not None
    assert survey.unseen.positions == 9
    assert survey.footprint("conv2", 0, 0) == frozenset()


def test_resnet_shortcut_passes_over_three_in_four_and_the_net_is_accepted() -> None:
    block = Conv(8, 3, stride=2, padding=1) + Conv(8, 1, stride=2)
    survey = block.on(4, 8, 8)
    assert survey.unseen is None
    shortcut = survey.rows[1]
    assert shortcut.unseen is not None
    assert shortcut.unseen.share == 0.75
    assert Identity().on(4, 8, 8).unseen is None
