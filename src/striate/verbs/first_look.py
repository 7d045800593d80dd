"""First look: what a training says by itself of what is wrong with its pictures, where knowing costs next to nothing.

Files that do not read, and equal ones, a training names in any case (`striate.verbs.cautions`). Here is what the
pictures of the store tell beside that; `striate doctor` reads the files themselves, and looks for far more.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.data.labels.classes import shown
from striate.data.labels.mending import Mending
from striate.data.sources.items import FolderSource
from striate.search.judged import is_judged
from striate.search.name_groups import FEWEST, name_groups
from striate.verbs.cautions import copies_of
from striate.verbs.prepared import Prepared
from striate.words import counted, plural

SIDE: Final = 16  # squares a side whose mean gray is compared
MOST: Final = 2_000  # pictures up to which they are looked at: a few tenths of a second
PAIRS: Final = 40_000_000  # pairs of a picture to measure on and one to train on, up to which they are compared
SAME: Final = 2.0  # of 255 that the squares of two copies differ by at most, in the root of the mean square
FARTHEST: Final = 8  # and any square of them
CONTRAST: Final = 12.0  # deviation of a picture's squares, below which it is too plain to tell from another
NAMED: Final = 2
NEAR: Final = ("near-copies", "near-across-classes", "near-across-parts")  # what doctor calls what is nearly the same


def first_look(prepared: Prepared) -> tuple[str, ...]:
    """Return at most three sentences about the pictures of a training, the worst first; none where nothing is wrong.

    Of pictures in a folder alone. What looks the same on both sides of the split, and names that go with looks, where
    nobody said which belong together; the last says where to look further, where these or others say something.
    """
    source = prepared.source
    if not isinstance(source, FolderSource):
        return ()
    said: list[str] = []
    if FEWEST <= len(source.items) <= MOST:
        squares = _squares(prepared)
        said += _same_on_both_sides(prepared, squares)
        if prepared.config.group is None and not is_judged("groups", (), source.mending or Mending()):
            said += _groups(prepared, squares)
    copies = copies_of(prepared)
    if said or copies.contradicting or copies.crossing or any(one.bad for one in source.rejected):
        said.append(f"striate doctor {shlex.quote(str(source.root))} looks further")
    return tuple(said)


def _squares(prepared: Prepared) -> NDArray[np.uint8]:
    """Return the pictures (N, 16, 16) in gray, the mean of each square."""
    pixels = prepared.store.pixels
    factor = max(1, min(pixels.shape[1:3]) // (2 * SIDE))
    found = np.empty((len(pixels), SIDE, SIDE), np.uint8)
    for row, picture in enumerate(pixels):
        small = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).reduce(factor)
        found[row] = np.asarray(small.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX))
    return found


def _sides(prepared: Prepared) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return the rows measured on and those trained on, of each training that measures."""
    parts, folds = prepared.split, prepared.folds
    if folds is not None:
        return [(folds.held(0, fold), folds.others(0, fold)) for fold in range(folds.count)]
    return [(np.array([*parts.val, *parts.test], np.int64), np.array(parts.train, np.int64))]


def _same_on_both_sides(prepared: Prepared, squares: NDArray[np.uint8]) -> list[str]:
    """Return a sentence about pictures that look the same as one trained on, but are not equal to the last byte."""
    sides = _sides(prepared)
    if sum(len(held) * len(train) for held, train in sides) > PAIRS:
        return []
    flat = squares.reshape(len(squares), -1).astype(np.float32)
    uneven = flat.std(axis=1) >= CONTRAST
    norms, digests = (flat**2).mean(axis=1), prepared.store.digests
    pairs: list[tuple[int, int]] = []
    for held, train in sides:
        mine, other = held[uneven[held]], train[uneven[train]]
        for block in np.array_split(mine, max(1, len(mine) // 512)):
            apart = norms[block][:, None] + norms[other] - 2 * (flat[block] @ flat[other].T) / flat.shape[1]
            for one, two in zip(*np.nonzero(apart <= SAME**2), strict=True):
                row, trained = int(block[one]), int(other[two])
                if np.abs(flat[row] - flat[trained]).max() <= FARTHEST and digests[row] != digests[trained]:
                    pairs.append((row, trained))
    items, mending = prepared.source.items, prepared.source.mending or Mending()
    pairs = [pair for pair in pairs if not _judged([items[row].key for row in pair], mending)]
    first = dict(reversed(pairs))  # of each picture the first that it looks like
    if not first:
        return []
    named = [f"{shown(items[row].key)} = {shown(items[first[row]].key)}" for row in sorted(first)]
    number = len(named)
    return [
        f"{counted(number, 'picture')} to measure on {plural(number, 'is')} nearly the same as one trained on, so that"
        f" the figures say more than is true: {'; '.join(named[:NAMED])}{'; ...' if number > NAMED else ''}"
    ]


def _judged(keys: Sequence[str], mending: Mending) -> bool:
    """Whether a person looked at two pictures that doctor took for near copies, and wants to hear no more of them."""
    return any(is_judged(kind, keys, mending) for kind in NEAR)


def _groups(prepared: Prepared, squares: NDArray[np.uint8]) -> list[str]:
    """Return a sentence about names that go with looks, and the pattern that keeps them together."""
    items = prepared.source.items
    labels = np.array([item.place for item in items], np.int64)
    found = name_groups([item.key for item in items], squares, labels)
    if found is None or found.alike is None or not found.pattern:
        return []
    who = "neighbours by name" if found.neighbours else "pictures that share a part of their name"
    return [
        f"{who} look alike ({100 * found.alike:.0f} of 100 comparisons, by chance 50), as frames of one video do, and"
        f" are on both sides of the split; --group {shlex.quote(found.pattern)} keeps them together"
    ]
