"""Boxes drawn on their picture: thin frames, a label each where there is room, and below which colour is what.

The colours are those of Okabe and Ito (2008), "Color Universal Design", which eyes that confuse red and green tell
apart; each frame has a dark rim, so that it stands out on any ground.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from striate.metrics.probability import Bools, Floats, Ints
from striate.render.colours import ink
from striate.words import readable

COLOURS: Final = ("#d55e00", "#56b4e9", "#f0e442", "#009e73", "#cc79a7", "#0072b2", "#e69f00")
LARGE: Final = 800  # pixels: a smaller picture is drawn by a whole number of times larger, up to 4
_INK, _PAPER = "#181818", "#ffffff"


def draw_boxes(image: Image.Image, names: Sequence[str], boxes: Floats, kinds: Ints, scores: Floats) -> Image.Image:
    """Return a picture with boxes (D, 4), in its pixels, the surest first, and below it a line of what is drawn.

    It is larger by a whole number where the picture is small. Labels are left out where others stand already.
    """
    scale = max(1, min(4, LARGE // max(image.size)))
    picture = image.convert("RGB").resize([side * scale for side in image.size], Image.Resampling.BICUBIC)
    line = max(1, round(min(picture.size) / 350))
    font = ImageFont.load_default(max(11, min(28, round(min(picture.size) / 36))))
    draw = ImageDraw.Draw(picture)
    frames = [[round(side) for side in box] for box in (boxes * scale).tolist()]
    for (left, top, right, bottom), kind in reversed(list(zip(frames, kinds.tolist(), strict=True))):
        inner = (left, top, max(left, right - 1), max(top, bottom - 1))
        outer = (inner[0] - 1, inner[1] - 1, inner[2] + 1, inner[3] + 1)
        draw.rectangle(outer, outline=_INK, width=line + 2)
        draw.rectangle(inner, outline=colour(kind), width=line)
    taken = np.zeros((picture.height, picture.width), bool)
    for number, (frame, kind, score) in enumerate(zip(frames, kinds.tolist(), scores.tolist(), strict=True), 1):
        _label(draw, taken, frame, (f"{number} {readable(names[kind])} {score:.2f}", str(number)), colour(kind), font)
    return _with_legend(picture, names, kinds)


def colour(kind: int) -> str:
    """Return the colour of a class by its number: seven, then lighter ones, then darker ones.

    Example: ``colour(0)`` is ``"#d55e00"``.
    """
    turn, place = divmod(kind, len(COLOURS))
    ground, share = ((255, 0.0), (255, 0.5), (0, 0.4))[turn % 3]
    parts = [int(COLOURS[place][at : at + 2], 16) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(part + (ground - part) * share):02x}" for part in parts)


def _label(
    draw: ImageDraw.ImageDraw,
    taken: Bools,
    frame: Sequence[int],
    words: tuple[str, str],
    ground: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """Write the first of ``words`` that finds room above its frame, within it or below it; else nothing."""
    left, top, _, bottom = frame
    tall, wide = taken.shape
    for text in words:
        _, above, width, below = (int(side) for side in draw.textbbox((0, 0), text, font=font))
        width, height = width + 5, below - above + 5
        if width > wide or height > tall:
            continue
        x = min(max(left, 0), wide - width)
        for y in (top - height, top + 1, bottom, bottom - height - 1):
            if y < 0 or y + height > tall or taken[y : y + height, x : x + width].any():
                continue
            draw.rectangle((x, y, x + width - 1, y + height - 1), fill=ground)
            draw.text((x + 2, y + 2 - above), text, ink(np.array(ImageColor.getrgb(ground), np.uint8)), font)
            taken[y : y + height, x : x + width] = True
            return


def _with_legend(picture: Image.Image, names: Sequence[str], kinds: Ints) -> Image.Image:
    """Return the picture with a line below: how many of each class, each beside its colour."""
    many = np.bincount(kinds, minlength=len(names)).tolist()
    font = ImageFont.load_default(14)
    entries = [(colour(kind), f"{count:,} {readable(names[kind])}") for kind, count in enumerate(many) if count]
    entries = entries or [("", "nothing found")]
    places: list[tuple[int, int]] = []
    x, y = 8, 6
    for _, text in entries:
        width = 20 + round(font.getlength(text)) + 16
        if x > 8 and x + width > picture.width:
            x, y = 8, y + 22
        places.append((x, y))
        x += width
    page = Image.new("RGB", (picture.width, picture.height + y + 24), _PAPER)
    page.paste(picture)
    draw = ImageDraw.Draw(page)
    for (ground, text), (x, y) in zip(entries, places, strict=True):
        at = picture.height + y
        if ground:
            draw.rectangle((x, at + 2, x + 12, at + 14), fill=ground, outline=_INK)
        draw.text((x + (18 if ground else 0), at), text, _INK, font)
    return page
