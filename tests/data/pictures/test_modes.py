"""Conversion in strips: to the bit what it is in one piece, and what the formulas say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image

from striate.data.pictures import modes
from striate.data.pictures.modes import upright_pixels

RNG = np.random.default_rng(11)


def drawn(*shape: int, kind: type = np.uint8, below: int = 256) -> np.ndarray:
    return RNG.integers(0, below, shape).astype(kind)


def palette() -> Image.Image:
    image = Image.fromarray(drawn(61, 47, 3)).quantize(16)
    image.info["transparency"] = bytes(range(0, 160, 10))
    return image


PICTURES = {
    "1": lambda: Image.fromarray(drawn(61, 47)).convert("1"),
    "L": lambda: Image.fromarray(drawn(61, 47)),
    "LA": lambda: Image.fromarray(drawn(61, 47, 2), "LA"),
    "P": palette,
    "RGB": lambda: Image.fromarray(drawn(61, 47, 3)),
    "RGBA": lambda: Image.fromarray(drawn(61, 47, 4)),
    "CMYK": lambda: Image.fromarray(drawn(61, 47, 4), "CMYK"),
    "YCbCr": lambda: Image.fromarray(drawn(61, 47, 3), "YCbCr"),
    "LAB": lambda: Image.frombytes("LAB", (47, 61), drawn(61, 47, 3).tobytes()),
    "I": lambda: Image.fromarray(drawn(61, 47, kind=np.int32, below=70_000)),
    "I;16": lambda: Image.fromarray(drawn(61, 47, kind=np.uint16, below=65_536)),
    "F": lambda: Image.fromarray(RNG.random((61, 47), np.float32)),
}


@pytest.mark.filterwarnings("ignore:.*mode:DeprecationWarning")
@pytest.mark.parametrize("mode", PICTURES)
def test_strips_give_what_one_piece_gives(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = PICTURES[mode]()
    for channels, orientation in itertools.product((1, 3), range(1, 9)):
        whole = upright_pixels(picture, channels, orientation)
        monkeypatch.setattr(modes, "_STRIP", 47 * 7 + 3)
        assert np.array_equal(upright_pixels(picture, channels, orientation), whole), (channels, orientation)
        monkeypatch.undo()
        upright = upright_pixels(picture, channels, 1)
        turned = upright.swapaxes(0, 1) if orientation >= 5 else upright
        down, right = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
        assert np.array_equal(whole, turned[:: -1 if down else 1, :: -1 if right else 1]), (channels, orientation)


def test_alpha_is_exact_for_every_colour_and_alpha() -> None:
    colour, alpha = np.meshgrid(np.arange(256), np.arange(256))
    pixels = np.stack([colour, colour, colour, alpha], axis=-1).astype(np.uint8)
    expected = (colour * alpha + 255 * (255 - alpha) + 127) // 255
    assert np.array_equal(modes._over_white(pixels)[..., 0], expected)


def by_formula(pixels: np.ndarray) -> np.ndarray:
    """CIE 15:2004, section 8.2.1, and IEC 61966-2-1, written down without tables."""
    lightness = (pixels[..., 0] * (100 / 255) + 16) / 116
    signed = np.ascontiguousarray(pixels[..., 1:]).view(np.int8)
    cubes = np.stack([lightness + signed[..., 0] / 500.0, lightness, lightness - signed[..., 1] / 200.0], axis=-1)
    ratios = np.where(cubes > 6 / 29, cubes**3, 3 * (6 / 29) ** 2 * (cubes - 4 / 29)) * [0.96422, 1.0, 0.82521]
    linear = np.clip(ratios @ modes._XYZ_TO_RGB, 0.0, 1.0)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 255).astype(np.uint8)


def test_the_tables_of_lab_hold_what_its_formulas_give() -> None:
    levels = np.arange(256)
    lightness, a, b = np.meshgrid(levels[::5], levels[::3], levels[::3], indexing="ij")
    every = np.stack([lightness, a, b], axis=-1).reshape(-1, 86, 3).astype(np.uint8)
    assert np.array_equal(modes._from_lab(every), by_formula(every))
    some = drawn(500, 700, 3)
    assert np.array_equal(modes._from_lab(some), by_formula(some))
