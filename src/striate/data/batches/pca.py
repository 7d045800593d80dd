"""The principal components of colour: along which lines red, green and blue vary together in some pictures. No torch.

What AlexNet's authors call PCA on the RGB values: a photo under warmer or brighter light is moved along these lines,
and what it shows stays what it is (Krizhevsky, Sutskever and Hinton 2012, section 4.1).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from striate.errors import StoreError


def principal_components(pixels: NDArray[np.uint8], indices: NDArray[np.int64] | Sequence[int]) -> NDArray[np.float64]:
    """Return (3, 3): each column a principal direction times its eigenvalue, the largest first, of pixels in 0..1.

    ``pixels`` (N, H, W, 1 or 3), of which the rows ``indices`` count. The covariance comes from sums of whole numbers,
    exact to the last division and in any order of the rows; a direction's largest entry is positive. Gray pictures vary
    along one line: it comes first, the same for all three, and the others are nothing.

    Source: Krizhevsky et al. 2012, section 4.1. Its covariance is of "RGB pixel values" without a scale; 0..1 is what
    later implementations took. Example: ``principal_components(store.pixels, split.train).shape`` is ``(3, 3)``.
    """
    rows = np.sort(np.asarray(indices, np.int64))
    if len(rows) == 0:
        raise StoreError("no pictures to take the principal components of")
    channels, size = pixels.shape[3], pixels.shape[1] * pixels.shape[2]
    sums, products = [0] * channels, [[0] * channels for _ in range(channels)]
    step = max(1, 2**16 // (size * channels))
    for start in range(0, len(rows), step):
        # In float64 whole numbers below 2**53 add without rounding.
        values = pixels[rows[start : start + step]].reshape(-1, channels).astype(np.float64)
        columns = [np.ascontiguousarray(values[:, channel]) for channel in range(channels)]
        for first, column in enumerate(columns):
            sums[first] += int(column.sum())
            for second, other in enumerate(columns):
                products[first][second] += int(np.einsum("i,i->", column, other))
    count = len(rows) * size
    covariance = np.array(
        [
            [(count * products[a][b] - sums[a] * sums[b]) / (count * count) / 255**2 for b in range(channels)]
            for a in range(channels)
        ]
    )
    if channels == 1:
        return np.array([[covariance[0, 0], 0.0, 0.0]] * 3)
    eigenvalues, vectors = np.linalg.eigh(covariance)  # rising
    vectors *= np.sign(vectors[np.abs(vectors).argmax(axis=0), range(channels)])
    return np.asarray((vectors * np.maximum(eigenvalues, 0.0))[:, ::-1])
