"""A decoded picture in any of Pillow's modes -> uint8 gray or RGB, upright, a strip at a time. No torch.

The rules stand at the top of image.py. Working in strips, a conversion takes a few megabytes beside the picture and
the result, however large those are; in one piece, alpha took 30 bytes a pixel and CIE L*a*b* 180.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.errors import PictureError

_STRIP: Final = 1 << 16  # pixels converted at a time: what that takes stays in the processor's cache
_GRAY: Final = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"})


def is_gray(picture: Image.Image) -> bool:
    """Return whether a picture holds no colour by its mode, or by every entry of its palette."""
    if picture.mode == "P" and picture.palette is not None:
        rawmode, colours = picture.palette.getdata()
        if rawmode != "RGB":
            return False
        table = np.frombuffer(colours, np.uint8)[: len(colours) // 3 * 3].reshape(-1, 3)
        return bool((table == table[:, :1]).all())
    return picture.mode in _GRAY


def bits_used(picture: Image.Image) -> int:
    """Return how many bits the largest value of a loaded picture takes, alpha aside: at least 1, at most 16."""
    colours = sum(band != "A" for band in picture.getbands())
    values = (np.atleast_3d(np.asarray(strip)) for _, strip in _strips(picture))
    largest = max(int(value[..., :colours].max()) for value in values)
    return min(max(largest, 1).bit_length(), 16)


def to_channels(pixels: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Return (H, W) or (H, W, 1|3) uint8 as (H, W, ``channels``): luma of colour, or gray repeated.

    Luma is ITU-R BT.601 in Pillow's integers: (19595·R + 38470·G + 7471·B + 32768) >> 16.
    """
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[2] == channels:
        return pixels
    if channels == 1:
        return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).convert("L"))[..., None]
    return np.repeat(pixels, channels, axis=2)


def upright_pixels(picture: Image.Image, channels: int, orientation: int, *, depth: int = 16) -> NDArray[np.uint8]:
    """Return a loaded picture as (H, W, ``channels``) uint8, turned upright by its EXIF ``orientation`` (1 to 8).

    ``depth`` (8 to 16) is how many bits of a mode of 16, or of 32-bit integers clipped to 16, are used.
    Errors: PictureError for floating-point values of no known range.
    """
    convert = _converter(picture, depth)
    width, height = picture.size
    result = np.empty((height, width, channels) if orientation < 5 else (width, height, channels), np.uint8)
    lying = turned_back(result, orientation)
    for top, strip in _strips(picture):
        pixels = to_channels(convert(strip), channels)
        lying[top : top + len(pixels)] = pixels
    return result


