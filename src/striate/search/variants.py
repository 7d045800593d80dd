"""Variants of a picture, such as people save: turned, mirrored, resized, recompressed, gray, cropped; to learn from."""

from __future__ import annotations

import io
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.search.measured import small
from striate.search.near_copies import WHOLE, Window

EACH: Final = 3  # variants of a picture as a whole, and as many parts of it
TURNS: Final = {
    1: Image.Transpose.FLIP_LEFT_RIGHT,
    2: Image.Transpose.FLIP_TOP_BOTTOM,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.TRANSPOSE,
    5: Image.Transpose.ROTATE_270,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
}
"""What Pillow calls the orientations of `striate.search.near_copies.oriented`."""


class Variant(NamedTuple):
    """A small picture (S, S), the orientation (0 to 7) it was made in, and the window of the picture that it shows."""

    small: NDArray[np.uint8]
    way: int
    window: Window


def variants(picture: Image.Image, rng: np.random.Generator) -> list[Variant]:
    """Return variants of a picture (RGB): 3 of it as a whole, and 3 of parts, each saved once more.

    A part has 0.63 to 0.95 of each side. All are made smaller, to 0.4 of the sides at the least, half of them gray.
    """
    made = []
    for number in range(2 * EACH):
        way = int(rng.integers(0, 8)) if number < EACH else int(rng.integers(0, 2))
        window = WHOLE
        if number >= EACH:
            high, wide = (float(one) for one in rng.uniform(0.63, 0.95, 2))
            window = Window(float(rng.uniform(0, 1 - high)), float(rng.uniform(0, 1 - wide)), high, wide)
        made.append(Variant(small(_saved(picture, way, window, rng)), way, _exact(picture, window)))
    return made


def _box(picture: Image.Image, window: Window) -> tuple[int, int, int, int]:
    left, top = round(window.left * picture.width), round(window.top * picture.height)
    right = max(left + 1, round((window.left + window.wide) * picture.width))
    return left, top, right, max(top + 1, round((window.top + window.high) * picture.height))


def _exact(picture: Image.Image, window: Window) -> Window:
    """Return the window of whole pixels that is cut for a window."""
    left, top, right, bottom = _box(picture, window)
    return Window(
        top / picture.height, left / picture.width, (bottom - top) / picture.height, (right - left) / picture.width
    )


def _saved(picture: Image.Image, way: int, window: Window, rng: np.random.Generator) -> Image.Image:
    made = picture.crop(_box(picture, window))
    if way:
        made = made.transpose(TURNS[way])
    share = float(rng.uniform(0.4, 1.0)) if min(made.size) >= 64 else float(rng.uniform(0.75, 1.0))
    made = made.resize((max(8, round(made.width * share)), max(8, round(made.height * share))))
    if rng.random() < 0.5:
        made = made.convert("L")
    stream = io.BytesIO()
    made.save(stream, "JPEG", quality=int(rng.integers(40, 95)))
    return Image.open(stream)
