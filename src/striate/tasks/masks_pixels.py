"""Logits on the cells of a net's last map, read at the pixels of a picture: bilinear, before the likeliest is taken.

So the edges of what is found are smooth lines between cells, and not stairs of them. Places are counted in cells: a
cell's value stands in its middle, at its number plus a half. No torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.metrics.probability import Floats

_MOST = 1 << 21  # values that are interpolated at once


def middles(pixels: int, cells: int) -> Floats:
    """Return where the middles of ``pixels`` that share out a row of ``cells`` evenly are, (pixels,), in cells.

    >>> middles(4, 2).tolist()
    [0.25, 0.75, 1.25, 1.75]
    """
    return np.asarray((np.arange(pixels) + 0.5) * (cells / pixels), np.float64)


def classes_at(logits: NDArray[np.floating], rows: Floats, columns: Floats) -> NDArray[np.uint8]:
    """Return the likeliest class (R, C) at each pair of a row and a column, of logits (K, h, w) between the cells.

    Where all four cells around a place have the same likeliest class, every mixture of them has it too, and nothing
    has to be mixed there: only along the edges between classes it is.

    >>> classes_at(np.array([[[1.0, 0.0]], [[0.0, 3.0]]]), np.array([0.5]), np.array([0.5, 0.7, 0.8, 1.5])).tolist()
    [[0, 0, 1, 1]]
    """
    cells = np.ascontiguousarray(np.moveaxis(logits, 0, -1))
    top, bottom, down = _between(rows, cells.shape[0])
    left, right, across = _between(columns, cells.shape[1])
    best = cells.argmax(-1).astype(np.uint8)
    below = np.concatenate([best[1:], best[-1:]])
    alike = best == below
    alike &= (best == np.concatenate([best[:, 1:], best[:, -1:]], 1)) & (
        best == np.concatenate([below[:, 1:], below[:, -1:]], 1)
    )
    found = np.empty((len(rows), len(columns)), np.uint8)
    most = max(1, _MOST // cells.shape[2])
    for part in _parts(len(rows), len(columns)):
        lines: NDArray[np.uint8] = best[top[part]][:, left]
        mixed_rows, mixed_columns = np.nonzero(~alike[top[part]][:, left])
        for begin in range(0, len(mixed_rows), most):
            y, x = mixed_rows[begin : begin + most] + part.start, mixed_columns[begin : begin + most]
            mixed = _mixed(cells, top[y], bottom[y], down[y], left[x], right[x], across[x])
            lines[y - part.start, x] = mixed.argmax(-1)
        found[part] = lines
    return found


def pixels_of(ids: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """Return how many pixels of ``ids`` (H, W) are of each class, (K,), counted by stretches: each takes 8 bytes then.

    >>> pixels_of(np.array([[0, 2], [2, 255]], np.uint8), 3).tolist()
    [1, 0, 2]
    """
    total = np.zeros(256, np.int64)
    for part in _parts(len(ids), ids.shape[1]):
        total += np.bincount(ids[part].ravel(), minlength=256)
    return total[:classes]


def confidence_at(logits: NDArray[np.floating], rows: Floats, columns: Floats) -> NDArray[np.float32]:
    """Return the probability (R, C) of the likeliest class at each pair of a row and a column.

    >>> confidence_at(np.array([[[0.0, 0.0]], [[0.0, 0.0]]]), np.array([0.5]), np.array([0.7])).tolist()
    [[0.5]]
    """
    cells = np.ascontiguousarray(np.moveaxis(logits, 0, -1), np.float32)
    left, right, across = _between(columns, cells.shape[1])
    share = across[:, None].astype(np.float32)
    found = np.empty((len(rows), len(columns)), np.float32)
    for part in _parts(len(rows), len(columns) * cells.shape[2]):
        top, bottom, down = _between(rows[part], cells.shape[0])
        lines = cells[top] + down[:, None, None].astype(np.float32) * (cells[bottom] - cells[top])
        mixed = lines[:, left] + share * (lines[:, right] - lines[:, left])
        mixed -= mixed.max(-1, keepdims=True)
        found[part] = 1 / np.exp(mixed, out=mixed).sum(-1)
    return found


def logits_at(logits: NDArray[np.floating], rows: Floats, columns: Floats) -> Floats:
    """Return the logits (P, K) at P places, each with its row and its column, of logits (K, h, w).

    >>> logits_at(np.array([[[1.0, 3.0]]]), np.array([0.5]), np.array([1.0])).tolist()
    [[2.0]]
    """
    cells = np.moveaxis(logits, 0, -1)
    return np.asarray(_mixed(cells, *_between(rows, cells.shape[0]), *_between(columns, cells.shape[1])), np.float64)


def _between(places: Floats, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
    """Return the cells before and behind each place, and how far it is on the way from one to the other, 0 to 1."""
    at = np.clip(places - 0.5, 0, count - 1)
    first = np.floor(at).astype(np.int64)
    return first, np.minimum(first + 1, count - 1), at - first


def _mixed(
    cells: NDArray[Any],
    top: NDArray[np.int64],
    bottom: NDArray[np.int64],
    down: NDArray[Any],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    across: NDArray[Any],
) -> NDArray[Any]:
    """Return the values (P, K) of cells (h, w, K) between four of them each."""
    share, lower = across[:, None].astype(cells.dtype), down[:, None].astype(cells.dtype)
    above = cells[top, left] * (1 - share) + cells[top, right] * share
    below = cells[bottom, left] * (1 - share) + cells[bottom, right] * share
    return np.asarray(above * (1 - lower) + below * lower)


def _parts(count: int, wide: int) -> Iterator[slice]:
    """Yield slices of so many lines of ``wide`` values as are worked on at once."""
    step = max(1, _MOST // max(1, wide))
    yield from (slice(begin, begin + step) for begin in range(0, count, step))
