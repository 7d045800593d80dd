"""Groups of pictures dealt into the parts of a split, or into folds, so that each part gets its share. No torch.

A place that follows from a group's hash alone, as in split.py, would leave shares to chance where groups are few and of
unequal size. So groups are dealt one by one, larger ones first (by powers of two; within one, in the order of a hash of
the seed), each to the part where the squares of what every class, and all pictures together, still lack or have too
much come down most: as scikit-learn's StratifiedGroupKFold does, but by the seed. A group's part may change when others
are added; names and order of pictures do not matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from striate.data.folds import ALWAYS, Folds
from striate.data.strata import Strata

Ints = NDArray[np.int64]


def dealt(counts: Ints, shares: Sequence[float], order: Sequence[bytes]) -> Ints:
    """Return the part (G,) of each of G groups, ``counts`` (G, S) of whose pictures are in each of S strata.

    ``shares`` of the parts add up to 1; ``order`` are drawn, one a group. Parts with a share of 0 get nothing.

    Example: ``dealt(np.array([[4], [4]]), [0.5, 0.5], [b"a", b"b"])`` is ``[0, 1]``.
    """
    sizes = counts.sum(axis=1)
    whole = np.column_stack([counts, sizes]).astype(np.float64)
    whole /= np.maximum(whole.sum(axis=0), 1.0)
    able = np.flatnonzero(np.asarray(shares) > 0)
    lack = np.repeat(np.asarray(shares, np.float64)[able][:, None], whole.shape[1], axis=1)
    place = np.zeros(len(counts), np.int64)
    for group in sorted(range(len(counts)), key=lambda one: (-int(sizes[one]).bit_length(), order[one])):
        mine = whole[group]
        # What the squares change by: (lack - mine)^2 - lack^2.
        change = np.round((mine * (mine - 2 * lack)).sum(axis=1), 12)
        part = int(change.argmin())
        place[group] = able[part]
        lack[part] -= mine
    return place


def dealt_parts(counts: Ints, shares: Sequence[float], order: Sequence[bytes], *, first: int) -> Ints:
    """Return the part of each group, as `dealt`; every stratum has one in part ``first``, and in others where it can.

    A stratum with at least as many groups as there are parts has one in every part, where no other loses its own by it.
    """
    place, there = dealt(counts, shares, order), counts > 0
    wanted = [part for part in range(len(shares)) if shares[part] > 0]
    sizes = counts.sum(axis=1)
    every = [np.ones(len(counts), bool), *there.T]
    for part in sorted(wanted, key=lambda one: one != first):
        for mine in every:
            if (mine & (place == part)).any() or mine.sum() < (1 if part == first else len(wanted)):
                continue
            able = [
                group
                for group in np.flatnonzero(mine).tolist()
                if part == first or all(_left(there[:, s], place, group) for s in np.flatnonzero(there[group]))
            ]
            able = [group for group in able if part == first or _left(every[0], place, group)]
            if able:
                place[min(able, key=lambda group: (int(sizes[group]), order[group]))] = part
    return place


def _left(mine: NDArray[np.bool_], place: Ints, group: int) -> bool:
    """Whether other groups of a stratum remain where a group is."""
    return int((mine & (place == place[group])).sum()) > 1


def split_groups(
    strata: Strata,
    groups: Ints,
    order: Sequence[bytes],
    pool: NDArray[np.bool_],
    shares: Sequence[float],
    *,
    first: int,
) -> Ints:
    """Return the part of every group: ``groups`` (N,) are places in ``order``, ``pool`` (N,) says which are dealt.

    ``shares``, ``first``: as of `dealt_parts`.
    """
    inside = np.unique(groups[pool])
    place = np.full(len(order), first, np.int64)
    if len(inside):
        counts = counts_of(strata, groups, pool, len(order))[inside]
        place[inside] = dealt_parts(counts, shares, [order[one] for one in inside], first=first)
    return place


def counts_of(strata: Strata, groups: Ints, pool: NDArray[np.bool_], number: int) -> Ints:
    """Return how many pictures of each of ``number`` groups are in each stratum, of those in the ``pool``."""
    member, row = strata.pairs
    here = pool[row]
    counts = np.zeros((number, strata.count), np.int64)
    np.add.at(counts, (groups[row[here]], member[here]), 1)
    return counts


def fold_groups(
    strata: Strata, identities: Sequence[bytes], rows: Sequence[int], *, seed: int, count: int, draws: int = 1
) -> Folds | None:
    """Deal groups into at most ``count`` folds, ``draws`` times; None where no stratum is in two groups.

    ``identities`` are of all pictures, ``rows`` the ones that are dealt. There are no more folds than the stratum with
    the most groups has. Pictures of a stratum in one group are seen by every training, with all of that group, as in
    `striate.data.folds.fold`.
    """
    if count < 2 or draws < 1:
        raise ValueError(f"{count} folds dealt {draws} times; there must be two folds at least, dealt once at least")
    dealing = np.sort(np.asarray(rows, np.int64))
    pool = np.zeros(len(identities), bool)
    pool[dealing] = True
    number: dict[bytes, int] = {}
    groups = np.array([number.setdefault(one, len(number)) for one in identities], np.int64)
    counts = counts_of(strata, groups, pool, len(number))
    there = counts > 0
    times = there.sum(axis=0)
    count = min(count, int(times.max(initial=0)))
    # A class that is learnt from one group alone must be seen by every training; a tag or a range may go without.
    alone = times == 1 if strata.names else np.zeros(len(times), bool)
    able = there.any(axis=1) & ~(there & alone).any(axis=1)
    if count < 2 or able.sum() < 2:
        return None
    count = min(count, int(able.sum()))
    chosen, names = np.flatnonzero(able), list(number)
    places = np.full((draws, len(identities)), ALWAYS, np.int64)
    for draw in range(draws):
        order = drawn(names, seed, salt=draw)
        place = np.full(len(names), ALWAYS, np.int64)
        mine = [order[one] for one in chosen]
        place[chosen] = dealt_parts(counts[chosen], [1 / count] * count, mine, first=-1)
        for stratum in np.flatnonzero(times > 1) if strata.names else ():
            held = np.flatnonzero(there[:, stratum])
            if len(set(place[held].tolist())) == 1 and place[held[0]] != ALWAYS:
                place[min(held, key=lambda one: order[one])] = ALWAYS
        places[draw, dealing] = place[groups[dealing]]
    return Folds(count, places, dealing)


def drawn(identities: Sequence[bytes], seed: int, *, salt: int = 0) -> list[bytes]:
    """Return what the order of groups goes by: a hash of the seed and each identity."""
    key, salted = int(seed).to_bytes(16, "little", signed=True), salt.to_bytes(16, "little")
    return [
        hashlib.blake2b(one, digest_size=8, key=key, salt=salted, person=b"striate groups").digest()
        for one in identities
    ]
