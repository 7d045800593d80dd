"""How far embeddings lie from those of training pictures that are stored. NumPy alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.errors import StriateError
from striate.metrics.probability import Floats
from striate.tasks.sketch import NEIGHBOURS, folded

_ROWS = 2048

Halves = NDArray[np.float16]


def log_distance(units: NDArray[np.float32], stored: Halves | NDArray[np.float32], *, skip: int = 0) -> Floats:
    """Return the log of the mean cosine distance (N,) to the nearest stored ones, ``skip`` of them passed over."""
    skip = min(skip, len(stored) - 1)
    others, near = stored.astype(np.float32, copy=False).T, min(NEIGHBOURS + skip, len(stored))
    distances = np.empty(len(units))
    for begin in range(0, len(units), _ROWS):
        likeness = units[begin : begin + _ROWS] @ others
        nearest = np.partition(likeness, len(stored) - near, axis=1)[:, -near:]
        if skip:
            nearest = np.sort(nearest, axis=1)[:, :-skip]
        distances[begin : begin + _ROWS] = 1 - nearest.astype(np.float64).mean(axis=1)
    logarithms: Floats = np.log(np.maximum(distances, 0) + 1e-6)
    return logarithms


def unit(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the embeddings, folded to at most WIDTH numbers, at length 1 (those of length 0 stay)."""
    narrow = folded(embeddings)
    lengths = np.linalg.norm(narrow.astype(np.float64), axis=1, keepdims=True)
    units: NDArray[np.float32] = (narrow / np.maximum(lengths, 1e-30)).astype(np.float32)
    return units


def checked_embeddings(embeddings: ArrayLike) -> NDArray[np.float32]:
    """Return (N, D) float32, or raise StriateError."""
    array = np.asarray(embeddings)
    if array.ndim != 2 or array.shape[1] < 1:
        raise StriateError(f"embeddings must be (pictures, numbers), not of shape {array.shape}")
    result = array.astype(np.float32)
    if not np.isfinite(result).all():
        row = int(np.argmin(np.isfinite(result).all(axis=1)))
        raise StriateError(f"the embedding of picture {row} holds NaN or infinity; the model that gave it is broken")
    return result
