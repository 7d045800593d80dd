"""Which classes a run was shown: pictures by class and part, with samples of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from striate.render import pictures
from striate.render.html.environment import html
from striate.render.html.facts import Page

if TYPE_CHECKING:
    from markupsafe import Markup

MANY = 20  # classes, above which only those with the fewest and the most pictures are shown with samples
_FEW, _SMALL = 6, 3  # samples a class, and where there are many classes
_STRIP = 104  # pixels that the samples of a class take at the least: where the table is narrow they stand in rows
_NAME = 98  # pixels of a class's name on a narrow screen, where a longer one is cut (style.css)
_LETTER, _CLOSER = 7.4, 10  # pixels of a letter, and by how much a cell is narrower there
PARTS = {"train": "train", "val": "validate", "test": "test"}


def by_class(page: Page) -> Markup:
    """Return the table of classes as HTML; of many classes the smallest and the largest, the others folded away."""
    counts = counts_of(page.values, page.parts, len(page.labels.names))
    total = counts["train"] + counts["val"] + counts["test"]
    order = list(range(len(page.labels.names)))
    chosen = order
    if len(order) > MANY:
        ranked = sorted(order, key=lambda number: int(total[number]))
        chosen = sorted([*ranked[: MANY // 2], *ranked[-MANY // 2 :]])
    few = _SMALL if len(order) > MANY // 2 else _FEW
    longest = max(len(page.labels.names[number]) for number in chosen)
    cells = 2 + sum(bool(page.source["pictures"].get(part)) for part in PARTS)
    spared = max(0.0, _LETTER * longest + 2 * _CLOSER - _NAME) + _CLOSER * cells
    return html(
        "classify/by_class.html",
        parts=[word for part, word in PARTS.items() if page.source["pictures"].get(part)],
        each=MANY // 2,
        classes=len(order),
        rows=_rows(page, counts, chosen, few),
        every=_rows(page, counts, order, 0) if len(chosen) < len(order) else [],
        extra=_STRIP - round(spared),
    )


def _rows(
    page: Page, counts: Mapping[str, np.ndarray], chosen: Sequence[int], few: int
) -> list[tuple[str, list[int], list[pictures.Picture]]]:
    """Return of each chosen class its name, how many pictures each part has, and at most ``few`` of them."""
    samples = samples_of(page.values, page.parts, chosen, few)
    parts = [part for part in PARTS if page.source["pictures"].get(part)]
    found = []
    for number in chosen:
        name = page.labels.names[number]
        shown = [pictures.picture(page.pixels[row], alt=f"a picture of {name}") for row in samples[number]]
        found.append((name, [int(counts[part][number]) for part in parts], shown))
    return found


def counts_of(targets: np.ndarray, parts: Mapping[str, np.ndarray], classes: int) -> dict[str, np.ndarray]:
    """Return how many pictures of each class (classes,) every part has; ``targets`` (M,) of all."""
    return {part: np.bincount(targets[rows].astype(np.int64), minlength=classes) for part, rows in parts.items()}


def samples_of(
    targets: np.ndarray, parts: Mapping[str, np.ndarray], chosen: Sequence[int], most: int
) -> dict[int, list[int]]:
    """Return rows that show each chosen class: at most so many, spread evenly over what it learns from."""
    rows = next((rows for part in PARTS if len(rows := parts[part])), np.zeros(0, np.int64))
    found = {}
    for number in chosen:
        own = rows[targets[rows] == number]
        places = np.linspace(0, max(0, len(own) - 1), min(most, len(own))).round().astype(int)
        found[number] = [int(own[place]) for place in places]
    return found
