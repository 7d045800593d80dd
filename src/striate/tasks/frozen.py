"""None of these over the features of a frozen trunk, and how well strangers are told. NumPy alone.

A frozen trunk has learnt nothing of the pictures, so every one of them is a fresh one to the others: how far the known
lie from each other is measured with each left out of its own neighbours, and a class left out is one that was never
seen. What is looked at is the distance to the nearest features alone (Sun et al. 2022); over nets that were trained
from chance how undecided they are helps (unknown.py). `benchmarks/strangers.py` measures it on whole sets of strangers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.errors import StriateError
from striate.metrics.probability import Floats, Ints, checked_targets
from striate.tasks.known_distance import checked_embeddings, log_distance, unit
from striate.tasks.ood import DISTANCE, OODDetector, Usual, usual
from striate.tasks.sketch import NEIGHBOURS, spread_evenly
from striate.tasks.strangers import conformal, skill

KNOWN_KEPT = 0.95  # the share of known pictures that is answered: 19 of 20
ASKED = 1000  # pictures that a class left out is measured on, at most


def fit_frozen(
    embeddings: ArrayLike, targets: ArrayLike, *, temperature: float = 1.0, known_kept: float = KNOWN_KEPT
) -> OODDetector:
    """Learn what is known from the features (N, D) of pictures and their classes (N,).

    The threshold is the distance that the share ``known_kept`` of further known pictures is expected to stay below.
    Errors: StriateError for no pictures, or features that are not finite. A function of its arguments alone.

    Example: ``fit_frozen(np.repeat(np.eye(2, 4), 20, axis=0), [0] * 20 + [1] * 20).skill.found`` is 1.0.
    """
    matrix = checked_embeddings(embeddings)
    if len(matrix) < 2:
        raise StriateError('"none of these" takes two pictures or more to learn from')
    classes = checked_targets(targets, pictures=len(matrix), classes=1 << 31)
    units, chosen = unit(matrix), spread_evenly(classes)
    stored = units[chosen].astype(np.float16)
    own = np.full(len(units), -1)
    own[chosen] = np.arange(len(chosen))
    scores = _without_itself(units, stored, own)
    far = usual(scores)
    plain = OODDetector(
        stored=stored,
        width=matrix.shape[1],
        temperature=temperature,
        distance=far,
        indecision=Usual(0.0, 1.0),
        threshold=conformal(far.deviations(scores), known_kept),
        known_kept=known_kept,
        pictures=len(matrix),
        measure=DISTANCE,
    )
    asked = np.arange(len(units))
    if len(asked) > ASKED:
        asked = asked[(np.arange(ASKED) * len(asked)) // ASKED]
    scored = _class_left_out(units[asked], stored, own[asked], classes[chosen])
    return replace(plain, skill=skill(scored, classes[asked], known_kept=known_kept))


def _class_left_out(
    units: NDArray[np.float32], stored: NDArray[np.float16], own: Ints, of: Ints
) -> Callable[[int], Floats]:
    """Return what scores pictures against the stored ones of all classes but one."""

    def scored(out: int) -> Floats:
        kept = of != out
        place = np.where(kept, np.cumsum(kept) - 1, -1)
        return _without_itself(units, stored[kept], np.where(own >= 0, place[own], -1))

    return scored


def _without_itself(units: NDArray[np.float32], stored: NDArray[np.float16], own: Ints) -> Floats:
    """Return the log of the mean distance (N,) to the nearest stored ones; ``own`` is the row it is itself, or -1."""
    result = np.empty(len(units))
    others = stored.astype(np.float32)
    fresh = own < 0
    if fresh.any():
        result[fresh] = log_distance(units[fresh], stored)
    inside = np.flatnonzero(~fresh)
    near = min(NEIGHBOURS, max(1, len(stored) - 1))
    for begin in range(0, len(inside), 2048):
        rows = inside[begin : begin + 2048]
        likeness = units[rows] @ others.T
        likeness[np.arange(len(rows)), own[rows]] = -1.0  # as far as can be
        nearest = np.partition(likeness, len(stored) - near, axis=1)[:, -near:]
        result[rows] = np.log(np.maximum(1 - nearest.astype(np.float64).mean(axis=1), 0) + 1e-6)
    return result
