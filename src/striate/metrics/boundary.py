"""How well the boundaries of masks are met: boundary F at a tolerance in pixels.

Of a class and a picture, precision is the share of the answer's boundary pixels that lie within the tolerance of one of
the truth's, recall the share of the truth's that lie within it of one of the answer's, and F their harmonic mean. The
figure of a class is the mean over the pictures where either has a boundary of it (0 where only one has), the mean F
that over classes. Source: Csurka et al., "What is a good evaluation measure for semantic segmentation?" (2013), whose
tolerance is 0.75 % of the diagonal; DAVIS (Perazzi et al. 2016) measures the same.

A boundary pixel of a class is one of it with a neighbour (left, right, above, below) that is of another class; the edge
of the picture and void pixels are no boundary.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import StriateError
from striate.metrics.probability import Bools, Floats, Ints
from striate.metrics.segmentation import VOID

TOLERANCE = 0.0075  # of the diagonal
_AT_ONCE = 2_000_000  # places marked at once: 16 MB


def default_tolerance(height: int, width: int) -> float:
    """Return the tolerance in pixels for a picture of that size: 0.75 % of its diagonal, at least one pixel.

    Example: ``default_tolerance(300, 400)`` is 3.75.
    """
    return max(1.0, TOLERANCE * math.hypot(height, width))


def boundary_f(
    answer: NDArray[Any], truth: NDArray[Any], classes: int, *, tolerance: float | None = None, void: int = VOID
) -> Floats:
    """Return the boundary F (K,) of every class in one picture; NaN where neither has a boundary of it.

    Arguments:
        answer: (H, W), class numbers.
        truth: (H, W), class numbers, ``void`` where nothing is said.
        classes: how many classes there are.
        tolerance: in pixels, from middle to middle; None: `default_tolerance`.
        void: the number of pixels that nothing is said of; what is answered there does not count.

    Raises StriateError for sizes that differ, and for a tolerance below 0.

    Example: ``boundary_f(np.array([[0, 0, 1, 1]]), np.array([[0, 1, 1, 1]]), 2, tolerance=1)`` is ``[1.0, 1.0]``.
    """
    given, wanted = np.asarray(answer), np.asarray(truth)
    if given.shape != wanted.shape or given.ndim != 2:
        raise StriateError(f"an answer of {given.shape} and a mask of {wanted.shape} have not the same pixels")
    reach = default_tolerance(*wanted.shape) if tolerance is None else tolerance
    if not reach >= 0:
        raise StriateError(f"the tolerance of boundaries must be 0 pixels or more, not {reach}")
    known = wanted != void
    ours, theirs = _edges(given, known), _edges(wanted, known)
    offsets = _disk(reach)
    found = np.full(classes, np.nan)
    mine, true = given[ours], wanted[theirs]
    rows, own_rows = np.argwhere(ours), np.argwhere(theirs)
    for kind in np.unique(np.concatenate([mine, true])).tolist():
        if not 0 <= kind < classes:
            raise StriateError(f"a mask holds {kind}; there are only {classes} classes, from 0")
        said, there = rows[mine == kind], own_rows[true == kind]
        if not len(said) or not len(there):
            found[kind] = 0.0
            continue
        precision = _near(said, there, offsets, given.shape).mean()
        recall = _near(there, said, offsets, given.shape).mean()
        found[kind] = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return found


def boundary_scores(
    answers: Iterable[NDArray[Any]], truths: Iterable[NDArray[Any]], classes: int, *, tolerance: float | None = None
) -> Floats:
    """Return the boundary F (P, K) of every picture and class; NaN where neither has a boundary of it.

    Example: ``boundary_scores([np.array([[0, 1]])], [np.array([[0, 1]])], 2)`` is ``[[1.0, 1.0]]``.
    """
    rows = [
        boundary_f(answer, truth, classes, tolerance=tolerance) for answer, truth in zip(answers, truths, strict=True)
    ]
    return np.stack(rows) if rows else np.zeros((0, classes))


def _edges(mask: NDArray[Any], known: Bools) -> Bools:
    """Return which known pixels have a known neighbour of another class."""
    edge = np.zeros(mask.shape, bool)
    across = (mask[:, 1:] != mask[:, :-1]) & known[:, 1:] & known[:, :-1]
    down = (mask[1:] != mask[:-1]) & known[1:] & known[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    return edge


def _disk(reach: float) -> Ints:
    """Return the steps (M, 2) of rows and columns whose length is at most ``reach``."""
    most = int(reach)
    steps = np.stack(np.meshgrid(np.arange(-most, most + 1), np.arange(-most, most + 1), indexing="ij"), axis=-1)
    steps = steps.reshape(-1, 2)
    return np.asarray(steps[(steps**2).sum(axis=1) <= reach * reach + 1e-9], np.int64)


def _near(points: Ints, others: Ints, offsets: Ints, shape: tuple[int, ...]) -> Bools:
    """Return which points (N, 2) lie within the steps of one of the others (M, 2)."""
    margin = int(offsets.max(initial=0))
    width = shape[1] + 2 * margin
    reached = np.zeros((shape[0] + 2 * margin) * width, bool)
    steps = offsets[:, 0] * width + offsets[:, 1]
    places = (others[:, 0] + margin) * width + others[:, 1] + margin
    at_once = max(1, _AT_ONCE // len(steps))
    for begin in range(0, len(places), at_once):
        reached[(places[begin : begin + at_once, None] + steps).ravel()] = True
    near: Bools = reached[(points[:, 0] + margin) * width + points[:, 1] + margin]
    return near
