"""Embeddings as few numbers: wide ones folded so that angles stay as they were, and which of many are kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from striate.metrics.probability import Ints

NEIGHBOURS = 5
STORED = 2000  # training embeddings kept, or 5 a class where that is more
WIDTH = 512  # numbers kept of each embedding


def folded(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return wide embeddings as WIDTH sums of numbers with random signs, which keeps angles (count sketch).

    Charikar, Chen and Farach-Colton 2002. Place and sign come from a fixed hash of the position (SplitMix64), so
    there is nothing to store and every version of NumPy agrees.
    """
    width = embeddings.shape[1]
    if width <= WIDTH:
        return embeddings
    bits = (np.arange(1, width + 1, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    signs = np.where(bits >> np.uint64(63), np.float32(1), np.float32(-1))
    places = (bits % np.uint64(WIDTH)).astype(np.int64)
    order = np.argsort(places, kind="stable")
    taken, starts = np.unique(places[order], return_index=True)
    folded = np.zeros((len(embeddings), WIDTH), dtype=np.float32)
    folded[:, taken] = np.add.reduceat((embeddings * signs)[:, order], starts, axis=1)
    return folded


def folding(width: int) -> list[int]:
    """Return where `folded` adds each of ``width`` numbers: a place from 1, negative where it is subtracted.

    Example: ``len(folding(1280))`` is 1280.
    """
    moved = folded(np.eye(width, dtype=np.float32))
    places = np.abs(moved).argmax(axis=1)
    signed: list[int] = (np.sign(moved[np.arange(width), places]).astype(int) * (places + 1)).tolist()
    return signed


def spread_evenly(targets: Ints) -> Ints:
    """Return which training pictures to store: as many of each class as there is room for, evenly spaced in each.

    Of pictures chosen so it returns all.
    """
    _, numbers, counts = np.unique(targets, return_inverse=True, return_counts=True)
    room = max(STORED, NEIGHBOURS * len(counts))
    chosen: list[Ints] = []
    for place, label in enumerate(np.argsort(counts, kind="stable")):
        # The smallest classes first: what they leave over goes to the larger ones.
        share = min(int(counts[label]), room // (len(counts) - place))
        members = np.flatnonzero(numbers == label)
        chosen.append(members[(np.arange(share) * len(members)) // share])
        room -= share
    return np.sort(np.concatenate(chosen)).astype(np.int64)
