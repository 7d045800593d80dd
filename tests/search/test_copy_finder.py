"""Near copies: variants of a folder's pictures are found among its others, and no two others are taken for one."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from striate.search.copy_finder import comparable, copies, grouped, learn
from striate.search.measured import small
from striate.search.near_copies import (
    INVERSE,
    Window,
    coefficients,
    oriented,
    threshold,
)
from striate.search.variants import TURNS, variants


def scene(seed: int) -> Image.Image:
    """A picture with the spectrum that photographs have: amplitudes fall as the frequency rises."""
    rng = np.random.default_rng(seed)
    down, across = np.fft.fftfreq(96)[:, None], np.fft.fftfreq(128)[None, :]
    falling = 1 / np.maximum(np.hypot(down, across), 1 / 128)
    noise = rng.normal(size=(3, 96, 128)) + rng.normal(size=(96, 128)) * 2
    made = np.fft.ifft2(np.fft.fft2(noise) * falling).real
    made = (made - made.mean()) / made.std() * 50 + 128
    return Image.fromarray(made.transpose(1, 2, 0).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("way", TURNS)
def test_a_turned_picture_has_turned_coefficients(way: int) -> None:
    straight = coefficients(small(scene(1))[None])
    turned = coefficients(small(scene(1).transpose(TURNS[way]))[None])
    assert np.abs(oriented(straight, way) - turned).max() < 0.01
    assert np.abs(oriented(turned, INVERSE[way]) - straight).max() < 0.01


def test_a_window_has_the_coefficients_of_the_part_that_was_cut() -> None:
    picture = scene(2).resize((480, 480))
    window = Window(0.25, 0.1, 0.7, 0.8)
    part = picture.crop((48, 120, 432, 456))
    of_window = coefficients(small(picture)[None], np.array([window]))
    of_part = coefficients(small(part)[None])
    assert float((of_window * of_part).sum()) > 0.99
    assert float((coefficients(small(picture)[None]) * of_part).sum()) < 0.9


@pytest.mark.parametrize("count", [3, 6])
def test_a_few_pictures_are_enough(count: int) -> None:
    pictures = [scene(seed) for seed in range(count)]
    for seen in (pictures, [*pictures[1:], pictures[1].transpose(Image.Transpose.FLIP_LEFT_RIGHT)]):
        every = np.stack([small(picture) for picture in seen])
        rng = np.random.default_rng(3)
        found = copies(every, learn(every, [(row, variants(seen[row], rng)) for row in range(count)]))
        assert [(one.one, one.other) for one in found] == ([] if seen is pictures else [(0, count - 1)])


def test_variants_are_found_and_nothing_else() -> None:
    pictures = [scene(seed) for seed in range(40)]
    rng = np.random.default_rng(7)
    others = [
        pictures[0].transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        pictures[1].transpose(Image.Transpose.ROTATE_90),
        pictures[2].resize((60, 50)),
        pictures[3].convert("L"),
        pictures[4].crop((12, 9, 122, 88)),
        pictures[4].crop((0, 5, 105, 90)),
        pictures[5].crop((20, 0, 128, 80)).transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    ]
    every = np.stack([small(picture) for picture in (*pictures, *others)])
    learnt = learn(every, [(row, variants(pictures[row], rng)) for row in range(8, 40)])
    found = copies(every, learnt)
    assert grouped(found) == ((0, 40), (1, 41), (2, 42), (3, 43), (4, 44, 45), (5, 46))
    words = {(copy.one, copy.other): copy.words for copy in found}
    assert words[0, 40] == "mirrored" and words[1, 41] == "turned by 90 degrees" and words[2, 42] == ""
    assert words[4, 44] == "cropped" and words[5, 46] == "mirrored and cropped"
    whole = copies(every, learnt, parts=False)
    assert grouped(whole)[:4] == ((0, 40), (1, 41), (2, 42), (3, 43))


def test_a_threshold_lets_no_decoy_through_however_many_pictures_there_are() -> None:
    rng = np.random.default_rng(0)
    decoys, variant = rng.exponential(1.0, 1000).astype(np.float32), np.full(100, 4.0, np.float32)
    few, many = (threshold(variant, decoys, count) for count in (1000, 100_000))
    assert 6 < few < many < 15
    assert threshold(variant + 50, decoys, 1000) == 54


def test_what_is_plain_is_not_compared() -> None:
    every = np.stack([small(scene(1)), np.full((48, 48), 7, np.uint8)])
    assert comparable(every).tolist() == [0]
