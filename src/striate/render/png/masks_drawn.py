"""Areas over their picture, each class in its colour, the edges drawn, the names where there is room. No torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from striate.errors import StriateError
from striate.render.colours import Colours, from_oklch

OPACITY = 0.45
_COARSE = 96  # cells along the longer side, in which the middles of areas are sought
_ROOM = 0.004  # share of the picture that an area has to have for its name
_STRIP = 256  # rows
_INK, _PAPER = (20, 20, 20), (255, 255, 255)


def class_colours(count: int) -> Colours:
    """Return a colour a class, (count, 3) sRGB: neighbours in number are far apart in hue.

    Hues follow each other by the golden angle, so that any number of them is spread evenly; lightness takes turns.

    >>> class_colours(2).shape
    (2, 3)
    """
    numbers = np.arange(count)
    return from_oklch(
        np.where(numbers % 2, 0.78, 0.62), np.full(count, 0.15), np.asarray((25 + 137.508 * numbers) % 360, np.float64)
    )


def drawn_masks(image: Image.Image, ids: NDArray[np.uint8], names: Sequence[str]) -> Image.Image:
    """Return a picture (RGB) with the classes ``ids`` (H, W) of its pixels over it; 255 leaves a pixel as it is.

    Errors: StriateError for a picture of another size.
    """
    if image.size != (ids.shape[1], ids.shape[0]):
        raise StriateError(
            f"the picture is {image.height}x{image.width} and what was said of it is of {ids.shape[0]}x{ids.shape[1]}"
            " pixels: draw it over the picture that it was said of, as it is seen"
        )
    picture = image.convert("RGB")
    flat = Image.fromarray(ids).convert("P")
    flat.putpalette(np.concatenate([class_colours(len(names)), np.zeros((256 - len(names), 3), np.uint8)]).tobytes())
    tinted = Image.blend(picture, flat.convert("RGB"), OPACITY)
    result = picture.copy()
    result.paste(tinted, mask=Image.fromarray(np.where(ids < len(names), np.uint8(255), np.uint8(0))))
    edges = np.zeros(ids.shape, bool)
    edges[:, 1:] |= ids[:, 1:] != ids[:, :-1]
    edges[1:] |= ids[1:] != ids[:-1]
    result.paste(_INK, mask=Image.fromarray(np.where(edges, np.uint8(150), np.uint8(0))))
    _name(result, ids, names)
    return result


def _name(image: Image.Image, ids: NDArray[np.uint8], names: Sequence[str]) -> None:
    """Write the name of each class in the middle of its widest area, where that is large enough and still free."""
    draw, size = ImageDraw.Draw(image), max(11, min(image.size) // 28)
    font = ImageFont.load_default(size)
    strips = (ids[at : at + _STRIP] for at in range(0, len(ids), _STRIP))  # counting takes 8 bytes a pixel
    areas = np.sum([np.bincount(strip.ravel(), minlength=256) for strip in strips], axis=0)[: len(names)]
    step = max(1, -(-max(ids.shape) // _COARSE))
    taken: list[tuple[float, float, float, float]] = []
    coarse = ids[step // 2 :: step, step // 2 :: step]
    for place in np.argsort(-areas, kind="stable").tolist():
        if areas[place] < _ROOM * ids.size or not (coarse == place).any():
            continue
        row, column = _middle(coarse == place)
        wide, tall = font.getlength(names[place]) + 8, size + 6
        x = min(max(0.0, (column + 0.5) * step - wide / 2), max(0.0, image.width - wide))
        y = min(max(0.0, (row + 0.5) * step - tall / 2), max(0.0, image.height - float(tall)))
        if any(x < right and left < x + wide and y < low and high < y + tall for left, high, right, low in taken):
            continue  # a larger area is named there
        taken.append((x, y, x + wide, y + tall))
        draw.rectangle([x, y, x + wide, y + tall], fill=_INK)
        draw.text((x + 4, y + 2), names[place], _PAPER, font)


def _middle(there: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the cell that is farthest from what is not there: the one left when an area is worn down from its edges.

    >>> _middle(np.array([[1, 1, 1, 0, 1], [1, 1, 1, 0, 0], [1, 1, 1, 0, 0]], bool))
    (1, 1)
    """
    left = there
    while True:
        padded = np.pad(left, 1)
        worn = left & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        if not worn.any():
            break
        left = worn
    rows, columns = np.nonzero(left)
    place = len(rows) // 2
    return int(rows[place]), int(columns[place])
