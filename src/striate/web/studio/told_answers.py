"""Answers of looks as a page is told them: sentences, pictures that are all in their address, legends, tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from striate.render.answer import Answer, Row, Tile
from striate.render.html.look_page import legend_gradient, legend_words, tile_moving, tile_source


def told_answers(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Return answers ready for JSON; what another module drew for a page of its own is left to that page."""
    return [_answer(one) for one in answers]


def _answer(one: Answer) -> dict[str, Any]:
    return {
        "question": one.question,
        "said": one.said,
        "lead": one.lead,
        "caution": one.caution,
        "shows": one.shows,
        "hides": one.hides,
        "notes": list(one.notes),
        "rows": [_row(row) for row in one.rows],
        "table": None if one.table is None else {"heads": list(one.table.heads), "rows": list(one.table.rows)},
        "more": told_answers(one.more),
    }


def _row(row: Row) -> dict[str, Any]:
    legend = None
    if row.legend is not None:
        legend = {
            "low": row.legend.low,
            "high": row.legend.high,
            "words": legend_words(row.legend),
            "unit": row.legend.unit,
            "colours": legend_gradient(row.legend),
        }
    return {
        "heading": row.heading,
        "notes": list(row.notes),
        "legend": legend,
        "tiles": [_tile(tile) for tile in row.tiles],
    }


def _tile(tile: Tile) -> dict[str, Any]:
    return {
        "source": tile_moving(tile) or tile_source(tile),
        "caption": tile.caption,
        "alt": tile.alt,
        "shown": tile.shown,
        "smooth": tile.smooth,
    }
