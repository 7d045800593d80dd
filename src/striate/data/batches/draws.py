"""Random numbers that are a function of what they are for, of nothing that happened before. numpy only; no torch.

A generator that is drawn from in turn gives a picture other numbers when the batch, the order or the number of workers
changes. Here a number is the hash of (seed, purpose, epoch, item, k): any of them may be asked for at any time, in any
order, in any company, and it is the same. The hash is the finaliser of SplitMix64 (Steele, Lea, Flood: "Fast Splittable
Pseudorandom Number Generators", OOPSLA 2014, figure 17), one round for each word of the key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_GAMMA = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: neighbouring counters land far apart
_WORD = (1 << 64) - 1


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return each word scattered over all 64 bits (a bijection)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def words(
    items: NDArray[np.int64] | Sequence[int], count: int, *, seed: int, purpose: str, epoch: int = 0
) -> NDArray[np.uint64]:
    """Return ``count`` 64-bit random words for each item, shaped (items, count).

    Word (i, k) is a function of (seed, purpose, epoch, items[i], k) alone; seed and epoch are taken modulo 2**64.

    Example: ``words([7], 1, seed=0, purpose="order") == words([3, 7], 2, seed=0, purpose="order")[1:, :1]``
    """
    purpose_word = int.from_bytes(hashlib.blake2b(purpose.encode(), digest_size=8).digest(), "little")
    key = np.zeros(1, np.uint64)
    for word in (seed & _WORD, purpose_word, epoch & _WORD):
        key = _mixed((key + _GAMMA) ^ np.uint64(word))
    rows = np.asarray(items, np.int64).astype(np.uint64)
    per_item = _mixed(key + (rows + np.uint64(1)) * _GAMMA)
    counters = np.arange(1, count + 1, dtype=np.uint64) * _GAMMA
    return _mixed(per_item[:, None] + counters)


def uniforms(
    items: NDArray[np.int64] | Sequence[int], count: int, *, seed: int, purpose: str, epoch: int = 0
) -> NDArray[np.float64]:
    """Return ``count`` uniform numbers in [0, 1) for each item, shaped (items, count): the top 53 bits of ``words``."""
    bits = words(items, count, seed=seed, purpose=purpose, epoch=epoch) >> np.uint64(11)
    return bits.astype(np.float64) * 2.0**-53


def normals(
    items: NDArray[np.int64] | Sequence[int], count: int, *, seed: int, purpose: str, epoch: int = 0
) -> NDArray[np.float64]:
    """Return ``count`` numbers from the standard normal distribution for each item, shaped (items, count).

    Source: Box and Muller, "A Note on the Generation of Random Normal Deviates" (1958).
    Example: ``normals([7], 3, seed=0, purpose="pca").shape == (1, 3)``
    """
    share = uniforms(items, 2 * count, seed=seed, purpose=purpose, epoch=epoch)
    radius = np.sqrt(-2.0 * np.log1p(-share[:, :count]))  # 1 - share is never 0
    return np.asarray(radius * np.cos(2.0 * np.pi * share[:, count:]))


def permutation(indices: NDArray[np.int64] | Sequence[int], *, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the indices in the random order of an epoch: sorted by a hash of (seed, epoch, index).

    Two pictures keep their order relative to each other whatever other pictures are there.
    """
    rows = np.asarray(indices, np.int64)
    keys = words(rows, 1, seed=seed, purpose="order", epoch=epoch)[:, 0]
    return rows[np.argsort(keys, kind="stable")]
