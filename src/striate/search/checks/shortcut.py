"""Shortcuts: what goes with a class and is not what the pictures show. A network learns it all the same.

What size a picture has, what its file is like and its mean colour: each alone is asked for the class by its nearest
neighbours, cross-validated, and compared with always saying the most frequent class.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.metrics.intervals import wilson
from striate.search.examined import Examined, Finding
from striate.words import counted

FEWEST: Final = 60  # pictures with a class, below which nothing is measured
MOST: Final = 3000  # pictures asked, drawn with a fixed seed
FOLDS: Final = 5
NEIGHBOURS: Final = 15
MORE: Final = 0.1  # of the pictures above the majority, below which nothing is said


def shortcuts(examined: Examined) -> Iterator[Finding]:
    """Find what tells the class without a look at what is shown."""
    labelled = np.flatnonzero(examined.labels >= 0)
    if len(labelled) < FEWEST or len(set(examined.labels[labelled].tolist())) < 2:
        return
    chosen = np.sort(np.random.default_rng(0).permutation(labelled)[:MOST])
    target = examined.labels[chosen]
    majority = float(np.bincount(target).max() / len(target))
    rows = examined.rows[chosen]
    high, wide = (np.log(rows[side].astype(np.float64)) for side in ("height", "width"))
    size = np.stack([high + wide, high - wide], axis=1)
    per_pixel = np.log(np.maximum(1, examined.sizes[chosen])) - high - wide
    kinds = np.unique(np.stack([rows["format"], rows["mode"]], axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    file = np.concatenate([per_pixel[:, None], 3.0 * np.eye(int(kinds.max()) + 1)[kinds]], axis=1)
    for kind, values, what, level in (
        ("size", size, "the size of a picture", "doubtful"),
        ("file", file, "what the file of a picture is like (format, bytes a pixel)", "doubtful"),
        ("colour", rows["colour"].astype(np.float64), "the mean colour of a picture", "to know"),
    ):
        right = cross_validated(values, target)
        found = wilson(int(right.sum()), len(right))
        if found is None or found.low < majority + MORE:
            continue
        remedy = (
            "Where colours belong to what is to be told, nothing; else see with striate look whether the network looks"
            " at the thing or at what is around it."
            if kind == "colour"
            else "Bring all pictures to one size and format before training, cut out of them by the same rule, and"
            " measure on pictures of another source."
        )
        yield Finding(
            f"shortcut-{kind}",
            level,
            f"{what} alone tells the class of {100 * right.mean():.0f} % of pictures ({100 * found.low:.0f} to"
            f" {100 * found.high:.0f} %), where always saying the most frequent class is right for"
            f" {100 * majority:.0f} %",
            f"Measured on {counted(len(chosen), 'picture')}, each asked by the nearest of others. A network can learn"
            " that in place of what the pictures show, and fails where it no longer goes with the class.",
            remedy + _usual(kind, rows, target, examined.names),
            share=1.0,
        )


def cross_validated(values: NDArray[np.float64], target: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return of which pictures (N,) the class is told by the 15 nearest others, in values (N, D) of unit spread.

    Each fifth is asked by the other four. Of equally many votes the class that is more frequent is said.

    >>> values = np.repeat([[0.0], [1.0]], 40, axis=0)
    >>> bool(cross_validated(values, np.repeat([0, 1], 40)).all())
    True
    """
    spread = values.std(axis=0)
    values = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    fold = np.random.default_rng(1).permutation(len(values)) % FOLDS
    right = np.zeros(len(values), np.bool_)
    for part in range(FOLDS):
        known, asked = np.flatnonzero(fold != part), np.flatnonzero(fold == part)
        far = ((values[asked, None, :] - values[None, known, :]) ** 2).sum(axis=2)
        near = np.argsort(far, axis=1, kind="stable")[:, :NEIGHBOURS]
        frequent = np.bincount(target[known], minlength=int(target.max()) + 1) / len(known)
        votes = np.zeros((len(asked), len(frequent)))
        np.add.at(votes, (np.arange(len(asked))[:, None], target[known][near]), 1.0)
        right[asked] = (votes + 0.5 * frequent).argmax(axis=1) == target[asked]
    return right


def _usual(kind: str, rows: NDArray[np.void], target: NDArray[np.int64], names: tuple[str, ...]) -> str:
    """Return what is usual in each of the first classes, as a sentence."""
    if kind == "file":
        return ""
    said = []
    for place in np.unique(target)[:6]:
        mine = rows[target == place]
        if kind == "size":
            said.append(f"{names[place]} {np.median(mine['width']):.0f} x {np.median(mine['height']):.0f}")
        else:
            red, green, blue = mine["colour"].mean(axis=0)
            said.append(f"{names[place]} {red:.0f} {green:.0f} {blue:.0f}")
    what = "Sizes in the middle" if kind == "size" else "Mean red, green and blue"
    return f" {what}: {', '.join(said)}."
