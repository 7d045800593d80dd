"""Answers as one self-contained page, as one PNG, or as text for a terminal. No script, no network, no torch.

The first answer stands open; every other is folded (``<details>``), so that a page answers one question, and the rest
is there for whoever asks.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from striate.render.answer import Answer, Legend, Pixels, Tile
from striate.render.colours import paint
from striate.render.html.environment import html
from striate.render.pictures import data_uri
from striate.words import figure

SOFTWARE = "striate look"  # by which a file is known to be one of ours
_RAMP = "@%#*+=-:. "  # dark to light
_COLUMNS = 64
_INK, _QUIET, _PAPER = (24, 24, 24), (90, 96, 104), (255, 255, 255)


def is_ours(data: bytes) -> bool:
    """Return whether the bytes of a file are a page or a sheet that was drawn here."""
    return f'content="{SOFTWARE}"'.encode() in data[:4096] or (
        data.startswith(b"\x89PNG") and f"Software\0{SOFTWARE}".encode() in data[:4096]
    )


def page(title: str, quiet: str, answers: Sequence[Answer], *, opened: int = 0) -> str:
    """Return answers as a page of HTML: the first open, the others folded; ``quiet`` says what it was made from.

    So many of the others as ``opened`` says stand open too, where the first is but a list of them.
    """
    first, *rest = answers
    made = html(
        "answers/page.html",
        maker=SOFTWARE,
        title=title,
        quiet=quiet,
        first=first,
        rest=rest,
        opened=opened,
        source=tile_source,
        moving=tile_moving,
        scale=legend_words,
        gradient=legend_gradient,
        figure=figure,
    )
    return str(made)


def tile_source(tile: Tile) -> str:
    """Return the pixels of a tile as the address of a picture that is all in it."""
    image = Image.fromarray(tile.pixels)
    if tile.smooth and image.width > 2 * tile.shown:
        image.thumbnail((2 * tile.shown, 4 * tile.shown), Image.Resampling.LANCZOS)
    kind, options = ("JPEG", {"quality": 85}) if tile.smooth else ("PNG", {"optimize": True})
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return data_uri(buffer.getvalue(), kind.lower())


def tile_moving(tile: Tile) -> str:
    """Return what moves of a tile as the address of a picture that is all in it; "" where nothing does."""
    return "" if tile.moving is None else data_uri(tile.moving, "gif")


def legend_gradient(legend: Legend) -> str:
    """Return the colours of a legend as CSS has them, from low to high."""
    return ",".join("rgb({} {} {})".format(*map(int, colour)) for colour in _bar(legend, 11))


def legend_words(legend: Legend) -> str:
    """Return in words what the colours of a legend stand for."""
    ends = ("blue", "red") if legend.low < 0 else ("dark blue", "light yellow")
    return f"{legend.unit}, from {figure(legend.low)} ({ends[0]}) to {figure(legend.high)} ({ends[1]})"


def _bar(legend: Legend, steps: int) -> Pixels:
    return paint(np.linspace(legend.low, legend.high, steps), low=legend.low, high=legend.high)


def as_png(answer: Answer, quiet: str = "") -> bytes:
    """Return one answer as a sheet: its question, its pictures in rows with captions and legends, and its sentences."""
    width, margin, gap = 1000, 24, 12
    fonts = {size: ImageFont.load_default(size) for size in (13, 16, 24)}
    parts: list[tuple[int, int, Image.Image | tuple[str, int, tuple[int, int, int]]]] = []
    y = margin

    def write(text: str, size: int, colour: tuple[int, int, int] = _INK, x: int = margin, wide: int = 0) -> None:
        nonlocal y
        for line in _wrapped(text, fonts[size], wide or width - 2 * margin):
            parts.append((x, y, (line, size, colour)))
            y += round(size * 1.4)

    write(answer.question, 24)
    write(answer.said, 16)
    for told in (answer.caution, answer.lead):
        if told:
            write(told, 13)
    for note in answer.notes:
        write(note, 13)
    for row in answer.rows:
        y += gap
        if row.heading:
            write(row.heading, 16)
        if row.legend:
            bar = np.broadcast_to(_bar(row.legend, 240), (12, 240, 3))
            parts.append((margin, y + 2, Image.fromarray(np.ascontiguousarray(bar))))
            write(legend_words(row.legend), 13, _QUIET, margin + 252, width - 2 * margin - 252)
            y += gap
        x, lowest = margin, y
        for tile in row.tiles:
            shown = min(tile.shown, width - 2 * margin)
            if x + shown > width - margin:
                x, y = margin, lowest + gap
            image = Image.fromarray(tile.pixels)
            size = (shown, max(1, round(image.height * shown / image.width)))
            resample = Image.Resampling.LANCZOS if tile.smooth else Image.Resampling.NEAREST
            parts.append((x, y, image.resize(size, resample)))
            top, y = y, y + size[1] + 4
            write(tile.caption, 13, _QUIET, x, shown)
            lowest, y, x = max(lowest, y), top, x + shown + gap
        y = lowest
        for note in row.notes:
            write(note, 13, _QUIET)
    y += gap
    for label, text in (("It shows: ", answer.shows), ("It does not show: ", answer.hides), ("", quiet)):
        if text:
            write(label + text, 13, _QUIET)
    board = Image.new("RGB", (width, y + margin), _PAPER)
    draw = ImageDraw.Draw(board)
    for left, top, part in parts:
        if isinstance(part, Image.Image):
            board.paste(part, (left, top))
        else:
            draw.text((left, top), part[0], part[2], fonts[part[1]])
    facts = PngImagePlugin.PngInfo()
    facts.add_text("Software", SOFTWARE)
    facts.add_itxt("Description", f"{answer.question} {answer.said}")
    buffer = io.BytesIO()
    board.save(buffer, "PNG", pnginfo=facts, optimize=True)
    return buffer.getvalue()


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def as_text(answers: Sequence[Answer], *, columns: int = _COLUMNS) -> str:
    """Return the first answer as text for a terminal, the others in a sentence.

    Pictures come in characters: the lighter a pixel, the lighter its character on white paper.
    """
    lines: list[str] = []
    for answer in answers[:1]:
        lines += [answer.question, answer.said, *filter(None, (answer.caution, answer.lead)), *answer.notes]
        for row in answer.rows:
            lines += [line for line in ("", row.heading) if line or row.heading]
            if row.legend:
                lines.append(f"{legend_words(row.legend)}: darkest {_RAMP[0]!r}, lightest {_RAMP[-1]!r}")
            for tile in row.tiles:
                lines += [tile.caption or tile.alt, *characters(tile.pixels, columns=columns), ""]
            lines += row.notes
        if answer.table:
            lines += ["  ".join(cells) for cells in (answer.table.heads, *answer.table.rows)]
        lines += [f"It shows: {answer.shows}"] * bool(answer.shows)
        lines += [f"It does not show: {answer.hides}"] * bool(answer.hides)
        lines.append("")
    lines += [f"{answer.question} {answer.said}" for answer in answers[1:]]
    return "\n".join(lines).rstrip() + "\n"


def characters(pixels: Pixels, *, columns: int = _COLUMNS) -> list[str]:
    """Return a picture as lines of characters, two characters a pixel where it fits, so that squares stay square."""
    height, width = pixels.shape[:2]
    wide = min(columns, 2 * width)
    tall = max(1, round(height * wide / width / 2))
    gray = Image.fromarray(pixels).convert("L").resize((wide, tall), Image.Resampling.BOX)
    values = np.asarray(gray, np.float64) / 255
    return ["".join(_RAMP[min(9, int(10 * value))] for value in line).rstrip() for line in values]
