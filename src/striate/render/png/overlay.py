"""A map of scores over its picture, as a PNG: colours with a legend in numbers, and what was asked, in words."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from striate.render.colours import sequential
from striate.tasks.score_map import ScoreMap

WIDTH, HEIGHT = 1200, 900  # pixels: a larger picture is shown smaller
NARROW, LONG = 24, 6000  # pixels: a strip is not shown narrower, as long as it is not longer than that
SOFTWARE = "striate predict --map"  # by which a file is known to be one of ours
_OPACITY = 0.6
_MARGIN, _LINE, _BAR = 16, 22, 14
_INK, _PAPER = (24, 24, 24), (255, 255, 255)


def overlay(answer: ScoreMap, number: int, words: Sequence[str]) -> bytes:
    """Return the picture with the map of class ``number`` over it as the bytes of a PNG, ``words`` beneath it.

    A cell is as large as a stride and lies in the middle of the crop it answers for, so the rim of the picture, half
    a crop wide, has none; where there is one row or column alone, its cells are as long as the crop. The crop of the
    highest score is framed. Of cells that share a pixel of what is drawn, the highest is shown.
    """
    shown = _shown(*answer.pixels.shape[:2])
    picture = Image.fromarray(answer.pixels[..., 0] if answer.pixels.shape[2] == 1 else answer.pixels).convert("RGB")
    picture = picture.resize([max(1, round(side * shown)) for side in picture.size], Image.Resampling.BICUBIC)
    scores, top = answer.probabilities[..., number], legend_end(float(answer.probabilities[..., number].max()))
    table = sequential()
    draw = ImageDraw.Draw(picture)
    drawn = np.full((picture.height, picture.width), -1.0)
    for row, line in enumerate(scores):
        for column, score in enumerate(line):
            left, above, right, below = _cell(answer, row, column, shown)
            place = drawn[above : below + 1, left : right + 1]
            np.maximum(place, score, out=place)
    faded = np.array(picture)
    there = drawn >= 0
    faded[there] = table[np.minimum(255, (255 * drawn[there] / top).astype(np.int64))]
    picture.paste(Image.blend(picture, Image.fromarray(faded), _OPACITY))
    row, column = answer.best(number)
    y, x = row * answer.stride[0] * shown, column * answer.stride[1] * shown
    frame = (x, y, max(x, x + answer.window[1] * shown - 1), max(y, y + answer.window[0] * shown - 1))
    draw.rectangle(frame, outline=_INK, width=5)
    draw.rectangle(frame, outline=_PAPER, width=2)
    return _png(_with_legend(picture, answer.names[number], top, words), " ".join(words))


def _shown(height: int, width: int) -> float:
    """Return how many pixels one pixel is drawn with."""
    shown = min(WIDTH / width, HEIGHT / height, 4.0)
    if min(height, width) * shown < NARROW:
        return max(shown, min(NARROW / min(height, width), LONG / max(height, width), 4.0))
    return shown


def legend_end(highest: float) -> float:
    """Return where the legend ends: the first of 1, 2, 5 tenths or hundredths ... that is no less than ``highest``."""
    ends = (factor * 10.0**power for power in range(-4, 1) for factor in (1, 2, 5))
    return next((end for end in ends if end >= highest), 1.0) if highest <= 0.5 else 1.0


def is_ours(data: bytes) -> bool:
    """Return whether the bytes of a file are a map that `overlay` drew."""
    return data.startswith(b"\x89PNG") and f"Software\0{SOFTWARE}".encode() in data[:4096]


def _cell(answer: ScoreMap, row: int, column: int, shown: float) -> tuple[int, int, int, int]:
    """Where a cell is drawn; the last two inclusive."""
    edges = []
    many = answer.probabilities.shape[1::-1]
    for place, count, stride, window in zip((column, row), many, answer.stride[::-1], answer.window[::-1], strict=True):
        size = stride if count > 1 else window
        start = place * stride + (window - size) / 2
        first = round(start * shown)
        edges.append((first, max(first, round((start + size) * shown) - 1)))
    return edges[0][0], edges[1][0], edges[0][1], edges[1][1]


def _with_legend(picture: Image.Image, name: str, top: float, words: Sequence[str]) -> Image.Image:
    font = ImageFont.load_default(15)
    lines = [f"probability of {name}", *words]
    width = max(picture.width, *(round(font.getlength(line)) for line in lines)) + 2 * _MARGIN
    bar_top = picture.height + _MARGIN + _LINE + 4
    page = Image.new("RGB", (width, bar_top + _BAR + _LINE + 8 + _LINE * len(words) + _MARGIN), _PAPER)
    page.paste(picture, ((width - picture.width) // 2, 0))
    draw = ImageDraw.Draw(page)
    draw.text((_MARGIN, picture.height + _MARGIN), lines[0], _INK, font)
    length = min(420, width - 2 * _MARGIN)
    bar = Image.fromarray(np.broadcast_to(sequential(length), (_BAR, length, 3)).copy())
    page.paste(bar, (_MARGIN, bar_top))
    for part, anchor in ((0.0, "la"), (0.5, "ma"), (1.0, "ra")):
        draw.text((_MARGIN + part * (length - 1), bar_top + _BAR + 2), f"{part * top:g}", _INK, font, anchor)
    for index, line in enumerate(words):
        draw.text((_MARGIN, bar_top + _BAR + _LINE + 8 + index * _LINE), line, _INK, font)
    return page


def _png(image: Image.Image, description: str) -> bytes:
    facts = PngImagePlugin.PngInfo()
    facts.add_text("Software", SOFTWARE)
    facts.add_itxt("Description", description)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=facts)
    return buffer.getvalue()
