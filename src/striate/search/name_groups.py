r"""Groups by name: whether pictures next to each other by name look alike, as frames do, and by which pattern.

Two measures, of small gray copies of the pictures, both a share of comparisons (0.5: names say nothing of looks):
neighbours by name against random pairs, where frames have running numbers; and pairs within a part of the name against
pairs of different ones, where it repeats. Only pairs of one class, and of one beginning of the name, are compared, so
that classes are not taken for groups.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate.data.labels.classes import SPLITS

Ints = NDArray[np.int64]

ALIKE: Final = 0.68  # of comparisons: sets of independent pictures reach 0.53, videos 0.76 to 0.97 (docs/doctor.md)
FEWEST: Final = 40  # pairs that a share is measured on
PAIRS: Final = 4000  # pairs that are compared at most
GROUPS: Final = 4  # groups at least that a pattern is worth saying for: fewer cannot be trained on and measured
CUT: Final = 0.1  # of the neighbours that are frames of one may be parted by whole sequences at most
NEAR: Final = 0.95  # of random pairs are less alike than two pictures that count as frames of one
SEED: Final = 0
RUNNING: Final = r"([^/]*\D)\d+[^/\d]*$"  # all before the last number of the file's name
VARIANTS: Final = r"([^/]*)\.rf\.[^/]*$"  # pictures that Roboflow made of one, which differ in a digest alone
FIRST: Final = r"([^/_.\s-]+)[_.\s-][^/]*[_.\s-][^/]*$"  # the first of three words of it at least
PATIENTS: Final = (
    r"((?i:patient|subject|subj|person|case|participant|animal|specimen|slide|scan|study|series|session|video|vid|clip"
    r"|seq|sequence|scene|burst|pat)[ _-]?\d+)(?!\d)"
)
WHOLE: Final = (RUNNING, VARIANTS)  # all frames of a video, or all variants of a picture
LATER: Final = tuple(rf"([^/]*)(?:[^/\d]\d+){{{count}}}[^/\d]*$" for count in (2, 3, 4))  # times, cut short
BLOCKS: Final = tuple(rf"([^/]*\d)\d{{{count}}}[^/\d]*$" for count in (1, 2, 3))  # tens, hundreds, thousands of frames


@dataclass(frozen=True)
class NameGroups:
    """Groups that a pattern in the paths makes: ``of`` (N,) are their numbers, -1 for none; ``names`` what they are.

    ``alike`` is the share of comparisons in which neighbours (``neighbours``), or else pictures of one group, are more
    alike than others; None where the name alone says that they are groups. ``blocks``: the pattern cuts a sequence.
    ``finer`` is a pattern that cuts them into pieces, where they are whole sequences and few.
    """

    pattern: str
    of: Ints
    names: tuple[str, ...]
    alike: float | None
    neighbours: bool = False
    blocks: bool = False
    finer: str = ""


def grouped_by(pattern: str, paths: Sequence[str]) -> tuple[Ints, tuple[str, ...]]:
    r"""Return the group (N,) of each path by a pattern, -1 where it is not in it or is alone, and their names.

    Example: ``grouped_by(r"(p\d)", ["p1_a", "p2_a", "p1_b"])[0]`` is ``[0, -1, 0]``.
    """
    if pattern == "parent":
        said = [path.rpartition("/")[0].rpartition("/")[2] if path.count("/") > 1 else "" for path in paths]
    else:
        compiled = re.compile(pattern)
        said = [match[1] if (match := compiled.search(path)) else "" for path in paths]
    times: dict[str, int] = {}
    for one in said:
        times[one] = times.get(one, 0) + 1
    names = tuple(name for name, number in times.items() if name and number > 1)
    index = {name: number for number, name in enumerate(names)}
    return np.array([index.get(one, -1) for one in said], np.int64), names


def name_groups(paths: Sequence[str], small: NDArray[np.uint8], labels: Ints) -> NameGroups | None:
    """Return the groups that names and looks agree on, None where they do not.

    ``small`` (N, S, S) are gray copies of the pictures, ``labels`` (N,) their classes, -1 where nothing is known.
    """
    if len(paths) < FEWEST:
        return None
    found = _by_order(paths, small, labels) or _by_repeats(paths, small, labels)
    if found is not None:
        return found
    of, names = grouped_by(PATIENTS, paths)
    if _worth_saying(of, names, labels) and (of >= 0).mean() > 0.5:
        return NameGroups(PATIENTS, of, names, None)
    return None


def _by_order(paths: Sequence[str], small: NDArray[np.uint8], labels: Ints) -> NameGroups | None:
    """Return groups where neighbours by name are more alike than others of their kind."""
    running, names = grouped_by(RUNNING, paths)
    kind = running
    if not len(names) or np.bincount(running[running >= 0]).mean() < 5:  # numbers with parts, such as times of day
        kind = _numbered([re.match(r"\D*", path.rpartition("/")[2])[0] for path in paths])  # type: ignore[index]
    folders = [_folder(path) for path in paths]  # masks lie beside pictures, and frames of one video in one folder
    scope = _numbered(list(zip(labels.tolist(), kind.tolist(), folders, strict=True)))
    keys = [_natural(path.rpartition("/")[2]) for path in paths]
    order = np.array(sorted(range(len(paths)), key=lambda row: (scope[row], keys[row])), np.int64)
    pairs = np.column_stack([order[:-1], order[1:]])
    pairs = pairs[scope[pairs[:, 0]] == scope[pairs[:, 1]]]
    if len(pairs) < FEWEST:
        return None
    pairs = pairs[:: max(1, len(pairs) // PAIRS)]
    near, far = _alike(small, pairs), _alike(small, _random_pairs(scope))
    alike = _share(near, far)
    if alike < ALIKE:
        return None
    together = pairs[near > np.quantile(far, NEAR)]
    tried: list[tuple[tuple[bool, float, int], NameGroups]] = []
    for pattern in (RUNNING, VARIANTS, *LATER, *BLOCKS):
        of, own = grouped_by(pattern, paths)
        if not _worth_saying(of, own, labels, fewest=2 if pattern in WHOLE else GROUPS):
            continue
        # A picture that the pattern leaves alone is parted from its neighbours.
        parted = float(((of[together[:, 0]] != of[together[:, 1]]) | (of[together[:, 0]] < 0)).mean())
        made = NameGroups(pattern, of, own, alike, neighbours=True, blocks=pattern not in WHOLE)
        # Whole sequences, where that is what the pattern takes; else pieces of them, as few cuts as can be.
        tried.append(((pattern not in WHOLE or parted > CUT, round(parted, 2), -len(own)), made))
    tried.sort(key=lambda one: one[0])
    if len(tried) > 1 and len(tried[0][1].names) < GROUPS:
        return replace(tried[0][1], finer=tried[1][1].pattern)
    # Where no pattern will do that is said all the same: all are one group.
    return tried[0][1] if tried else NameGroups("", np.zeros(len(paths), np.int64), ("",), alike, neighbours=True)


def _by_repeats(paths: Sequence[str], small: NDArray[np.uint8], labels: Ints) -> NameGroups | None:
    """Return groups of a part of the name that repeats, where pictures of one are more alike than of two."""
    best: NameGroups | None = None
    for pattern in (PATIENTS, "parent", RUNNING, FIRST):
        of, names = grouped_by(pattern, paths)
        if not _worth_saying(of, names, labels) or (labels.max(initial=-1) < 0 and len(names) < 10):
            continue
        rows = np.flatnonzero(of >= 0)
        own = _numbered(list(zip(labels[rows].tolist(), of[rows].tolist(), strict=True)))
        inside = rows[_random_pairs(own)]
        pairs = rows[_random_pairs(_numbered(labels[rows].tolist()))]
        across = pairs[of[pairs[:, 0]] != of[pairs[:, 1]]]
        if min(len(inside), len(across)) < FEWEST:
            continue
        alike = _share(_alike(small, inside), _alike(small, across))
        if alike >= ALIKE and (best is None or best.alike is None or alike > best.alike):
            best = NameGroups(pattern, of, names, alike)
    return best


def _worth_saying(of: Ints, names: Sequence[str], labels: Ints, fewest: int = GROUPS) -> bool:
    """Whether groups could be trained on and measured, and are no classes: there are enough of them in each."""
    if len(names) < fewest or len(names) > len(of) / 2 or (of >= 0).mean() < 0.5:
        return False
    kinds = len(set(labels.tolist()))
    return len(names) >= 2 * kinds or kinds == 1


def _share(near: NDArray[np.float32], far: NDArray[np.float32]) -> float:
    """Return the share of comparisons in which one of the former is more alike (the area under the curve)."""
    ordered = np.sort(far)
    below = np.searchsorted(ordered, near, "left") + np.searchsorted(ordered, near, "right")
    return float(below.mean() / (2 * len(far)))


def _random_pairs(scope: Ints) -> Ints:
    """Return (P, 2) rows of different pictures of one scope, drawn by the seed; scopes by their pictures."""
    rng = np.random.Generator(np.random.Philox(key=SEED))
    order = np.argsort(scope, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(scope[order]) != 0]))
    sizes = np.diff(np.append(starts, len(order)))
    which = rng.integers(0, len(order), PAIRS)  # a picture by chance, and another one of its scope
    mine = np.searchsorted(starts, which, "right") - 1
    other = starts[mine] + rng.integers(0, 2**62, PAIRS) % sizes[mine]
    pairs: Ints = np.column_stack([order[which], order[other]])
    chosen: Ints = pairs[pairs[:, 0] != pairs[:, 1]]
    return chosen


def _alike(small: NDArray[np.uint8], pairs: Ints) -> NDArray[np.float32]:
    """Return the correlation (P,) of the two pictures of each pair, by every other pixel of their small copies."""
    one, other = (_directions(small[pairs[:, side]]) for side in (0, 1))
    values: NDArray[np.float32] = np.einsum("ij,ij->i", one, other)
    return values


def _directions(small: NDArray[np.uint8]) -> NDArray[np.float32]:
    flat = small.reshape(len(small), -1)[:, ::2].astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    found: NDArray[np.float32] = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return found


def _numbered(values: Sequence[object]) -> Ints:
    index: dict[object, int] = {}
    return np.array([index.setdefault(value, len(index)) for value in values], np.int64)


_DIGITS: Callable[[str], list[str]] = re.compile(r"(\d+)").split


def _folder(path: str) -> tuple[str, ...]:
    """Return the folders that a path lies in, but for those that are parts of a split."""
    return tuple(folder for folder in path.split("/")[:-1] if folder.lower() not in SPLITS)


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """Return what names are ordered by: numbers by their value."""
    return tuple((int(part), "") if part.isdecimal() and len(part) < 20 else (-1, part) for part in _DIGITS(name))
