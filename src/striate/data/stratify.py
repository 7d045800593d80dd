"""Pictures with several labels dealt into parts so that every label, the rare ones too, stands in each by its share.

Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011, "On the stratification of multi-label data"): as long
as a label has pictures left, those of the label with the fewest left are dealt, one by one, each to the part that still
wants most of that label; of equal ones to that which still wants most pictures. Dealt so, a rare label is not left to
what is over from the common ones. Pictures without a label come last. The order within a label is given (a hash of
seed and content), and nothing else is drawn, so names, order and folders do not matter. No torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from striate.data.folds import ALWAYS, Folds

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def stratified(labels: Bools, shares: Sequence[float]) -> Ints:
    """Return the part (N,), from 0, of each of N pictures, which have ``labels`` (N, L) and come in their order.

    ``shares`` say how large each part is to be, together 1. The order of the pictures breaks ties, so it should be a
    drawn one.

    Example: ``stratified(np.array([[True], [True], [False], [False]]), [0.5, 0.5])`` is ``[0, 1, 0, 1]``.
    """
    there = np.asarray(labels, bool)
    sizes = np.asarray(shares, np.float64)
    if there.ndim != 2 or len(sizes) < 1 or (sizes < 0).any() or not np.isclose(sizes.sum(), 1.0):
        raise ValueError(
            f"labels of shape {there.shape} and shares {list(shares)}: they must be (N, L), and add up to 1"
        )
    place = np.full(len(there), -1, np.int64)
    room = sizes * len(there)  # how many pictures each part still wants
    wants = sizes[:, None] * there.sum(axis=0)  # (parts, L): and how many of each label
    left = there.sum(axis=0)
    open_ = np.ones(len(there), bool)
    able = sizes > 0

    def put(row: int, part: int) -> None:
        place[row], open_[row] = part, False
        room[part] -= 1
        wants[part] -= there[row]

    while left.any():
        rarest = np.flatnonzero(left == left[left > 0].min())
        firsts = [int((there[:, label] & open_).argmax()) for label in rarest]
        label = rarest[int(np.argmin(firsts))]  # of equally rare ones that whose picture comes first
        for row in np.flatnonzero(there[:, label] & open_).tolist():
            put(row, _most(wants[:, label], room, able))
            left -= there[row]
    for row in np.flatnonzero(open_).tolist():
        put(row, _most(room, room, able))
    return place


def _most(first: NDArray[np.float64], then: NDArray[np.float64], able: Bools) -> int:
    """Return the part that wants most, by the first number, among equals by the second, then the first of them."""
    here = np.where(able, np.round(first, 9), -np.inf)
    among = here == here.max()
    return int(np.where(among, np.round(then, 9), -np.inf).argmax())


def stratified_parts(
    labels: Bools, digests: Sequence[bytes], rows: Sequence[int], shares: Sequence[float], *, seed: int, draw: int = 0
) -> Ints:
    """Return the part (N,) of pictures dealt by `stratified`, copies together; -1 for those not in ``rows``.

    ``labels`` (N, L) and ``digests`` are of all pictures. A content has the labels of all its copies, and counts once.
    Equal for equal (contents, labels, seed, draw), whatever the pictures are called and in whatever order they come.
    """
    contents, members = _contents(digests, rows, seed=seed, draw=draw)
    there = np.array([labels[members[content]].any(axis=0) for content in contents], bool)
    place = np.full(len(labels), -1, np.int64)
    if contents:
        for content, part in zip(contents, stratified(there, shares).tolist(), strict=True):
            place[members[content]] = part
    return place


def fold_labels(
    labels: Bools, digests: Sequence[bytes], rows: Sequence[int], *, seed: int, count: int, draws: int = 1
) -> Folds | None:
    """Deal pictures with several labels into at most ``count`` folds, ``draws`` times, by `stratified`.

    ``labels`` (N, L) and ``digests`` are of all pictures, ``rows`` the ones that are dealt. A label that only one
    content has is not measured: that picture is seen by every training, as in `striate.data.folds.fold`, and so is one
    content of a label that would stand in one fold alone. None where there are not two different pictures, or no label
    has two of them; no more folds than the commonest label has different pictures.

    Example: ``fold_labels(np.ones((4, 1), bool), [b"a", b"b", b"c", b"d"], range(4), seed=0, count=2).held(0, 0)``
    """
    if count < 2 or draws < 1:
        raise ValueError(f"{count} folds dealt {draws} times; there must be two folds at least, dealt once at least")
    dealt = np.sort(np.asarray(rows, np.int64))
    places = np.full((draws, len(labels)), ALWAYS, np.int64)
    for draw in range(draws):
        contents, members = _contents(digests, dealt, seed=seed, draw=draw)
        there = np.array([labels[members[content]].any(axis=0) for content in contents], bool)
        times = there.sum(axis=0) if len(there) else np.zeros(labels.shape[1], np.int64)
        if times.max(initial=0) < 2:
            return None
        count = min(count, int(times.max()))
        able = ~(there & (times == 1)).any(axis=1)
        if able.sum() < 2:
            return None
        place = np.full(len(contents), ALWAYS, np.int64)
        place[able] = stratified(there[able], [1 / count] * count)
        for label in np.flatnonzero(times > 1):
            mine = np.flatnonzero(there[:, label])
            if len(set(place[mine].tolist())) == 1 and place[mine[0]] != ALWAYS:
                place[mine[0]] = ALWAYS
        for content, part in zip(contents, place.tolist(), strict=True):
            places[draw, members[content]] = part
    return Folds(count, places, dealt)


def _contents(
    digests: Sequence[bytes], rows: Sequence[int] | Ints, *, seed: int, draw: int
) -> tuple[list[bytes], dict[bytes, list[int]]]:
    """Return the different contents in the order of their hashes, and the rows of each."""
    members: dict[bytes, list[int]] = {}
    for row in np.sort(np.asarray(rows, np.int64)).tolist():
        members.setdefault(digests[row], []).append(row)
    key, salt = int(seed).to_bytes(16, "little", signed=True), draw.to_bytes(16, "little")

    def number(content: bytes) -> bytes:
        return hashlib.blake2b(content, digest_size=8, key=key, salt=salt, person=b"striate strata").digest()

    return sorted(members, key=lambda content: (number(content), content)), members
