"""What a network is given of some pictures, as one PNG: a picture a row, an epoch a column."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from striate.render.png.drawn import as_rgb

SOFTWARE: Final = "striate train"  # by which a file is known to be one of ours
SIDE: Final = 128  # pixels a picture is drawn with at least
_GAP: Final = 6


class Given(Protocol):
    """A picture as a network is given it: `striate.verbs.network_inputs.GivenPicture`."""

    @property
    def plain(self) -> NDArray[np.uint8]: ...  # noqa: D102
    @property
    def drawn(self) -> Sequence[NDArray[np.uint8]]: ...  # noqa: D102


def inputs_png(pictures: Sequence[Given]) -> bytes:
    """Return pictures as a sheet: as they are measured by, then as they are learnt from in each epoch."""
    rows = [[enlarged_to(one, SIDE) for one in (picture.plain, *picture.drawn)] for picture in pictures]
    tall, wide = (max(one.shape[axis] for row in rows for one in row) for axis in (0, 1))
    across = max(len(row) for row in rows)
    sheet = np.full((len(rows) * (tall + _GAP) - _GAP, across * (wide + _GAP) + _GAP, 3), 255, np.uint8)
    for at, row in enumerate(rows):
        for place, one in enumerate(row):
            top, left = at * (tall + _GAP), place * (wide + _GAP) + (2 * _GAP if place else 0)
            sheet[top : top + one.shape[0], left : left + one.shape[1]] = one[:, : sheet.shape[1] - left]
    facts = PngImagePlugin.PngInfo()
    facts.add_text("Software", SOFTWARE)
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "PNG", pnginfo=facts)
    return file.getvalue()


def enlarged_to(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return a picture (H, W, C) in three channels, a small one by a whole factor with its pixels visible.

    Example: ``enlarged_to(np.zeros((8, 8, 1), np.uint8), 128).shape`` is ``(128, 128, 3)``
    """
    factor = max(1, side // max(pixels.shape[:2]))
    return as_rgb(pixels).repeat(factor, axis=0).repeat(factor, axis=1)


def is_sheet(data: bytes) -> bool:
    """Return whether the bytes of a file are a PNG of inputs that was written here.

    Example: ``is_sheet(b"a text")`` is ``False``
    """
    return data.startswith(b"\x89PNG") and f"Software\0{SOFTWARE}".encode() in data[:4096]
