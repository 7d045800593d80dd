"""Train, validation and test: seeded, stratified, leak-proof, and stable when pictures are added. No torch.

A picture's place is decided by one number in [0, 1), a hash of the seed and of its content: below ``test`` it is test,
below ``test + val`` validation, above training. From this follows, always:

- equal pictures, in one class or in several, are on one side;
- names, order and folders do not matter;
- a picture stays where it was, whatever is added or removed, so long as every class has pictures in every part.

No rule can have that and exact shares too: a place that depends on the picture alone cannot know how many others there
are. So shares hold in expectation, in every class by itself (the hash does not know classes): of n pictures, share·n
plus or minus about sqrt(share·(1 - share)·n): 1,000 ± 30 of 10,000 at a tenth. For small classes there is one
exception, and it alone may move a picture later, when the class has grown: a class with at least three different
pictures (that no other class holds too) has one at least in every part; where chance left a part without one, it gets
the picture whose number is nearest to it.

Where a picture may be in several groups (tags), rare ones would too often be missing from a part, and the pictures that
mend one group upset another. So these are dealt by iterative stratification (data/stratify.py), in the order of their
numbers: every tag has its share of every part to within about one picture, names and order do not matter, but a
picture's place may change when others are added.

Where a person says which pictures belong together (data/groups.py), they and copies are groups, and these are dealt as
data/group_dealing.py does, for groups may be few and of unequal size.

What the source splits itself stays so, and only the parts it lacks are taken, out of its train.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.data.group_dealing import drawn, split_groups
from striate.data.sources.items import Source
from striate.data.strata import Strata
from striate.data.stratify import stratified
from striate.errors import SourceError

_TEST, _VAL, _TRAIN, _NOWHERE = 0, 1, 2, 3
_PARTS: Final = {"test": _TEST, "val": _VAL, "train": _TRAIN}


@dataclass(frozen=True)
class Split:
    """Indices into ``source.items``, in rising order.

    ``left_out``: copies, in the source's own train (or val), of pictures of its test (or val): used for nothing.
    """

    train: tuple[int, ...]
    val: tuple[int, ...]
    test: tuple[int, ...]
    left_out: tuple[int, ...] = ()


def split(
    source: Source,
    digests: Sequence[bytes],
    *,
    seed: int,
    val: float = 0.1,
    test: float = 0.15,
    strata: Strata | None = None,
    grouped: bool = False,
) -> Split:
    """Return which pictures train, which choose (validation) and which measure (test).

    ``digests``: one of each item's content, equal exactly when the pictures are; where they are ``grouped``, the
    identity of a group (`striate.data.groups.identities`). ``val`` and ``test``: shares of what the source leaves
    unsplit; 0 for none. ``strata`` are the groups that keep their shares, the classes of the source if not said. Items
    without a label go nowhere.
    Errors: SourceError when a class is left without a picture to train on.
    Source of the method: hashing for a stable split, A. Géron, "Hands-On Machine Learning", chapter 2.
    Example: ``len(split(stored.source, stored.store.digests, seed=0, val=0, test=0).train)`` is 28.
    """
    if len(digests) != len(source.items):
        raise ValueError(f"{len(digests)} digests for {len(source.items)} items")
    if val < 0 or test < 0 or val + test >= 1:
        raise ValueError(f"val={val:g} and test={test:g}; they are shares, and must leave something to train on")
    strata = classes_of(source) if strata is None else strata
    groups, numbers = _groups(digests, seed)
    own = {item.split for item, known in zip(source.items, strata.known, strict=True) if known}
    place = np.array([_PARTS.get(item.split or "", _TRAIN) for item in source.items], np.int64)
    place[~strata.known] = _NOWHERE
    pool = place == _TRAIN
    left_out = np.zeros(len(place), bool)
    for part in (_TEST, _VAL):  # a copy of a test picture teaches nothing, and neither does one of a validation picture
        taken = np.zeros(len(numbers), bool)
        taken[groups[place == part]] = True
        left_out |= taken[groups] & (place > part) & (place != _NOWHERE)
        place[left_out] = _NOWHERE
    pool &= ~left_out
    shares = (0.0 if "test" in own else test, 0.0 if "val" in own else val)
    if grouped:
        order = drawn(list(dict.fromkeys(digests)), seed)
        each = (shares[0], shares[1], 1.0 - shares[0] - shares[1])
        decided = split_groups(strata, groups, order, pool, each, first=_TRAIN)
    else:
        decide = _decide if strata.values.ndim == 1 else _decide_by_labels
        decided = decide(groups, numbers, strata, pool, shares)
    place[pool] = decided[groups[pool]]
    _check(source, strata, place, left_out, grouped=grouped)
    return Split(
        train=_indices(place == _TRAIN),
        val=_indices(place == _VAL),
        test=_indices(place == _TEST),
        left_out=_indices(left_out),
    )


def classes_of(source: Source) -> Strata:
    """Return the classes of a source's pictures as groups, each of which must have a picture to train on."""
    values = np.array([item.place for item in source.items], np.int64)
    return Strata(values, values >= 0, source.label_names)


