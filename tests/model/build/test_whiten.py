"""Whitening: what the first convolution puts out is uncorrelated, of unit size, and there with either sign."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from striate.data.pictures.preprocess import Preprocess
from striate.errors import RecipeError
from striate.model.build.model import Model, build
from striate.model.build.whiten import whiten
from striate.recipe import Recipe
from striate.spec import Shape, parse
from striate.tasks.task import LabelFacts
from striate.verbs.plan import plan

ROWS = np.arange(0, 200, 2)


def pictures() -> np.ndarray:
    """Colour pictures whose neighbouring pixels are alike, as in photographs."""
    noise = np.random.default_rng(0).normal(size=(200, 20, 20, 3))
    smooth = sum(np.roll(noise, shift, (1, 2)) for shift in ((0, 0), (0, 1), (1, 0), (1, 1)))
    pixels: np.ndarray = np.clip(128 + 40 * (smooth + smooth.mean(3, keepdims=True)), 0, 255).astype(np.uint8)
    return pixels


def model(text: str) -> Model:
    preprocess = Preprocess(height=20, width=20, channels=3, mean=(0.5,) * 3, std=(0.25,) * 3)
    return build(parse(text), Shape(3, 20, 20), preprocess=preprocess, seed=4)


def test_outputs_are_uncorrelated_and_of_unit_size() -> None:
    net = "conv 40 2x2 no bias >> relu >> globalavgpool >> flatten >> dense 2"
    ours, drawn = model(net), model(net)
    pixels = pictures()
    whiten(ours, pixels, ROWS)
    with torch.no_grad():
        inputs = ours.normalise(torch.from_numpy(pixels[ROWS]).permute(0, 3, 1, 2))
        out = ours.get_submodule("conv1")(inputs).permute(1, 0, 2, 3).flatten(1).double()
    assert torch.equal(out[:12], -out[12:24])
    square = out[:12] @ out[:12].T / out.shape[1]
    torch.testing.assert_close(square - torch.diag(square.diagonal()), torch.zeros(12, 12).double(), atol=1e-3, rtol=0)
    assert ((square.diagonal() > 0.9) & (square.diagonal() < 1.001)).all()
    first, was = (one.get_parameter("conv1.weight") for one in (ours, drawn))
    assert torch.equal(first[24:], was[24:]) and not torch.equal(first[:24], was[:24])
    assert all(
        torch.equal(ours.state_dict()[name], value) for name, value in drawn.state_dict().items() if "conv" not in name
    )


def test_with_few_filters_the_largest_components_are_kept() -> None:
    few, all_of_them = model("conv 5 3x3 >> globalavgpool"), model("conv 54 3x3 >> globalavgpool")
    for one in (few, all_of_them):
        whiten(one, pictures(), ROWS)
    torch.testing.assert_close(few.get_parameter("conv1.weight")[:2], all_of_them.get_parameter("conv1.weight")[:2])


def test_a_window_with_holes_learns_from_the_pixels_it_sees() -> None:
    """Every other pixel of rows that are pairwise equal: neighbours in the window differ, neighbouring rows do not."""
    pixels = np.repeat(pictures()[:, ::2], 2, axis=1)
    ours = model("conv 24 2x2 dilation 2 no bias >> globalavgpool")
    whiten(ours, pixels, ROWS)
    with torch.no_grad():
        inputs = ours.normalise(torch.from_numpy(pixels[ROWS]).permute(0, 3, 1, 2))
        out = ours.get_submodule("conv1")(inputs).permute(1, 0, 2, 3).flatten(1).double()
    square = out[:12] @ out[:12].T / out.shape[1]
    torch.testing.assert_close(square - torch.diag(square.diagonal()), torch.zeros(12, 12).double(), atol=1e-3, rtol=0)


def test_large_windows_take_fewer_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("striate.model.build.whiten._NUMBERS", 1)
    one = model("conv 6 11x11 >> globalavgpool")
    whiten(one, pictures(), ROWS)  # of one picture at least
    assert one.get_parameter("conv1.weight").isfinite().all()


@pytest.mark.parametrize(
    "text",
    [
        "maxpool 2 >> conv 8 3x3 >> globalavgpool >> flatten >> dense",
        "conv 6 3x3 groups 3 >> conv 8 3x3 >> globalavgpool >> flatten >> dense",
        "flatten >> dense",
    ],
)
def test_a_net_that_begins_otherwise_is_refused(text: str) -> None:
    facts = {"pictures": 200, "height": 20, "width": 20, "uniform": True, "gray": False}
    with pytest.raises(RecipeError, match="whiten: the net begins with"):
        plan(Recipe(source="x", task="classify", net=text, whiten=True).settled(**facts), LabelFacts(("a", "b", "c")))


def test_weights_to_start_from_are_not_overwritten() -> None:
    with pytest.raises(RecipeError, match="leave whiten out"):
        Recipe().changed(start="resnet18", whiten=True)
    with pytest.raises(RecipeError, match="leave out one"):
        Recipe().changed(first="sobel-x", whiten=True)
