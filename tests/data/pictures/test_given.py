"""What a person gives as pictures: one table of what is one, what is many, and what is asked back."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from striate.data.pictures.given import given, one
from striate.data.pictures.image import decode
from striate.errors import PictureError

PIXELS = np.random.default_rng(0).integers(0, 256, (32, 20, 3), np.uint8)
GRAY = PIXELS[..., 0]


def png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def rgb(picture: Any) -> np.ndarray:
    """Pixels of what `one` returned."""
    if isinstance(picture, np.ndarray):
        return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, 2)
    assert not isinstance(picture, PictureError), picture
    return decode(picture if isinstance(picture, bytes) else Path(picture).read_bytes())


def _written() -> io.BytesIO:
    file = io.BytesIO()
    file.write(png(PIXELS))
    return file


ONE: dict[str, Callable[[], Any]] = {
    "H x W x 3": lambda: PIXELS,
    "not in one piece": lambda: PIXELS[::-1][::-1],
    "bytes": lambda: png(PIXELS),
    "bytearray": lambda: bytearray(png(PIXELS)),
    "memoryview": lambda: memoryview(png(PIXELS)),
    "BytesIO at its end": _written,
    "Pillow": lambda: Image.fromarray(PIXELS),
    "Pillow of a file": lambda: Image.open(io.BytesIO(png(PIXELS))),
    "Pillow RGBX": lambda: Image.fromarray(PIXELS).convert("RGBX"),
    "C x H x W of torch": lambda: torch.from_numpy(PIXELS.transpose(2, 0, 1).copy()),
    "H x W x C of torch": lambda: torch.from_numpy(PIXELS.copy()),
    "0 to 1 of torch": lambda: torch.from_numpy(PIXELS.transpose(2, 0, 1) / 255),
    "0 to 1": lambda: PIXELS.astype(np.float32) / 255,
    "with a gradient": lambda: torch.tensor(PIXELS.transpose(2, 0, 1) / 255, requires_grad=True),
    "opaque": lambda: np.dstack([PIXELS, np.full((32, 20), 255, np.uint8)]),
}


@pytest.mark.parametrize("name", ONE)
def test_one_picture_is_one_and_the_same(name: str) -> None:
    what = given(ONE[name]())
    (picture,) = what.pictures
    assert not what.many and what.count == 1
    np.testing.assert_array_equal(rgb(picture), PIXELS)
    np.testing.assert_array_equal(rgb(one(ONE[name]())), PIXELS)


GRAYS: dict[str, Callable[[], Any]] = {
    "H x W": lambda: GRAY,
    "H x W x 1": lambda: GRAY[..., None],
    "1 x H x W of torch": lambda: torch.from_numpy(GRAY.copy())[None],
    "H x W of torch": lambda: torch.from_numpy(GRAY.copy()),
    "Pillow": lambda: Image.fromarray(GRAY),
    "Pillow of 16 bits": lambda: Image.fromarray(GRAY.astype(np.uint16) * 257),
    "Pillow of floats": lambda: Image.fromarray(GRAY.astype(np.float32)),
}


@pytest.mark.parametrize("name", GRAYS)
def test_one_gray_picture(name: str) -> None:
    (picture,) = given(GRAYS[name]()).pictures
    found = rgb(picture)
    np.testing.assert_array_equal(found[..., 0], GRAY)


def test_a_path_is_one_by_any_type_of_path(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(png(PIXELS))
    for path in (file, str(file)):
        assert list(given(path).pictures) == [path] and not given(path).many
    with file.open("rb") as opened:
        (picture,) = given(opened).pictures
        np.testing.assert_array_equal(rgb(picture), PIXELS)


MANY: dict[str, Callable[[], Any]] = {
    "list": lambda: [PIXELS, PIXELS],
    "tuple": lambda: (png(PIXELS), PIXELS),
    "generator": lambda: (PIXELS for _ in range(2)),
    "map": lambda: map(png, [PIXELS, PIXELS]),
    "N x H x W x C": lambda: np.stack([PIXELS, PIXELS]),
    "N x C x H x W": lambda: np.stack([PIXELS, PIXELS]).transpose(0, 3, 1, 2),
    "N x C x H x W of torch": lambda: torch.from_numpy(np.stack([PIXELS, PIXELS]).transpose(0, 3, 1, 2).copy()),
    "N x H x W x C of torch": lambda: torch.from_numpy(np.stack([PIXELS, PIXELS])),
    "of several kinds": lambda: [Image.fromarray(PIXELS), torch.from_numpy(PIXELS.transpose(2, 0, 1).copy())],
}


@pytest.mark.parametrize("name", MANY)
def test_many_pictures_are_many(name: str) -> None:
    what = given(MANY[name]())
    assert what.many and what.count in (2, None)
    assert (what.count is None) == (name in ("generator", "map"))
    pictures = list(what.pictures)
    assert len(pictures) == 2
    for picture in pictures:
        np.testing.assert_array_equal(rgb(picture), PIXELS)


@pytest.mark.parametrize(("count", "shape"), [(0, (0, 28, 28, 3)), (1, (1, 28, 28, 3)), (7, (7, 28, 28))])
def test_a_batch_is_many_however_few(count: int, shape: tuple[int, ...]) -> None:
    what = given(np.zeros(shape, np.uint8))
    assert what.many and what.count == count and len(list(what.pictures)) == count
    assert given([]).many and given([]).count == 0


def test_an_array_of_paths_is_many() -> None:
    assert list(given(np.array(["a.png", "b.png"])).pictures) == ["a.png", "b.png"]


def test_pictures_are_looked_at_one_by_one() -> None:
    def endless() -> Any:
        while True:
            yield PIXELS

    assert next(iter(given(endless()).pictures)) is PIXELS
    first, second = given([np.zeros((4, 5), np.int64), PIXELS]).pictures
    assert isinstance(first, PictureError) and second is PIXELS


ASKED_BACK: list[tuple[Any, str]] = [
    (np.zeros((3, 32, 32), np.uint8), r"3 x 32 x 32 can be one .* or a batch of 3 gray .*transpose\(1, 2, 0\).*None\]"),
    (np.zeros((1, 28, 28), np.uint8), r"channels first, or a batch of 1 gray picture\."),
    (np.zeros((2, 3, 8, 3), np.uint8), r"can be N x H x W x C or N x C x H x W.*list\(x\).*list\(x\.transpose"),
    (torch.zeros((2, 1, 28, 1), dtype=torch.uint8), r"For the first say list\(x\.numpy\(\)\), for the second"),
    (torch.zeros((3, 8, 3), dtype=torch.uint8), r"can be C x H x W or H x W x C.*x\.permute\(1, 2, 0\)\.numpy\(\)"),
    (torch.zeros((5, 28, 28), dtype=torch.uint8), r"for 5 gray pictures say x\[:, None\]"),
    (np.zeros((2, 5, 6, 7), np.uint8), "2 x 5 x 6 x 7; wanted N x H x W x C"),
    (np.zeros((2, 2, 5, 6, 3), np.uint8), "2 x 2 x 5 x 6 x 3; wanted H x W"),
    (np.zeros(9, np.uint8), "pixels of shape 9; wanted"),
    (np.zeros((0, 5), np.uint8), "pixels of shape 0 x 5; wanted"),
    (np.zeros((4, 5), np.int64), "of type int64; wanted uint8"),
    (np.full((4, 5, 3), 9.0), "float64 from 9 to 9; floating point is read from 0 to 1"),
    (torch.full((3, 4, 5), -1.0), "of a picture that was normalised, the picture before"),
    (np.full((4, 5), np.nan), "from nan to nan"),
    ({"a": PIXELS}, "a dict says no order of its pictures; give a list"),
    ({"a.png"}, "a set says no order"),
    (None, "None is no picture"),
    (7, "an object of type int is no picture"),
    (io.StringIO("x"), "opened as text; open it with 'rb'"),
]


@pytest.mark.parametrize(("what", "said"), ASKED_BACK, ids=[said[:24] for _, said in ASKED_BACK])
def test_what_can_be_read_in_two_ways_or_none_is_asked_back(what: Any, said: str) -> None:
    with pytest.raises(PictureError, match=said):
        given(what)


def test_several_where_one_is_wanted() -> None:
    with pytest.raises(PictureError, match="2 x 32 x 20 x 3 is 2 pictures, and here one is wanted"):
        one(np.stack([PIXELS, PIXELS]))
    with pytest.raises(PictureError, match="of type list is no picture"):
        one([PIXELS])


def test_a_cameras_orientation_goes_along_with_a_pillow_picture() -> None:
    content = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(PIXELS).save(content, "JPEG", exif=exif)
    picture = one(Image.open(content))
    assert rgb(picture).shape == decode(content.getvalue()).shape == (20, 32, 3)


def test_alpha_lies_over_white_as_in_a_file() -> None:
    clear = np.dstack([PIXELS, GRAY])
    np.testing.assert_array_equal(rgb(one(clear)), decode(png(clear)))


def test_a_pillow_picture_that_is_closed_is_said() -> None:
    picture = Image.open(io.BytesIO(png(PIXELS)[:200]))
    with pytest.raises(PictureError, match="the Pillow picture cannot be read: "):
        one(picture)
