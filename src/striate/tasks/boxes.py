"""Boxes: an answer of objects with their places, their classes, and how sure it is of each. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from striate.data.labels.marks import several
from striate.tasks.prediction import Prediction, Value

if TYPE_CHECKING:
    from PIL.Image import Image

    from striate.data.labels.objects import PictureObjects
    from striate.data.pictures.crop_transform import CropTransform
    from striate.metrics.boxes import Found
    from striate.metrics.probability import Bools, Floats, Ints

BOX_COLUMNS: Final = ("box", "class", "score", "left", "top", "right", "bottom")
"""What the rows of `Boxes` stand under: the number of a box that is said, and its sides in pixels of the picture."""

THINNEST: Final = 0.01  # pixels: of a label
NOTHING_FOUND = "nothing"
_MANY = 2000  # boxes: above, the number of true ones is taken as normal


class Count(NamedTuple):
    """How many objects of a class are said, how many are to be expected, and the ends of the 95 % interval of it."""

    said: int
    expected: float
    low: int
    high: int


@dataclass(frozen=True, eq=False, repr=False)
class Boxes(Prediction):
    """What was found in a picture: boxes (D, 4), left, top, right, bottom in pixels, the surest first.

    ``classes`` (D,) are numbers of ``names``; ``scores`` (D,) how likely each is right, calibrated; ``made_by``
    (D,) which cell of the network's output made it. Those are said whose score is at least the threshold of their class
    (K,); the others are kept for whoever ranks them. ``missed`` (K,) is how many objects of a class nothing finds, for
    each that is found.

    Example: ``str(Boxes(("WBC", "RBC"), np.array([[0, 0, 9, 9.0]]), np.array([1]), np.array([0.9])))`` is ``"1 RBC"``.
    """

    names: tuple[str, ...]
    boxes: Floats
    classes: Ints
    scores: Floats
    thresholds: Floats = None  # type: ignore[assignment]  # None only until it is made
    made_by: Ints = None  # type: ignore[assignment]
    missed: Floats = None  # type: ignore[assignment]
    _said: Bools = field(init=False, repr=False)

    def __post_init__(self) -> None:
        many, classes = len(self.boxes), len(self.names)
        if self.thresholds is None:
            object.__setattr__(self, "thresholds", np.zeros(classes))
        if self.made_by is None:
            object.__setattr__(self, "made_by", np.full(many, -1, np.int64))
        if self.missed is None:
            object.__setattr__(self, "missed", np.zeros(classes))
        object.__setattr__(self, "_said", self.scores >= self.thresholds[self.classes])

    def __len__(self) -> int:
        return int(self._said.sum())

    @property
    def said(self) -> Ints:
        """The rows of the boxes that are said, the surest first; the first of them is box 1."""
        return np.flatnonzero(self._said)

    @property
    def counts(self) -> dict[str, int]:
        """How many boxes of each class are said."""
        many = np.bincount(self.classes[self._said], minlength=len(self.names))
        return dict(zip(self.names, many.tolist(), strict=True))

    def found(self) -> Found:
        """Return all boxes, said or not, as metrics take them."""
        from striate.metrics.boxes import Found

        return Found(self.boxes, self.classes, self.scores)

    def __str__(self) -> str:
        there = [(many, name) for name, many in self.counts.items() if many]
        told = ", ".join(f"{many:,} {several(name, many)}" for many, name in there)
        if told or not len(self.boxes):
            return told or NOTHING_FOUND
        best = int(self.scores.argmax())
        return f"{NOTHING_FOUND} (closest: {self.scores[best]:.2f} {self.names[self.classes[best]]})"

    def text(self, top: int | None = None) -> str:
        """Return the line; with ``top`` the surest boxes too, with their scores."""
        if top is None or not len(self.boxes):
            return str(self)
        return f"{self}; " + ", ".join(f"{s:.2f} {self.names[c]}" for s, c in self._surest(top))

    def _surest(self, top: int) -> list[tuple[float, int]]:
        return list(zip(self.scores[:top].tolist(), self.classes[:top].tolist(), strict=True))

    def count(self, name: str) -> Count:
        """Return how many objects of a class there are.

        Each box is right by its score, independently of the others (their number is Poisson-binomial), and by how many
        were missed where that was measured more are there that nothing found.
        """
        place = self.names.index(name)
        likely = self.scores[self.classes == place]
        unseen = float(self.missed[place] * likely.sum())
        low, high = _between(likely, unseen)
        return Count(self.counts[name], float(likely.sum() + unseen), low, high)

    def _rows(self, top: int | None) -> list[int]:
        """Return the boxes that are said, or the ``top`` surest."""
        return self.said.tolist() if top is None else list(range(min(top, len(self.boxes))))

    def rows(self, top: int | None = None) -> Sequence[tuple[Value, ...]]:
        """Return a row a box that is said, or the ``top`` surest, under `BOX_COLUMNS`; of no box an empty one."""
        numbers = {row: number for number, row in enumerate(self.said.tolist(), 1)}
        found: list[tuple[Value, ...]] = []
        for row in self._rows(top):
            name, score = self.names[self.classes[row]], float(self.scores[row])
            found.append((numbers.get(row), name, score, *self.boxes[row].tolist()))
        return found or [(None,) * len(BOX_COLUMNS)]

    def cells(self, top: int | None = None) -> tuple[Value, ...]:
        """Return the first of `rows`, that of the surest box."""
        return self.rows(top)[0]

    def objects(self, key: str, size: tuple[int, int], top: int | None = None) -> PictureObjects:
        """Return the boxes that are said, or the ``top`` surest, as labels, with their scores.

        One that hardly has an area, of an untrained net, is left out: labels are written to a part of a pixel.
        """
        from striate.data.labels.objects import PictureObjects

        asked = np.asarray(self._rows(top), np.int64)
        rows = asked[(self.boxes[asked, 2:] - self.boxes[asked, :2] >= THINNEST).all(1)]
        boxes = [(left, above, right, below) for left, above, right, below in self.boxes[rows].tolist()]
        kinds, scores = self.classes[rows].tolist(), tuple(self.scores[rows].tolist())
        return PictureObjects.of(key, size[1], size[0], boxes, kinds, scores=scores)

    def in_picture(self, crop: CropTransform) -> Boxes:
        """Return the boxes in pixels of the picture; those that lie beyond it alone are left out."""
        boxes = crop.boxes_back(self.boxes)
        kept = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        rows = np.flatnonzero(kept)
        return replace(
            self,
            boxes=boxes[rows],
            classes=self.classes[rows],
            scores=self.scores[rows],
            made_by=self.made_by[rows],
        )

    def to_dict(self, top: int | None = None) -> dict[str, object]:
        """Return the answer ready for JSON: the boxes that are said, or the ``top`` surest, and the counts."""
        rows = self._rows(top)
        numbers = {row: number for number, row in enumerate(self.said.tolist(), 1)}
        boxes: list[dict[str, Any]] = []
        for row in rows:
            left, above, right, below = self.boxes[row].tolist()
            boxes.append({
                "number": numbers.get(row),
                "class": self.names[self.classes[row]],
                "score": float(self.scores[row]),
                "box": {"left": left, "top": above, "right": right, "bottom": below},
            })  # fmt: skip
        counts = {}
        for name in self.names:
            said, expected, low, high = self.count(name)
            counts[name] = {"count": said, "expected": expected, "low": low, "high": high}
        return {"boxes": boxes, "counts": counts}

    def drawn(self, image: Image) -> Image:
        """Return the picture with the boxes that are said drawn on it, larger where it is too small to read on."""
        from striate.render.png.boxes_drawn import draw_boxes

        rows = self.said
        return draw_boxes(image, self.names, self.boxes[rows], self.classes[rows], self.scores[rows])


def _between(likely: Floats, unseen: float) -> tuple[int, int]:
    """Return the ends of the 95 % interval of how many are there: of each with its likelihood, and of unseen ones."""
    if len(likely) > _MANY:
        middle, spread = float(likely.sum()) + unseen, math.sqrt(float((likely * (1 - likely)).sum()) + unseen)
        return max(0, math.floor(middle - 1.96 * spread)), math.ceil(middle + 1.96 * spread)
    shares = np.ones(1)
    for p in likely.tolist():
        shares = np.append(shares * (1 - p), 0.0) + np.append(0.0, shares * p)
    if unseen > 0:
        most = int(unseen + 8 * math.sqrt(unseen) + 8)
        logs = [number * math.log(unseen) - unseen - math.lgamma(number + 1) for number in range(most)]
        shares = np.convolve(shares, np.exp(logs))
    below = np.cumsum(shares) / shares.sum()
    return int(np.searchsorted(below, 0.025)), int(np.searchsorted(below, 0.975))
