"""When a picture was taken, as its camera noted it (EXIF, DateTimeOriginal)."""

from __future__ import annotations

from calendar import timegm
from datetime import datetime
from typing import Final

from PIL import Image

_BEGINS: Final = b"Exif\0\0"
_WITHIN: Final = 1 << 17  # bytes of a file in which EXIF begins
_LONG: Final = 1 << 16  # bytes that a JPEG's EXIF has at most
_IFD, _ORIGINAL, _DIGITISED, _CHANGED = 0x8769, 0x9003, 0x9004, 0x0132


def taken(content: bytes) -> int:
    """Return the second in which the picture of a file was taken, counted as if the camera's clock were UTC's.

    0 where the file does not say so, or says it in a way that cannot be read. Of a scan or a copy by another program
    it may be when that was made.

    Example: ``taken(Path("cat.jpg").read_bytes())`` is ``0``.
    """
    at = content.find(_BEGINS, 0, _WITHIN)
    if at < 0:
        return 0
    exif = Image.Exif()
    try:
        exif.load(content[at : at + _LONG])
        inside = exif.get_ifd(_IFD)
        text = inside.get(_ORIGINAL) or inside.get(_DIGITISED) or exif.get(_CHANGED)
        return max(0, timegm(datetime.strptime(str(text).strip("\0 ")[:19], "%Y:%m:%d %H:%M:%S").timetuple()))
    except Exception:  # whatever Pillow meets in a damaged note: it is a note that does not say when
        return 0
