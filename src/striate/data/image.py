"""Bytes of a picture file -> pixels. May import errors only (Pillow and numpy beside); no torch.

The rules, the same for training and for prediction:

- The format is told by content, never by name: JPEG, PNG, WebP, BMP, GIF and TIFF; of several frames the first.
- The orientation noted by the camera (EXIF, or XMP where there is no EXIF) is applied. Colour profiles are not.
- Alpha, and a palette's or a key colour's transparency, is laid over white: (c·a + 255·(255 - a)) / 255, rounded.
- Gray from colour is ITU-R BT.601 luma as Pillow has it; colour from gray repeats the gray.
- 16 bits per channel keep the high byte (v >> 8), as Pillow does for colour, so that 65,535 is 255 and 257·v is v;
  nothing is stretched. 32-bit integers are clipped to 0..65,535 and treated so.
- Floating-point gray: all within 0..1 is multiplied by 255, all within 0..255 is rounded, anything else is refused.
- CMYK: (255 - C)·(255 - K) / 255 and so on; JPEGs of four channels are stored inverted, as Adobe does.
- CIE L*a*b* (D50) becomes sRGB; 1-bit becomes 0 and 255.
- Size is checked from the header, before decoding; a file that ends too early is an error.
"""

from __future__ import annotations

import io
import re
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from striate.errors import PictureError

Region = tuple[float, float, float, float]

FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")

_GRAY_MODES: Final = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_ORIENTATION: Final = re.compile(rb"eXIf|Raw profile type exif|tiff:Orientation")
# Pillow warns through a list that all threads share; one thread at a time may quieten it.
_WARNINGS: Final = threading.RLock()


@dataclass(frozen=True)
class Limits:
    """What is refused from the header alone: more ``pixels`` in all, or a longer ``side`` (pixels)."""

    pixels: int = 100_000_000
    side: int = 65_500


@dataclass(frozen=True)
class Header:
    """What the first bytes say: ``format`` ("JPEG" ...), the upright ``height`` and ``width`` (pixels), ``gray``."""

    format: str
    height: int
    width: int
    gray: bool


_LIMITS: Final = Limits()


def looks_like_picture(start: bytes) -> bool:
    """Return whether a file that begins with ``start`` (16 bytes are enough) has one of the six formats.

    Example: ``looks_like_picture(b"GIF89a")`` is True.
    """
    return (
        start.startswith((b"\xff\xd8\xff", _PNG, b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))
        or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")
    )  # fmt: skip


def header(data: bytes, *, limits: Limits = _LIMITS) -> Header:
    """Return format, upright size and whether the picture is gray, without decoding it.

    Errors: PictureError for anything that is not a picture of the six formats, or is over the limits.
    Example: ``header(Path("cat.jpg").read_bytes()).height``
    """
    with _reasons():
        with _quiet():
            picture = _open(data, limits)
            turned = _orientation(picture, data) >= 5
        width, height = picture.size
        if turned:
            width, height = height, width
        return Header("JPEG" if picture.format == "MPO" else str(picture.format), height, width, _is_gray(picture))


def decode(
    data: bytes, *, channels: int = 3, at_least: tuple[int, int] | None = None, limits: Limits = _LIMITS
) -> NDArray[np.uint8]:
    """Return the pixels of a picture file, upright: (H, W, ``channels``) uint8, channels 3 (RGB) or 1 (gray).

    ``at_least`` (height, width) lets a JPEG be decoded at 1/2, 1/4 or 1/8 of its size, never smaller than that.
    The answer depends on the arguments alone, in every thread. Errors: PictureError with the reason.
    Example: ``decode(Path("cat.jpg").read_bytes()).shape`` is ``(375, 500, 3)``.
    """
    return as_array(decode_region(data, channels=channels, at_least=at_least, limits=limits)[0])


