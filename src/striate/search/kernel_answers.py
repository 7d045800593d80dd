"""What the other pictures of a folder say of one: kernel ridge regression, each picture left out in turn, exactly.

Of two pictures the kernel says how alike they are, by what a trunk makes of them at several depths. Classes are learnt
as numbers, 1 for a picture's own and 0 for the others, by ridge regression in the kernel's space. What that says of a
picture when it is left out follows from the one solution with all of them in it, without another (Rifkin and Lippert,
"Notes on regularized least squares", 2007, section 4; for a group that is left out as one, An, Liu and Venkatesh,
"Fast cross-validation algorithms for least squares support vector machine and kernel ridge regression", 2007). So each
picture is answered for by all others, and copies of it, which would give its label away, are left out with it.

Against a linear head, fitted in folds: docs/doctor.md has what either finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

RIDGE: Final = 0.6  # of a kernel that is 1 for a picture and itself
_FLOOR: Final = 1e-3  # of the usual deviation of a feature, so that one that hardly varies is not blown up
_WARMTH: Final = np.linspace(1.0, 15.0, 57)

Floats = NDArray[np.float32]


def seen(features: NDArray[Any], widths: Sequence[int]) -> Floats:
    """Return features (N, D) of ``widths`` (their sum is D) as vectors whose products say how alike pictures are.

    The square root is taken, which draws in what is large (the Hellinger kernel; Arandjelović and Zisserman, "Three
    things everyone should know to improve object retrieval", 2012); each number is then seen from its mean in units of
    its deviation, and each depth has the same weight: the product of a picture with itself is 1.

    Example: ``seen(np.ones((4, 8), np.float16), (8,)).shape`` is ``(4, 8)``.
    """
    made: Floats = features.astype(np.float32)
    np.sqrt(np.maximum(made, 0, out=made), out=made)
    begin = 0
    for width in widths:
        block = made[:, begin : begin + width]
        block -= block.mean(axis=0)
        spread = block.std(axis=0)
        block /= np.maximum(spread + _FLOOR * max(float(spread.mean()), 1e-12), 1e-12)
        length = np.sqrt(np.einsum("nd,nd->n", block, block))[:, None] * np.float32(np.sqrt(len(widths)))
        np.divide(block, length, out=block, where=length > 0)
        begin += width
    return made


def kernel(one: Floats, other: Floats) -> Floats:
    """Return how alike pictures are (N, M), by vectors (N, D) and (M, D) of `seen`: 1 for the same, near 0 for none.

    >>> kernel(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32)).round(2).tolist()
    [[1.0, 0.3700000047683716], [0.3700000047683716, 1.0]]
    """
    near = one @ other.T
    near -= 1
    found: Floats = np.exp(near, out=near)
    return found


def left_out(alike: Floats, labels: NDArray[np.int64], width: int, groups: NDArray[np.int64]) -> Floats:
    """Return what all others say of each picture (N, width), in shares that need not add up to 1.

    ``alike`` (N, N) is their `kernel`; pictures of one of ``groups`` (N,) are left out together.
    """
    targets, usual = _targets(labels, width)
    inverse = np.asarray(np.linalg.inv(_ridged(alike)), np.float32)
    solved = inverse @ (targets - usual)
    found = np.asarray(targets - solved / np.diag(inverse)[:, None], np.float32)
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        if len(rows) > 1:
            found[rows] = targets[rows] - np.linalg.solve(inverse[np.ix_(rows, rows)], solved[rows])
    return found


def answered(alike: Floats, labels: NDArray[np.int64], width: int, asked: Floats) -> Floats:
    """Return what pictures say of others (M, width).

    ``alike`` (N, N) is the kernel of those that say it, ``asked`` (M, N) of the others with them.
    """
    targets, usual = _targets(labels, width)
    solved = np.linalg.solve(_ridged(alike), targets - usual)
    found: Floats = asked @ solved + usual
    return found


def warmth(said: Floats, labels: NDArray[np.int64]) -> float:
    """Return what shares (N, width) are multiplied by, so that their softmax is as probable as it can be.

    >>> said = np.array([[0.6, 0.4], [0.3, 0.7]], np.float32)
    >>> warmth(said, np.array([0, 1])) > warmth(said, np.array([1, 0]))
    True
    """
    rows = np.arange(len(said))
    lost = [-float(np.log(np.maximum(probabilities(said, one)[rows, labels], 1e-12)).mean()) for one in _WARMTH]
    return float(_WARMTH[int(np.argmin(lost))])


def probabilities(said: Floats, factor: float) -> Floats:
    """Return shares (N, width) as probabilities.

    >>> probabilities(np.array([[0.5, 0.5]], np.float32), 4.0).tolist()
    [[0.5, 0.5]]
    """
    made: Floats = np.exp(np.float32(factor) * (said - said.max(axis=1, keepdims=True)))
    made /= made.sum(axis=1, keepdims=True)
    return made


def _ridged(alike: Floats) -> Floats:
    made = alike.copy()
    made.flat[:: len(made) + 1] += np.float32(RIDGE)
    return made


def _targets(labels: NDArray[np.int64], width: int) -> tuple[Floats, Floats]:
    targets: Floats = np.eye(width, dtype=np.float32)[labels]
    return targets, targets.mean(axis=0)
