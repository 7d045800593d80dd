"""Pictures of what a network sees, as pixels: maps in colours, frames on a picture, influence over it. No torch."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from striate.render.answer import Pixels, Tile
from striate.render.colours import paint

WIDE = 448  # pixels: how wide a picture is drawn that frames are drawn on
_SMALL = 96  # pixels a side, up to which a picture is shown with its pixels visible
_INK, _PAPER = (20, 20, 20), (255, 255, 255)


def as_rgb(pixels: NDArray[np.uint8]) -> Pixels:
    """Return (H, W, 1 or 3) pixels with three channels."""
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels


def large(pixels: NDArray[np.uint8], width: int = WIDE) -> tuple[Pixels, float]:
    """Return a picture scaled to about ``width``, and by how much: small ones by a whole factor, pixels visible."""
    rgb = as_rgb(pixels)
    longest = max(rgb.shape[:2])
    if longest <= _SMALL:
        factor = max(1, width // longest)
        return rgb.repeat(factor, axis=0).repeat(factor, axis=1), float(factor)
    scale = width / longest
    size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC)), scale


def framed(
    pixels: NDArray[np.uint8], boxes: Sequence[tuple[float, float, float, float]], labels: Sequence[str] = ()
) -> Pixels:
    """Return a picture with boxes (top, left, bottom, right; in its pixels) framed in black and white, with labels."""
    shown, scale = large(pixels)
    image = Image.fromarray(shown.copy())
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(13)
    for index, (top, left, bottom, right) in enumerate(boxes):
        edge = [
            left * scale,
            top * scale,
            max(left * scale + 2, right * scale - 1),
            max(top * scale + 2, bottom * scale - 1),
        ]
        draw.rectangle(edge, outline=_INK, width=4)
        draw.rectangle([edge[0] + 1, edge[1] + 1, edge[2] - 1, edge[3] - 1], outline=_PAPER, width=2)
        if index < len(labels):
            text = labels[index]
            wide = font.getlength(text) + 8
            x = min(max(0.0, edge[0]), image.width - wide)
            y = min(max(0.0, edge[1]), image.height - 18.0)
            draw.rectangle([x, y, x + wide, y + 17], fill=_INK)
            draw.text((x + 4, y + 1), text, _PAPER, font)
    return np.asarray(image)


def over(
    pixels: NDArray[np.uint8],
    values: NDArray[np.floating],
    *,
    high: float,
    low: float = 0.0,
    opacity: float = 0.6,
    crossed: bool = False,
) -> Pixels:
    """Return a picture, gray, with values (H, W) from ``low`` to ``high`` over it in colours; crossed out if said."""
    gray = as_rgb(pixels).astype(np.float64).mean(2, keepdims=True).repeat(3, axis=2)
    mixed = (1 - opacity) * gray + opacity * paint(np.asarray(values, np.float64), low=low, high=high)
    image = Image.fromarray(np.round(mixed).astype(np.uint8))
    if crossed:
        draw, (wide, tall) = ImageDraw.Draw(image), image.size
        for ends in ((0, 0, wide, tall), (0, tall, wide, 0)):
            draw.line(ends, _INK, max(3, wide // 60))
            draw.line(ends, _PAPER, max(1, wide // 150))
    return np.asarray(image)


def enlarged(values: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.floating]:
    """Return a map at a picture's drawn size (height, width), each value a block of pixels."""
    rows = np.arange(size[0]) * values.shape[0] // size[0]
    columns = np.arange(size[1]) * values.shape[1] // size[1]
    scaled: NDArray[np.floating] = values[rows][:, columns]
    return scaled


def cut(pixels: NDArray[np.uint8], box: tuple[float, float, float, float]) -> Pixels:
    """Return the part of a picture within a box of whole pixels."""
    top, left, bottom, right = (int(side) for side in box)
    return as_rgb(pixels)[max(0, top) : max(top + 1, bottom), max(0, left) : max(left + 1, right)]


