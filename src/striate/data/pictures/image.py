"""Bytes of a picture file -> pixels. May import errors, bounds, modes (Pillow and numpy beside); no torch.

The rules, the same for training and for prediction:

- The format is told by content, never by name: JPEG, PNG, WebP, BMP, GIF, TIFF and AVIF, and HEIC where pillow-heif
  is installed; of several frames the first (of HEIC the primary one).
- The orientation noted by the camera (EXIF, or XMP where there is no EXIF; AVIF's and HEIC's own) is applied. Colour
  profiles are not.
- Alpha, and a palette's or a key colour's transparency, is laid over white: (c·a + 255·(255 - a)) / 255, rounded.
- Gray from colour is ITU-R BT.601 luma as Pillow has it; colour from gray repeats the gray.
- 16 bits per channel keep the high byte (v >> 8), as Pillow does for colour, so that 65,535 is 255 and 257·v is v.
  32-bit integers are clipped to 0..65,535 and treated so. Where a gray TIFF states that it uses fewer bits (n), the
  highest 8 of those are kept (v >> n - 8): docs/decisions/0012. So they are where it states nothing and the caller
  does (``bits``). Nothing is stretched by what a picture holds.
- Floating-point gray: all within 0..1 is multiplied by 255, all within 0..255 is rounded, anything else is refused.
- CMYK: (255 - C)·(255 - K) / 255 and so on; JPEGs of four channels are stored inverted, as Adobe does.
- CIE L*a*b* (D50) becomes sRGB; 1-bit becomes 0 and 255.
- Size, memory and work are checked before decoding (bounds.py); a file that ends too early is an error.
"""

from __future__ import annotations

import io
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from striate.data.pictures.bounds import PNG, Limits, check_parts, check_size, check_work, tiff_tags, without_texts
from striate.data.pictures.codecs import is_deep, open_heic, silence_libtiff, silence_pillow, stated_depth
from striate.data.pictures.depth import FULL, Depth
from striate.data.pictures.known_kinds import kind_of
from striate.data.pictures.modes import bits_used, is_gray, upright_pixels
from striate.errors import PictureError

Region = tuple[float, float, float, float]

KNOWN: Final = "JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF, HEIC"
FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF")

# Brands of the container that AVIF and HEIC share (ISO/IEC 23008-12); "mif1" and "msf1" may hold either.
_AVIF: Final = frozenset({b"avif", b"avis"})
_HEIF: Final = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1"})

_HALVES: Final = frozenset({"RGB", "RGBA", "LA"})  # modes of 8 bits that Pillow makes of 16
_PNG_ORIENTATION: Final = re.compile(rb"eXIf|Raw profile type exif|tiff:Orientation")
# Pillow warns through a list that all threads share; one thread at a time may quieten it.
_WARNINGS: Final = threading.RLock()
# A picture that takes more than this many bytes waits for its turn: one at a time, whatever the number of threads.
_LARGE: Final = 1 << 27
_TURN: Final = threading.Lock()


@dataclass(frozen=True)
class Header:
    """What the first bytes say: ``format`` ("JPEG" ...), the upright ``height`` and ``width`` (pixels), ``gray``.

    ``orientation`` (EXIF, 1 to 8) is how the rows of the file lie; 1 where they are as they are seen. ``mode`` is what
    Pillow calls the kind of its pixels (RGB, CMYK, I;16).
    """

    format: str
    height: int
    width: int
    gray: bool
    orientation: int = 1
    mode: str = field(default="", compare=False)


_LIMITS: Final = Limits()


def looks_like_picture(start: bytes) -> bool:
    """Return whether a file that begins with ``start`` (16 bytes are enough) has one of the eight formats.

    Example: ``looks_like_picture(b"GIF89a")`` is True.
    """
    return (
        start.startswith((b"\xff\xd8\xff", PNG, b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))
        or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")
        or bool(_brands(start[:16]) & (_AVIF | _HEIF))
    )  # fmt: skip


