"""Reading: what a person gave as a picture, as the bytes of a file or pixels; or why it cannot be read. No torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from striate.errors import PictureError
from striate.files import PICTURE, read_bytes

if TYPE_CHECKING:
    from striate.data.pictures.crop_transform import CropTransform
    from striate.data.pictures.depth import Depth
    from striate.data.pictures.given import One

Progress: TypeAlias = "Callable[[str, int, int], None]"
"""What is told what is waited for, how much of it is done, and of how much."""

Seen: TypeAlias = "Callable[[str, Depth | None, CropTransform | None], None]"
"""What is told the key of each picture, its depth if it has 16 bits, and where the network's input lay in it.

The last is None where answers lie nowhere in a picture, and of one that was looked at tile by tile.
"""


def content_of(picture: One | PictureError) -> bytes | NDArray[np.uint8]:
    """Return the bytes of a file, or pixels as they are. Errors: OSError, PictureError for what is no picture."""
    if isinstance(picture, PictureError):
        raise picture
    return read_bytes(picture, limit=PICTURE) if isinstance(picture, str | Path) else picture


def unreadable(key: str, error: OSError) -> PictureError:
    """Return why a picture cannot be read."""
    reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
    return PictureError(f"{key} cannot be read: {reason}")
