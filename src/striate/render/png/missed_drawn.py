"""An object that was missed, drawn on its picture with the candidate for it and the box in its way. No torch.

The colours are those of Okabe and Ito (2008), which eyes that confuse red and green tell apart; the object is dashed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from striate.render.colours import ink
from striate.words import readable

COLOURS: Final = {"object": "#ffffff", "candidate": "#e69f00", "other": "#56b4e9"}
SIDE: Final = 720  # pixels of the longer side
_INK, _DASH = "#181818", 8


@dataclass(frozen=True)
class BoxDrawn:
    """A box (left, top, right, bottom) in pixels of the picture, what stands at it, and what it is."""

    box: tuple[float, float, float, float]
    label: str
    what: Literal["object", "candidate", "other"]


def drawn_boxes(image: Image.Image, boxes: Sequence[BoxDrawn], point: tuple[float, float] | None = None) -> Image.Image:
    """Return a picture with boxes, those that stand last on top, each label where no other is, and a cross at a point.

    Example: ``drawn_boxes(Image.new("RGB", (36, 18)), [BoxDrawn((1, 1, 9, 9), "a", "object")]).width`` is 720.
    """
    scale = SIDE / max(image.size)
    size = [max(1, round(side * scale)) for side in image.size]
    picture = image.convert("RGB").resize((size[0], size[1]), Image.Resampling.BICUBIC)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(18)
    taken = np.zeros((picture.height, picture.width), bool)
    edges = [[round(side * scale) for side in one.box] for one in boxes]
    for one, (left, top, right, bottom) in zip(boxes, edges, strict=True):
        frame = (left, top, max(left + 2, right - 1), max(top + 2, bottom - 1))
        draw.rectangle((frame[0] - 2, frame[1] - 2, frame[2] + 2, frame[3] + 2), outline=_INK, width=6)
        if one.what == "object":
            _dashed(draw, frame)
        else:
            draw.rectangle(frame, outline=COLOURS[one.what], width=2)
    if point is not None:
        x, y = (round(side * scale) for side in point)
        for reach, colour, wide in ((13, _INK, 6), (12, "#ffffff", 2)):
            draw.line((x - reach, y, x + reach, y), colour, wide)
            draw.line((x, y - reach, x, y + reach), colour, wide)
    for one, (left, top, right, bottom) in zip(boxes, edges, strict=True):
        text = readable(one.label)
        _, above, width, below = (int(side) for side in draw.textbbox((0, 0), text, font=font))
        width, height = width + 8, below - above + 8
        for x, y in ((left, top - height - 3), (left, bottom + 3), (left + 4, top + 4), (right + 4, top),
                     (left - width - 4, top), (left + 4, bottom - height - 4)):  # fmt: skip
            if x < 0 or y < 0 or x + width > picture.width or y + height > picture.height:
                continue
            if not taken[y : y + height, x : x + width].any():
                break
        else:
            x, y = min(max(0, left), picture.width - width), min(max(0, top - height), picture.height - height)
            x, y = max(0, x), max(0, y)
        taken[y : y + height, x : x + width] = True
        ground = COLOURS[one.what]
        draw.rectangle((x, y, x + width - 1, y + height - 1), fill=ground, outline=_INK)
        draw.text((x + 4, y + 4 - above), text, ink(np.array(ImageColor.getrgb(ground), np.uint8)), font)
    return picture


def _dashed(draw: ImageDraw.ImageDraw, frame: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = frame
    for begin in range(left, right, 2 * _DASH):
        for y in (top, bottom):
            draw.line((begin, y, min(begin + _DASH, right), y), COLOURS["object"], 2)
    for begin in range(top, bottom, 2 * _DASH):
        for x in (left, right):
            draw.line((x, begin, x, min(begin + _DASH, bottom)), COLOURS["object"], 2)