def header(data: bytes, *, limits: Limits = _LIMITS) -> Header:
    """Return format, upright size and whether the picture is gray, without decoding it.

    Errors: PictureError for anything that is not a picture of the eight formats, or is over the limits.
    Example: ``header(Path("cat.jpg").read_bytes()).height``
    """
    with _reasons(data):
        with _quiet(limits):
            picture = _open(data, limits)
            orientation = _orientation(picture, data)
            # A TIFF is turned while it is decoded, and tells its turned size; its rows lie as it notes all the same.
            lying = _noted(picture) if picture.format == "TIFF" else orientation
        width, height = picture.size if orientation < 5 else picture.size[::-1]
        form = "JPEG" if picture.format == "MPO" else str(picture.format)
        return Header(form, height, width, is_gray(picture), lying, picture.mode)


def decode(
    data: bytes,
    *,
    channels: int = 3,
    at_least: tuple[int, int] | None = None,
    bits: int = FULL,
    limits: Limits = _LIMITS,
) -> NDArray[np.uint8]:
    """Return the pixels of a picture file, upright: (H, W, ``channels``) uint8, channels 3 (RGB) or 1 (gray).

    ``at_least`` (height, width) lets a JPEG be decoded at 1/2, 1/4 or 1/8 of its size, never smaller than that.
    ``bits`` (8 to 16) is how many of 16 a gray picture uses whose file states nothing.
    The answer depends on the arguments alone, in every thread. Errors: PictureError with the reason.
    Example: ``decode(Path("cat.jpg").read_bytes()).shape`` is ``(375, 500, 3)``.
    """
    with decoding(data, channels=channels, at_least=at_least, bits=bits, limits=limits) as (decoded, _, _):
        return as_array(decoded)


@contextmanager
def decoding(
    data: bytes,
    *,
    channels: int = 3,
    at_least: tuple[int, int] | None = None,
    bits: int = FULL,
    limits: Limits = _LIMITS,
) -> Iterator[tuple[NDArray[np.uint8] | Image.Image, Region, Depth | None]]:
    """Yield what ``decode`` returns, the region of it that is the picture, and the depth of a picture of 16 bits.

    The region is (left, top, right, bottom) in pixels.

    A JPEG of 375 pixels decoded at half its size has 188, of which the picture covers 187.5: half a pixel that a
    resize has to leave out, or every picture would be shifted by its own fraction. Where nothing is left to be done
    to a picture, it comes as Pillow has it: the way to an array and back costs a fifth of a first pass.

    A picture that takes much memory is alone in having it until the block ends, so that what all threads take together
    stays bounded.
    """
    if channels not in (1, 3):
        raise ValueError(f"channels is {channels}; pictures are decoded to 3 channels (RGB) or 1 (gray)")
    with _reasons(data):
        with _quiet(limits):
            picture = _open(data, limits)
            orientation = _orientation(picture, data)
        memory = check_work(picture, data, limits)
    with _TURN if memory > _LARGE else nullcontext():
        with _reasons(data):
            decoded = _decoded(picture, data, channels, at_least, orientation, bits, limits)
        del picture
        yield decoded


def _decoded(
    picture: Image.Image,
    data: bytes,
    channels: int,
    at_least: tuple[int, int] | None,
    orientation: int,
    bits: int,
    limits: Limits,
) -> tuple[NDArray[np.uint8] | Image.Image, Region, Depth | None]:
    covered = (float(picture.size[0]), float(picture.size[1]))
    if at_least is not None and picture.format in ("JPEG", "MPO"):
        rows, columns = at_least if orientation < 5 else at_least[::-1]
        scaled = picture.draft(None, (max(1, columns), max(1, rows)))
        covered = covered if scaled is None else (scaled[1][2], scaled[1][3])
    stated, deep = FULL, False
    if picture.format == "TIFF":
        tags = tiff_tags(data)
        stated, deep = stated_depth(tags), is_deep(tags)
        silence_libtiff()
        with _quiet(limits):  # reads its tags again while decoding, and warns again
            picture.load()
    elif picture.format == "PNG":
        deep = data[24] == FULL  # the header comes first, in every PNG
    picture.load()
    depth = _depth(picture, stated) if picture.mode[0] == "I" or (deep and picture.mode in _HALVES) else None
    width, height = picture.size if orientation < 5 else picture.size[::-1]
    region = _region(height, width, covered, orientation)
    if picture.mode == ("RGB" if channels == 3 else "L") and orientation == 1 and not picture.has_transparency_data:
        return picture, region, depth
    pixels = upright_pixels(picture, channels, orientation, depth=bits if stated == FULL else stated)
    picture.close()  # its memory is not needed while the pixels are resized
    return pixels, region, depth


