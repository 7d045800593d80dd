"""Clusters: groups of vectors that are alike, and those that are in none.

Average linkage (Sokal and Michener 1958) of up to 4,000 vectors, cut where the mean silhouette (Rousseeuw 1987) is
highest; further ones go to the nearest group, where they are as near to it as its own. What it was chosen over is in
docs/find.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.search.nearest import directions

LANDMARKS: Final = 4_000  # vectors that are compared each with each
MOST: Final = 40  # groups that are tried where nobody says how many
ASKED: Final = 1_000  # vectors whose silhouette is measured
EDGE: Final = 0.05  # of a group's own vectors lie farther out than those that join it later
ALONE: Final = -1


@dataclass(frozen=True, eq=False)
class Clusters:
    """Which of N vectors are together: ``labels`` (N,) from 0, the largest group first, -1 for those in none.

    ``centres`` (K, D) of length 1 are their middles. ``nearness`` (N,) is each vector's cosine with its own, 0 in none.
    ``silhouette`` says how separate the groups are: 1 far apart, 0 touching; None of a single group.
    """

    labels: NDArray[np.int64]
    centres: NDArray[np.float32]
    nearness: NDArray[np.float32]
    silhouette: float | None

    def members(self, group: int) -> NDArray[np.int64]:
        """Return the rows of a group, those nearest to its middle first."""
        rows = np.flatnonzero(self.labels == group)
        return rows[np.argsort(-self.nearness[rows], kind="stable")]


def clusters(vectors: NDArray[np.float32], number: int | None = None, *, seed: int = 0) -> Clusters:
    """Return the groups of vectors (N, D) of length 1, N at least 3.

    ``number`` says how many; None: as many, from 2 to 40, as are most separate. The same for the same ``seed``.

    Example: ``clusters(np.repeat(np.eye(2, dtype=np.float32), 5, axis=0)).labels`` is
    ``[0, 0, 0, 0, 0, 1, 1, 1, 1, 1]``.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    count = len(vectors)
    chosen = np.arange(count)
    if count > LANDMARKS:
        chosen = np.sort(np.random.default_rng(seed).permutation(count)[:LANDMARKS])
    some = np.asarray(vectors[chosen], np.float32)
    least = max(2, len(some) // 200)  # pictures of the smallest group
    tree = linkage(some, "average")
    best: tuple[float, NDArray[np.int64]] | None = None
    for cut in _cuts(len(some), number):
        labels = _grouped(fcluster(tree, cut, "maxclust"), least)
        groups = int(labels.max()) + 1
        if number is not None:
            if groups == number:
                best = (0.0, labels)
                break
            continue
        worth = _silhouette(some, labels, seed) if groups > 1 else 0.0
        if best is None or worth > best[0]:
            best = (worth, labels)
    if best is None:  # no cut has so many groups of any size: those that there are, however small
        best = (0.0, _grouped(fcluster(tree, number, "maxclust"), 1))
    return _whole(vectors, chosen, best[1], seed)


def _cuts(count: int, number: int | None) -> range:
    """Return into how many pieces the tree is cut, one trial after the other; single vectors are pieces too."""
    return range(2, min(MOST, count - 1) + 1) if number is None else range(number, min(20 * number, count) + 1)


def _grouped(pieces: NDArray[np.int64], least: int) -> NDArray[np.int64]:
    """Return labels from 0, the largest piece first; pieces smaller than ``least`` are none."""
    sizes = np.bincount(pieces)
    order = np.argsort(-sizes, kind="stable")
    names = np.full(len(sizes), ALONE, np.int64)
    large = order[sizes[order] >= max(least, 1)]
    names[large] = np.arange(len(large))
    found: NDArray[np.int64] = names[pieces]
    return found


def _silhouette(vectors: NDArray[np.float32], labels: NDArray[np.int64], seed: int) -> float:
    """Return the mean silhouette of some of the vectors; those in no group have none, and count as 0."""
    from sklearn.metrics import silhouette_samples

    rows = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:ASKED])
    rows = rows[labels[rows] != ALONE]
    known = np.unique(labels[rows])
    if not 2 <= len(known) < len(rows):
        return 0.0
    own = silhouette_samples(vectors[rows], labels[rows])
    return float(own.sum() / min(ASKED, len(vectors)))


def _whole(vectors: NDArray[np.float32], chosen: NDArray[np.int64], labels: NDArray[np.int64], seed: int) -> Clusters:
    """Return the groups of all vectors, from the ``labels`` of those that were ``chosen``."""
    groups = int(labels.max()) + 1
    means = np.stack([vectors[chosen[labels == group]].mean(axis=0) for group in range(groups)])
    centres = directions(means, np.zeros(vectors.shape[1], np.float32))
    cosine = np.asarray(vectors, np.float32) @ centres.T
    found = np.full(len(vectors), ALONE, np.int64)
    found[chosen] = labels
    others = np.setdiff1d(np.arange(len(vectors)), chosen)
    if len(others):
        edges = np.array([np.quantile(cosine[chosen[labels == group], group], EDGE) for group in range(groups)])
        nearest = cosine[others].argmax(axis=1)
        near = cosine[others, nearest] >= edges[nearest]
        found[others[near]] = nearest[near]
    sizes = np.bincount(found[found != ALONE], minlength=groups)
    order = np.argsort(-sizes, kind="stable")
    names = np.empty(groups + 1, np.int64)
    names[order], names[groups] = np.arange(groups), ALONE
    found = names[found]
    centres, cosine = centres[order], cosine[:, order]
    nearness = np.where(found == ALONE, 0, cosine[np.arange(len(found)), np.maximum(found, 0)]).astype(np.float32)
    worth = _silhouette(np.asarray(vectors[chosen], np.float32), found[chosen], seed) if groups > 1 else None
    return Clusters(found, centres, nearness, worth)
