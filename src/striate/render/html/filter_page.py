"""What does this filter do to my picture? Before, after, the filter's numbers, and the window passing over it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from striate.interpret.arithmetic.contributions import number
from striate.interpret.arithmetic.filters import Filtered, apply
from striate.interpret.arithmetic.walk import walk
from striate.render.answer import Answer, Legend, Pixels, Row, Tile
from striate.render.colours import ink, paint
from striate.render.html.environment import html
from striate.render.svg.walk_svg import Grid, player, svg
from striate.spec.values import as_pair
from striate.spec.window import Slide
from striate.words import counted

if TYPE_CHECKING:
    from markupsafe import Markup

SMALL = 16  # pixels a side, up to which a picture is shown in numbers
_AROUND = 9  # pixels a side of the piece of a larger picture that the window is shown passing over
_READ = 7  # numbers a side, up to which a filter is shown in numbers; beyond, in colours
_SECONDS = 1.2  # a step
_SHOWN = 460  # pixels: how wide before and after are drawn
_CHANNELS = ("red", "green", "blue")


def said(found: Filtered) -> str:
    """Return the answer in a sentence."""
    height, width, channels = found.values.shape
    rows, columns = found.filter.size
    each = " in each channel" if channels > 1 else ""
    return (
        f"{found.filter.name} ({rows}x{columns}) {found.filter.says}. "
        f"Of {found.picture.shape[0]}x{found.picture.shape[1]} pixels it makes {height}x{width}{each}: "
        f"from {number(float(found.values.min()))} to {number(float(found.values.max()))}."
    )


def answer(found: Filtered, name: str) -> Answer:
    """Return the answer, ready for a page, a sheet or a terminal."""
    as_picture = found.filter.keeps_scale
    small = _small(found)
    before = Tile(_shown(found, found.picture), f"{name}, before", f"the picture {name}", _SHOWN, not small)
    tiles, legend = _after(found, as_picture=as_picture)
    row, column, channel = found.strongest()
    hides = "Whether a network would use such a filter: a network's own are learnt."
    if not as_picture:
        hides = "What it is an edge of: the filter sees no more than its window. " + hides
    summed = "the window's pixels times the filter's numbers, added up"
    if len(found.filter.kernels) > 1:
        summed += "; of its two grids the root of the sum of their squares"
    return Answer(
        f"What does {found.filter.name} do to {name}?",
        said(found),
        (Row((before, *tiles), legend=legend), *_coloured(found)),
        shows=(
            f"Every pixel on the right is {summed}. Furthest from 0 is "
            f"{number(float(found.values[row, column, channel]))} at row {row}, column {column}."
        ),
        hides=hides,
        drawn=(_kernels(found),),
    )


def moving(found: Filtered) -> Markup:
    """Return the window passing over the picture as HTML, or over a piece of it around its strongest place."""
    if max(found.filter.size) > _READ:
        return html("answers/passing.html", most=_READ, players=[])
    piece, top, left, channel = _piece(found)
    whole = piece.shape == found.picture.shape[:2]
    players = []
    for grid in found.filter.kernels:
        made = apply(
            replace(found.filter, kernels=(grid,)),
            piece,
            stride=as_pair(found.conv.stride)[0],
            padding=found.conv.padding if whole else 0,
        )
        steps = walk(made.conv, *piece.shape)
        alt = (
            f"{found.filter.name} passing over {piece.shape[0]}x{piece.shape[1]} pixels in"
            f" {counted(steps.steps, 'step')}"
        )
        drawn = svg(steps, alt=alt, values=piece, weights=grid, outputs=made.values[..., 0], seconds=_SECONDS)
        players.append(player(drawn, steps.steps, _SECONDS))
    ends = f"rows {top} to {top + piece.shape[0] - 1} and columns {left} to {left + piece.shape[1] - 1}"
    return html(
        "answers/passing.html",
        most=_READ,
        where="the pixels" if whole else f"{ends}, where the answer is strongest",
        colour=_CHANNELS[channel] if found.picture.shape[2] == 3 else "",
        players=players,
    )


def _piece(found: Filtered) -> tuple[Grid, int, int, int]:
    """Return the pixels (H, W) that the window is shown passing over, where they begin, and their channel."""
    *place, channel = found.strongest()
    picture = found.picture[..., channel]
    if max(picture.shape) <= _AROUND + 3:
        return picture, 0, 0, channel
    befores = [window.before for window in found.conv.windows if isinstance(window, Slide)]
    pairs = (as_pair(found.conv.stride), befores, found.filter.size)
    begins, sides = [], []
    for at, stride, padding, kernel, long in zip(place, *pairs, picture.shape, strict=True):
        side = min(long, max(_AROUND, kernel + 2))
        begins.append(min(max(0, at * stride - padding - (side - kernel) // 2), long - side))
        sides.append(side)
    top, left = begins
    return picture[top : top + sides[0], left : left + sides[1]], top, left, channel


def _small(found: Filtered) -> bool:
    return bool(max(found.picture.shape[:2]) <= SMALL)


def _after(found: Filtered, *, as_picture: bool) -> tuple[tuple[Tile, ...], Legend | None]:
    """Return what came of it, a pixel as large as before."""
    small, after = _small(found), f"after {found.filter.name}"
    wide = max(1 if small else 160, round(_SHOWN * found.values.shape[1] / found.picture.shape[1]))
    if as_picture:
        return (Tile(_shown(found, found.values), after, f"the picture {after}", wide, not small),), None
    high = float(np.abs(found.values).max(initial=0)) or 1.0
    low = -high if bool((found.values < 0).any()) else 0.0
    tiles = []
    for channel in range(found.values.shape[2]):
        values = found.values[..., channel]
        caption = after + (f", {_CHANNELS[channel]}" if found.values.shape[2] == 3 else "")
        colours = paint(values, low=low, high=high)
        pixels = _numbered(colours, values, _cell(found)) if small else colours
        alt = f"{caption}: values from {number(float(values.min()))} to {number(float(values.max()))}"
        tiles.append(Tile(pixels, caption, alt, wide))
    return tuple(tiles), Legend(low, high, "what the filter answers")


def _shown(found: Filtered, values: NDArray[Any]) -> Pixels:
    """Return pixel values (H, W, C) as a picture, clipped to 0..255; small ones with their numbers in them."""
    high = 255.0 if float(found.picture.max(initial=0)) > 1 else 1.0  # a picture in text may go from 0 to 1
    gray = np.clip(np.rint(values / high * 255), 0, 255).astype(np.uint8)
    rgb = np.repeat(gray, 3, axis=2) if gray.shape[2] == 1 else gray
    return _numbered(rgb, values[..., 0], _cell(found)) if _small(found) and values.shape[2] == 1 else rgb


def _cell(found: Filtered) -> int:
    """Return how many pixels of the drawing a side of a small picture's pixel is."""
    return max(24, _SHOWN // int(found.picture.shape[1]))


def _numbered(colours: Pixels, values: NDArray[Any], side: int) -> Pixels:
    """Return cells with their numbers written in them."""
    height, width = values.shape
    image = Image.new("RGB", (width * side, height * side))
    draw = ImageDraw.Draw(image)
    texts = [number(float(value)) for value in values.flat]
    font = ImageFont.load_default(min(15, max(8, int(side * 1.5 / max(1, *map(len, texts))))))
    for at, text in enumerate(texts):
        y, x = divmod(at, width)
        colour = colours[y, x]
        draw.rectangle((x * side, y * side, (x + 1) * side, (y + 1) * side), tuple(map(int, colour)), (128, 128, 128))
        draw.text((x * side + side / 2, y * side + side / 2), text, ink(colour), font, "mm")
    return np.asarray(image)


def _coloured(found: Filtered) -> tuple[Row, ...]:
    """Return a filter that is too large to be read as numbers as a picture."""
    if max(found.filter.size) <= _READ:
        return ()
    high = max(float(np.abs(grid).max()) for grid in found.filter.kernels) or 1.0
    low = -high if any(bool((grid < 0).any()) for grid in found.filter.kernels) else 0.0
    rows, columns = found.filter.size
    alt = f"the filter's {rows}x{columns} numbers in colours"
    tiles = tuple(Tile(paint(grid, low=low, high=high), f"{rows}x{columns}", alt, 200) for grid in found.filter.kernels)
    return (Row(tiles, "The filter's numbers", Legend(low, high, "what a pixel is multiplied with")),)


def _kernels(found: Filtered) -> Markup:
    return html(
        "answers/kernels.html",
        grids=[
            None if max(grid.shape) > _READ else [[number(float(value)) for value in row] for row in grid]
            for grid in found.filter.kernels
        ],
        ranges=[(grid.shape, number(float(grid.min())), number(float(grid.max()))) for grid in found.filter.kernels],
        conv=str(found.conv),
        formula="; ".join(dict.fromkeys(found.formula)),
    )


def as_text(found: Filtered) -> str:
    """Return a small picture, the filter and the result as numbers for a terminal, one channel after the other."""
    blocks = []
    for channel in range(found.values.shape[2]):
        before, after = _grid(found.picture[..., channel]), _grid(found.values[..., channel])
        head = f"{_CHANNELS[channel]}\n" if found.values.shape[2] == 3 else ""
        kernels = [line for grid in found.filter.kernels for line in [*_grid(grid), ""]][:-1]
        blocks.append(head + "\n".join(_joined(_joined(before, "*", kernels), "=", after)))
    return "\n\n".join(blocks)


def _joined(left: list[str], sign: str, right: list[str]) -> list[str]:
    """Return two blocks of lines beside each other, both in the middle, with a sign between them."""
    tall = max(len(left), len(right))
    blocks = []
    for block in (left, [sign], right):
        above = (tall - len(block)) // 2
        wide = max(map(len, block))
        blocks.append([line.ljust(wide) for line in [""] * above + block + [""] * (tall - len(block) - above)])
    return ["   ".join(lines).rstrip() for lines in zip(*blocks, strict=True)]


def _grid(values: NDArray[Any]) -> list[str]:
    texts = [[number(float(value)) for value in row] for row in values]
    wide = max(len(text) for row in texts for text in row)
    return [" ".join(text.rjust(wide) for text in row) for row in texts]
