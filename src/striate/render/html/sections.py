"""Sections that a task gives as values (`striate.tasks.sections`) as HTML: every part drawn, every word escaped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from striate.render import pictures
from striate.render.html.facts import Section as Drawn
from striate.render.html.tables import named, plain, scrolling
from striate.render.svg import plots
from striate.tasks.sections import Bars, Cell, Figure, Matrix, Part, Points, Section, Table, Text, Tiles


def drawn(section: Section, *, pixels: np.ndarray, rows: np.ndarray, keys: Sequence[str]) -> Drawn:
    """Return a section with its answer as HTML.

    ``pixels`` (M, H, W, C) uint8 is a whole store, ``rows`` (N,) where in it the evaluated pictures are, and ``keys``
    (N,) what they are called.
    """
    body = "".join(part_html(part, pixels=pixels, rows=rows, keys=keys) for part in section.parts)
    return Drawn(section.title, body, half=section.half, anchor=section.anchor)


def part_html(part: Part, *, pixels: np.ndarray, rows: np.ndarray, keys: Sequence[str]) -> str:
    """Return one part as HTML."""
    if isinstance(part, Text):
        return f"<h3>{named(part.text)}</h3>" if part.strong else f"<p>{named(part.text)}</p>"
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, Tiles):
        return _tiles(part, pixels, rows, keys)
    if isinstance(part, Bars):
        return plots.bars(part)
    if isinstance(part, Points):
        return plots.points(part)
    return _matrix(part)


def figure_tile(figure: Figure) -> str:
    """Return a figure as a tile of a page's head."""
    between = f"<i>{plain(figure.between)}</i>" if figure.between else ""
    return f"<li><b>{named(figure.value)}</b>{between}<span>{named(figure.text)}</span></li>"


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return named(cell)
    return plain(cell.value) + (f" <small>{plain(cell.between)}</small>" if cell.between else "")


def _table(part: Table) -> str:
    heads = "".join(f"<th>{named(head)}</th>" for head in part.heads)
    rows = "".join(
        f'<tr><th scope="row">{_cell(row[0])}</th>{"".join(f"<td>{_cell(cell)}</td>" for cell in row[1:])}</tr>'
        for row in part.rows
    )
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    shown = scrolling(table, label=part.label)
    return f"<details><summary>{named(part.label)}</summary>{shown}</details>" if part.folded else shown


def _tiles(part: Tiles, pixels: np.ndarray, rows: np.ndarray, keys: Sequence[str]) -> str:
    side = pictures.LARGE if part.large else pictures.THUMBNAIL
    shown = []
    for tile in part.tiles:
        caption = named(tile.caption)
        if tile.file:
            caption += f'<span class="file">{named(keys[tile.row])}</span>'
        shown.append(pictures.picture(pixels[rows[tile.row]], alt=keys[tile.row], caption=caption, side=side))
    kind = "grid-of-pictures large" if part.large else "grid-of-pictures"
    heading = f"<h3>{named(part.heading)}</h3>" if part.heading else ""
    return f'{heading}<div class="{kind}">{"".join(shown)}</div>'


def _matrix(part: Matrix) -> str:
    head = "".join(f'<th scope="col"><span>{named(name)}</span></th>' for name in part.columns)
    body = []
    for name, shares, words in zip(part.rows, part.shares, part.words, strict=True):
        cells = []
        for share, word in zip(shares.tolist(), words, strict=True):
            strong = ' class="strong"' if share > 0.3 else ""
            cells.append(f'<td{strong} style="--share:{max(0.0, share) ** 0.5:.3f}">{plain(word)}</td>')
        body.append(f'<tr><th scope="row">{named(name)}</th>{"".join(cells)}</tr>')
    table = (
        f'<table class="confusion"><thead><tr><th>{named(part.corner)}</th>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )
    return scrolling(table, label=part.label)


def lines(sections: Sequence[Section]) -> list[str]:
    """Return sections as lines of text: titles, paragraphs, tables in columns; what is a picture is left out."""
    found: list[str] = []
    for section in sections:
        found.append(section.title)
        for part in section.parts:
            if isinstance(part, Text):
                found.append(part.text)
            elif isinstance(part, Table):
                found += columns([part.heads, *(tuple(map(str, row)) for row in part.rows)])
    return found


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines whose columns stand under each other."""
    sizes = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)).rstrip() for row in rows]
