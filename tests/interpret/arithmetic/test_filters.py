"""Filters: what they make of a picture is SciPy's correlation and torch's convolution; a frozen layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage, signal

from striate.errors import DescribeError, FitError
from striate.interpret.arithmetic.filters import FILTERS, Filter, apply, as_conv, freeze, kernel, named
from striate.model.build.model import build
from striate.spec import Dense, Flatten, GlobalAvgPool, ReLU, Shape

GRAY = np.random.default_rng(2).integers(0, 256, (13, 17), dtype=np.uint8)
COLOUR = np.random.default_rng(3).integers(0, 256, (12, 11, 3), dtype=np.uint8)
ALL = [name + (" 5" if takes.startswith("SIDE") else "") for name, (_, takes, _) in FILTERS.items()]


@pytest.mark.parametrize("name", ALL)
def test_it_is_scipys_correlation(name: str) -> None:
    filter = named(name)
    parts = [signal.correlate2d(GRAY.astype(float), grid, "valid") for grid in filter.kernels]
    wanted = parts[0] if len(parts) == 1 else np.hypot(*parts)
    np.testing.assert_allclose(apply(filter, GRAY).values[..., 0], wanted, atol=1e-9)


@pytest.mark.parametrize(("stride", "padding"), [(1, "same"), (2, 1), (3, 0), (2, (2, 0))])
def test_it_is_torchs_convolution_channel_by_channel(stride: int, padding: str | int | tuple[int, int]) -> None:
    conv, weights = as_conv(named("emboss"), channels=3, stride=stride, padding=padding)
    model = build(conv, Shape(3, 12, 11))
    freeze(model, "conv1", weights)
    inputs = torch.from_numpy(COLOUR.astype(np.float32)).permute(2, 0, 1)[None]
    made = apply(named("emboss"), COLOUR, stride=stride, padding=padding)
    np.testing.assert_allclose(model(inputs)[0].permute(1, 2, 0).numpy(), made.values, atol=1e-3)


def test_the_named_grids_are_scipys() -> None:
    dot = np.zeros((7, 7))
    dot[3, 3] = 1
    for name, axis in (("sobel-x", 1), ("sobel-y", 0)):
        wanted = ndimage.sobel(dot, axis, mode="constant")
        np.testing.assert_allclose(apply(named(name), dot, padding="same").values[..., 0], wanted, atol=1e-12)
    for name, axis in (("prewitt-x", 1), ("prewitt-y", 0)):
        wanted = ndimage.prewitt(dot, axis, mode="constant")
        np.testing.assert_allclose(apply(named(name), dot, padding="same").values[..., 0], wanted, atol=1e-12)
    wanted = ndimage.laplace(dot, mode="constant")
    np.testing.assert_allclose(apply(named("laplacian"), dot, padding="same").values[..., 0], wanted, atol=1e-12)
    wanted = ndimage.gaussian_filter(dot, 1.0, truncate=2, mode="constant")
    np.testing.assert_allclose(apply(named("gaussian 5 1"), dot, padding="same").values[..., 0], wanted, atol=1e-12)
    wanted = ndimage.uniform_filter(dot, 3, mode="constant")
    np.testing.assert_allclose(apply(named("box 3"), dot, padding="same").values[..., 0], wanted, atol=1e-12)


def test_what_they_say_they_do() -> None:
    up, level = np.zeros((9, 9)), np.zeros((9, 9))
    up[:, 4], level[4] = 1, 1
    falling, rising = np.eye(9), np.eye(9)[::-1]
    for name, own, others in (
        ("vertical", up, (level, falling, rising)),
        ("horizontal", level, (up, falling, rising)),
        ("diagonal", falling, (up, level, rising)),
        ("antidiagonal", rising, (up, level, falling)),
    ):
        strongest = [apply(named(name), picture).values.max() for picture in (own, *others)]
        assert strongest[0] == 6 and max(strongest[1:]) <= 2
    for name in ("edge", "laplacian", "sobel", "gabor", "prewitt-x", "vertical", "diagonal"):
        np.testing.assert_allclose(apply(named(name), np.full((12, 12), 7.0)).values, 0, atol=1e-9)
    for name in ("identity", "sharpen", "emboss", "box 4", "gaussian 5"):
        assert named(name).keeps_scale
        np.testing.assert_allclose(apply(named(name), np.full((9, 9), 7.0)).values, 7)
    stripes = np.tile(np.cos(2 * np.pi * np.arange(20) / 4), (20, 1))
    wanted, crossed = (np.abs(apply(named(f"gabor 9 {angle} 4"), stripes).values).max() for angle in (0, 90))
    assert wanted > 10 * crossed


def test_a_frozen_first_layer_stays_while_the_rest_learns() -> None:
    conv, weights = as_conv(named("sobel"), padding="same")
    assert (conv.out, weights.shape) == (2, (2, 1, 3, 3))
    model = build(conv >> ReLU() >> GlobalAvgPool() >> Flatten() >> Dense(2), Shape(1, 8, 8))
    freeze(model, "conv1", weights)
    before = model.get_parameter("dense1.weight").detach().clone()
    optimiser = torch.optim.SGD([each for each in model.parameters() if each.requires_grad], lr=0.1, weight_decay=0.1)
    model(torch.rand(4, 1, 8, 8)).square().sum().backward()
    optimiser.step()
    np.testing.assert_array_equal(model.get_parameter("conv1.weight").detach().numpy(), weights)
    assert not torch.equal(before, model.get_parameter("dense1.weight"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0 1; 1", "row 2 has 1 numbers and row 1 has 2"),
        ("0 1; 1 a", "row 2 holds 'a', which is no number"),
        (" ; ", "holds no numbers"),
        ("1 nan", "not finite"),
        ("1 " * 102, "1x102; at most 101x101"),
    ],
)
def test_a_kernel_that_does_not_read_is_refused(text: str, told: str) -> None:
    with pytest.raises(DescribeError, match=told):
        kernel(text)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(DescribeError, match="did you mean sobel"):
        named("sobl")
    with pytest.raises(DescribeError, match="box takes 1 numbers, not 0: box SIDE"):
        named("box")
    with pytest.raises(DescribeError, match="wanted a whole number of pixels"):
        named("gaussian 2.5")
    with pytest.raises(DescribeError, match="are not numbers"):
        named("gaussian five")
    with pytest.raises(FitError, match="no pixel in its middle"):
        apply(named("box 4"), GRAY, padding="same")
    assert apply(named("box 4"), GRAY).values.shape == (10, 14, 1)
    with pytest.raises(FitError, match="does not fit"):
        apply(named("box 15"), GRAY)
    model = build(Dense(2), Shape(4))
    with pytest.raises(DescribeError, match="has weights 2x4"):
        freeze(model, "dense1", np.zeros((1, 1, 3, 3), np.float32))
    with pytest.raises(DescribeError, match="no part 'conv1'"):
        freeze(model, "conv1", np.zeros((1, 1, 3, 3), np.float32))


def test_colour_by_channel_or_as_gray() -> None:
    own = Filter("mine", (np.array([[1.0, -1.0]]),), "")
    assert apply(own, COLOUR).values.shape == (12, 10, 3)
    gray = COLOUR @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(apply(own, COLOUR, gray=True).values[..., 0], gray[:, :-1] - gray[:, 1:])
