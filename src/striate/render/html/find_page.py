"""Which pictures are like this one? What was asked with, and what was found, as answers of a page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.given import one
from striate.data.pictures.image import decode
from striate.data.pictures.modes import to_channels
from striate.errors import PictureError
from striate.render.answer import Answer, Row, Tile
from striate.render.html.look_page import page
from striate.render.png.drawn import framed
from striate.runs.reading import content_of
from striate.search.index_files import Index
from striate.search.scale import Scale
from striate.words import counted

if TYPE_CHECKING:
    from striate.data.pictures.given import Picture

SIDE = 220  # pixels of a picture on the page
_AT_LEAST = (2 * SIDE, 2 * SIDE)

Rectangle = tuple[float, float, float, float]


def tile(what: Picture, caption: str, *boxes: Rectangle) -> Tile:
    """Return a picture with its caption, small; ``boxes`` of it (left, top, right, bottom) are framed.

    A file that cannot be read any more is an empty picture that says so.
    """
    try:
        content = content_of(one(what))
        pixels = decode(content, channels=3) if isinstance(content, bytes) else to_channels(content, 3)
    except (OSError, PictureError) as error:
        return Tile(np.full((SIDE, SIDE, 3), 128, np.uint8), f"{caption}; cannot be read now: {error}", caption, SIDE)
    return Tile(shrunk(pixels, *boxes), caption, alt=_name(what), shown=SIDE, smooth=True)


def _some(box: Rectangle | None) -> tuple[Rectangle, ...]:
    return () if box is None else (box,)


def shrunk(pixels: NDArray[np.uint8], *boxes: Rectangle) -> NDArray[np.uint8]:
    """Return pixels (H, W, 3) in the size a page needs, with the frames of boxes of them."""
    from PIL import Image

    picture = Image.fromarray(pixels)
    picture.thumbnail(_AT_LEAST, Image.Resampling.LANCZOS)
    small = np.asarray(picture)
    if not boxes:
        return small
    down, across = small.shape[0] / pixels.shape[0], small.shape[1] / pixels.shape[1]
    scaled = [(top * down, left * across, bottom * down, right * across) for left, top, right, bottom in boxes]
    return framed(small, scaled)


class Hit(Protocol):
    """A picture that was found: `striate.verbs.find.Hit`."""

    @property
    def path(self) -> Path: ...  # noqa: D102
    @property
    def cosine(self) -> float: ...  # noqa: D102
    @property
    def box(self) -> Rectangle | None: ...  # noqa: D102
    @property
    def same(self) -> bool: ...  # noqa: D102


class Indexed(Protocol):
    """An index that was searched: `striate.verbs.index.Indexed`."""

    @property
    def index(self) -> Index: ...  # noqa: D102


class Search(Protocol):
    """What was found: `striate.verbs.find.Found`."""

    @property
    def hits(self) -> Sequence[Hit]: ...  # noqa: D102
    @property
    def indexed(self) -> Indexed: ...  # noqa: D102
    @property
    def cautions(self) -> Sequence[str]: ...  # noqa: D102


def whole_page(asked: Sequence[Picture], against: Sequence[Picture], box: Rectangle | None, found: Search) -> str:
    """Return the page of what was ``found`` for pictures ``asked`` with, and those it should not be like.

    ``box`` is the part of the one picture that was meant.
    """
    hits = [
        tile(hit.path, f"{hit.cosine:.2f}; {hit.path.name}" + "; the same file" * hit.same, *_some(hit.box))
        for hit in found.hits
    ]
    names = ", ".join(_name(what) for what in asked[:3]) + ", ..." * (len(asked) > 3)
    index = found.indexed.index
    made = answers(
        [tile(what, _name(what), *_some(box)) for what in asked],
        [tile(what, _name(what)) for what in against],
        hits,
        among=len(index),
        scale=index.scale,
        model=index.embedder.words,
        cautions=found.cautions,
    )
    return page(f"Like {names}", f"{names} among the pictures in {index.folder}.", made)


def _name(what: Picture) -> str:
    return Path(os.fspath(what)).name if isinstance(what, str | os.PathLike) else "a picture"


def answers(
    asked: Sequence[Tile],
    against: Sequence[Tile],
    found: Sequence[Tile],
    *,
    among: int,
    scale: Scale,
    model: str,
    cautions: Sequence[str],
) -> list[Answer]:
    """Return the answers of which `look_page.page` makes a page.

    ``asked`` and ``against`` are the pictures it should and should not be like, ``found`` those that were found among
    ``among`` pictures, best first.
    """
    rows = [Row(tuple(asked), heading="Asked with" if len(asked) > 1 else "")]
    if against:
        rows.append(Row(tuple(against), heading="And not like"))
    rows.append(Row(tuple(found), heading="Found, the most alike first"))
    middle = ""
    if scale.pairs:
        half, _, rare, _ = scale.pairs
        middle = f" Of random pairs of these pictures half are at {half:.2f} or below, and 99 of 100 below {rare:.2f}."
    return [
        Answer(
            question="Which pictures are like this one?" if len(asked) == 1 else "Which pictures are like these?",
            said=f"The {counted(len(found), 'picture')} of {among:,} that are most like "
            + ("it." if len(asked) == 1 else "them."),
            rows=tuple(rows),
            caution=" ".join(f"{line[0].upper()}{line[1:]}." for line in cautions),
            shows=(
                f"All {among:,} pictures were compared, by what the last maps of {model} say of them. The number is the"
                f" cosine of two such vectors, seen from their middle: 1 is the same, 0 no more than chance.{middle}"
            ),
            hides=(
                "Whether two pictures show the same thing. Alike is what the network learnt to take for alike: kind,"
                " shape and texture of what is large in a picture, before its colours, its place, or who is in it."
            ),
        )
    ]
