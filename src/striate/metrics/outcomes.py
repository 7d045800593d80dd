"""What is kept of each picture: a few numbers, however many classes there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.metrics.classification import squared_distances, target_ranks
from striate.metrics.probability import Floats, Ints, checked_pair, log_softmax, softmax


@dataclass(frozen=True, eq=False)
class Outcomes:
    """One row a picture, all arrays (N,): enough for every measure of a report.

    ``rank`` is the place of the picture's own class, from 0; ``nll`` is -log of its probability;
    ``brier`` is its term of the Brier score; ``raw_*`` is at temperature 1.
    """

    target: Ints
    predicted: Ints
    rank: Ints
    confidence: Floats
    target_probability: Floats
    nll: Floats
    brier: Floats
    raw_confidence: Floats
    raw_nll: Floats

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each answer is the picture's own class."""
        same: NDArray[np.bool_] = self.predicted == self.target
        return same

    def __len__(self) -> int:
        return len(self.target)


def outcomes(logits: ArrayLike, targets: ArrayLike, *, temperature: float | Floats = 1.0) -> Outcomes:
    """Return what is kept of (N, K) logits and (N,) targets; ``temperature`` is one for all, or (N,) one a picture."""
    matrix, wanted = checked_pair(logits, targets)
    rows, predicted = np.arange(len(matrix)), matrix.argmax(axis=1)
    raw = log_softmax(matrix)
    calibrated = raw if isinstance(temperature, float) and temperature == 1.0 else log_softmax(matrix, temperature)
    probabilities = softmax(matrix, temperature)
    return Outcomes(
        target=wanted,
        predicted=predicted.astype(np.int64),
        rank=target_ranks(matrix, wanted),
        confidence=np.minimum(probabilities[rows, predicted], 1.0),
        target_probability=probabilities[rows, wanted],
        nll=-calibrated[rows, wanted],
        brier=squared_distances(probabilities, wanted),
        raw_confidence=np.minimum(np.exp(raw[rows, predicted]), 1.0),
        raw_nll=-raw[rows, wanted],
    )


def joined(parts: Sequence[Outcomes]) -> Outcomes:
    """Return several as one, in order."""
    return Outcomes(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Outcomes)))
