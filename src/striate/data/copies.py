"""Copies: pictures that are equal to the last byte, in one class, in several, on both sides of the source's own split.

The same picture under two labels means that one of them is wrong; a picture of the test that is in training too makes
the test say less. Neither is mended in silence: they are named, and counted in the run.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from striate.data.labels.classes import shown
from striate.data.labels.marks import Marks
from striate.data.sources.items import Item
from striate.words import counted, plural

NAMED = 3  # groups named in a line
KEPT = 200  # groups kept in source.json


@dataclass(frozen=True)
class Copies:
    """Groups of labelled pictures that are equal: indices into the items of a source, each group in rising order.

    ``contradicting`` stand in several classes or are marked otherwise, ``crossing`` in several parts of the source's
    own split; ``within`` are in one class and one part. A group may be both of the first.
    """

    within: tuple[tuple[int, ...], ...] = ()
    contradicting: tuple[tuple[int, ...], ...] = ()
    crossing: tuple[tuple[int, ...], ...] = ()

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """All groups, each once: contradictions first, then those that cross the split."""
        return tuple(dict.fromkeys((*self.contradicting, *self.crossing, *self.within)))

    def counts(self) -> dict[str, int]:
        """Return how many groups and pictures there are of each kind, ready for JSON."""
        return {
            "groups": len(self.groups),
            "pictures": sum(len(group) for group in self.groups),
            "within_class": len(self.within),
            "across_classes": len(self.contradicting),
            "across_split": len(self.crossing),
        }

    def to_dict(self, items: Sequence[Item]) -> dict[str, object]:
        """Return the counts, and the keys of the first 200 groups, ready for JSON."""
        return {**self.counts(), "keys": [[items[index].key for index in group] for group in self.groups[:KEPT]]}

    def lines(self, items: Sequence[Item], names: Sequence[str], noun: str = "class") -> tuple[str, ...]:
        """Return a line for each kind of copies there is: how many, the first few, and what it means.

        ``noun`` is what labels are called: a class, which pictures are in, or tags and numbers, which they have.
        """
        lines = []
        several, same = "in several classes", "in the same class"
        if noun != "class":
            several, same = f"under different {plural(2, noun)}", f"under the same {plural(2, noun)}"
        if marked(items):
            same = "with the same marks"
        if self.contradicting and marked(items):
            lines.append(
                f"{_number(self.contradicting, 'is', 'are')} there again with other marks:"
                f" {_named(self.contradicting, items)}; mend them, or remove all but one"
            )
        elif self.contradicting:
            lines.append(
                f"{_number(self.contradicting, 'stands', 'stand')} {several}, of which one at most is right:"
                f" {_named(self.contradicting, items, names)}; correct or remove them"
            )
        if self.crossing:
            lines.append(
                f"{_number(self.crossing, 'stands', 'stand')} in several parts of the source's own split:"
                f" {_named(self.crossing, items)}; the copies in train (or val) are left out"
            )
        if self.within:
            extra = sum(len(group) - 1 for group in self.within)
            lines.append(
                f"{counted(extra, 'picture')} {'is a copy of another' if extra == 1 else 'are copies of others'}"
                f" {same}: {_named(self.within, items)}; copies stay on one side of the split"
            )
        return tuple(lines)


def _number(groups: Sequence[Sequence[int]], one: str, many: str) -> str:
    return f"{counted(len(groups), 'picture')} {one if len(groups) == 1 else many}"


def _named(groups: Sequence[Sequence[int]], items: Sequence[Item], names: Sequence[str] = ()) -> str:
    """Return the first groups by their keys, with the classes where those differ and no folder says so."""

    def name(index: int) -> str:
        label = items[index].said(names) if names else ""
        said = not label or f"/{label}/" in f"/{items[index].key}"
        return shown(items[index].key) + ("" if said else f" ({label})")

    first = [" = ".join(name(index) for index in group[:4]) + (" = ..." if len(group) > 4 else "") for group in groups]
    return "; ".join(first[:NAMED]) + (f"; and {len(first) - NAMED:,} more" if len(first) > NAMED else "")


def find_copies(items: Sequence[Item], digests: Sequence[bytes]) -> Copies:
    """Return which labelled pictures equal another, by the digest of each item's content.

    Example: ``find_copies(stored.source.items, stored.store.digests).counts()["across_classes"]`` is 0.
    """
    by_content: dict[bytes, list[int]] = {}
    for index, (item, digest) in enumerate(zip(items, digests, strict=True)):
        if item.labelled:
            by_content.setdefault(digest, []).append(index)
    groups = [tuple(group) for group in by_content.values() if len(group) > 1]
    several = [group for group in groups if len({_label(items[index]) for index in group}) > 1]
    crossing = [group for group in groups if len({items[index].split for index in group}) > 1]
    rest = set(groups) - set(several) - set(crossing)
    return Copies(tuple(group for group in groups if group in rest), tuple(several), tuple(crossing))


def marked(items: Sequence[Item]) -> bool:
    """Whether labels are marks in the pictures: boxes of copies may differ a little, and none of them be wrong."""
    return any(isinstance(item.target, Marks) for item in items)


def _label(item: Item) -> Hashable:
    """Return what is equal where two pictures have the same label."""
    return item.target.alike if isinstance(item.target, Marks) else item.target


def groups_of(digests: Sequence[bytes]) -> NDArray[np.int64]:
    """Return a number of each picture (N,), equal for copies, from 0 without a gap.

    Example: ``groups_of([b"a", b"b", b"a"])`` is ``[0, 1, 0]``.
    """
    number: dict[bytes, int] = {}
    return np.array([number.setdefault(digest, len(number)) for digest in digests], np.int64)
