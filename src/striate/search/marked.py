"""Marked: the boxes of a folder's pictures, and what a model says against them, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from striate.data.labels.marks import Box, BoxMarks


@dataclass(frozen=True)
class BoxDoubt:
    """Something a model says against the boxes of the picture ``row``, about a ``box`` (left, top, right, bottom).

    ``what`` is "missing" (it is sure of an object, and no label is there), "class" (it is sure of another class than
    the label's) or "alone" (a label at whose place it sees next to nothing). ``name`` is the label's class, of a
    missing one the model's; ``said`` what the model says there; ``score`` how sure it is.
    """

    what: str
    row: int
    box: Box
    name: str
    said: str
    score: float


@dataclass(frozen=True)
class Marked:
    """The boxes of each picture of a folder, None where nothing is labelled; of classes with ``names``.

    ``doubts`` are what a model says against them, the surest first; ``asked`` how many pictures it was asked about, and
    ``learnt`` how many of these it had learnt from.
    """

    names: tuple[str, ...]
    marks: tuple[BoxMarks | None, ...]
    doubts: tuple[BoxDoubt, ...] = ()
    asked: int = 0
    learnt: int = 0

    def kept(self, new: Mapping[int, int]) -> Marked:
        """Return the same of some pictures alone: ``new`` has the new row of each."""
        return replace(
            self,
            marks=tuple(self.marks[row] for row in sorted(new)),
            doubts=tuple(replace(one, row=new[one.row]) for one in self.doubts if one.row in new),
        )


def told_at(box: Box) -> str:
    """Return where a box is, in whole pixels.

    >>> told_at((1.2, 2, 30, 40.6))
    'from 1, 2 to 30, 41'
    """
    left, top, right, bottom = (round(edge) for edge in box)
    return f"from {left}, {top} to {right}, {bottom}"
