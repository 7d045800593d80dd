"""A maximised picture excites its unit more than the data set does, and objectives compose."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.interpret.trained import trained

from striate.errors import DescribeError
from striate.interpret.activations import feature_visualization
from striate.interpret.activations.top_activations import top_activations
from striate.model.build.model import build
from striate.spec import Shape, parse


@pytest.mark.parametrize("part", ["relu1", "conv2", "relu2"])
def test_a_maximised_picture_excites_its_unit_more_than_one_picture_in_a_thousand(part: str) -> None:
    model, pixels, _ = trained()
    found = top_activations(model, pixels, part, range(6))
    for channel, patches in zip(found.channels, found.patches, strict=True):
        if patches[0].activation <= 0:
            continue  # dead
        grown = feature_visualization.maximise(
            model, feature_visualization.unit(model, part, channel, patches[0].place), steps=64
        )
        assert grown.value > found.percentile(channel, 99.9), (part, channel)
        inputs = model.normalise(torch.from_numpy(grown.pixels.transpose(2, 0, 1)[None].copy()))
        with torch.no_grad():  # on exactly these pixels
            value = float(model.until(inputs, part)[0, channel][patches[0].place])
        assert value == pytest.approx(grown.value, rel=1e-5)


def test_a_class_grows_and_the_difference_of_two_grows_it_away_from_the_other() -> None:
    model, _, _ = trained()
    three, eight = feature_visualization.of_class(model, 3, "3"), feature_visualization.of_class(model, 8, "8")

    def logits(objective: feature_visualization.Objective) -> np.ndarray:
        pixels = feature_visualization.maximise(model, objective, steps=64).pixels
        with torch.no_grad():
            inputs = model.normalise(torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()))
            answer: np.ndarray = model(inputs)[0].numpy()
        return answer

    alone, apart = logits(three), logits(three - eight)
    assert alone.argmax() == apart.argmax() == 3
    assert apart[3] - apart[8] > alone[3] - alone[8]
    assert (three - eight).name == "3, not 8"


def test_every_objective_rises_and_a_seed_is_a_picture() -> None:
    net = "conv 6 3x3 pad 1 >> relu >> conv 4 3x3 >> globalavgpool >> flatten >> dense 2"
    model = build(parse(net), Shape(3, 20, 24))
    model.eval()
    for objective in (
        feature_visualization.channel(model, "conv2", 1),
        feature_visualization.unit(model, "conv2", 1, (0, 3)),
        feature_visualization.layer(model, "conv1"),
        feature_visualization.direction(model, "conv2", [1, -1, 0, 0.5]),
        feature_visualization.of_class(model, 1),
    ):
        grown = feature_visualization.maximise(model, objective, steps=16)
        assert grown.pixels.shape == (20, 24, 3) and grown.pixels.dtype == np.uint8
        assert grown.value > grown.start and len(grown.course) == 16, objective.name
    again = feature_visualization.maximise(model, objective, steps=16)
    assert (again.pixels == grown.pixels).all()
    assert (feature_visualization.maximise(model, objective, steps=16, seed=1).pixels != grown.pixels).any()


def test_canvas_and_transforms_are_plain_functions() -> None:
    model, _, _ = trained()
    objective = feature_visualization.unit(model, "conv2", 0)
    canvas = feature_visualization.plain((8, 8), 1)
    grown = feature_visualization.maximise(model, objective, steps=16, canvas=canvas, transforms=[])
    assert grown.value > grown.start
    picture = torch.rand(2, 3, 30, 30)
    random = torch.Generator().manual_seed(0)
    assert feature_visualization.jitter(3)(picture, random).shape == picture.shape
    still = feature_visualization.turn(0, 0)(picture, random)
    torch.testing.assert_close(still, picture, atol=1e-5, rtol=0)
    turned = feature_visualization.turn(10, 0.1)(picture, random)
    assert turned.shape == picture.shape and not torch.allclose(turned, picture)


def test_refused() -> None:
    model, _, _ = trained()
    with pytest.raises(DescribeError, match="no layer or join 'conv7'"):
        feature_visualization.channel(model, "conv7", 0)
    with pytest.raises(DescribeError, match="no channel 16"):
        feature_visualization.unit(model, "conv2", 16)
    with pytest.raises(DescribeError, match="no place 8,0: its map is 8 high"):
        feature_visualization.unit(model, "conv2", 0, (8, 0))
    with pytest.raises(DescribeError, match="16 numbers"):
        feature_visualization.direction(model, "conv2", [1.0, 2.0])
    with pytest.raises(DescribeError, match="0 steps"):
        feature_visualization.maximise(model, feature_visualization.channel(model, "conv2", 0), steps=0)


def test_climbing_is_torchs_adam() -> None:
    generator = torch.Generator().manual_seed(5)
    ours, theirs = (torch.ones(3, 4) for _ in range(2))
    climb, adam = feature_visualization._Adam(ours, 0.1), torch.optim.Adam([theirs.requires_grad_()], 0.1)
    for _ in range(20):
        gradient = torch.randn(3, 4, generator=generator)
        theirs.grad = -gradient
        adam.step()
        climb.step(gradient)
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-5, atol=1e-6)
