"""A model with a picture: places, parts, and where in the picture they look."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from striate import nets
from striate.data.pictures.crop_transform import Box
from striate.data.pictures.preprocess import Preprocess
from striate.errors import DescribeError, PictureError
from striate.interpret.torch_probe import TorchProbe
from striate.spec import Shape, parse

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def test_taps_are_the_networks() -> None:
    probe = TorchProbe.untrained(parse("conv 4 3 >> relu >> flatten >> dense 3"), Shape(3, 12, 12), PICTURE)
    seen = probe.tap(["conv1", "input", "dense1"])
    assert list(seen) == ["conv1", "input", "dense1"]
    np.testing.assert_array_equal(seen["input"], probe.pixels.transpose(2, 0, 1) * np.float32(1 / 255))
    assert seen["conv1"].shape == (4, 10, 10)
    with torch.no_grad():
        np.testing.assert_array_equal(seen["dense1"], probe.model(probe.inputs)[0].numpy())
    assert not probe.trained and probe.names == ("class 0", "class 1", "class 2")


@pytest.mark.parametrize("net", ["resnet20", "googlenet", "unet"])
def test_the_receptive_field_bounds_the_gradients_footprint(net: str) -> None:
    probe = TorchProbe.untrained(nets.resolve(net), Shape(3, 64, 64), PICTURE, classes=4)
    maps = [row for row in probe.survey.rows if row.output.is_map and row.output.size[0] > 1 and not row.auxiliary]
    for row in (maps[0], maps[len(maps) // 4], maps[len(maps) // 2]):
        height, width = row.output.size
        y, x = height // 2, width - 1
        seen = probe.receptive_field(row.path, y, x)
        inputs = torch.ones_like(probe.inputs, requires_grad=True)
        _, values = probe.model.forward_with(inputs, [row.path])
        values[row.path][0, :, y, x].sum().backward()
        assert inputs.grad is not None
        rows, columns = np.nonzero(inputs.grad[0].abs().sum(0).numpy())
        found = Box(rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
        assert seen.box[0] <= found[0] and seen.box[1] <= found[1]  # a dead ReLU may hide an edge, none is added
        assert seen.box[2] >= found[2] and seen.box[3] >= found[3]
        assert seen.unclipped.clipped(64, 64) == seen.box or net == "unet"


def test_a_container_stands_for_its_last_part() -> None:
    probe = TorchProbe.untrained(nets.resolve("resnet20"), Shape(3, 32, 32), PICTURE, classes=4)
    for tap in probe.model.taps():
        np.testing.assert_array_equal(
            probe.tap([tap])[tap], probe.model.forward_with(probe.inputs, [tap])[1][tap][0].detach().numpy()
        )


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    probe = TorchProbe.untrained(parse("conv 4 3 >> relu"), Shape(1, 8, 9), PICTURE)
    with pytest.raises(DescribeError, match=r"no part 'conf1'; near it: conv1"):
        probe.part("conf1")
    with pytest.raises(DescribeError, match="conv1 has no place 6,0: its map is 6 high and 7 wide"):
        probe.receptive_field("conv1", 6, 0)
    with pytest.raises(PictureError, match="there is no such file"):
        TorchProbe.untrained(parse("conv 4 3"), Shape(1, 8, 8), tmp_path / "none.png")
    with pytest.raises(PictureError, match="the picture: "):
        TorchProbe.untrained(parse("conv 4 3"), Shape(1, 8, 8), b"no picture")


@pytest.mark.parametrize("resize", ["crop", "stretch", "pad"])
@pytest.mark.parametrize("size", [(90, 64), (64, 90), (33, 31), (16, 12)])
@pytest.mark.parametrize("share", [1.0, 0.875])
def test_a_frame_says_where_the_pixels_came_from(resize: str, size: tuple[int, int], share: float) -> None:
    how = Preprocess(16, 12, 1, resize, crop_share=1.0 if resize == "pad" else share, interpolation="bilinear")
    frame = how.crop_transform(*size)
    # A picture of which every pixel says its row (or column): what the input says is where it came from.
    for axis, (step, start) in enumerate(((frame.down, frame.top), (frame.across, frame.left))):
        values = np.linspace(0, 255, size[axis])
        ramp = np.broadcast_to(values[:, None] if axis == 0 else values, size)
        seen = how.pixels(np.ascontiguousarray(np.rint(ramp).astype(np.uint8)))[..., 0]
        line = seen[:, how.width // 2] if axis == 0 else seen[how.height // 2]
        for place in range(3, len(line) - 3):
            centre = start + (place + 0.5) * step - 0.5
            if 2 * step < centre < size[axis] - 2 * step - 1:
                assert abs(line[place] - centre * 255 / (size[axis] - 1)) <= 3
