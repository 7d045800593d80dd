"""Layout: vectors in two dimensions, so that those near to each other stay so as far as that can be.

t-SNE (van der Maaten and Hinton 2008) of the 50 principal components, begun from the first two of them, as Kobak and
Berens ("The art of using t-SNE for single-cell transcriptomics", 2019) advise. Of more than 2,000 vectors 2,000 are
laid out, and each other one lies among the three of them that are nearest to it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

LANDMARKS: Final = 2_000  # vectors that are laid out among each other
COMPONENTS: Final = 50
BESIDE: Final = 3  # landmarks among which another vector lies
BLOCK: Final = 4_096
FEWEST: Final = 10  # vectors below which the first two components will do


def layout(vectors: NDArray[np.float32], *, seed: int = 0) -> NDArray[np.float32]:
    """Return where vectors (N, D) of length 1 lie on a map: (N, 2), each from 0 to 1. The same for the same ``seed``.

    Example: ``layout(np.eye(12, dtype=np.float32)).shape`` is ``(12, 2)``.
    """
    count = len(vectors)
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(count)[:LANDMARKS])
    some = np.asarray(vectors[chosen], np.float32)
    laid = _laid_out(some, seed)
    place = np.zeros((count, 2), np.float32)
    place[chosen] = laid
    others = np.setdiff1d(np.arange(count), chosen)
    spread = 0.002 * float(np.ptp(laid)) if len(laid) else 0.0
    for begin in range(0, len(others), BLOCK):
        rows = others[begin : begin + BLOCK]
        cosine = np.asarray(vectors[rows], np.float32) @ some.T
        near = np.argpartition(-cosine, BESIDE, axis=1)[:, :BESIDE]
        weight = np.maximum(np.take_along_axis(cosine, near, axis=1), 1e-3) ** 8
        weight /= weight.sum(axis=1, keepdims=True)
        # A little apart, so that pictures with the same neighbours can be told from each other.
        place[rows] = (laid[near] * weight[:, :, None]).sum(axis=1) + rng.normal(0, spread, (len(rows), 2))
    low, high = place.min(axis=0), place.max(axis=0)
    scale = float((high - low).max()) or 1.0
    found: NDArray[np.float32] = ((place - (low + high) / 2) / scale + 0.5).astype(np.float32)
    return found


def _laid_out(vectors: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if len(vectors) < 3 or not np.ptp(vectors, axis=0).max() > 1e-6:  # all the same: what follows would divide by that
        flat = np.zeros((len(vectors), 2), np.float32)
        flat[:, 0] = np.arange(len(vectors))
        return flat
    parts = min(COMPONENTS, *vectors.shape)
    main = PCA(parts, random_state=seed).fit_transform(vectors).astype(np.float32)
    if len(vectors) < FEWEST or parts < 2:
        flat = np.zeros((len(vectors), 2), np.float32)
        flat[:, : min(2, parts)] = main[:, :2]
        return flat
    perplexity = min(30.0, (len(vectors) - 1) / 3)
    made: NDArray[np.float32] = TSNE(init="pca", perplexity=perplexity, random_state=seed).fit_transform(main)
    return made.astype(np.float32)
