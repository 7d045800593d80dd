"""The near copies of a folder: what makes a pair is learnt from variants of its pictures, then all are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.search.near_copies import (
    INVERSE,
    PLAIN,
    WHOLE,
    WORDS,
    Floats,
    Likeness,
    Pairs,
    best_of,
    by_way,
    coefficients,
    fitted,
    part_candidates,
    threshold,
    whole_candidates,
)
from striate.search.variants import Variant

SAMPLE: Final = 200  # pictures whose variants are made
DECOYS: Final = 1000  # pictures asked with negatives
FEWEST: Final = 3  # pictures that can be compared
PARTS: Final = 20_000  # pictures up to which parts are looked for: that takes time with the square of their number


@dataclass(frozen=True)
class Copy:
    """Two pictures (rows) that are taken for copies, what makes one of the other in words, and the score."""

    one: int
    other: int
    words: str
    score: float


@dataclass(frozen=True, eq=False)
class Learnt:
    """How copies are told here: whole pictures and parts, each with its threshold."""

    whole: Likeness
    part: Likeness


def comparable(small: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the pictures (of N, S, S) that have something to be known by: those that are not one plain gray."""
    return np.flatnonzero(small.reshape(len(small), -1).std(axis=1) > PLAIN)


def learn(
    small: NDArray[np.uint8], varied: Sequence[tuple[int, Sequence[Variant]]], *, seed: int = 0, parts: bool = True
) -> Learnt:
    """Return how copies are told among small pictures (N, S, S), by variants of some of them (row, variants).

    Without ``parts`` no part of a picture is taken for a copy.
    """
    made = coefficients(small)
    rows = np.array([row for row, several in varied for _ in several])
    every = [variant for _, several in varied for variant in several]
    windows = np.array([variant.window for variant in every])
    ways = np.array(INVERSE)[[variant.way for variant in every]]
    saved = coefficients(np.stack([variant.small for variant in every]))
    seen, true = by_way(saved, ways), coefficients(small[rows], windows)
    whole = (windows == np.array(WHOLE)).all(axis=1)
    between, within = (made**2).mean(axis=0), (seen - true) ** 2 / 2
    asked = np.sort(np.random.default_rng(seed).permutation(len(made))[:DECOYS])
    likeness = Likeness.of(between, within[whole].mean(axis=0))
    decoys = best_of(whole_candidates(made, likeness, asked=asked, decoys=True), asked)
    at = threshold(likeness.pairs(seen[whole], true[whole]), decoys, len(made))
    learnt = Learnt(replace(likeness, at=at), Likeness.of(between, within[~whole].mean(axis=0)))
    if not parts:
        return learnt
    part = learnt.part
    decoys = best_of(part_candidates(small, made, part, asked=asked, decoys=True), asked)
    own = Pairs(
        len(made) + np.flatnonzero(~whole), rows[~whole], ways[~whole], windows[~whole], np.zeros(0, np.float32)
    )
    reached = fitted(small, np.concatenate([made, saved]), part, own).score
    return replace(learnt, part=replace(part, at=threshold(reached, decoys, len(made))))


def copies(small: NDArray[np.uint8], learnt: Learnt, *, parts: bool = True) -> tuple[Copy, ...]:
    """Return the pairs among small pictures (N, S, S) that are copies, each once, the best of what they are."""
    made = coefficients(small)
    best: dict[tuple[int, int], Copy] = {}
    for pairs, at in _searched(small, made, learnt, parts=parts):
        for number in np.flatnonzero(pairs.score >= at):
            one, other = sorted((int(pairs.one[number]), int(pairs.other[number])))
            copy = Copy(one, other, _words(pairs, int(number)), float(pairs.score[number] - at))
            if (one, other) not in best:  # a whole picture before a part of one
                best[one, other] = copy
    return tuple(sorted(best.values(), key=lambda copy: (-copy.score, copy.one, copy.other)))


def _searched(small: NDArray[np.uint8], made: Floats, learnt: Learnt, *, parts: bool) -> list[tuple[Pairs, float]]:
    found = [(whole_candidates(made, learnt.whole), learnt.whole.at)]
    if parts:
        found.append((part_candidates(small, made, learnt.part), learnt.part.at))
    return found


def _words(pairs: Pairs, number: int) -> str:
    cropped = "cropped" if tuple(pairs.windows[number]) != tuple(WHOLE) else ""
    return " and ".join(filter(None, (WORDS[int(pairs.way[number])], cropped)))


def grouped(found: Sequence[Copy]) -> tuple[tuple[int, ...], ...]:
    """Return the pictures that hang together by copies, in groups, each in rising order.

    >>> grouped([Copy(0, 1, "", 1.0), Copy(3, 4, "", 1.0), Copy(1, 2, "", 1.0)])
    ((0, 1, 2), (3, 4))
    """
    group: dict[int, set[int]] = {}
    for copy in found:
        joined = group.get(copy.one, {copy.one}) | group.get(copy.other, {copy.other})
        group.update(dict.fromkeys(joined, joined))
    distinct = {id(members): members for members in group.values()}
    return tuple(sorted(tuple(sorted(members)) for members in distinct.values()))
