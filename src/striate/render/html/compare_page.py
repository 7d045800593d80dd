"""Which of two runs is better? The comparison as answers: verdict, figures, the pictures that tell them apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from striate.render.answer import Answer, Row, Table, Tile
from striate.render.html.sections import columns
from striate.tasks.pairing import Paired
from striate.words import counted, plural

SHOWN = 24  # pictures of each kind


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two runs, ``a`` and ``b``, asked about the same N pictures, none of which either has learnt from.

    ``keys`` (N,) and ``pixels`` (N, H, W, C) uint8 are as run a has them; ``found`` is what the task makes of both
    runs' answers. ``parts`` are the parts of the runs that the pictures come from, ``left_out`` says which of them are
    not compared, and why, a sentence each.
    """

    a: str
    b: str
    parts: tuple[str, str]
    keys: tuple[str, ...]
    pixels: np.ndarray
    found: Paired
    left_out: tuple[str, ...] = ()

    def verdict(self) -> str:
        """Return in a sentence which run is better, and whether that is more than noise."""
        return self.found.verdict(self.a, self.b)

    def apart(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the pictures on which a is better, and those on which b is; those that tell most first."""
        return self.found.apart()

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the pixels, ready for JSON."""
        return {
            "a": self.a,
            "b": self.b,
            "parts": list(self.parts),
            "verdict": self.verdict(),
            "left_out": list(self.left_out),
            **self.found.to_dict(),
            "pictures": [{"picture": key, **self.found.picture(row)} for row, key in enumerate(self.keys)],
        }


def answers(found: Comparison) -> list[Answer]:
    """Return the answers of which `look_page.page` makes a page: the verdict first, then what each alone gets right."""
    only_a, only_b = found.apart()
    return [
        _verdict(found),
        _alone(found, found.b, found.a, only_b, right=1),
        _alone(found, found.a, found.b, only_a, right=0),
    ]


def table(found: Comparison) -> Table:
    """Return the figures of both runs and their difference, each with its 95 % interval."""
    given = found.found.table(found.a, found.b)
    return Table(given.heads, tuple(tuple(map(str, row)) for row in given.rows))


def _verdict(found: Comparison) -> Answer:
    one, other = found.parts
    parts = f"{one} of both" if one == other else f"{one} of {found.a}, {other} of {found.b}"
    return Answer(
        question=f"Which is better, {found.a} or {found.b}?",
        said=f"{found.verdict()[0].upper()}{found.verdict()[1:]}.",
        table=table(found),
        notes=found.left_out,
        shows=(
            f"Both answered the same {counted(len(found.keys), 'picture')} ({parts}), which neither has learnt from."
            f" {found.found.measured}"
        ),
        hides=(
            "How they would do after another training: one run of a recipe is one draw of its seed. A difference"
            " between recipes takes several seeds of each."
        ),
    )


def _alone(found: Comparison, better: str, worse: str, rows: np.ndarray, *, right: int) -> Answer:
    shown = rows[:SHOWN]
    more = f"; here are the {len(shown)} on which {worse} was surest" if len(shown) < len(rows) else ""
    said = f"{counted(len(rows), 'picture')}{more}." if len(rows) else "No picture."
    tiles = tuple(_tile(found, int(row), wrong=1 - right) for row in shown)
    return Answer(
        question=found.found.question.format(better=better, worse=worse),
        said=said,
        rows=(Row(tiles),) if tiles else (),
        shows=f"{plural(len(rows), 'picture').capitalize()} with {found.found.shows.format(worse=worse)}",
    )


def _tile(found: Comparison, row: int, *, wrong: int) -> Tile:
    pixels = found.pixels[row]
    caption = f"{found.found.caption(row, wrong)}; {found.keys[row]}"
    return Tile(
        np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels,
        caption,
        alt=found.keys[row],
        smooth=max(pixels.shape) > 32,
    )


def text(found: Comparison) -> str:
    """Return the comparison as lines for the terminal: the verdict, then the figures in columns."""
    heads, rows = table(found).heads, table(found).rows
    return "\n".join([found.verdict(), *found.left_out, "", *columns([heads, *rows])])