def decode_region(
    data: bytes, *, channels: int = 3, at_least: tuple[int, int] | None = None, limits: Limits = _LIMITS
) -> tuple[NDArray[np.uint8] | Image.Image, Region]:
    """Return what ``decode`` does, and the region (left, top, right, bottom) of it that is the picture, in its pixels.

    A JPEG of 375 pixels decoded at half its size has 188, of which the picture covers 187.5: half a pixel that a
    resize has to leave out, or every picture would be shifted by its own fraction. Where nothing is left to be done
    to a picture, it comes as Pillow has it: the way to an array and back costs a fifth of a first pass.
    """
    if channels not in (1, 3):
        raise ValueError(f"channels is {channels}; pictures are decoded to 3 channels (RGB) or 1 (gray)")
    with _reasons():
        with _quiet():
            picture = _open(data, limits)
            orientation = _orientation(picture, data)
            covered = (float(picture.size[0]), float(picture.size[1]))
            if at_least is not None and picture.format in ("JPEG", "MPO"):
                rows, columns = at_least if orientation < 5 else at_least[::-1]
                scaled = picture.draft(None, (max(1, columns), max(1, rows)))
                covered = covered if scaled is None else (scaled[1][2], scaled[1][3])
            if picture.format == "TIFF":  # reads its tags again while decoding, and warns again
                picture.load()
        picture.load()
        width, height = picture.size if orientation < 5 else picture.size[::-1]
        region = _region(height, width, covered, orientation)
        if picture.mode == ("RGB" if channels == 3 else "L") and orientation == 1 and not picture.has_transparency_data:
            return picture, region
        return np.ascontiguousarray(_upright(_pixels(picture, channels), orientation)), region


def as_array(picture: NDArray[np.uint8] | Image.Image) -> NDArray[np.uint8]:
    """Return a picture of ``decode_region`` as (H, W, channels) uint8."""
    if isinstance(picture, np.ndarray):
        return picture
    pixels: NDArray[np.uint8] = np.asarray(picture)
    return pixels if pixels.ndim == 3 else pixels[..., None]


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


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Pillow's warnings (odd EXIF and the like) from the screen; what matters is checked here."""
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _reasons() -> Iterator[None]:
    """Turn whatever a decoder throws at broken bytes (nearly any exception) into one PictureError."""
    try:
        yield
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError("not a picture of a known format (JPEG, PNG, WebP, BMP, GIF, TIFF)") from None
    except Image.DecompressionBombError as error:
        raise PictureError(f"too large: {str(error)[:1].lower()}{str(error)[1:]}") from None
    except MemoryError:
        raise PictureError("decoding it takes more memory than there is") from None
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        raise PictureError(f"does not decode: {text or type(error).__name__}") from error


def _open(data: bytes, limits: Limits) -> Image.Image:
    if not data:
        raise PictureError("the file is empty")
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except ValueError:
        # A colour profile or text of over a megabyte stops Pillow; neither says anything about the pixels.
        if not data.startswith(_PNG):
            raise
        picture = Image.open(io.BytesIO(_without_texts(data)), formats=FORMATS)
    width, height = picture.size
    if width * height > limits.pixels:
        raise PictureError(f"too large: {width} x {height} is {width * height:,} pixels, over {limits.pixels:,}")
    if max(width, height) > limits.side:
        raise PictureError(f"too large: a side of {max(width, height):,} pixels, over {limits.side:,}")
    if not width or not height:
        raise PictureError(f"no pixels: {width} x {height}")
    return picture


def _without_texts(png: bytes) -> bytes:
    kept, place = [_PNG], len(_PNG)
    while place + 12 <= len(png):
        (length,) = struct.unpack_from(">I", png, place)
        if png[place + 4 : place + 8] not in (b"iCCP", b"zTXt", b"iTXt", b"tEXt"):
            kept.append(png[place : place + 12 + length])
        place += 12 + length
    return b"".join(kept)


