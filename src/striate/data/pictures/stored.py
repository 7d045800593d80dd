"""The values of a picture as they are stored, with none of what is done to photographs: for masks of ids or colours.

A palette's picture gives the indices and the palette; 16 bits keep all of theirs; colours stay colours. A GIF is always
one of a palette, whose indices the writer chose: where that is gray alone, its grays are the values. No torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.data.pictures.image import loading
from striate.data.pictures.modes import turned_back
from striate.errors import PictureError

_MOST: Final = 65_535
_PLAIN: Final = ("1", "L", "P")


@dataclass(frozen=True, eq=False)
class Stored:
    """Values (H, W) uint8 or uint16, or packed colours (H, W) uint32, red · 65,536 + green · 256 + blue, upright.

    ``colours`` says which they are. ``palette`` has the packed colour of each value, None without one. ``format`` is
    that of the file.
    """

    values: NDArray[Any]
    colours: bool
    palette: NDArray[np.uint32] | None
    format: str

    def as_colours(self) -> NDArray[np.uint32]:
        """Return (H, W) packed colours: of a palette's entries, gray of plain values. Errors: PictureError above 255.

        Example: ``Stored(np.array([[1]], np.uint8), False, None, "PNG").as_colours()`` is ``[[65793]]``.
        """
        if self.colours:
            return self.values.astype(np.uint32, copy=False)
        if self.palette is not None:
            found: NDArray[np.uint32] = self.palette[self.values]
            return found
        if self.values.dtype != np.uint8:
            raise PictureError("holds 16 bits a pixel, which are no colours")
        return self.values.astype(np.uint32) * np.uint32(0x010101)

    def different(self) -> NDArray[np.uint32]:
        """Return the values that occur, each once, in rising order.

        Example: ``Stored(np.array([[1, 1, 0]], np.uint8), False, None, "PNG").different()`` is ``[0, 1]``.
        """
        if not self.colours:
            return np.flatnonzero(np.bincount(self.values.ravel())).astype(np.uint32)
        rows = [np.unique(row[np.flatnonzero(np.diff(row, prepend=~row[:1]))]) for row in self.values]
        return np.unique(np.concatenate(rows)).astype(np.uint32)


def stored_values(data: bytes) -> Stored:
    """Return the values that a picture file stores, turned upright by the orientation that it notes itself.

    Errors: PictureError for what does not decode, and for values that are no classes: fractions, negative ones.
    Example: ``stored_values(Path("album/cat_1.png").read_bytes()).colours`` is True.
    """
    with loading(data) as (picture, orientation):
        values, colours, palette = _values(picture)
        form = str(picture.format)
    upright = np.empty(values.shape if orientation < 5 else values.shape[::-1], values.dtype)
    turned_back(upright, orientation)[...] = values
    return Stored(upright, colours, palette, "JPEG" if form == "MPO" else form)


def _values(picture: Image.Image) -> tuple[NDArray[Any], bool, NDArray[np.uint32] | None]:
    """Return the values of a loaded picture as its rows lie, whether they are colours, and its palette."""
    mode = picture.mode
    if mode in _PLAIN:
        palette = None
        if mode == "P":
            table = np.zeros((256, 3), np.int64)
            listed: NDArray[Any] = np.array(picture.getpalette() or [], np.int64).reshape(-1, 3)[:256]
            table[: len(listed)] = listed
            palette = _packed(table)
        values = np.asarray(picture).astype(np.uint8)
        if palette is not None and picture.format == "GIF":
            shades = palette[np.flatnonzero(np.bincount(values.ravel()))]
            if (shades == (shades & 0xFF) * 0x010101).all():
                return (palette & 0xFF).astype(np.uint8)[values], False, None
        return values, False, palette
    if mode in ("LA", "La"):
        return np.asarray(picture.getchannel(0)), False, None
    if mode in ("RGB", "RGBA", "RGBX"):
        pixels = np.asarray(picture)
        packed = _packed(pixels[..., :3])
        if mode == "RGBA":
            packed[pixels[..., 3] == 0] = 0
        return packed, True, None
    if mode[0] == "I" or mode == "F":
        plain = np.asarray(picture)
        if not (np.isfinite(plain).all() and (plain == np.rint(plain)).all() and plain.min() >= 0):
            raise PictureError("holds fractions or negative values, and classes are numbered by whole ones from 0")
        if plain.max() > _MOST:
            raise PictureError(f"holds {int(plain.max()):,}; the number of a class is {_MOST:,} at most")
        return plain.astype(np.uint16), False, None
    raise PictureError(
        f"is stored as {mode}, whose values are no classes; save it as PNG with a number or colour a class"
    )


def _packed(pixels: NDArray[Any]) -> NDArray[np.uint32]:
    """Return (..., 3) colours as one number each."""
    red, green, blue = (pixels[..., band].astype(np.uint32) for band in range(3))
    return np.asarray((red << 16) | (green << 8) | blue, np.uint32)
