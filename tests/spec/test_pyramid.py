"""A pyramid on a trunk: found by what parts put out, read back as text, the trunk's names kept, or refused in words."""

from __future__ import annotations

import pytest

from striate import nets
from striate.errors import DescribeError
from striate.spec import Shape, parse
from striate.spec.pyramid import is_pyramid, levels_of, on_levels, on_map, trunk_names, trunk_path

SHAPE = Shape(3, 96, 128)
TRUNKS = ("efficientnet_lite0", "resnet", "resnet18", "mobilenet_v2", "convnext_tiny")


@pytest.mark.parametrize("name", TRUNKS)
def test_every_trunk_part_keeps_its_name_and_all_else_is_the_pyramids(name: str) -> None:
    trunk = nets.resolve(name)
    net = on_levels(trunk, SHAPE, strides=(8, 16, 32), width=32)
    assert parse(str(net)) == net and is_pyramid(net) and not is_pyramid(trunk)
    survey = net.on(*SHAPE, classes=6, fit="floor")
    assert survey.output == Shape(6 * (12 * 16 + 6 * 8 + 3 * 4))
    old = {row.path: row for row in trunk.on(*SHAPE, classes=9, fit="floor").rows if row.parameters}
    kept = {path: row for row in survey.rows if row.parameters and (path := trunk_path(row.path)) is not None}
    assert kept and all((row.layer, row.output) == (old[path].layer, old[path].output) for path, row in kept.items())
    missing = [path for path in old if path not in kept]
    assert missing and list(old)[-len(missing) :] == missing, "what is not taken is the end alone"


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_one_map_at_a_stride(stride: int) -> None:
    net = on_map(nets.resolve("efficientnet_lite0"), SHAPE, stride=stride, width=16)
    assert net.on(*SHAPE, classes=5).output == Shape(5, 96 // stride, 128 // stride)


def test_levels_are_found_by_what_parts_put_out() -> None:
    assert levels_of(nets.resolve("efficientnet_lite0"), SHAPE) == {2: 16, 4: 24, 8: 40, 16: 112, 32: 320}
    small = parse("conv 8 3x3 stride 2 pad 1 >> relu >> conv 16 3x3 stride 2 pad 1 >> relu >> flatten >> dense 2")
    assert levels_of(small, Shape(1, 32, 32)) == {2: 8, 4: 16}
    assert on_map(small, Shape(1, 32, 32), stride=2, width=8).on(1, 32, 32, classes=3).output == Shape(3, 16, 16)


def test_what_cannot_be_is_refused_with_what_would_do() -> None:
    trunk = nets.resolve("resnet")
    with pytest.raises(DescribeError, match=r"100 is no multiple of 32.*; 96x96 or 96x128 fits \(--size\)"):
        on_map(trunk, Shape(3, 96, 100), stride=4, width=32)
    with pytest.raises(DescribeError, match="no map of stride 64, only of 4, 8, 16, 32; take one of these"):
        on_map(trunk, SHAPE, stride=64, width=32)
    with pytest.raises(DescribeError, match="twice the one before"):
        on_levels(trunk, SHAPE, strides=(8, 32), width=32)
    with pytest.raises(DescribeError, match="no maps of stride 2 or more"):
        on_map(parse("flatten >> dense 2"), SHAPE, stride=4, width=32)
    with pytest.raises(DescribeError, match="enlarges its maps again"):
        on_map(parse("conv 4 4x4 stride 4 >> upsample 2 >> flatten >> dense 2"), Shape(1, 64, 64), stride=4, width=32)
    with pytest.raises(DescribeError, match="no maps of stride 2 or more"):
        on_map(nets.resolve("unet"), Shape(1, 64, 64), stride=4, width=32)


def test_names() -> None:
    assert trunk_path("deeper8.deeper16.stage6.1.body.expand") == "stage6.1.body.expand"
    assert trunk_path("deeper4.deeper8.lateral16") is None
    assert trunk_path("coarser8.level16.tower16.conv1") is None
    assert trunk_path("laterally.conv1") == "laterally.conv1"


def test_a_map_that_is_mixed_at_coarser_strides_looks_around_there_and_adds_what_is_normed() -> None:
    trunk = nets.resolve("efficientnet_lite0")
    net, plain = (on_map(trunk, SHAPE, stride=4, width=16, mixed=mixed) for mixed in ((8, 16), ()))
    survey = net.on(SHAPE.channels, *SHAPE.size, classes=3)
    looks = [row.path for row in survey.rows if "tower" in row.path and "conv" in str(row.layer)]
    assert [path.split(".")[-2] for path in looks] == ["tower16", "tower8"]
    laterals = [row for row in survey.rows if ".lateral" in f".{row.path}"]
    assert sum("groupnorm" in str(row.layer) for row in laterals) == 4
    before = plain.on(SHAPE.channels, *SHAPE.size, classes=3)
    assert survey.output == before.output and survey.macs < before.macs
    assert (
        trunk_names(net, trunk).keys()
        and parse(str(net)).on(SHAPE.channels, *SHAPE.size, classes=3).macs == survey.macs
    )
