"""Augment against slow arithmetic, one picture and one pixel at a time."""

from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest
import torch

from striate.data.batches import warp
from striate.data.batches.augment import Augment, draw, draw_erased, draw_moves, named
from striate.data.batches.moves import Moves, in_pixels
from striate.data.batches.warp import apply, move_pictures
from striate.errors import RecipeError

STRENGTHS = ("none", "light", "standard", "strong")


def _pictures(number=6, channels=3, height=9, width=13, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(number, channels, height, width))).float()


def augmented(inputs, choice, *, seed, epoch, items):
    moves = draw_moves(choice, seed=seed, epoch=epoch, items=items, source=tuple(inputs.shape[2:]))
    return move_pictures(inputs, moves)


def _mirror(position: int, size: int) -> int:
    while not 0 <= position < size:
        position = -1 - position if position < 0 else 2 * size - 1 - position
    return position


def _mirror_float(position: float, size: int) -> float:
    """Fold a coordinate (pixel centres at 0, 1, ...) at the outer edges of the picture, -0.5 and size - 0.5."""
    while not -0.5 <= position <= size - 0.5:
        position = -1.0 - position if position < -0.5 else 2 * size - 1.0 - position
    return min(max(position, 0.0), size - 1.0)


def _naive(picture: np.ndarray, matrix: np.ndarray, *, whole: bool) -> np.ndarray:
    """Read each output pixel where the matrix says, bilinearly."""
    _, height, width = picture.shape
    out = np.zeros_like(picture)
    for row in range(height):
        for column in range(width):
            o = np.array([column + 0.5 - width / 2, row + 0.5 - height / 2])
            shift = matrix[:, 2] * (width, height)
            if whole:
                shift = np.floor(shift + 0.5)
            x, y = matrix[:, :2] @ o + shift + (width / 2 - 0.5, height / 2 - 0.5)
            if whole:
                out[:, row, column] = picture[:, _mirror(round(y), height), _mirror(round(x), width)]
                continue
            x, y = _mirror_float(x, width), _mirror_float(y, height)
            x0, y0 = math.floor(x), math.floor(y)
            for dy in (0, 1):
                for dx in (0, 1):
                    weight = (x - x0 if dx else 1 - x + x0) * (y - y0 if dy else 1 - y + y0)
                    out[:, row, column] += weight * picture[:, min(y0 + dy, height - 1), min(x0 + dx, width - 1)]
    return out


@pytest.mark.parametrize("shape", [(3, 9, 13), (1, 12, 8), (4, 7, 7)])
@pytest.mark.parametrize("strength", ["standard", "strong"])
def test_sampling_equals_the_naive_one(strength, shape):
    inputs = _pictures(8, *shape).double()
    geometry, _ = draw(named(strength, flip=True), seed=1, epoch=2, items=range(8))
    got = apply(inputs, geometry, None).numpy()
    for picture, matrix, moved in zip(inputs.numpy(), geometry, got, strict=True):
        assert np.allclose(moved, _naive(picture, matrix, whole=False), atol=1e-9)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("shape", [(3, 9, 13), (1, 8, 8), (3, 4, 2)])
def test_whole_pixels_equal_the_naive_move_exactly(shape, channels_last):
    inputs = _pictures(20, *shape)
    if channels_last:
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    geometry, _ = draw(Augment(max_shift=0.9, flip=True), seed=1, epoch=2, items=range(20))
    got = apply(inputs, geometry, None)
    assert got.is_contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
    for picture, matrix, moved in zip(inputs.numpy(), geometry, got.numpy(), strict=True):
        assert np.array_equal(moved, _naive(picture, matrix, whole=True))
    assert len({m.tobytes() for m in geometry}) == 20