def map_tile(
    values: NDArray[np.floating], *, low: float, high: float, caption: str, alt: str, shown: int = 132
) -> Tile:
    """Return a map (H, W) in colours from ``low`` to ``high`` as a tile, a pixel a place; of a large one, means."""
    squares = max(1, max(values.shape) // shown)
    if squares > 1:
        rows, columns = (side // squares * squares for side in values.shape)
        values = values[:rows, :columns].reshape(rows // squares, squares, -1, squares).mean((1, 3))
    return Tile(paint(np.asarray(values, np.float64), low=low, high=high), caption, alt, shown)


def picture_tile(pixels: NDArray[np.uint8], *, caption: str, alt: str, shown: int = WIDE) -> Tile:
    """Return a picture as a tile."""
    return Tile(as_rgb(pixels), caption, alt, shown, smooth=max(pixels.shape[:2]) > _SMALL)


def scale_of(low: float, high: float) -> tuple[float, float]:
    """Return the ends of a scale for these values: from 0 where none is negative, else as far either way from 0."""
    if low >= 0:
        return 0.0, high if high > 0 else 1.0
    reach = max(-low, high)
    return -reach, reach


def sheet(weights: NDArray[np.floating], bound: float | None = None, *, side: int = 36) -> Pixels:
    """Return filters (N, 1 or 3, H, W) side by side: colours or gray on one scale, where middle gray is zero.

    Filters of more channels are shown by their mean over the channels.
    """
    seen = weights if weights.shape[1] in (1, 3) else weights.mean(1, keepdims=True)
    reach = bound or float(np.abs(seen).max()) or 1.0
    shown = np.clip(127.5 + 127.5 * seen / reach, 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    factor = max(1, side // max(shown.shape[1:3]))
    across = min(len(shown), 12)
    tall, wide = shown.shape[1] * factor + 3, shown.shape[2] * factor + 3
    board = np.full((-(-len(shown) // across) * tall + 3, across * wide + 3, 3), 255, np.uint8)
    for index, one in enumerate(shown):
        row, column = divmod(index, across)
        place = slice(row * tall + 3, (row + 1) * tall), slice(column * wide + 3, (column + 1) * wide)
        board[place] = as_rgb(one).repeat(factor, axis=0).repeat(factor, axis=1)
    return board


def map_sheet(maps: NDArray[np.floating], *, low: float, high: float, side: int = 120, across: int = 4) -> Pixels:
    """Return maps (n, H, W) side by side in colours from ``low`` to ``high``, each about ``side`` pixels wide."""
    factor = max(1, side // max(maps.shape[1:]))
    tall, wide = maps.shape[1] * factor + 4, maps.shape[2] * factor + 4
    board = np.full((-(-len(maps) // across) * tall, min(across, len(maps)) * wide, 3), 255, np.uint8)
    for index, one in enumerate(paint(np.asarray(maps, np.float64), low=low, high=high)):
        top, left = (index // across) * tall, (index % across) * wide
        board[top : top + tall - 4, left : left + wide - 4] = one.repeat(factor, axis=0).repeat(factor, axis=1)
    return board


def moving(frames: Sequence[Pixels], *, milliseconds: int = 350, labels: Sequence[str] = ()) -> bytes:
    """Return pictures of one size, one after the other and then again, as the bytes of a GIF; the last stays longer."""
    images = []
    for index, frame in enumerate(frames):
        text = labels[index] if index < len(labels) else ""
        image = Image.new("RGB", (frame.shape[1], frame.shape[0] + (20 if text else 0)), _PAPER)
        image.paste(Image.fromarray(frame))
        if text:
            ImageDraw.Draw(image).text((4, frame.shape[0] + 2), text, _INK, ImageFont.load_default(13))
        images.append(image.quantize(128, Image.Quantize.MAXCOVERAGE))  # few pixels have the label's ink
    durations = [milliseconds] * (len(images) - 1) + [5 * milliseconds]
    buffer = io.BytesIO()
    images[0].save(buffer, "GIF", save_all=True, append_images=images[1:], duration=durations, loop=0)
    return buffer.getvalue()
