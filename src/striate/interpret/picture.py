"""A picture as numbers: a picture file's pixels, or a small picture written down in text. No torch.

The text of a picture is one line a row, numbers apart by spaces or commas; lines that begin with # say something. A
colour picture gives its channels one after the other, apart by empty lines:

    # a vertical line
    0 0 255 0 0
    0 0 255 0 0
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.image import decode, header
from striate.errors import PictureError
from striate.files import PICTURE, read_bytes

MOST_TEXT = 4_000_000  # bytes: text is for pictures one can read


def read(path: Path) -> NDArray[Any]:
    """Return the numbers of a picture, (H, W, C): uint8 pixels of a file, gray or RGB; of text float64, as written.

    Errors: PictureError that names the file, and the line of a text that does not read.

    Example: ``read(Path("cat.jpg")).shape  # (375, 500, 3)``
    """
    try:
        data = read_bytes(path, limit=PICTURE)
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
        raise PictureError(f"{path} cannot be read: {reason}") from None
    try:
        if path.suffix == ".txt":
            return parse(data)
        return decode(data, channels=1 if header(data).gray else 3)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from None


def parse(data: bytes) -> NDArray[np.float64]:
    """Return the picture that a text holds, (H, W, C)."""
    if len(data) > MOST_TEXT:
        raise PictureError(f"{len(data):,} bytes of text, over {MOST_TEXT:,}; save it as a PNG")
    channels: list[list[list[float]]] = [[]]
    for number, line in enumerate(data.decode("utf-8", errors="replace").splitlines(), 1):
        words = line.partition("#")[0].replace(",", " ").split()
        if not words and not line.strip() and channels[-1]:
            channels.append([])
        if not words:
            continue
        try:
            row = [float(word) for word in words]
        except ValueError:
            raise PictureError(f"line {number} is {line.strip()[:40]!r}: wanted numbers apart by spaces") from None
        if not np.isfinite(row).all():
            raise PictureError(f"line {number} is {line.strip()[:40]!r}: wanted finite numbers")
        first = next((known for channel in channels for known in channel), row)
        if len(row) != len(first):
            raise PictureError(f"line {number} has {len(row)} numbers and the first has {len(first)}")
        channels[-1].append(row)
    channels = [channel for channel in channels if channel]
    if len(channels) not in (1, 3):
        raise PictureError(
            f"{len(channels)} channels; wanted 1 (gray), or 3 apart by empty lines" if channels else "no numbers"
        )
    if len({len(channel) for channel in channels}) != 1:
        raise PictureError(f"its channels have {', '.join(str(len(channel)) for channel in channels)} rows")
    return np.stack([np.array(channel) for channel in channels], axis=-1)


def as_pixels(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Return numbers as pixels: all within 0..1 are multiplied by 255, as in `striate.data.pictures.image`.

    Errors: PictureError for what is not within 0..255.
    """
    if values.dtype == np.uint8:
        return values
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 255:
        raise PictureError(
            f"{name}: a network takes numbers from 0 to 255 (or 0 to 1), and here are {low:g} to {high:g}"
        )
    pixels: NDArray[np.uint8] = np.rint(values * (255 if high <= 1 else 1)).astype(np.uint8)
    return pixels
