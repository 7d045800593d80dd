"""The copies among a run's pictures, as a part of its report: each group of equal pictures beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from striate.data.copies import Copies, marked
from striate.data.sources.items import Item
from striate.render import pictures
from striate.render.html.environment import html

if TYPE_CHECKING:
    from markupsafe import Markup

SHOWN, EACH = 12, 6  # groups of a kind, and pictures of a group
TITLE = "Which pictures are copies?"


def copies_body(copies: Copies, items: Sequence[Item], names: Sequence[str], pixels: np.ndarray) -> Markup:
    """Return the body of the section as HTML, "" where there are no copies.

    ``pixels`` (N, H, W, C) uint8 are those of the ``items``, which the groups of ``copies`` are indices into.
    """
    several = "The same picture under two labels: one of them at most is right. Correct or remove them."
    if marked(items):
        several = "The same picture with other marks. Mend them, or remove all but one."
    kinds = (
        (copies.contradicting, "with other marks" if marked(items) else "under several labels", several),
        (
            copies.crossing,
            "in several parts of the source's own split",
            "Their copies in training (or validation) were left out, so that the test stays one.",
        ),
        (
            copies.within,
            "again with the same marks" if marked(items) else "again under the same label",
            "They stay on one side of the split, and count as often as they lie.",
        ),
    )

    def drawn(index: int) -> tuple[pictures.Picture, str]:
        return pictures.picture(pixels[index], alt=items[index].key), items[index].said(names)

    told = [
        (len(groups), what, means, [[drawn(index) for index in group[:EACH]] for group in groups[:SHOWN]])
        for groups, what, means in kinds
        if groups
    ]
    return html("report/copies.html", kinds=told)
