"""Which vectors are nearest: exact search by the cosine, block by block, in NumPy."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK = (
    256  # vectors at a time: their float32 copy stays in the processor's cache, which is a third quicker than 16,384
)
MOST = 2**24  # cosines that are held at once
SHRINK = 20.0  # pictures of no kind, at the origin, that stand beside the real ones when their middle is taken


class Nearest(NamedTuple):
    """The nearest of some vectors to each of Q queries: their ``rows`` (Q, k), and ``cosine`` (Q, k), best first."""

    rows: NDArray[np.int64]
    cosine: NDArray[np.float32]


def middle(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """Return what vectors (N, D) have in common (D,): their mean, drawn to zero where they are few.

    Taken away before vectors are compared, since what all pictures of a folder share tells none of them apart (Jégou
    and Chum, "Negative evidences and co-occurences in image retrieval", 2012, section 3.1).

    Example: ``middle(np.ones((60, 2)))`` is ``[0.75, 0.75]``.
    """
    total = np.zeros(vectors.shape[1], np.float64)
    for begin in range(0, len(vectors), 64 * BLOCK):
        total += np.asarray(vectors[begin : begin + 64 * BLOCK], np.float32).sum(axis=0, dtype=np.float64)
    return (total / (len(vectors) + SHRINK)).astype(np.float32)


def directions(vectors: NDArray[Any], centre: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors (N, D) seen from ``centre`` (D,), each of length 1; one that lies there stays 0.

    Example: ``directions(np.array([[4.0, 5.0]]), np.array([1.0, 1.0], np.float32))`` is ``[[0.6, 0.8]]``.
    """
    away = np.asarray(vectors, np.float32) - centre
    length = np.sqrt(np.einsum("nd,nd->n", away, away))[:, None]
    found: NDArray[np.float32] = np.divide(away, length, out=np.zeros_like(away), where=length > 0)
    return found


def nearest(
    vectors: NDArray[Any],
    queries: NDArray[np.float32],
    number: int,
    *,
    centre: NDArray[np.float32] | None = None,
) -> Nearest:
    """Return the ``number`` nearest of vectors (N, D) to each of the queries (Q, D), all of which were compared.

    With a ``centre`` (D,), vectors are as an index keeps them, and are seen from there (`directions`); without, they
    are of length 1 already. Queries always are. Of equally near ones the first comes first; there are no more than N.

    Example: ``nearest(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[:1], 2).rows`` is ``[[0, 1]]``.
    """
    number = min(number, len(vectors))
    step = max(1, MOST // max(1, len(vectors)))
    found = [
        _best(cosines(vectors, queries[begin : begin + step], centre), number) for begin in range(0, len(queries), step)
    ]
    return Nearest(np.concatenate([one.rows for one in found]), np.concatenate([one.cosine for one in found]))


def cosines(
    vectors: NDArray[Any], queries: NDArray[np.float32], centre: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Return the cosine (Q, N) of each of the queries (Q, D) with each of vectors (N, D), as of `nearest`.

    Example: ``cosines(np.eye(2), np.array([[0.6, 0.8]], np.float32))`` is ``[[0.6, 0.8]]``.
    """
    if centre is None and vectors.dtype == np.float32:
        whole: NDArray[np.float32] = queries @ vectors.T
        return whole
    found = np.empty((len(queries), len(vectors)), np.float32)
    kept = np.empty((BLOCK, vectors.shape[1]), np.float32)
    for begin in range(0, len(vectors), BLOCK):
        some = vectors[begin : begin + BLOCK]
        block = kept[: len(some)]
        widen(some, block)
        if centre is not None:
            block -= centre
        along = queries @ block.T
        if centre is not None:
            length = np.sqrt(np.einsum("nd,nd->n", block, block))
            along /= np.where(length > 0, length, np.inf)
        found[:, begin : begin + len(some)] = along
    return found


def widen(halves: NDArray[Any], into: NDArray[np.float32]) -> None:
    """Write finite numbers, float16 as a rule, into an array of float32 of the same shape, exactly.

    NumPy asks of each half whether it is an odd one. Moved to their places in a float32, its bits are the number times
    2^-112, the smallest halves too: four times as quick.

    Example: ``widen(np.ones(2, np.float16), into := np.zeros(2, np.float32))``
    """
    if halves.dtype != np.float16:
        np.copyto(into, halves)
        return
    bits = into.view(np.int32)
    np.copyto(bits, halves.view(np.int16))  # the sign fills the upper half
    np.left_shift(bits, 13, out=bits)
    np.bitwise_and(bits, ~0x70000000, out=bits)
    np.multiply(into, np.float32(2.0**112), out=into)


def _best(found: NDArray[np.float32], number: int) -> Nearest:
    """Return the best of each row (Q, N), best first, of equal ones the first."""
    if number < found.shape[1]:
        rows = np.argpartition(-found, max(0, number - 1), axis=1)[:, :number]
        least = np.take_along_axis(found, rows, axis=1).min(axis=1, initial=np.inf)
        for query, row in enumerate(found):  # those as near as the last: the first of them come first
            equal = np.flatnonzero(row >= least[query])
            if len(equal) > number:
                rows[query] = equal[np.argsort(-row[equal], kind="stable")[:number]]
    else:
        rows = np.broadcast_to(np.arange(found.shape[1]), found.shape)
    order = np.lexsort((rows, -np.take_along_axis(found, rows, axis=1)), axis=1)
    rows = np.take_along_axis(rows, order, axis=1)
    return Nearest(rows, np.take_along_axis(found, rows, axis=1))