def test_whole_pixels_work_on_uint8():
    inputs = torch.arange(2 * 3 * 5 * 5, dtype=torch.uint8).view(2, 3, 5, 5)
    geometry, _ = draw(named("light", flip=True), seed=0, epoch=0, items=[3, 4])
    assert torch.equal(apply(inputs, geometry, None), apply(inputs.float(), geometry, None).to(torch.uint8))


def test_the_two_paths_agree_where_both_apply():
    inputs = _pictures(30, 3, 16, 16)
    geometry, _ = draw(Augment(max_shift=0.25, flip=True), seed=4, epoch=0, items=range(30))
    pixels = in_pixels(geometry, 16, 16)
    assert torch.allclose(warp._gathered(inputs, pixels), warp._sampled(inputs, pixels), atol=1e-4)


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("channels_last", [False, True])
def test_a_picture_knows_nothing_of_its_batch(strength, channels, channels_last):
    """Alone, in another order, in another batch, skipped to: the same bits."""
    form = torch.channels_last if channels_last else torch.contiguous_format
    inputs = _pictures(67, channels, 17, 19).contiguous(memory_format=form)
    items = np.random.default_rng(5).permutation(10_000)[:67]
    choice = named(strength, flip=True)
    together = augmented(inputs, choice, seed=3, epoch=2, items=items)
    for start, stop in ((0, 1), (1, 2), (5, 12), (12, 67), (66, 67)):
        part = inputs[start:stop].contiguous(memory_format=form)
        got = augmented(part, choice, seed=3, epoch=2, items=items[start:stop])
        assert torch.equal(got, together[start:stop])
    turned = np.random.default_rng(6).permutation(67)
    got = augmented(inputs[turned].contiguous(memory_format=form), choice, seed=3, epoch=2, items=items[turned])
    assert torch.equal(got, together[turned])
    if strength != "none":
        assert not torch.equal(augmented(inputs, choice, seed=3, epoch=3, items=items), together)
        assert not torch.equal(augmented(inputs, choice, seed=4, epoch=2, items=items), together)


def test_a_mixed_batch_is_each_picture_by_itself():
    inputs = _pictures(8, 3, 10, 10)
    light, _ = draw(named("light", flip=True), seed=0, epoch=0, items=range(4))
    strong, _ = draw(named("strong", flip=True), seed=0, epoch=0, items=range(4))
    mixed = np.stack([light, strong], axis=1).reshape(8, 2, 3)
    got = apply(inputs, mixed, None)
    for row in range(8):
        assert torch.equal(got[row : row + 1], apply(inputs[row : row + 1], mixed[row : row + 1], None))


@pytest.mark.parametrize("strength", STRENGTHS)
def test_shape_format_dtype_kept_and_inputs_untouched(strength):
    for form in (torch.channels_last, torch.contiguous_format):
        inputs = _pictures(4, 3, 12, 10).contiguous(memory_format=form)
        before = inputs.clone()
        got = augmented(inputs, named(strength, flip=True), seed=0, epoch=0, items=range(4))
        assert got.shape == inputs.shape and got.dtype == inputs.dtype
        assert got.is_contiguous(memory_format=form)
        assert torch.equal(inputs, before)


def test_none_changes_nothing():
    inputs = _pictures()
    assert draw(named("none", flip=True), seed=0, epoch=0, items=range(6)) == (None, None)
    assert torch.equal(augmented(inputs, named("none", flip=True), seed=0, epoch=0, items=range(6)), inputs)


@pytest.mark.parametrize("strength", ["light", "standard", "strong"])
def test_plain_background_stays_plain(strength):
    # A digit is a bright middle on one background value; nothing but background may appear at the rim it leaves.
    inputs = torch.full((50, 1, 28, 28), -0.42)
    moved = draw(named(strength, flip=False), seed=0, epoch=0, items=range(50))[0]
    assert torch.allclose(apply(inputs, moved, None), inputs, atol=1e-6)


