"""How is this one number made? The answer as a page: the window framed in the picture, every product, the sum."""

from __future__ import annotations

from html import escape

import numpy as np

from striate.interpret.arithmetic.contributions import number
from striate.interpret.arithmetic.dot import Dot, Made
from striate.render.answer import Answer, Row, Tile
from striate.render.colours import hexadecimal, ink, paint
from striate.render.dot_blocks import Block, Grid, blocks
from striate.render.html.tables import scrolling
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
    made = [found.made, *found.then]
    return Answer(
        "How is this one number made?",
        heading(found),
        (Row((tile,)),),
        shows="What went into the number, what each of it gave, and that the sum is what the network computed.",
        hides="Why the weights are what they are: they were trained. And one number decides little: thousands go on.",
        notes=said,
        html="".join(_block(block) for block in blocks(found)) + "<h2>The number</h2>" + "".join(map(_made, made)),
    )


def _made(made: Made) -> str:
    return (
        f'<h3>{escape(made.part)} <span class="quiet">{escape(made.layer)}</span></h3>'
        f"<p>{escape(made.contributions.rule)}:</p>"
        f'<pre style="white-space:pre-wrap">{escape(made.contributions.formula)}</pre>'
        f'<p class="quiet">{escape(agrees(made))}</p>'
    )


def _block(block: Block) -> str:
    grids = "".join(scrolling(_grid(grid), label=grid.label or "the numbers") for grid in block.grids)
    after = f'<p class="quiet">{escape(block.after)}</p>' if block.after else ""
    return f'<h3>{escape(block.title)}</h3><div class="numbers">{grids}</div>{after}'


def _grid(grid: Grid) -> str:
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in grid.heads)
    head = f"<thead><tr>{heads}</tr></thead>" if heads else ""
    rows = []
    for y, row in enumerate(grid.cells):
        cells = []
        for x, cell in enumerate(row):
            style = ""
            if grid.values is not None and grid.high > 0 and (y, x) not in grid.quiet:
                colour = paint(np.array(grid.values[y, x]), low=-grid.high, high=grid.high)
                style = f"background:{hexadecimal(colour)};color:{ink(colour)};"
            style += (
                "outline:3px solid var(--ink);outline-offset:-3px;font-weight:700;" if (y, x) in grid.marked else ""
            )
            style += "color:var(--quiet);font-style:italic;" if (y, x) in grid.quiet else ""
            tag = f' style="{style}"' if style else ""
            cells.append(f"<td{tag}>{escape(cell)}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    caption = ""
    if grid.label:
        span = f", from {number(-grid.high)} (blue) to {number(grid.high)} (red)" if grid.high else ""
        caption = f'<caption style="text-align:left" class="quiet">{escape(grid.label + span)}</caption>'
    return f"<table>{caption}{head}<tbody>{''.join(rows)}</tbody></table>"
