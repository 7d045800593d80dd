"""What single formats need beside Pillow: HEIC's reader, libtiff's silence, the bits that a TIFF says it uses."""

from __future__ import annotations

import io
import logging
import re
from functools import cache
from typing import Final

from PIL import Image

from striate.data.pictures.bounds import Tags
from striate.errors import PictureError

_BITS, _LARGEST, _LARGEST_TOO = 258, 281, 341  # BitsPerSample, MaxSampleValue, SMaxSampleValue
_OME: Final = re.compile(rb"""\sSignificantBits=["'](\d{1,2})["']""")


def open_heic(data: bytes) -> Image.Image:
    """Return a HEIC picture, opened by pillow-heif; it is turned upright, and brought to 8 bits, while it is decoded.

    Errors: PictureError that names the package where it is not here, and ``passing`` then; what the reader raises.
    """
    try:
        from pillow_heif import HeifImageFile
    except Exception as error:  # a broken installation raises more than ImportError
        missing = PictureError(
            "a HEIC picture, which takes the package pillow-heif: pip install 'striate[heic]', or save it as JPEG"
            + ("" if isinstance(error, ModuleNotFoundError) else f" (it is there and cannot be imported: {error})")
        )
        missing.passing = True
        raise missing from None
    picture: Image.Image = HeifImageFile(io.BytesIO(data))  # type: ignore[no-untyped-call]
    return picture


@cache
def silence_pillow() -> None:
    """Keep what Pillow logs of broken files from Python's handler of last resort, which writes it to the screen.

    Whoever has set up logging gets it as before.
    """
    logging.getLogger("PIL").addHandler(logging.NullHandler())


@cache
def silence_libtiff() -> None:
    """Keep what libtiff says of broken files off the screen: Pillow raises, and that is what is told.

    libtiff writes to the process's standard error by itself, past Python. The copy of it that Pillow has loaded is told
    to say nothing, once and for all threads; nobody else's output is touched. Where that copy's functions cannot be
    reached (they are built in, as on Windows), nothing is done.
    """
    import ctypes

    from PIL import _imaging

    try:
        told = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    except (OSError, AttributeError, TypeError):
        return
    told.argtypes, told.restype = [ctypes.c_void_p], ctypes.c_void_p
    told(None)


def is_deep(tags: Tags) -> bool:
    """Return whether a TIFF has 16 bits a sample."""
    return tags.first(_BITS, 1) == 16


def stated_depth(tags: Tags) -> int:
    """Return how many bits of 16 a gray TIFF says that its values use: 9 to 16.

    Said by BitsPerSample; where that is 16, by OME's SignificantBits, or by a largest value that is all ones (4,095). A
    largest value of another kind tells of the picture, not of its depth, and is passed over.
    """
    bits = tags.first(_BITS, 16)
    if bits != 16:
        return bits if 8 < bits < 16 else 16
    if (said := _OME.search(tags.description)) and 8 < int(said[1]) < 16:
        return int(said[1])
    for tag in (_LARGEST_TOO, _LARGEST):
        largest = tags.first(tag, 0)
        if 8 < largest.bit_length() < 16 and largest & (largest + 1) == 0:
            return largest.bit_length()
    return 16
