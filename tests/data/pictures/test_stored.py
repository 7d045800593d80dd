"""Masks are read as they are stored: numbers, palettes and colours as they are, nothing laid over white or rounded."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from striate.data.pictures.stored import stored_values
from striate.errors import PictureError

IDS = np.array([[0, 1, 2], [250, 7, 255]], np.uint8)


def written(image: Image.Image, form: str, **more: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **more)
    return file.getvalue()


def palette(ids: np.ndarray, *colours: tuple[int, int, int]) -> Image.Image:
    image = Image.frombytes("P", ids.shape[::-1], ids.tobytes())
    image.putpalette([value for colour in colours for value in colour] + [0] * (768 - 3 * len(colours)))
    return image


@pytest.mark.parametrize("form", ["PNG", "TIFF", "GIF", "BMP"])
def test_numbers_are_as_they_were_written(form: str) -> None:
    found = stored_values(written(Image.fromarray(IDS), form))
    assert found.values.tolist() == IDS.tolist() and not found.colours and found.format == form
    assert found.different().tolist() == [0, 1, 2, 7, 250, 255]


@pytest.mark.parametrize("form", ["PNG", "TIFF", "GIF", "BMP"])
def test_a_palette_gives_numbers_and_their_colours(form: str) -> None:
    ids = np.array([[0, 1], [2, 1]], np.uint8)
    found = stored_values(written(palette(ids, (0, 0, 0), (128, 0, 0), (1, 2, 3)), form))
    assert found.as_colours().tolist() == [[0, 0x800000], [0x010203, 0x800000]] and not found.colours
    assert found.values.tolist() == ids.tolist()


def test_sixteen_bits_keep_all_of_theirs() -> None:
    ids = np.array([[0, 1], [300, 65_535]], np.uint16)
    for form in ("PNG", "TIFF"):
        found = stored_values(written(Image.fromarray(ids), form))
        assert found.values.tolist() == ids.tolist()
        with pytest.raises(PictureError, match="16 bits"):
            found.as_colours()


def test_one_bit_is_0_and_1() -> None:
    found = stored_values(written(Image.fromarray(np.array([[True, False]])), "PNG"))
    assert found.values.tolist() == [[1, 0]]


def test_colours_are_one_number_each() -> None:
    pixels = np.array([[(1, 2, 3), (255, 0, 0)], [(1, 2, 3), (0, 0, 9)]], np.uint8)
    found = stored_values(written(Image.fromarray(pixels), "PNG"))
    assert found.colours and found.values.tolist() == [[0x010203, 0xFF0000], [0x010203, 9]]
    assert found.different().tolist() == [9, 0x010203, 0xFF0000]
    alpha = np.dstack([pixels, np.array([[255, 0], [255, 255]], np.uint8)])
    assert stored_values(written(Image.fromarray(alpha), "PNG")).values[0, 1] == 0  # what is transparent has no colour


def test_what_differs_is_found_in_every_row() -> None:
    pixels = np.random.default_rng(0).integers(0, 6, (40, 50, 3)).astype(np.uint8)
    found = stored_values(written(Image.fromarray(pixels), "PNG"))
    assert found.different().tolist() == np.unique(found.values).tolist()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_is_turned_as_it_says_itself(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = written(Image.fromarray(IDS), "PNG", exif=exif)
    wanted = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert stored_values(data).values.tolist() == wanted.tolist()


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (np.array([[0.5, 1]], np.float32), "fractions or negative"),
        (np.array([[-1, 1]], np.int32), "fractions or negative"),
        (np.array([[70_000, 1]], np.int32), r"holds 70,000; .* 65,535 at most"),
    ],
)
def test_what_is_no_number_of_a_class(pixels: np.ndarray, said: str) -> None:
    with pytest.raises(PictureError, match=said):
        stored_values(written(Image.fromarray(pixels), "TIFF"))


def test_whole_numbers_as_floats_are_numbers() -> None:
    data = written(Image.fromarray(np.array([[0, 3]], np.float32)), "TIFF")
    assert stored_values(data).values.tolist() == [[0, 3]]


def test_what_is_no_picture_or_of_other_colours_is_told() -> None:
    with pytest.raises(PictureError, match="not a picture"):
        stored_values(b"no picture at all")
    with pytest.raises(PictureError, match="stored as CMYK"):
        stored_values(written(Image.new("CMYK", (2, 2)), "TIFF"))
