"""Patches that excite a channel: the strongest there are, framed by what the gradient reaches, proven by crops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.interpret.trained import trained

from striate.errors import DescribeError
from striate.interpret.activations.top_activations import frame, replay, top_activations
from striate.model.build.model import Model, build
from striate.spec import Shape, parse

BRANCHES = (
    "conv 4 5x5 stride 2 pad 2 >> tanh >> "
    "((conv 3 1x1) | (conv 3 3x3 pad 1 >> tanh >> conv 3 3x3 pad 2 dilation 2)) >> "
    "((conv 6 3x3 stride 2 pad 1 >> tanh >> conv 6 3x3 pad 1) + (conv 6 1x1 stride 2)) >> tanh >> avgpool 2"
)
GATED = "conv 4 3x3 pad 1 >> tanh >> identity * (globalavgpool >> conv 4 1x1 >> sigmoid) >> conv 2 3x3 pad 1"


def _net(text: str, side: int = 40) -> tuple[Model, np.ndarray]:
    model = build(parse(text), Shape(3, side, side + 4), seed=3).eval()
    return model, np.random.default_rng(0).integers(0, 256, (6, side, side + 4, 3), dtype=np.uint8)


@pytest.mark.parametrize("text", [BRANCHES, GATED])
def test_frames_are_the_footprint_of_the_gradient(text: str) -> None:
    model = _net(text)[0].double()
    with torch.no_grad():
        for weight in model.parameters():
            weight.abs_().mul_(0.1)  # so that nothing cancels, and tanh is nowhere flat
    inputs = torch.rand(1, 3, 40, 44, dtype=torch.float64)
    survey = model.net.on(model.shape, fit="floor")
    for row in survey.rows:
        height, width = row.output.size
        for place in ((0, 0), (height // 2, width // 3), (height - 1, width - 1)):
            given = inputs.clone().requires_grad_()
            value = model.until(given, row.path)[0, :, place[0], place[1]].sum()
            (gradient,) = torch.autograd.grad(value, given)
            rows, columns = np.nonzero(gradient[0].abs().sum(0).numpy())
            box, _ = frame(survey, row.path, place)
            assert box == (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1), (row.path, place)


@pytest.mark.parametrize("text", [BRANCHES, GATED, "conv 4 3x3 pad 1 >> groupnorm 2 >> relu >> conv 2 3x3"])
def test_a_patch_cropped_at_its_field_gives_back_its_activation(text: str) -> None:
    model, pixels = _net(text)
    seen = set()
    for row in model.net.on(model.shape, fit="floor").rows:
        found = top_activations(model, pixels, row.path, [0, 1])
        for channel, patches in zip(found.channels, found.patches, strict=True):
            for patch in patches:
                again = replay(model, pixels[patch.picture], row.path, channel, patch.place)
                assert again == pytest.approx(patch.activation, rel=1e-4, abs=1e-5), (row.path, patch)
                seen.add(patch.border)
    assert seen == {True, False} or text == GATED  # both were tried


def test_of_a_trained_net_too_and_they_are_the_strongest() -> None:
    model, pixels, _ = trained()
    found = top_activations(model, pixels, "conv2", [2, 9])
    with torch.no_grad():
        values = model.until(model.normalise(torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy())), "conv2").numpy()
    for channel, patches in zip(found.channels, found.patches, strict=True):
        tops = np.sort(values[:, channel].max((1, 2)))[::-1]
        np.testing.assert_allclose([patch.activation for patch in patches], tops[:9], rtol=1e-5)
        assert len({patch.picture for patch in patches}) == 9
        assert found.percentile(channel, 100) == pytest.approx(tops[0])
        for patch in patches:
            assert values[patch.picture, channel][patch.place] == pytest.approx(patch.activation, rel=1e-5)
            again = replay(model, pixels[patch.picture], "conv2", channel, patch.place)
            assert again == pytest.approx(patch.activation, rel=1e-4)


def test_another_crop_does_not() -> None:
    model, pixels = _net(BRANCHES)
    patch = top_activations(model, pixels, "avgpool1", [0]).patches[0][0]
    other = pixels[patch.picture].copy()
    other[int(patch.box.top + patch.box.bottom) // 2, int(patch.box.left + patch.box.right) // 2] ^= 255
    assert replay(model, other, "avgpool1", 0, patch.place) != pytest.approx(patch.activation, rel=1e-4)


def test_refused() -> None:
    model, pixels = _net(GATED)
    with pytest.raises(DescribeError, match="no layer or join 'conv9'"):
        top_activations(model, pixels, "conv9", [0])
    with pytest.raises(DescribeError, match="conv1 has no channel 4: it puts out 4, numbered from 0 to 3"):
        top_activations(model, pixels, "conv1", [4])
    with pytest.raises(DescribeError, match="no pictures"):
        top_activations(model, pixels[:0], "conv1", [0])
