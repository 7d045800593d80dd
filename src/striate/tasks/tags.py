"""Tags: an answer of any number of tags, each with its probability, said from a threshold of its own on. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.errors import StriateError
from striate.tasks.prediction import RANKS, WIDE, Prediction, Value
from striate.words import counted

MEAN_AVERAGE_PRECISION: Final = "mean average precision"

NOTHING_SAID = "no tag"
_BETWEEN = "|"  # between the tags in a cell, as in the lists that they are learnt from


@dataclass(frozen=True, eq=False, repr=False)
class Tags(Prediction):
    """How likely each tag is, by itself, and which are said: those whose probability is at least their threshold.

    ``probabilities`` (T,) float64 are calibrated, each from 0 to 1 whatever the others are; ``thresholds`` (T,).

    Example: ``str(Tags(("sea", "sunset", "snow"), np.array([0.97, 0.81, 0.2]), np.array([0.5, 0.5, 0.5])))`` is
    ``"0.97 sea, 0.81 sunset"``.
    """

    tags: tuple[str, ...]
    probabilities: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    _order: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        wanted = (len(self.tags),)
        given = np.array(self.probabilities, np.float64)
        if given.shape != wanted or np.shape(self.thresholds) != wanted or not wanted[0]:
            raise StriateError(
                f"{counted(len(self.tags), 'tag')} but probabilities of shape {given.shape} and thresholds of shape"
                f" {np.shape(self.thresholds)}"
            )
        if not (np.isfinite(given).all() and given.min() >= 0 and given.max() <= 1):
            raise StriateError(f"the probability of a tag lies from 0 to 1; these from {given.min()} to {given.max()}")
        given.setflags(write=False)
        object.__setattr__(self, "probabilities", given)
        object.__setattr__(self, "_order", np.argsort(-given, kind="stable"))

    @property
    def said(self) -> tuple[str, ...]:
        """The tags that are said, likeliest first."""
        return tuple(self.tags[tag] for tag in self._order.tolist() if self._is_said(tag))

    def __str__(self) -> str:
        return self.text()

    def top(self, k: int | None = None) -> list[tuple[str, float]]:
        """Return the ``k`` likeliest tags (all when None) with their probabilities, likeliest first, said or not."""
        if k is not None and k < 1:
            raise StriateError(f"the top {k} tags cannot be shown; ask for at least 1")
        return [(self.tags[tag], float(self.probabilities[tag])) for tag in self._order[:k].tolist()]

    def text(self, top: int | None = None) -> str:
        """Return the tags that are said as a line; with ``top`` the likeliest, and which of them are not said."""
        shown = self._order.tolist() if top is None else self._order[: len(self.top(top))].tolist()
        said, others = [tag for tag in shown if self._is_said(tag)], [tag for tag in shown if not self._is_said(tag)]
        if not said:
            return f"{NOTHING_SAID} (closest: {self._named(shown[:1] if top is None else shown)})"
        rest = f"; not said: {self._named(others)}" if others and top is not None else ""
        return self._named(said) + rest

    def cells(self, top: int | None = None) -> tuple[Value, ...]:
        """Return the cells under `tag_columns`: the tags that are said, then a probability a tag or rank."""
        begin = (_BETWEEN.join(self.said),)
        if ranks := ranked(len(self.tags), top):
            return begin + tuple(cell for pair in self.top(ranks) for cell in pair)
        return begin + tuple(self.probabilities.tolist())

    def to_dict(self, top: int | None = None) -> dict[str, object]:
        """Return the answer ready for JSON: the tags that are said, and the ``top`` ones (all when None) by rank."""
        order = self._order[: len(self.top(top))].tolist()
        return {
            "tags": list(self.said),
            "scores": [
                {
                    "tag": self.tags[tag],
                    "probability": float(self.probabilities[tag]),
                    "threshold": float(self.thresholds[tag]),
                    "said": self._is_said(tag),
                }
                for tag in order
            ],
        }

    def _is_said(self, tag: int) -> bool:
        return bool(self.probabilities[tag] >= self.thresholds[tag])

    def _named(self, tags: Sequence[int]) -> str:
        return ", ".join(f"{self.probabilities[tag]:.2f} {self.tags[tag]}" for tag in tags)


def tag_columns(tags: Sequence[str], top: int | None = None) -> tuple[str, ...]:
    """Return what the cells of `Tags` stand under: a probability a tag, or the ``top`` tags (5 of over 50).

    Example: ``tag_columns(("sea", "snow"))`` is ``("tags", "probability of sea", "probability of snow")``.
    """
    if ranks := ranked(len(tags), top):
        return ("tags", *(f"{what} {rank}" for rank in range(1, ranks + 1) for what in ("tag", "probability")))
    return ("tags", *(f"probability of {tag}" for tag in tags))


def ranked(tags: int, top: int | None = None) -> int:
    """Return how many of the likeliest tags are named; 0 where each tag has a column."""
    if top is not None:
        return min(top, tags)
    return RANKS if tags > WIDE else 0
