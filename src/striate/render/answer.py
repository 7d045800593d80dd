"""An answer to one question, before it is drawn: pictures with captions, a legend, what it shows and what it does not.

Pages, sheets and terminals are drawn from the same answers, so that each says the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from markupsafe import Markup

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Tile:
    """A picture (H, W, 3) uint8 with its caption; ``alt`` says in words what is to be seen.

    ``shown`` is how wide it is drawn in pixels at the most. ``smooth`` pictures are photographs: drawn without visible
    pixels, and packed as such. ``moving`` is the same as an animated picture's bytes (GIF), where there is one.
    ``below`` stands under the caption: what a person may decide about the picture.
    """

    pixels: Pixels
    caption: str
    alt: str
    shown: int = 160
    smooth: bool = False
    moving: bytes | None = None
    below: Markup | None = None


@dataclass(frozen=True)
class Legend:
    """What colours stand for: from ``low`` to ``high``, in what ``unit``; below 0 the table has a sign."""

    low: float
    high: float
    unit: str


@dataclass(frozen=True, eq=False)
class Row:
    """Tiles on one scale, under a heading of their own where there are several rows, and sentences about them.

    ``below`` stands under the tiles: what a person may decide about all of them.
    """

    tiles: tuple[Tile, ...]
    heading: str = ""
    legend: Legend | None = None
    notes: tuple[str, ...] = ()
    below: Markup | None = None


@dataclass(frozen=True, eq=False)
class Table:
    """Numbers in rows under their heads; the first column names the row."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Answer:
    """One question and its answer.

    ``lead`` stands before the pictures (how far to trust them), and before that ``caution``: what has to be known first
    (that the net has learnt from this picture). ``said`` is the answer in a sentence, ``shows`` what
    the pictures show and ``hides`` what they do not. ``notes`` are further sentences (what to do). ``drawn`` are
    parts of the page that another module drew.
    """

    question: str
    said: str
    rows: tuple[Row, ...] = ()
    shows: str = ""
    hides: str = ""
    notes: tuple[str, ...] = ()
    table: Table | None = None
    drawn: tuple[Markup, ...] = ()
    lead: str = ""
    caution: str = ""
    more: tuple[Answer, ...] = field(default=())
