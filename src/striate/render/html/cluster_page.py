"""Which pictures belong together? Each group with its most typical pictures, as answers of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.render.answer import Answer, Row
from striate.render.html.find_page import tile
from striate.render.html.look_page import page
from striate.render.html.map_drawn import map_drawn
from striate.words import counted

SHOWN = 8  # pictures of a group


@dataclass(frozen=True)
class GroupShown:
    """A group on the page: its ``heading``, how many pictures it has, and the ``files`` of the most typical."""

    heading: str
    count: int
    files: tuple[Path, ...]


@dataclass(frozen=True, eq=False)
class MapShown:
    """Where pictures lie: their ``paths`` (N,) below the folder, ``places`` (N, 2) and ``groups`` (N,), -1 for none."""

    paths: Sequence[str]
    places: NDArray[np.float32]
    groups: NDArray[np.int64]


def cluster_page(
    groups: Sequence[GroupShown],
    alone: GroupShown,
    *,
    folder: str,
    model: str,
    notes: Sequence[str],
    chart: MapShown | None = None,
) -> str:
    """Return the page of the groups of a folder's pictures, with a ``chart`` of all of them.

    ``alone`` are those in none, ``notes`` further sentences.
    """
    total = sum(group.count for group in groups) + alone.count
    rows = [
        Row(
            tuple(tile(file, file.name) for file in group.files[:SHOWN]),
            heading=f"{number}. {group.heading}: {counted(group.count, 'picture')}",
        )
        for number, group in enumerate(groups, 1)
    ]
    if alone.count:
        heading = f"In no group: {counted(alone.count, 'picture')}"
        rows.append(Row(tuple(tile(file, file.name) for file in alone.files[:SHOWN]), heading=heading))
    answer = Answer(
        question="Which pictures belong together?",
        said=f"{counted(total, 'picture')} in {counted(len(groups), 'group')}.",
        rows=tuple(rows),
        notes=tuple(f"{note[0].upper()}{note[1:]}." for note in notes),
        shows=(
            f"Groups by what the last maps of {model} say of each picture: those that are alike on average stand"
            " together, and there are as many groups as are most separate, or were asked for. Of each, the pictures"
            " nearest to its middle. The words are the classes of that network that set a group apart from all others."
        ),
        hides=(
            "Whether a group is a kind of thing: it is what the network takes for alike. The words are its guess, out"
            " of the classes it has; what it was never taught has no word among them."
        ),
    )
    made = [answer]
    if chart is not None:
        headings = [f"{number}. {group.heading}" for number, group in enumerate(groups, 1)]
        drawn = map_drawn(Path(folder), chart.paths, chart.places, chart.groups, headings)
        lie = Answer(
            question="How do they lie to each other?",
            said="A map of all: every picture a dot, those alike near to each other.",
            drawn=(drawn,),
            shows=(
                "The pictures by the same vectors, in two dimensions (t-SNE): nearly all of a picture's nearest"
                " neighbours on the map are near to it in truth. Choose a region to have its paths."
            ),
            hides=(
                "How far things are from each other: distances between islands, their sizes and their shapes mean"
                " nothing, and there is no up or left."
            ),
        )
        made = [lie, answer]
    return page("Which pictures belong together?", f"The pictures in {folder}.", made)
