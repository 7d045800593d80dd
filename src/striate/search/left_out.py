"""Answers to the pictures of a folder by the others: each left out, with its copies; how many they were; what is near.

A solution takes memory with the square of the number of pictures and time with its cube, so that more than 4,500 are
dealt into parts, of which each answers for its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.search.kernel_answers import Floats, answered, kernel, left_out, probabilities, warmth

MOST: Final = 4500  # pictures that are solved together
NEAR: Final = 60  # nearest pictures that are asked for their label
SHARES: Final = (8, 4, 2, 1)  # into so many parts the pictures are dealt for a learning curve
_FEWEST: Final = 2  # pictures a class in the smallest part, on average
_ROWS: Final = 1024


def dealt(labels: NDArray[np.int64], parts: int, seed: int) -> NDArray[np.int64]:
    """Return of each picture (N,) in which of some parts it is, every class dealt evenly.

    >>> dealt(np.zeros(6, np.int64), 2, 0).tolist().count(1)
    3
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    place = np.zeros(len(labels), np.int64)
    place[order] = np.arange(len(labels)) % parts
    return place


def answers(
    vectors: Floats,
    labels: NDArray[np.int64],
    width: int,
    groups: NDArray[np.int64],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Floats:
    """Return what others say of each picture, as probabilities (N, width).

    ``vectors`` (N, D) are those of `striate.search.kernel_answers.seen`, ``groups`` (N,) say what are copies.
    """
    parts = -(-len(labels) // MOST)
    place = dealt(labels, parts, 0)
    said = np.zeros((len(labels), width), np.float32)
    for part in range(parts):
        rows = np.flatnonzero(place == part)
        said[rows] = left_out(kernel(vectors[rows], vectors[rows]), labels[rows], width, groups[rows])
        if progress is not None:
            progress(part + 1, parts)
    return probabilities(said, warmth(said, labels))


def curve_answers(
    vectors: Floats, labels: NDArray[np.int64], width: int, groups: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """Return by how many pictures (F,) others answered, and how right these were of each picture (F, N).

    The pictures, of copies one and of more than 4,500 so many, are dealt into eighths, quarters, halves; each part
    answers for all that is not in it, and for its own as `left_out` has it, so that every picture is answered for as
    often as there are parts. None where an eighth would hold fewer than 2 of a class.
    """
    rows = np.sort(np.unique(groups, return_index=True)[1])
    if len(rows) > MOST:
        rows = rows[dealt(labels[rows], -(-len(rows) // MOST), 0) == 0]
    vectors, labels = vectors[rows], labels[rows]
    sizes = np.bincount(labels, minlength=width)
    if np.any((sizes > 0) & (sizes < _FEWEST * SHARES[0])):
        return None
    alone = np.arange(len(labels))
    right = np.zeros((len(SHARES), len(labels)))
    for number, parts in enumerate(SHARES):
        place = dealt(labels, parts, parts)
        for part in range(parts):
            mine, others = np.flatnonzero(place == part), np.flatnonzero(place != part)
            alike = kernel(vectors[mine], vectors[mine])
            said = left_out(alike, labels[mine], width, alone[mine])
            right[number, mine] += (said.argmax(axis=1) == labels[mine]) / parts
            if len(others):
                said = answered(alike, labels[mine], width, kernel(vectors[others], vectors[mine]))
                right[number, others] += (said.argmax(axis=1) == labels[others]) / parts
    return np.array([round(len(labels) / parts) for parts in SHARES]), right


def neighbours(
    vectors: Floats, labels: NDArray[np.int64], width: int, groups: NDArray[np.int64], number: int = NEAR
) -> tuple[Floats, NDArray[np.int64]]:
    """Return the shares (N, width) of labels among the nearest pictures, near ones counting more, and the 10 nearest.

    ``vectors`` (N, D) are of length 1; copies, which are of one of ``groups`` (N,), do not count.
    """
    count = len(vectors)
    number = min(number, count - 1)
    shares, first = np.zeros((count, width), np.float32), np.zeros((count, min(10, number)), np.int64)
    for begin in range(0, count, _ROWS):
        some = np.arange(begin, min(count, begin + _ROWS))
        cosine = vectors[some] @ vectors.T
        cosine[groups[some, None] == groups[None, :]] = -2.0
        near = np.argpartition(-cosine, number - 1, axis=1)[:, :number]
        close = np.take_along_axis(cosine, near, axis=1)
        order = np.argsort(-close, axis=1, kind="stable")
        near, close = np.take_along_axis(near, order, axis=1), np.take_along_axis(close, order, axis=1)
        first[some] = near[:, : first.shape[1]]
        np.add.at(shares, (some[:, None], labels[near]), np.exp(10 * close))
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-30)
    return shares, first


def against(probabilities: Floats, shares: Floats, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how much speaks against each label (N,): what answers think of it, and half as much, what is nearest has.

    Chosen among rankings on sets and draws that are not those it is reported on (docs/doctor.md).
    """
    rows = np.arange(len(labels))
    own = np.maximum(probabilities[rows, labels].astype(np.float64), 1e-12)
    near = (shares[rows, labels].astype(np.float64) + 0.02) / (1 + 0.02 * shares.shape[1])
    found: NDArray[np.float64] = -np.log(own) - 0.5 * np.log(near)
    return found
