"""What is measured of a picture, once: what its file says, its light, colour and sharpness, and a small copy of it.

Light and sharpness are those of the picture with its shorter side at 256 pixels at the most, about what a network sees:
that somebody's camera has a fuzzy pixel is nothing that a picture can be blamed for.
"""

from __future__ import annotations

from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.data.pictures.image import decode, header
from striate.search.taken import taken

SIDE: Final = 48  # pixels of the small copy, which is a square whatever the picture is
SHORTER: Final = 256  # pixels of the shorter side at which light, colour and sharpness are measured
TILES: Final = 4  # a picture is as sharp as the sharpest of 4 x 4 parts of it: what stands before a plain wall is sharp
_FILL: Final = (126, 130)  # the gray that decoders put where the rest of a picture is missing
MEASURED: Final = np.dtype(
    [
        ("format", "S5"),
        ("mode", "S8"),
        ("orientation", "u1"),
        ("height", "<u4"),
        ("width", "<u4"),
        ("taken", "<i8"),
        ("dark", "<f4"),
        ("mean", "<f4"),
        ("bright", "<f4"),
        ("chroma", "<f4"),
        ("colour", "<f4", (3,)),
        ("sharp", "<f4"),
        ("missing", "<f4"),
        ("small", "u1", (SIDE, SIDE)),
    ],
)
"""What is kept of a picture: what its file says (format, mode, EXIF orientation, size as it is seen, the second it was
taken, 0 where it does not say), the brightness (0..255) that 1 % of its pixels stay below, its mean, and the one that
1 % are above; how far apart the three colours are in its most colourful twentieth (0 for gray), its mean colour, how
sharp it is (the variance of the Laplacian of its sharpest part over the square of its contrast), the share of rows at
its foot that are the gray of missing data, and itself, small and gray."""


def measured(content: bytes) -> np.void:
    """Return the row (`MEASURED`) of a picture file's bytes. Errors: PictureError.

    Example: ``measured(Path("cat.jpg").read_bytes())["width"]`` is ``500``.
    """
    told = header(content)
    pixels = decode(content, channels=3, at_least=(SHORTER, SHORTER))
    row = np.zeros((), MEASURED)
    row["format"], row["mode"], row["orientation"] = told.format.encode(), told.mode.encode(), told.orientation
    row["height"], row["width"], row["taken"] = told.height, told.width, taken(content)
    row["missing"] = _missing(pixels)
    picture = Image.fromarray(pixels)
    row["small"] = small(picture)
    factor = SHORTER / min(picture.size)
    if factor < 1:
        sides = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
        picture = picture.resize(sides, Image.Resampling.BILINEAR)
    colours = np.asarray(picture)
    gray = np.asarray(picture.convert("L"), np.float32)
    row["dark"], row["bright"] = np.percentile(gray, (1, 99))
    row["mean"], row["colour"] = gray.mean(), colours.reshape(-1, 3).mean(axis=0)
    row["chroma"] = np.percentile(colours.max(axis=2).astype(np.int16) - colours.min(axis=2), 95)
    row["sharp"] = sharpness(gray)
    return cast("np.void", row[()])


def small(picture: Image.Image) -> NDArray[np.uint8]:
    """Return a picture as 48 x 48 gray pixels, squeezed where it is not square."""
    return np.asarray(picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def sharpness(gray: NDArray[np.float32]) -> float:
    """Return how sharp a gray picture (H, W) is: the variance of the Laplacian over the square of the contrast.

    Of 4 x 4 parts the sharpest counts. (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", 2000,
    with the contrast divided out, so that a dim picture is not a blurred one.)

    >>> board = np.indices((32, 32)).sum(axis=0).astype(np.float32) % 2
    >>> sharpness(board) > 10, sharpness(np.ones((32, 32), np.float32))
    (True, 0.0)
    """
    if min(gray.shape) < 3:
        return 0.0
    middle = gray[1:-1, 1:-1]
    laplacian = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:] - 4 * middle
    low, high = np.percentile(gray, (1, 99))
    if high - low < 1:
        return 0.0
    parts = [
        part
        for band in np.array_split(laplacian, min(TILES, len(laplacian)), axis=0)
        for part in np.array_split(band, min(TILES, band.shape[1]), axis=1)
    ]
    return float(max(part.var() for part in parts) / (high - low) ** 2)


def _missing(pixels: NDArray[Any]) -> float:
    """Return the share of rows at the foot of a picture (H, W, 3) that are one and the same middle gray."""
    rows = pixels.reshape(len(pixels), -1)
    plain = (rows.min(axis=1) >= _FILL[0]) & (rows.max(axis=1) <= _FILL[1])
    there = np.flatnonzero(~plain)
    return float(1 - (there[-1] + 1) / len(rows)) if len(there) else 0.0
