"""The copies among a run's pictures, as a part of its report: each group of equal pictures beside each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from striate.data.copies import Copies
from striate.data.sources.items import Item
from striate.render import pictures
from striate.render.html.tables import named
from striate.words import counted, plural

SHOWN = 12  # groups of a kind
TITLE = "Which pictures are copies?"


def copies_body(copies: Copies, items: Sequence[Item], names: Sequence[str], pixels: np.ndarray) -> str:
    """Return the body of the section as HTML, "" where there are no copies.

    ``pixels`` (N, H, W, C) uint8 are those of the ``items``, which the groups of ``copies`` are indices into.
    """
    kinds = (
        (
            copies.contradicting,
            "under several labels",
            "The same picture under two labels: one of them at most is right. Correct or remove them.",
        ),
        (
            copies.crossing,
            "in several parts of the source's own split",
            "Their copies in training (or validation) were left out, so that the test stays one.",
        ),
        (
            copies.within,
            "again under the same label",
            "They stay on one side of the split, and count as often as they lie.",
        ),
    )
    return "".join(_kind(groups, what, means, items, names, pixels) for groups, what, means in kinds if groups)


def _kind(
    groups: Sequence[Sequence[int]],
    what: str,
    means: str,
    items: Sequence[Item],
    names: Sequence[str],
    pixels: np.ndarray,
) -> str:
    number = len(groups)
    more = f" The first {SHOWN} are shown." if number > SHOWN else ""
    shown = "".join(
        '<div class="grid-of-pictures">'
        + "".join(
            pictures.picture(
                pixels[index],
                alt=items[index].key,
                caption=f"{named(items[index].said(names))}: {named(items[index].key)}",
            )
            for index in group[:6]
        )
        + "</div>"
        for group in groups[:SHOWN]
    )
    return f"<h3>{counted(number, 'picture')} {plural(number, 'is')} there {what}</h3><p>{means}{more}</p>{shown}"
