"""Folds: every picture answered for by a training that did not see it. Seeded, stratified, leak-proof. No torch.

Where pictures are few, one split measures on a handful of them and its figure depends on which: so they are dealt into
``count`` folds, and each fold is answered for by what was trained on the others (Stone 1974, "Cross-validatory choice
and assessment of statistical predictions"). As in data/split.py a picture's place follows from a hash of the seed and
of its content, so that copies, in one class or in several, are in one fold, and names, order and folders do not matter.
Within a class pictures are dealt by the order of their hashes, so that its share of every fold is equal to within one
(Kohavi 1995: stratified folds have less bias and less variance); a class that divides unevenly gives what is over to
the smallest folds. Unlike the fixed split's, a picture's fold may change when others are added.

Other draws (``draws``) deal the same pictures again, by other hashes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALWAYS = -1  # the fold of a picture that every training sees, because its class would have none without it


@dataclass(frozen=True, eq=False)
class Folds:
    """``places`` (draws, pictures): the fold, below ``count``, that holds each picture in each draw, or ALWAYS.

    Pictures that are not dealt at all (test pictures of the source's own) are ALWAYS too, and in no ``others``.
    """

    count: int
    places: NDArray[np.int64]
    dealt: NDArray[np.int64]

    @property
    def draws(self) -> int:
        """How often the pictures were dealt."""
        return len(self.places)

    @property
    def measured(self) -> NDArray[np.int64]:
        """Rows of the pictures that some fold holds in every draw: those that are answered for, in rising order."""
        rows: NDArray[np.int64] = self.dealt[(self.places[:, self.dealt] != ALWAYS).all(axis=0)]
        return rows

    def held(self, draw: int, fold: int) -> NDArray[np.int64]:
        """Return the rows that a fold holds, in rising order: it answers for them and does not see them."""
        rows: NDArray[np.int64] = self.dealt[self.places[draw, self.dealt] == fold]
        return rows

    def others(self, draw: int, fold: int) -> NDArray[np.int64]:
        """Return the rows that a fold's training sees, in rising order."""
        rows: NDArray[np.int64] = self.dealt[self.places[draw, self.dealt] != fold]
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON; ``places`` are those of the pictures dealt, in the order of their rows."""
        return {"count": self.count, "places": self.places[:, self.dealt].tolist()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], rows: Sequence[int | None], pictures: int) -> Folds:
        """Return what ``to_dict`` wrote, of ``pictures`` in all.

        ``rows`` are where the pictures that were dealt are now, in the order they had; None for one that is gone.
        Errors: ValueError when the lists do not belong together.
        """
        kept = np.array(values["places"], np.int64)
        count = values["count"]
        if kept.ndim != 2 or kept.shape[1] != len(rows) or not kept.max(initial=0) < count <= max(2, len(rows)):
            raise ValueError("the folds do not belong to the pictures")
        there = np.array([row is not None for row in rows], bool)
        now = np.array([row for row in rows if row is not None], np.int64)
        places = np.full((len(kept), pictures), ALWAYS, np.int64)
        places[:, now] = kept[:, there]
        return cls(count, places, np.sort(now))

    def __str__(self) -> str:
        """Return how they were dealt, in words: ``5 folds x 3``."""
        return f"{self.count} folds" + (f" x {self.draws}" if self.draws > 1 else "")


def fold(
    targets: NDArray[np.int64],
    digests: Sequence[bytes],
    rows: Sequence[int],
    *,
    seed: int,
    count: int,
    draws: int = 1,
) -> Folds | None:
    """Deal pictures into at most ``count`` folds, ``draws`` times; None where no class has two different pictures.

    ``targets`` (N,) and ``digests`` are of all pictures, ``rows`` the ones that are dealt. There are no more folds than
    the largest class has different pictures: with three a class there are three.

    Example: ``fold(prepared.targets, store.digests, split.train, seed=0, count=5).held(0, 4)``
    """
    if count < 2 or draws < 1:
        raise ValueError(f"{count} folds dealt {draws} times; there must be two folds at least, dealt once at least")
    dealt = np.sort(np.asarray(rows, np.int64))
    members: dict[bytes, list[int]] = {}
    for row in dealt.tolist():
        members.setdefault(digests[row], []).append(row)
    kinds = {digest: tuple(sorted({int(targets[row]) for row in rows})) for digest, rows in members.items()}
    pictures: dict[int, int] = {}
    for kind in kinds.values():
        for target in kind:
            pictures[target] = pictures.get(target, 0) + 1
    largest = max(pictures.values(), default=0)
    if largest < 2:
        return None
    count = min(count, largest)
    places = np.full((draws, len(targets)), ALWAYS, np.int64)
    for draw in range(draws):
        for digest, place in _deal(kinds, pictures, seed=seed, draw=draw, count=count).items():
            places[draw, members[digest]] = place
    return Folds(count, places, dealt)


def _deal(
    kinds: dict[bytes, tuple[int, ...]], pictures: dict[int, int], *, seed: int, draw: int, count: int
) -> dict[bytes, int]:
    """Return the fold of every content; ``kinds`` are the classes it is in, ``pictures`` how many each class has."""
    key = int(seed).to_bytes(16, "little", signed=True)
    salt = draw.to_bytes(16, "little")
    number = {
        digest: hashlib.blake2b(digest, digest_size=8, key=key, salt=salt, person=b"striate folds").digest()
        for digest in kinds
    }
    first: dict[int, bytes] = {}
    for digest, kind in kinds.items():
        for target in kind:
            first[target] = min(number[digest], first.get(target, number[digest]))
    mine = {target: np.zeros(count, np.int64) for target in pictures}
    total, place = np.zeros(count, np.int64), dict[bytes, int]()

    # What is in several classes comes first, for it is the hardest to place; then class by class, in an order that
    # their names do not decide.
    def order(digest: bytes) -> tuple[bool, bytes, bytes]:
        kind = kinds[digest]
        return len(kind) == 1, first[kind[0]] if len(kind) == 1 else b"", number[digest]

    for digest in sorted(kinds, key=order):
        kind = kinds[digest]
        if any(pictures[target] < 2 for target in kind):
            place[digest] = ALWAYS
            continue
        here = np.sum([mine[target] for target in kind], axis=0)
        place[digest] = int(np.lexsort((total, here))[0])
        total[place[digest]] += 1
        for target in kind:
            mine[target][place[digest]] += 1
    held: dict[int, list[bytes]] = {target: [] for target in pictures}
    for digest in sorted(kinds, key=lambda digest: number[digest]):
        for target in kinds[digest]:
            held[target].append(digest)
    for some in held.values():  # contents in several classes may have crowded a class into one fold
        if len({place[digest] for digest in some}) == 1:
            place[some[0]] = ALWAYS
    return place