def test_flip_only_where_true_and_for_half():
    geometry, _ = draw(named("light", flip=True), seed=0, epoch=0, items=range(4000))
    flipped = (geometry[:, 0, 0] < 0).mean()
    assert 0.46 < flipped < 0.54
    geometry, _ = draw(named("strong", flip=False), seed=0, epoch=0, items=range(1000))
    assert (np.linalg.det(geometry[:, :, :2]) > 0).all()


def test_light_moves_four_of_thirty_two():
    geometry, colour = draw(named("light", flip=False), seed=0, epoch=0, items=range(4000))
    shifts = in_pixels(geometry, 32, 32)[:, :, 2]
    assert colour is None and set(shifts.ravel()) == set(range(-4, 5))


def test_crops_stay_inside_and_cover_their_range():
    geometry, _ = draw(Augment(scale=(0.25, 1.0), aspect=4 / 3), seed=0, epoch=0, items=range(3000))
    wide, high = geometry[:, 0, 0], geometry[:, 1, 1]
    assert (np.abs(geometry[:, :, 2]) * 2 + np.stack([wide, high], 1) <= 1 + 1e-12).all()
    area = wide * high
    assert area.min() < 0.3 and area.max() > 0.95 and area.min() >= 0.25 * 0.75
    assert 1.25 < (wide / high).max() <= 4 / 3 + 1e-9


def test_rotation_is_a_rotation_on_a_wide_picture():
    geometry, _ = draw(Augment(max_rotate=30), seed=0, epoch=0, items=range(100))
    linear = geometry[:, :, :2]
    assert np.allclose(linear @ linear.transpose(0, 2, 1), np.eye(2))
    angles = np.degrees(np.arctan2(linear[:, 1, 0], linear[:, 0, 0]))
    assert angles.min() < -25 and angles.max() > 25 and np.abs(angles).max() <= 30


@pytest.mark.parametrize("choice", [Augment(max_shift=0.2, flip=True), named("strong", flip=True)])
def test_a_marked_pixel_moves_where_the_matrix_says(choice):
    height, width = 40, 56
    geometry, _ = draw(choice, seed=2, epoch=1, items=range(60))
    inputs = torch.zeros(60, 1, height, width)
    marks = np.stack([np.linspace(22, 34, 60).astype(int), np.linspace(15, 25, 60).astype(int)], axis=1)  # x, y
    for picture, (x, y) in zip(inputs, marks, strict=True):
        picture[0, y - 1 : y + 2, x - 1 : x + 2] = 1.0
    got = apply(inputs, geometry, None)[:, 0].double().numpy()
    moves = Moves(60, (height, width), (height, width), geometry)
    expected = moves.points(marks + 0.5, np.arange(60))
    seen = 0
    for picture, (x, y) in zip(got, expected, strict=True):
        if not (6 < x < width - 6 and 6 < y < height - 6):
            continue
        rows, columns = np.mgrid[:height, :width] + 0.5
        near = picture * ((np.abs(rows - y) < 6) & (np.abs(columns - x) < 6))
        assert (near * columns).sum() / near.sum() == pytest.approx(x, abs=0.25)
        assert (near * rows).sum() / near.sum() == pytest.approx(y, abs=0.25)
        seen += 1
    assert seen > 30


def test_colour_equals_the_naive_matrix():
    inputs = _pictures(5, 3, 4, 6).double()
    _, colour = draw(named("strong", flip=True), seed=1, epoch=1, items=range(5))
    got = apply(inputs, None, colour).numpy()
    for picture, matrix, done in zip(inputs.numpy(), colour, got, strict=True):
        for row in range(4):
            for column in range(6):
                assert np.allclose(done[:, row, column], matrix @ [*picture[:, row, column], 1.0], atol=1e-12)


def test_colour_of_gray_pictures_is_that_of_equal_channels():
    gray = _pictures(5, 1, 4, 6).double()
    _, colour = draw(named("strong", flip=True), seed=1, epoch=1, items=range(5))
    three = apply(gray.expand(5, 3, 4, 6).contiguous(), None, colour)
    assert torch.allclose(three, apply(gray, None, colour).expand(5, 3, 4, 6), atol=1e-5)


