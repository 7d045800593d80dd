"""Which vectors are nearest: exact search by the cosine, block by block, in NumPy."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK = 16_384  # vectors at a time: at 128 numbers their float32 copy stays within the processor's cache
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
    for begin in range(0, len(vectors), BLOCK):
        total += vectors[begin : begin + BLOCK].sum(axis=0, dtype=np.float64)
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
    rows = np.zeros((len(queries), 0), np.int64)
    cosine = np.zeros((len(queries), 0), np.float32)
    for begin in range(0, len(vectors), BLOCK):
        some = vectors[begin : begin + BLOCK]
        some = np.asarray(some, np.float32) if centre is None else directions(some, centre)
        found = queries @ some.T
        keep = min(number, found.shape[1])
        best = np.argpartition(-found, keep - 1, axis=1)[:, :keep] if keep < found.shape[1] else _all(found)
        rows = np.concatenate([rows, best + begin], axis=1)
        cosine = np.concatenate([cosine, np.take_along_axis(found, best, axis=1)], axis=1)
        order = np.lexsort((rows, -cosine), axis=1)[:, :number]
        rows, cosine = np.take_along_axis(rows, order, axis=1), np.take_along_axis(cosine, order, axis=1)
    return Nearest(rows, cosine)


def _all(found: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.broadcast_to(np.arange(found.shape[1]), found.shape)