def _depth(picture: Image.Image, stated: int) -> Depth:
    """Return the depth of a loaded picture of 16 bits, of whose colour and alpha Pillow gives the high bytes alone."""
    if picture.mode[0] == "I":
        return Depth(0 if stated == FULL else stated, bits_used(picture))
    return Depth(0, 8 + bits_used(picture), whole=False)


def as_array(picture: NDArray[np.uint8] | Image.Image) -> NDArray[np.uint8]:
    """Return a picture of `decoding` as (H, W, channels) uint8."""
    if isinstance(picture, np.ndarray):
        return picture
    pixels: NDArray[np.uint8] = np.asarray(picture)
    return pixels if pixels.ndim == 3 else pixels[..., None]


@contextmanager
def loading(data: bytes, *, limits: Limits = _LIMITS) -> Iterator[tuple[Image.Image, int]]:
    """Yield a picture as Pillow has it, its values as they are stored, and the EXIF orientation in which its rows lie.

    For what is no photograph: a mask, whose values are classes (`striate.data.pictures.stored`). Limits and errors are
    those of `decode`; what goes wrong within the block is a PictureError too.
    """
    with _reasons(data):
        with _quiet(limits):
            picture = _open(data, limits)
            orientation = _orientation(picture, data)
        memory = check_work(picture, data, limits)
        with _TURN if memory > _LARGE else nullcontext():
            if picture.format == "TIFF":
                silence_libtiff()
                with _quiet(limits):
                    picture.load()
            picture.load()
            yield picture, orientation


@contextmanager
def _quiet(limits: Limits) -> Iterator[None]:
    """Keep Pillow's warnings (odd EXIF and the like) from the screen; what matters is checked here.

    Pillow itself refuses twice `Image.MAX_IMAGE_PIXELS`; where more than that may be read, it is raised for as long.
    """
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = Image.MAX_IMAGE_PIXELS
        if before is not None and limits.pixels > 2 * before:
            Image.MAX_IMAGE_PIXELS = limits.pixels
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


@contextmanager
def _reasons(data: bytes) -> Iterator[None]:
    """Turn whatever a decoder throws at broken bytes (nearly any exception) into one PictureError."""
    try:
        yield
    except PictureError:
        raise
    except UnidentifiedImageError:
        kind = kind_of(data)
        told = f"; it is {kind}" if kind else ""
        raise PictureError(f"not a picture of a known format ({KNOWN}){told}") from None
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
    check_parts(data, limits)
    silence_pillow()
    brands = _brands(data[:1024])
    if brands & _HEIF and not brands & _AVIF:
        picture = open_heic(data)
    else:
        try:
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
        except ValueError:
            # A colour profile or text of over a megabyte stops Pillow; neither says anything about the pixels.
            if not data.startswith(PNG):
                raise
            picture = Image.open(io.BytesIO(without_texts(data)), formats=FORMATS)
    check_size(*picture.size, limits)
    return picture


def _brands(start: bytes) -> set[bytes]:
    """Return the brands that the first box of an ISO container names, as far as ``start`` holds them; else none."""
    if start[4:8] != b"ftyp":
        return set()
    end = min(len(start), int.from_bytes(start[:4], "big"))
    return {start[8:12], *(start[at : at + 4] for at in range(16, end - 3, 4))}


def _orientation(picture: Image.Image, data: bytes) -> int:
    if picture.format in ("TIFF", "HEIF"):
        return 1  # turned while decoding; the turned size is told
    if picture.format == "PNG" and not _PNG_ORIENTATION.search(data):
        return 1  # asking Pillow would decode the picture, the note may stand behind the pixels
    return _noted(picture)


def _noted(picture: Image.Image) -> int:
    """Return the orientation that a picture's EXIF notes."""
    try:
        value = picture.getexif().get(0x0112, 1)
    except PictureError:
        raise
    except Exception:
        return 1  # a note that cannot be read turns nothing
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _region(height: int, width: int, covered: tuple[float, float], orientation: int) -> Region:
    wide, tall = covered if orientation < 5 else covered[::-1]
    left = width - wide if orientation in (2, 3, 6, 7) else 0.0
    top = height - tall if orientation in (3, 4, 7, 8) else 0.0
    return left, top, left + wide, top + tall
