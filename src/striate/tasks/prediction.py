"""Answers: what a model says about one picture. No torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from striate.errors import StriateError
from striate.words import counted, readable

if TYPE_CHECKING:
    from PIL.Image import Image

    from striate.data.labels.objects import PictureObjects
    from striate.data.pictures.crop_transform import CropTransform

SHOWN = 5  # how many classes a line of text names at most
WIDE = 50  # up to so many classes have a column each
RANKS = 5  # of more, so many of the likeliest are named
_VISIBLE = 0.005  # less would read 0.00


Value: TypeAlias = str | float | bool | None


class Prediction(ABC):
    """An answer about one picture, of whatever task: a line of text, JSON, cells of a table."""

    @abstractmethod
    def __str__(self) -> str: ...

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p><bdi>{escape(readable(str(self)))}</bdi></p>"

    def text(self, top: int | None = None) -> str:
        """Return the answer as a line; of an answer that ranks things, the ``top`` ones."""
        return str(self)

    def cells(self, top: int | None = None) -> tuple[Value, ...]:
        """Return the answer as cells of a table, under the columns that its task says (`Answering.columns`).

        Numbers unrounded; None where there is nothing to say. Here it is the line.
        """
        return (str(self),)

    def rows(self, top: int | None = None) -> Sequence[tuple[Value, ...]]:
        """Return the rows of the answer in a table, at least one, each with cells as `cells` has them; here that one.

        An answer of several things, each of which has what the columns say, has a row a thing.
        """
        return (self.cells(top),)

    def in_picture(self, crop: CropTransform) -> Prediction:
        """Return the answer in pixels of the person's picture, where `Task.decode` gave it in those of the input.

        An answer that lies nowhere in the picture stays as it is.
        """
        return self

    def at_scale(self, side: float, unit: str) -> Prediction:
        """Return the answer with areas in units: the side of a pixel of the picture is ``side`` ``unit`` long.

        Errors: StriateError for an answer that has no areas, and a length that is none.
        """
        raise StriateError(f"the length of a pixel makes areas of masks, and there are none in the answer: {self}")

    def drawn(self, image: Image) -> Image:
        """Return a picture, RGB and as it is seen, with the answer drawn on it, where that has a sense.

        Errors: StriateError for an answer that lies nowhere in the picture.
        """
        raise StriateError(f"there is nothing to draw on the picture: the answer, {self}, lies nowhere in it")

    def objects(self, key: str, size: tuple[int, int], top: int | None = None) -> PictureObjects:
        """Return what is said to be in a picture called ``key``, of ``size`` (height, width) pixels, as labels are.

        With ``top`` the surest ones, whether they are said or not. Errors: StriateError for an answer that is of no
        objects and of no areas.
        """
        raise StriateError(
            f"there are no objects to write as labels: the answer, {self}, names none; --csv and --json write it"
        )

    def mask(self) -> NDArray[np.uint8]:
        """Return the number of the class of each pixel (H, W), 255 where nothing is said of it.

        Errors: StriateError for an answer that does not speak of each pixel.
        """
        raise StriateError(
            f"there is no mask to write: the answer, {self}, does not say of each pixel what it is; --csv and --json"
            " write it"
        )

    @abstractmethod
    def to_dict(self, top: int | None = None) -> dict[str, object]:
        """Return the answer ready for JSON: numbers unrounded, never NaN."""


@dataclass(frozen=True, eq=False, repr=False)
class Scores(Prediction):
    """How likely each class is, and whether the picture is unlike all of them.

    ``probabilities`` (K,) float64 sum to 1, calibrated. ``unknown`` says that the picture resembles nothing the model
    was trained on; then the probabilities only tell what it is nearest to. ``ood_score`` is what was compared with
    ``threshold``, higher is stranger; None where it was not looked at, or has no threshold. ``strangers`` says how well
    strangers are told.

    Example: ``str(Scores(("cat", "dog"), np.array([0.92, 0.08])))`` is ``"0.92 cat, 0.08 dog"``.
    """

    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    unknown: bool = False
    ood_score: float | None = None
    threshold: float | None = None
    strangers: str | None = None
    _order: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        given = np.array(self.probabilities, dtype=np.float64)
        if given.shape != (len(self.classes),) or not len(given):
            raise StriateError(f"{counted(len(self.classes), 'class')} but probabilities of shape {given.shape}")
        total = float(given.sum())
        if not (np.isfinite(given).all() and given.min() >= 0 and abs(total - 1) < 1e-3):
            raise StriateError(f"probabilities must be at least 0 and sum to 1; these sum to {total}")
        given /= total
        given.setflags(write=False)
        object.__setattr__(self, "probabilities", given)
        object.__setattr__(self, "_order", np.argsort(-given, kind="stable"))

    @property
    def strangeness(self) -> float | None:
        """The ``ood_score``, by its name of version 0.1.0 and of JSON and CSV."""
        return self.ood_score

    @property
    def best(self) -> str:
        """The likeliest class, even where the picture is unknown."""
        return self.classes[int(self._order[0])]

    def top(self, k: int | None = None) -> list[tuple[str, float]]:
        """Return the ``k`` likeliest classes (all when None) with their probabilities, likeliest first."""
        if k is not None and k < 1:
            raise StriateError(f"the top {k} classes cannot be shown; ask for at least 1")
        return [(self.classes[i], float(self.probabilities[i])) for i in self._order[:k].tolist()]

    def text(self, top: int | None = None) -> str:
        """Return the answer as a line: at most 5 classes, or ``top``; those below 0.005 are left out."""
        shown = self.top(SHOWN if top is None else top)
        # Of a thousand classes all may lie below: the first is always shown.
        named = ", ".join(f"{p:.2f} {name}" for i, (name, p) in enumerate(shown) if i == 0 or p >= _VISIBLE)
        return f"none of these (closest: {named})" if self.unknown else named

    def __str__(self) -> str:
        return self.text()

    def cells(self, top: int | None = None) -> tuple[Value, ...]:
        """Return the cells under `columns_of` the classes: what was answered, then a probability a class or rank."""
        begin = (None if self.unknown else self.best, self.unknown, self.ood_score, self.threshold)
        if ranks := ranked(len(self.classes), top):
            return begin + tuple(cell for pair in self.top(ranks) for cell in pair)
        return begin + tuple(self.probabilities.tolist())

    def to_dict(self, top: int | None = None) -> dict[str, object]:
        """Return the answer ready for JSON: ``best`` is None where the picture is unknown."""
        return {
            "best": None if self.unknown else self.best,
            "unknown": self.unknown,
            "strangeness": self.ood_score,
            "threshold": self.threshold,
            "scores": [{"class": name, "probability": p} for name, p in self.top(top)],
            **({} if self.strangers is None else {"strangers": self.strangers}),
        }


def columns_of(classes: Sequence[str], top: int | None = None) -> tuple[str, ...]:
    """Return what the cells of `Scores` stand under: a probability a class, or the ``top`` classes (5 of over 50).

    Example: ``columns_of(("cat", "dog"))[-1]`` is ``"probability of dog"``
    """
    if ranks := ranked(len(classes), top):
        named = tuple(f"{what} {rank}" for rank in range(1, ranks + 1) for what in ("class", "probability"))
    else:
        named = tuple(f"probability of {name}" for name in classes)
    return ("best", "unknown", "strangeness", "threshold", *named)


def ranked(classes: int, top: int | None = None) -> int:
    """Return how many of the likeliest classes are named; 0 where each class has a column."""
    if top is not None:
        return min(top, classes)
    return RANKS if classes > WIDE else 0
