"""A window passing over a map, as one PNG: its steps beside each other."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from striate.interpret.arithmetic.walk import Walk
from striate.render.svg.walk_svg import SOFTWARE, legend

MOST_FRAMES = 16
_SIDE, _GAP, _LINE, _WIDE = 18, 22, 20, 1200
_INK, _QUIET, _PAPER = (28, 31, 35), (93, 100, 109), (253, 253, 251)
_LINES, _PIXEL, _OVER, _MADE, _LOST = (154, 161, 170), (169, 200, 245), (29, 79, 163), (159, 216, 194), (192, 57, 43)


def strip(walk: Walk, words: list[str]) -> bytes:
    """Return the steps of a walk, at most `MOST_FRAMES` of them evenly chosen, as the bytes of a PNG."""
    count = min(walk.steps, MOST_FRAMES)
    chosen = [round(index * (walk.steps - 1) / max(1, count - 1)) for index in range(count)]
    frames = [_frame(walk, step) for step in chosen]
    many = max(1, min(len(frames), _WIDE // (frames[0].width + _GAP)))
    rows = -(-len(frames) // many)
    font = ImageFont.load_default(14)
    said = [*words, legend(walk)] if legend(walk) else words
    wide = max(many * (frames[0].width + _GAP) + _GAP, round(max(font.getlength(line) for line in said)) + 2 * _GAP)
    page = Image.new("RGB", (wide, rows * (frames[0].height + _GAP) + _GAP + _LINE * len(said) + 10), _PAPER)
    for index, frame in enumerate(frames):
        row, column = divmod(index, many)
        page.paste(frame, (_GAP + column * (frame.width + _GAP), _GAP + row * (frame.height + _GAP)))
    draw = ImageDraw.Draw(page)
    for index, line in enumerate(said):
        draw.text((_GAP, rows * (frames[0].height + _GAP) + _GAP + index * _LINE), line, _INK, font)
    facts = PngImagePlugin.PngInfo()
    facts.add_text("Software", SOFTWARE)
    facts.add_itxt("Description", " ".join(said))
    buffer = io.BytesIO()
    page.save(buffer, "PNG", pnginfo=facts)
    return buffer.getvalue()


def is_ours(data: bytes) -> bool:
    """Return whether the bytes of a file are a strip that was drawn here."""
    return data.startswith(b"\x89PNG") and f"Software\0{SOFTWARE}".encode() in data[:4096]


def _frame(walk: Walk, step: int) -> Image.Image:
    tall, wide = len(walk.height.slots), len(walk.width.slots)
    right = wide * _SIDE + 16
    size = right + walk.width.outputs * _SIDE + 3, max(tall, walk.height.outputs) * _SIDE + _LINE + 3
    image = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(image)
    row, column = divmod(step, walk.width.outputs)
    rows, columns, lost = set(walk.height.under(row)), set(walk.width.under(column)), set(walk.unseen)
    for y, pixel_row in enumerate(walk.height.slots):
        for x, pixel_column in enumerate(walk.width.slots):
            zero = pixel_row is None or pixel_column is None
            cell = (1 + x * _SIDE, 1 + y * _SIDE, 1 + (x + 1) * _SIDE, 1 + (y + 1) * _SIDE)
            draw.rectangle(cell, fill=_PAPER if zero else _PIXEL, outline=_LINES)
            if zero:
                draw.point((cell[0] + _SIDE // 2, cell[1] + _SIDE // 2), _QUIET)
            elif (pixel_row, pixel_column) in lost:
                draw.line((cell[0] + 4, cell[1] + 4, cell[2] - 4, cell[3] - 4), _LOST, 2)
                draw.line((cell[2] - 4, cell[1] + 4, cell[0] + 4, cell[3] - 4), _LOST, 2)
    for y in sorted(rows):
        for x in sorted(columns):
            draw.rectangle(
                (1 + x * _SIDE, 1 + y * _SIDE, 1 + (x + 1) * _SIDE, 1 + (y + 1) * _SIDE), outline=_OVER, width=2
            )
    for at in range(walk.steps):
        y, x = divmod(at, walk.width.outputs)
        cell = (right + x * _SIDE, 1 + y * _SIDE, right + (x + 1) * _SIDE, 1 + (y + 1) * _SIDE)
        draw.rectangle(cell, fill=_MADE if at <= step else _PAPER, outline=_LINES)
    y, x = row, column
    draw.rectangle(
        (right + x * _SIDE, 1 + y * _SIDE, right + (x + 1) * _SIDE, 1 + (y + 1) * _SIDE), outline=_OVER, width=2
    )
    draw.text((0, size[1] - _LINE), f"step {step + 1}", _QUIET, ImageFont.load_default(12))
    return image
