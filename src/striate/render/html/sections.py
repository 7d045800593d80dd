"""Sections that a task gives as values (`striate.tasks.sections`) as HTML: each kind of part has its template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from striate.render import pictures
from striate.render.html.environment import html
from striate.render.html.facts import Section as Drawn
from striate.render.png.side_by_side import legend, side_by_side
from striate.render.svg import plots
from striate.tasks.sections import Bars, Matrix, Part, Points, Section, Table, Text, Tile, Tiles

if TYPE_CHECKING:
    from markupsafe import Markup

STRONG = 0.3  # the share of a row from which on a cell's colour is too dark for dark figures


def drawn(section: Section, *, pixels: np.ndarray, rows: np.ndarray, keys: Sequence[str]) -> Drawn:
    """Return a section with its answer as HTML.

    ``pixels`` (M, H, W, C) uint8 is a whole store, ``rows`` (N,) where in it the evaluated pictures are, and ``keys``
    (N,) what they are called.
    """
    over = next((place for place, part in enumerate(section.parts) if isinstance(part, Tiles) and _over(part)), -1)
    parts = [
        part_html(part, pixels=pixels, rows=rows, keys=keys, explained=place > over >= 0)
        for place, part in enumerate(section.parts)
    ]
    return Drawn(section.title, html("sections/parts.html", parts=parts), half=section.half, anchor=section.anchor)


def part_html(
    part: Part, *, pixels: np.ndarray, rows: np.ndarray, keys: Sequence[str], explained: bool = False
) -> Markup:
    """Return one part as HTML; ``explained``: it was said before what lies over its pictures."""
    if isinstance(part, Text):
        return html("sections/text.html", part=part)
    if isinstance(part, Table):
        return html("sections/table.html", part=part)
    if isinstance(part, Tiles):
        over = _over(part)
        tiles = [(tile, _tile(part, tile, pixels[rows[tile.row]], keys[tile.row])) for tile in part.tiles]
        return html("sections/tiles.html", part=part, tiles=tiles, over=over, legend="" if explained else over)
    if isinstance(part, Bars):
        return plots.bars(part)
    if isinstance(part, Points):
        return plots.points(part)
    return _matrix(part)


def _over(part: Tiles) -> str:
    """Return what lies over pictures, in words; nothing where nothing does."""
    return next((legend(tile.overlay) for tile in part.tiles if tile.overlay is not None), "")


def _tile(part: Tiles, tile: Tile, pixels: np.ndarray, key: str) -> pictures.Picture:
    """Return a picture, and with something over it what is there and what was said side by side."""
    if tile.overlay is None:
        return pictures.picture(pixels, alt=key, side=pictures.LARGE if part.large else pictures.THUMBNAIL)
    return pictures.drawn(side_by_side(pixels, tile.overlay), alt=key)


def _matrix(part: Matrix) -> Markup:
    rows = [
        (name, [(word, *shade(share)) for share, word in zip(shares.tolist(), words, strict=True)])
        for name, shares, words in zip(part.rows, part.shares, part.words, strict=True)
    ]
    return html("sections/matrix.html", part=part, rows=rows)


def shade(share: float) -> tuple[str, bool]:
    """Return how strong the colour of a cell with this share of its row is, and whether its figures are light."""
    return f"{max(0.0, share) ** 0.5:.3f}", share > STRONG


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
