"""What the papers' augmentation does: crops out of an enlarged picture, and colour along its principal components."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from striate.data.batches.augment import Augment, draw, draw_moves, named
from striate.data.batches.pca import principal_components
from striate.data.batches.warp import apply, move_pictures
from striate.errors import RecipeError, StoreError

COMPONENTS = ((0.5, 0.1, 0.0), (0.4, -0.1, 0.02), (0.3, 0.0, -0.03))


def augmented(inputs, choice, *, seed, epoch, items):
    moves = draw_moves(choice, seed=seed, epoch=epoch, items=items, source=tuple(inputs.shape[2:]))
    return move_pictures(inputs, moves)


def test_a_crop_out_of_an_enlarged_picture_keeps_its_shape_and_stays_inside():
    geometry, colour = draw(Augment(enlarge=(8 / 7, 16 / 7), flip=True), seed=3, epoch=1, items=range(4000))
    assert colour is None
    side = geometry[:, 1, 1]
    assert np.array_equal(np.abs(geometry[:, 0, 0]), side) and (geometry[:, 0, 1] == 0).all()
    assert ((geometry[:, 0, 0] < 0).mean()) == pytest.approx(0.5, abs=0.03)
    grown = 1 / side  # the shorter side over that of the net's input: uniform between 256/224 and 512/224
    assert grown.min() >= 8 / 7 - 1e-12 and grown.max() <= 16 / 7 + 1e-12
    quarters = np.quantile(grown, [0.25, 0.5, 0.75])
    assert quarters == pytest.approx([8 / 7 + (8 / 7) * q for q in (0.25, 0.5, 0.75)], abs=0.03)
    slack = np.abs(geometry[:, :, 2]) - (1 - side)[:, None] / 2
    assert slack.max() <= 1e-12 and slack.max() > -0.01  # the whole picture is used, and nothing beyond it


def test_a_crop_of_224_out_of_256_is_that_crop():
    """Against cutting by hand, where the cut falls on whole pixels: a picture of 7, enlarged to 8, is its corner."""
    inputs = torch.arange(49.0).view(1, 1, 7, 7)
    choice = Augment(enlarge=(8 / 7, 8 / 7))
    geometry, _ = draw(choice, seed=0, epoch=0, items=[1])
    got = apply(inputs, geometry, None)
    # A ramp sampled between its pixels stays a ramp: step 7/8 in x, 7 * 7/8 in y.
    assert torch.allclose(got[0, 0, 2:5, 2:5].diff(dim=1), torch.full((3, 2), 7 / 8), atol=1e-4)
    assert torch.allclose(got[0, 0, 2:5, 2:5].diff(dim=0), torch.full((2, 3), 49 / 8), atol=1e-4)


def test_what_is_not_asked_for_changes_no_draw():
    one, _ = draw(Augment(scale=(0.3, 1.0), aspect=1.5), seed=1, epoch=2, items=range(50))
    plain, _ = draw(Augment(scale=(0.3, 1.0), aspect=1.5, enlarge=(1.0, 1.0)), seed=1, epoch=2, items=range(50))
    assert np.array_equal(one, plain)
    _, jitter = draw(Augment(contrast=0.2), seed=1, epoch=2, items=range(50))
    _, both = draw(Augment(contrast=0.2, pca=0.1, components=COMPONENTS), seed=1, epoch=2, items=range(50))
    assert np.array_equal(jitter[:, :, :3], both[:, :, :3]) and not np.array_equal(jitter, both)


def test_crops_of_8_to_100_percent():
    geometry, _ = draw(named("googlenet-2014", flip=False), seed=0, epoch=0, items=range(5000))
    wide, high = geometry[:, 0, 0], geometry[:, 1, 1]
    free = (wide < 1) & (high < 1)
    assert (wide * high).min() == pytest.approx(0.08, abs=0.01) and (wide * high).max() > 0.9
    ratio = (wide / high)[free]
    assert ratio.min() >= 3 / 4 - 1e-9 and ratio.max() <= 4 / 3 + 1e-9 and free.mean() > 0.8
    assert ratio.min() < 0.76 and ratio.max() > 1.32


def test_components_are_numpys():
    random = np.random.default_rng(0)
    light = random.normal(0, 40, (30, 5, 4, 1)) * (1.0, 0.8, 0.5) + random.normal(128, 8, (30, 5, 4, 3))
    pixels = light.clip(0, 255).astype(np.uint8)
    rows = [3, 4, 9, 17, 28]
    got = principal_components(pixels, rows)
    covariance = np.cov(pixels[rows].reshape(-1, 3).T / 255, bias=True)
    eigenvalues = np.linalg.eigvalsh(covariance)[::-1]
    assert np.linalg.norm(got, axis=0) == pytest.approx(eigenvalues, rel=1e-9)
    for column, eigenvalue in zip(got.T, eigenvalues, strict=True):
        assert covariance @ column == pytest.approx(eigenvalue * column, rel=1e-9, abs=1e-12)
    assert got[np.abs(got).argmax(axis=0), range(3)].min() > 0  # the sign is settled
    assert np.array_equal(got, principal_components(pixels, rows[::-1]))
    assert not np.array_equal(got, principal_components(pixels, range(30)))


def test_gray_pictures_vary_along_one_line():
    pixels = np.random.default_rng(1).integers(0, 256, (4, 3, 3, 1), np.uint8)
    got = principal_components(pixels, range(4))
    variance = (pixels / 255).var()
    assert got == pytest.approx(np.array([[variance, 0, 0]] * 3), rel=1e-12)
    with pytest.raises(StoreError, match="no pictures"):
        principal_components(pixels, [])


def test_a_picture_is_moved_along_the_components_as_a_whole():
    inputs = torch.from_numpy(np.random.default_rng(2).normal(size=(3000, 3, 2, 2)))
    choice = Augment(pca=0.1, components=COMPONENTS)
    moved = augmented(inputs, choice, seed=5, epoch=3, items=range(3000)) - inputs
    assert torch.allclose(moved, moved[:, :, :1, :1].expand_as(moved), atol=1e-12)  # one shift for all its pixels
    multiples = np.linalg.solve(np.array(COMPONENTS), moved[:, :, 0, 0].numpy().T)
    assert multiples.std(axis=1) == pytest.approx([0.1] * 3, rel=0.05)
    assert np.abs(np.corrcoef(multiples) - np.eye(3)).max() < 0.06
    alone = augmented(inputs[7:8], choice, seed=5, epoch=3, items=[7]) - inputs[7:8]
    assert torch.equal(alone, moved[7:8])
    assert not torch.equal(augmented(inputs[7:8], choice, seed=5, epoch=4, items=[7]) - inputs[7:8], alone)


def test_without_components_it_says_so():
    with pytest.raises(RecipeError, match="principal components"):
        draw(Augment(pca=0.1), seed=0, epoch=0, items=[0])
    with pytest.raises(RecipeError, match=r"enlarge \(0.5, 1.0\)"):
        Augment(enlarge=(0.5, 1.0))