def _strips(picture: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Yield the picture in pieces of whole rows, each with its first row; a small one as it is."""
    width, height = picture.size
    rows = max(1, _STRIP // width)
    if rows >= height:
        yield 0, picture
        return
    for top in range(0, height, rows):
        yield top, picture.crop((0, top, width, min(top + rows, height)))


def turned_back(upright: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return a view of an upright picture in which its rows lie as they are stored."""
    down = orientation in (3, 4, 7, 8)
    right = orientation in (2, 3, 6, 7)
    view = upright[:: -1 if down else 1, :: -1 if right else 1]
    return view.swapaxes(0, 1) if orientation >= 5 else view


def _converter(picture: Image.Image, depth: int) -> Callable[[Image.Image], NDArray[np.uint8]]:
    """Return what makes (H, W), (H, W, 1) or (H, W, 3) uint8 of a strip of this picture."""
    mode = picture.mode
    if mode == "F":
        return _from_float(picture)
    if mode == "I":
        return lambda strip: np.minimum(np.clip(np.asarray(strip), 0, 65_535) >> (depth - 8), 255).astype(np.uint8)
    if mode.startswith("I;16"):
        if depth == 16:
            return lambda strip: (np.asarray(strip) >> 8).astype(np.uint8)
        return lambda strip: np.minimum(np.asarray(strip) >> (depth - 8), 255).astype(np.uint8)
    if mode == "LAB":
        return lambda strip: _from_lab(np.asarray(strip))
    if picture.has_transparency_data:
        if mode in ("1", "L", "LA", "La"):
            return lambda strip: _over_white(np.asarray(strip.convert("RGBA")))[..., :1]
        return lambda strip: _over_white(np.asarray(strip.convert("RGBA")))
    wanted = "L" if mode in ("1", "L") else "RGB"
    return lambda strip: np.asarray(strip if mode == wanted else strip.convert(wanted))


def _over_white(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    colour, alpha = pixels[..., :3].astype(np.uint16), pixels[..., 3:].astype(np.uint16)
    sums = colour * alpha + (255 * (255 - alpha) + 127)
    return ((sums + 1 + (sums >> 8)) >> 8).astype(np.uint8)  # sums // 255, exact up to 65,279; these end at 65,152


def _from_float(picture: Image.Image) -> Callable[[Image.Image], NDArray[np.uint8]]:
    """Return what one rule for all of a picture makes of its values, found in a pass of its own."""
    low, high = np.float32(np.inf), np.float32(-np.inf)
    for _, strip in _strips(picture):
        values: NDArray[np.float32] = np.asarray(strip)
        low, high = np.minimum(low, values.min()), np.maximum(high, values.max())
    if low >= 0.0 and high <= 1.0:
        return lambda strip: np.rint(np.asarray(strip).astype(np.float64) * 255).astype(np.uint8)
    if low >= 0.0 and high <= 255.0:
        return lambda strip: np.rint(np.asarray(strip)).astype(np.uint8)
    raise PictureError(f"floating-point values from {low:g} to {high:g}; wanted all within 0..1 or all within 0..255")


_XYZ_TO_RGB: Final = np.array(
    [[3.1338561, -0.9787684, 0.0719453], [-1.6168667, 1.9161415, -0.2289914], [-0.4906146, 0.0334540, 1.4052427]]
)
_LEVELS: Final = 1 << 16  # of linear light, in the table of what each becomes


def _from_lab(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """CIE 15:2004, section 8.2.1 (D50), and IEC 61966-2-1 (sRGB, Bradford-adapted to D50), by tables.

    ``pixels`` (H, W, 3): L*·255/100, then a* and b* as two's complement. The tables hold what the formulas give.
    """
    x, y, z, levels, mixed, thresholds = _lab_tables()
    lightness = pixels[..., 0].astype(np.intp)
    ratios = np.empty(pixels.shape, np.float64)
    ratios[..., 0] = x.take((lightness << 8) + pixels[..., 1])
    ratios[..., 1] = y.take(lightness)
    ratios[..., 2] = z.take((lightness << 8) + pixels[..., 2])
    linear = np.clip(ratios @ _XYZ_TO_RGB, 0.0, 1.0)
    place = (linear * _LEVELS).astype(np.int32)
    result: NDArray[np.uint8] = levels.take(place)
    unsure = mixed.take(place)
    if unsure.any():
        result[unsure] = np.searchsorted(thresholds, linear[unsure], side="right")
    return result


@cache
def _lab_tables() -> tuple[NDArray[Any], ...]:
    """Return X by (L, a), Y by L, Z by (L, b); the value of each level, which levels hold two, where values begin."""
    lightness = (np.arange(256) * (100 / 255) + 16) / 116
    signed = np.arange(256).astype(np.uint8).view(np.int8)

    def cubed(root: NDArray[np.float64], white: float) -> NDArray[np.float64]:
        return np.where(root > 6 / 29, root**3, 3 * (6 / 29) ** 2 * (root - 4 / 29)) * white

    x = cubed(lightness[:, None] + signed / 500.0, 0.96422).ravel()
    z = cubed(lightness[:, None] - signed / 200.0, 0.82521).ravel()
    low, high, wanted = np.zeros(255), np.ones(255), np.arange(1, 256)
    for _ in range(100):  # by halves, down to neighbouring numbers
        middle = (low + high) / 2
        reached = np.rint(_encoded(middle) * 255) >= wanted
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    edges = np.arange(_LEVELS + 2) / _LEVELS
    first, last = (np.searchsorted(high, at, side="right") for at in (edges[:-1], np.nextafter(edges[1:], 0)))
    return x, cubed(lightness, 1.0), z, first.astype(np.uint8), first != last, high


def _encoded(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
