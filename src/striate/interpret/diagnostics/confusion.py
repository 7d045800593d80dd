"""What confuses a net: pairs of classes, the pictures between them, and its worst mistakes. No torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class UncertainExample:
    """A picture and what is said of it: its row, the classes ``truth`` and ``said``, their probabilities."""

    picture: int
    truth: int
    said: int
    of_truth: float
    of_said: float


@dataclass(frozen=True)
class Pair:
    """Two classes that are taken for each other: how often each way, and the pictures that lie between the two.

    ``between`` are those of either class whose two probabilities differ least, the closest first, right or wrong.
    """

    first: int
    second: int
    first_as_second: int
    second_as_first: int
    between: tuple[UncertainExample, ...]


@dataclass(frozen=True)
class Confusion:
    """What a net takes for what, most often first, and the ``mistakes`` it was surest of."""

    pictures: int
    wrong: int
    pairs: tuple[Pair, ...]
    mistakes: tuple[UncertainExample, ...]


def confusion(
    probabilities: NDArray[np.floating], targets: NDArray[np.int64], *, pairs: int = 3, between: int = 6, worst: int = 4
) -> Confusion:
    """Find what confuses a net from its answers (N, K) to pictures whose classes (N,) are known.

    Pairs come by how many pictures went wrong between them; where none did, by how much probability each gives the
    other. Rows of ``targets`` below 0 have no answer and are left out.

    Example: ``confusion(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1])).mistakes[0].picture`` is 1.
    """
    known = np.flatnonzero(targets >= 0)
    shares, truth = np.asarray(probabilities, np.float64)[known], targets[known]
    said, width = shares.argmax(1), shares.shape[1]
    counts = np.zeros((width, width))
    leaning = np.zeros((width, width))
    np.add.at(counts, (truth, said), 1)
    np.add.at(leaning, truth, shares)
    weight = np.triu(counts + counts.T + 1e-3 * (leaning + leaning.T) / max(1, len(known)), 1)

    def doubt(index: int) -> UncertainExample:
        right, answer = int(truth[index]), int(said[index])
        return UncertainExample(
            int(known[index]), right, answer, float(shares[index, right]), float(shares[index, answer])
        )

    found = []
    for flat in np.argsort(-weight, axis=None, kind="stable")[:pairs]:
        first, second = divmod(int(flat), width)
        if weight[first, second] <= 0:
            break
        members = np.flatnonzero((truth == first) | (truth == second))
        gap = np.abs(shares[members, first] - shares[members, second])
        # Of a picture that is neither to the net, the gap says nothing: what counts is a small gap between large ones.
        unsure = gap + 1 - shares[members, first] - shares[members, second]
        nearest = members[np.argsort(unsure, kind="stable")[:between]]
        found.append(
            Pair(
                first,
                second,
                int(counts[first, second]),
                int(counts[second, first]),
                tuple(doubt(index) for index in nearest),
            )
        )
    wrong = np.flatnonzero(said != truth)
    surest = wrong[np.argsort(-shares[wrong, said[wrong]], kind="stable")[:worst]]
    return Confusion(len(known), len(wrong), tuple(found), tuple(doubt(index) for index in surest))