def test_colour_parts_do_what_their_names_say():
    """Python's own colorsys speaks YIQ too (with the rounded FCC matrix)."""
    rgb = (0.7, 0.4, 0.2)
    y, i, q = colorsys.rgb_to_yiq(*rgb)
    pixel = np.array([*rgb, 1.0])
    for choice, check in (
        (Augment(saturation=0.9), "saturation"),
        (Augment(hue=90.0), "hue"),
        (Augment(contrast=0.5), "contrast"),
        (Augment(brightness=0.5), "brightness"),
    ):
        _, colour = draw(choice, seed=0, epoch=0, items=range(50))
        values = colour @ pixel
        spread = []
        for got in values:
            y2, i2, q2 = colorsys.rgb_to_yiq(*got)
            if check in ("saturation", "hue"):
                assert y2 == pytest.approx(y, abs=0.01)
            if check == "saturation":
                assert math.atan2(q2, i2) == pytest.approx(math.atan2(q, i), abs=0.05)
                spread.append(math.hypot(i2, q2) / math.hypot(i, q))
            elif check == "hue":
                assert math.hypot(i2, q2) == pytest.approx(math.hypot(i, q), rel=0.05)
                spread.append(math.atan2(q2, i2))
            elif check == "contrast":
                assert np.allclose(got / rgb, got[0] / rgb[0])
                spread.append(got[0] / rgb[0])
            else:
                assert np.allclose(got - rgb, got[0] - rgb[0])
                spread.append(got[0] - rgb[0])
        assert max(spread) - min(spread) > 0.5


def test_colour_wants_one_or_three_channels():
    _, colour = draw(named("strong", flip=True), seed=1, epoch=1, items=[0])
    with pytest.raises(RecipeError, match="have 4"):
        apply(_pictures(1, 4), None, colour)


def test_erasing_covers_a_rectangle_in_half_of_the_pictures():
    boxes = draw_erased(named("strong", flip=True), seed=0, epoch=0, items=range(2000))
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    assert 0.45 < (area > 0).mean() < 0.55
    assert area.max() <= 0.25 + 1e-12 and (boxes >= 0).all() and (boxes <= 1 + 1e-12).all()
    inputs = torch.ones(20, 3, 10, 12)
    got = apply(inputs, None, None, erased=boxes[:20]).numpy()
    for picture, box in zip(got, boxes[:20], strict=True):
        left, top, right, bottom = np.floor(box * (12, 10, 12, 10) + 0.5).astype(int)
        expected = np.ones((3, 10, 12))
        expected[:, top:bottom, left:right] = 0
        assert np.array_equal(picture, expected)
    assert draw_erased(named("standard", flip=True), seed=0, epoch=0, items=range(20)) is None


def test_strengths_rise():
    def distance(strength):
        smooth = torch.nn.functional.interpolate(_pictures(64, 3, 6, 6), size=32, mode="bilinear")
        return float((augmented(smooth, named(strength, flip=False), seed=0, epoch=0, items=range(64)) - smooth).norm())

    assert distance("none") == 0 < distance("standard") < distance("strong")
    assert distance("light") > 0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"scale": (0.0, 1.0)}, "0 < low"),
        ({"scale": (1.0, 0.5)}, "low <= high"),
        ({"aspect": 0.5}, "at least 1"),
        ({"max_rotate": -1.0}, "max_rotate -1"),
        ({"max_shift": float("nan")}, "max_shift nan"),
    ],
)
def test_wrong_values_are_refused(wrong, says):
    with pytest.raises(RecipeError, match=says):
        Augment(**wrong)


def test_unknown_word_names_the_known():
    with pytest.raises(RecipeError, match="none, light, zoom, standard, strong, windows"):
        named("heavy", flip=True)
