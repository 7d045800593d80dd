"""What stages make of one picture while a net learns: the very maps, made small, and when they came to stay."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.interpret.trained import trained

from striate.errors import DescribeError
from striate.interpret.activations.epoch_maps import CHANNELS, SIDE, chosen, settled, small_maps, watched
from striate.model.build.model import build
from striate.runs.maps import Kept
from striate.spec import Shape, parse


def test_small_maps_are_the_means_of_the_maps() -> None:
    model = build(
        parse("conv 20 3x3 pad 1 >> relu >> maxpool 2 >> conv 5 3x3 pad 1 >> flatten >> dense 2"), Shape(3, 80, 72)
    )
    model.eval()
    pixels = np.random.default_rng(0).integers(0, 256, (80, 72, 3), dtype=np.uint8)
    parts = watched(model)
    assert list(parts) == ["relu1", "conv2"] and parts["conv2"] == (0, 1, 2, 3, 4)
    assert len(parts["relu1"]) == CHANNELS and parts["relu1"][0] == 0 and parts["relu1"][-1] == 19
    found = small_maps(model, pixels, parts)
    inputs = model.normalise(torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()))
    with torch.no_grad():
        _, seen = model.forward_with(inputs, list(parts))
    channels, small = found["relu1"]
    whole = seen["relu1"][0, list(channels)].numpy()
    assert small.shape == (CHANNELS, 27, 24) and max(small.shape[1:]) <= SIDE  # squares of 3, the last row of 2
    np.testing.assert_allclose(small[:, 4, 5], whole[:, 12:15, 15:18].mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(small[:, 26, 5], whole[:, 78:80, 15:18].mean((1, 2)), rtol=1e-5)


def test_watching_changes_nothing() -> None:
    model, pixels, _ = trained()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    small_maps(model, pixels[0], watched(model))
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_the_last_part_that_can_be_read_is_shown() -> None:
    def kept(side: int) -> Kept:
        return Kept(0, (0,), {0: np.zeros((1, side, side), np.float32)})

    course = {"a": kept(32), "b": kept(14), "c": kept(7), "d": kept(2)}
    assert chosen(course) == "b" and chosen(course, "d") == "d" and chosen({}) is None
    assert chosen({"c": kept(7), "d": kept(2)}) == "c" and chosen({"d": kept(2)}) == "d"
    with pytest.raises(DescribeError, match="no maps of 'e' were kept while it learnt, but of a, b, c, d"):
        chosen(course, "e")


def test_settled_for_good() -> None:
    def at(*values: float) -> dict[int, np.ndarray]:
        return {epoch: np.full(3, value, np.float32) for epoch, value in enumerate(values)}

    assert settled(at(0, 0.5, 0.95, 1)) == 2
    assert settled(at(0, 0.95, 0.5, 1)) == 3  # it went away again
    assert settled(at(1, 1, 1)) == 0 and settled({4: np.zeros(1, np.float32)}) == 4
