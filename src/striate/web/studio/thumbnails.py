"""Pictures of a folder, small and drawn anew: no file is ever handed on as it is."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from typing import Final, final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.data.pictures.image import decode
from striate.data.sources.items import Source
from striate.render.png.inputs_png import enlarged_to

SMALL: Final = 192  # pixels of the longer side
PIXELS: Final = 64  # a side up to which pixels are shown as squares
LARGE: Final = 1_280
KEPT: Final = 64_000_000  # bytes of thumbnails that are kept


def drawn(source: Source, index: int, side: int = SMALL) -> bytes:
    """Return a picture of a source as a WebP of at most ``side`` pixels, upright; a small one enlarged, in a PNG.

    Errors: PictureError for one that does not decode.
    """
    return drawn_small(source.picture(index), side)


def drawn_small(given: bytes | NDArray[np.uint8], side: int) -> bytes:
    """Return a picture, the bytes of its file or its pixels, as `drawn` does. Errors: PictureError."""
    pixels = decode(given, channels=3, at_least=(side, side)) if isinstance(given, bytes) else given
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        pixels = np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
    tiny = max(pixels.shape[:2]) <= PIXELS
    if tiny:  # as large as a thumbnail by a whole factor: its pixels are seen as they are
        pixels = enlarged_to(pixels, SMALL)
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if max(picture.size) > side:
        picture.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=2.0)
    file = io.BytesIO()
    if tiny:
        picture.save(file, "PNG")
    else:
        picture.save(file, "WEBP", quality=85, method=2)
    return file.getvalue()


@final
class Thumbnails:
    """Those that were drawn of late, by the picture's stamp: one that has changed is drawn anew. For many threads."""

    def __init__(self, most: int = KEPT) -> None:
        self._most, self._bytes = most, 0
        self._kept: OrderedDict[tuple[str, str, int], bytes] = OrderedDict()
        self._turn = threading.Lock()

    def get(self, source: Source, index: int, side: int = SMALL) -> bytes:
        """Return a thumbnail. Errors: PictureError."""
        key = (source.location, source.stamp(index), side)
        with self._turn:
            if (found := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return found
        made = drawn(source, index, side)
        with self._turn:
            if key not in self._kept:
                self._kept[key] = made
                self._bytes += len(made)
            while self._bytes > self._most:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return made


def kind_of_drawn(content: bytes) -> str:
    """Return the media type of what `drawn` returned.

    Example: ``kind_of_drawn(drawn(source, 0)).startswith("image/")``
    """
    return "image/png" if content.startswith(b"\x89PNG") else "image/webp"