def _orientation(picture: Image.Image, data: bytes) -> int:
    if picture.format == "TIFF":
        return 1  # Pillow turns it while decoding, and tells the turned size
    if picture.format == "PNG" and not _PNG_ORIENTATION.search(data):
        return 1  # asking Pillow would decode the picture, the note may stand behind the pixels
    try:
        value = picture.getexif().get(0x0112, 1)
    except PictureError:
        raise
    except Exception:
        return 1  # a note that cannot be read turns nothing
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    down = orientation in (3, 4, 7, 8)
    right = orientation in (2, 3, 6, 7)
    return pixels[:: -1 if down else 1, :: -1 if right else 1]


def _region(height: int, width: int, covered: tuple[float, float], orientation: int) -> Region:
    wide, tall = covered if orientation < 5 else covered[::-1]
    left = width - wide if orientation in (2, 3, 6, 7) else 0.0
    top = height - tall if orientation in (3, 4, 7, 8) else 0.0
    return left, top, left + wide, top + tall


def _is_gray(picture: Image.Image) -> bool:
    if picture.mode == "P" and picture.palette is not None:
        rawmode, colours = picture.palette.getdata()
        if rawmode != "RGB":
            return False
        table = np.frombuffer(colours, np.uint8)[: len(colours) // 3 * 3].reshape(-1, 3)
        return bool((table == table[:, :1]).all())
    return picture.mode in _GRAY_MODES


def _pixels(picture: Image.Image, channels: int) -> NDArray[np.uint8]:
    mode = picture.mode
    if mode == "F":
        return to_channels(_from_float(np.asarray(picture)), channels)
    if mode == "I":
        return to_channels((np.clip(np.asarray(picture), 0, 65_535) >> 8).astype(np.uint8), channels)
    if mode.startswith("I;16"):
        return to_channels((np.asarray(picture) >> 8).astype(np.uint8), channels)
    if mode == "LAB":
        return to_channels(_from_lab(np.asarray(picture)), channels)
    if picture.has_transparency_data:
        gray = mode in ("1", "L", "LA", "La")
        over = _over_white(np.asarray(picture.convert("RGBA")))
        return to_channels(over[..., :1] if gray else over, channels)
    if mode in ("1", "L"):
        return to_channels(np.asarray(picture.convert("L")), channels)
    return to_channels(np.asarray(picture.convert("RGB")), channels)


def _over_white(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    colour, alpha = pixels[..., :3].astype(np.uint16), pixels[..., 3:].astype(np.uint16)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _from_float(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    low, high = float(values.min()), float(values.max())
    if low >= 0.0 and high <= 1.0:
        return np.rint(values.astype(np.float64) * 255).astype(np.uint8)
    if low >= 0.0 and high <= 255.0:
        return np.rint(values).astype(np.uint8)
    raise PictureError(f"floating-point values from {low:g} to {high:g}; wanted all within 0..1 or all within 0..255")


def _from_lab(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """CIE 15:2004, section 8.2.1 (D50), and IEC 61966-2-1 (sRGB, Bradford-adapted to D50)."""
    lightness = (pixels[..., 0] * (100 / 255) + 16) / 116
    signed = np.ascontiguousarray(pixels[..., 1:]).view(np.int8)
    a, b = signed[..., 0] / 500.0, signed[..., 1] / 200.0
    cubes = np.stack([lightness + a, lightness, lightness - b], axis=-1)
    ratios = np.where(cubes > 6 / 29, cubes**3, 3 * (6 / 29) ** 2 * (cubes - 4 / 29))
    linear = (ratios * [0.96422, 1.0, 0.82521]) @ np.array(
        [[3.1338561, -0.9787684, 0.0719453], [-1.6168667, 1.9161415, -0.2289914], [-0.4906146, 0.0334540, 1.4052427]]
    )
    linear = np.clip(linear, 0.0, 1.0)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    rounded: NDArray[np.uint8] = np.rint(encoded * 255).astype(np.uint8)
    return rounded
