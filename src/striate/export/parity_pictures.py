"""Pictures on which a copy of a model is held against it: of every kind that people have, drawn here. No torch.

A function of nothing: the same ones everywhere. None is lossy, so that a graph that is given pixels and a command that
is given the file see the same.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MADE: Final = 200
KINDS: Final = {
    "odd sizes": 60,
    "gray": 25,
    "alpha": 25,
    "EXIF-turned": 32,
    "palette": 10,
    "16 bits": 8,
    "tiny": 24,
    "thin": 12,
    "huge": 4,
}
"""How many of each kind there are: `MADE` in all."""
_HUGE: Final = ((1400, 2000), (2200, 900), (1024, 1024), (700, 2600))
_ORIENTATION: Final = 0x0112


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture to compare answers on: what it is called, of which ``kind``, and a file's bytes or pixels (H, W, C)."""

    name: str
    kind: str
    content: bytes | NDArray[np.uint8]


def made(count: int = MADE) -> Iterator[Sample]:
    """Yield ``count`` pictures, of every kind its share, as files.

    Example: ``len([*made(20)])`` is 20.
    """
    kinds = [kind for kind, many in KINDS.items() for _ in range(many)]
    order = np.random.Generator(np.random.Philox(key=7)).permutation(len(kinds))
    for number in range(count):
        kind = kinds[int(order[number % len(kinds)])]
        yield Sample(f"{kind} {number + 1}", kind, _file(kind, number))


def _file(kind: str, number: int) -> bytes:
    random = np.random.Generator(np.random.Philox(key=number + 1))
    height, width = (int(side) for side in np.exp(random.uniform(np.log(17), np.log(420), 2)))
    if kind == "tiny":
        height, width = (int(side) for side in random.integers(1, 9, 2))
    elif kind == "thin":
        short, long = int(random.integers(1, 4)), int(random.integers(200, 700))
        height, width = (short, long) if number % 2 else (long, short)
    elif kind == "huge":
        height, width = _HUGE[int(random.integers(len(_HUGE)))]
    drawn = drawing(height, width, random)
    picture, more = Image.fromarray(drawn), {}
    if kind == "gray":
        picture = picture.convert("L")
    elif kind == "alpha":
        alpha = drawing(height, width, random)[..., :1]
        picture = Image.fromarray(np.concatenate([drawn, alpha], 2)) if number % 2 else _gray_alpha(drawn, alpha)
    elif kind == "palette":
        picture = picture.quantize(31)
    elif kind == "16 bits":
        picture = Image.fromarray(drawn[..., 0].astype(np.uint16) * 257)
    elif kind == "EXIF-turned":
        exif = Image.Exif()
        exif[_ORIENTATION] = 1 + number % 8
        more = {"exif": exif}
    content = io.BytesIO()
    picture.save(content, "PNG", compress_level=1, **more)
    return content.getvalue()


def _gray_alpha(drawn: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(np.concatenate([drawn[..., :1], alpha], 2))


def drawing(height: int, width: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return a picture (height, width, 3): a slope of colours, a few discs and bars, and noise, each time others."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = (y + 0.5) / height, (x + 0.5) / width
    begin, along, across = (random.uniform(0, 255, 3) for _ in range(3))
    picture = begin + (along - begin) * x[..., None] * 0.7 + (across - begin) * y[..., None] * 0.3
    for _ in range(int(random.integers(1, 7))):
        colour, middle, reach = random.uniform(0, 255, 3), random.uniform(0, 1, 2), random.uniform(0.04, 0.3)
        round_ = random.random() < 0.6
        far = (
            (y - middle[0]) ** 2 + (x - middle[1]) ** 2
            if round_
            else np.maximum(abs(y - middle[0]) * 3, abs(x - middle[1]))
        )
        picture[far < (reach**2 if round_ else reach)] = colour
    picture += random.normal(0, 1, picture.shape) * random.choice([0.0, 4.0, 25.0])
    return np.asarray(np.clip(np.rint(picture), 0, 255), np.uint8)
