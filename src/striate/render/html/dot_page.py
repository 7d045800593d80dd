"""How is this one number made? The answer as a page: the window framed in the picture, every product, the sum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from striate.interpret.arithmetic.contributions import number
from striate.interpret.arithmetic.dot import Dot
from striate.render.answer import Answer, Row, Tile
from striate.render.colours import hexadecimal, ink, paint
from striate.render.dot_blocks import Grid, blocks
from striate.render.html.environment import html
from striate.render.png.drawn import framed
from striate.render.text.dot_text import agrees, heading, looks, notes

_SHOWN = 448


def answer(found: Dot, name: str) -> Answer:
    """Return the answer, ready for `look_page.page`."""
    box = found.seen.box
    edges = (float(box.top), float(box.left), float(box.bottom), float(box.right))
    picture = framed(found.probe.pixels, [edges], [found.made.part])
    shown = looks(found)
    tile = Tile(picture, shown, f"{name} with the window of this number framed: {shown}", _SHOWN)
    said = tuple(f"{note[0].upper()}{note[1:]}." for note in notes(found))
    return Answer(
        "How is this one number made?",
        heading(found),
        (Row((tile,)),),
        shows="What went into the number, what each of it gave, and that the sum is what the network computed.",
        hides="Why the weights are what they are: they were trained. And one number decides little: thousands go on.",
        notes=said,
        drawn=(
            html(
                "answers/dot.html",
                blocks=blocks(found),
                made=[(one, agrees(one)) for one in (found.made, *found.then)],
                cells=_cells,
                number=number,
            ),
        ),
    )


@dataclass(frozen=True)
class Cell:
    """A cell of a grid: what stands in it, its colours (background, ink), whether it won, whether it is padding."""

    words: str
    colours: tuple[str, str] | None
    marked: bool
    quiet: bool


def _cells(grid: Grid) -> list[list[Cell]]:
    """Return the cells of a grid, row by row, coloured by their values where it has any."""
    return [
        [Cell(words, _colours(grid, y, x), (y, x) in grid.marked, (y, x) in grid.quiet) for x, words in enumerate(row)]
        for y, row in enumerate(grid.cells)
    ]


def _colours(grid: Grid, y: int, x: int) -> tuple[str, str] | None:
    if grid.values is None or grid.high <= 0 or (y, x) in grid.quiet:
        return None
    colour = paint(np.array(grid.values[y, x]), low=-grid.high, high=grid.high)
    return hexadecimal(colour), ink(colour)