def _groups(digests: Sequence[bytes], seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the group of equal pictures that each belongs to, and the number in [0, 1) of each group."""
    index: dict[bytes, int] = {}
    groups = np.array([index.setdefault(digest, len(index)) for digest in digests], np.int64)
    key = int(seed).to_bytes(16, "little", signed=True)
    drawn = b"".join(
        hashlib.blake2b(digest, digest_size=8, key=key, person=b"striate split").digest() for digest in index
    )
    return groups, (np.frombuffer(drawn, "<u8") >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _decide(
    groups: NDArray[np.int64],
    numbers: NDArray[np.float64],
    strata: Strata,
    pool: NDArray[np.bool_],
    shares: tuple[float, float],
) -> NDArray[np.int64]:
    """Return the part of every group: by its number, and then by what small classes lack."""
    test, val = shares
    bounds = {_TEST: (0.0, test), _VAL: (test, test + val), _TRAIN: (test + val, 1.0)}
    place = np.where(numbers < test, _TEST, np.where(numbers < test + val, _VAL, _TRAIN))
    # (class, group) of the pool, each once, as class·groups + group: one number sorts much faster than two.
    member, row = strata.pairs
    inside = pool[row]
    klass, group = np.divmod(np.unique(member[inside] * len(numbers) + groups[row[inside]]), max(1, len(numbers)))
    classes_of = np.bincount(group, minlength=len(numbers))
    wanted = [part for part, (low, high) in bounds.items() if high > low]
    members = np.split(group, np.flatnonzero(np.diff(klass)) + 1) if len(group) else []
    # What trains comes first, in every class: with one picture or two, not every part can have one.
    for part, every in ((part, every) for part in sorted(wanted, reverse=True) for every in members):
        # A picture that other classes hold as well would move there too: only where there are no others, and never
        # out of train, where it may be the only one that another class has.
        alone = every[classes_of[every] == 1]
        among = alone if len(alone) >= len(wanted) else every
        counts = np.bincount(place[among], minlength=3)
        if counts[part]:
            continue
        enough = 0 if part == _TRAIN and counts.max() == 1 else 1
        fixed = (place[among] == _TRAIN) & (classes_of[among] > 1)
        able = among[(counts[place[among]] > enough) & ~fixed]
        if len(able):
            low, high = bounds[part]
            away = np.maximum(low - numbers[able], numbers[able] - high)
            place[able[np.lexsort((numbers[able], away, classes_of[able] > 1))[0]]] = part
    return place


def _decide_by_labels(
    groups: NDArray[np.int64],
    numbers: NDArray[np.float64],
    strata: Strata,
    pool: NDArray[np.bool_],
    shares: tuple[float, float],
) -> NDArray[np.int64]:
    """Return the part of every group of equal pictures, each in several strata: by iterative stratification."""
    test, val = shares
    there = np.zeros((len(numbers), strata.values.shape[1]), bool)
    np.logical_or.at(there, groups[pool], strata.values[pool].astype(bool))
    inside = np.unique(groups[pool])
    inside = inside[np.argsort(numbers[inside], kind="stable")]
    place = np.full(len(numbers), _TRAIN, np.int64)
    if len(inside):
        place[inside] = stratified(there[inside], [test, val, 1.0 - test - val])
    return place


def _check(
    source: Source, strata: Strata, place: NDArray[np.int64], left_out: NDArray[np.bool_], *, grouped: bool
) -> None:
    member, row = strata.pairs
    trained = np.bincount(member[place[row] == _TRAIN], minlength=len(strata.names))[: len(strata.names)]
    for number in np.flatnonzero(trained == 0):
        mine = np.zeros(len(place), bool)
        mine[row[member == number]] = True
        if not mine.any() and source.mending is not None and (source.mending.dropped or source.mending.relabelled):
            raise SourceError(
                f"{source.location}: by what was decided about its pictures (labels.toml) the {strata.noun}"
                f" {strata.names[number]!r} has none left; take some of that back, or do without it: --mend none"
            )
        counts = Counter({"test": int((mine & (place == _TEST)).sum()), "val": int((mine & (place == _VAL)).sum())})
        why = "are in groups of pictures in" if grouped else "equal pictures of"
        counts[f"left out, for they {why} test or val"] = int((mine & left_out).sum())
        where = ", ".join(f"{count} {part}" for part, count in counts.items() if count) or "none can be read"
        raise SourceError(
            f"{source.location}: the {strata.noun} {strata.names[number]!r} has no picture to train on"
            f" (of {int(mine.sum())}: {where}); add pictures, or remove the {strata.noun}"
        )


def _indices(mask: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(mask).tolist())
