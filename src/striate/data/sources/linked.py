"""Class folders in which one picture stands several times, by links or as copies: then its folders are its tags.

A file system has no other way to say that a picture is of several classes. Links (symbolic or hard) tell it by
themselves, for nobody links a picture into two class folders by accident; copies are as often mistakes, so they count
only where a person has said that the folders are tags.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from striate import files
from striate.data.labels.tags import TAGS, TagTable, told
from striate.data.sources.items import FolderSource

SAMPLE: Final = 500  # files looked at, spread evenly, before all of them are: none linked among them means no links
SHARE: Final = 0.02  # of the pictures, which have to be linked so
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, eq=False)
class Linked:
    """Pictures of class folders, each once: ``first`` is the item (N,) it is taken from, ``table`` its folders as tags.

    ``several`` are the groups of items that are one picture in several class folders.
    """

    first: tuple[int, ...]
    table: TagTable
    several: tuple[tuple[int, ...], ...]


def is_linked(source: FolderSource) -> bool:
    """Return whether some picture stands in several class folders by links; no picture is read.

    Of many files a sample is looked at first. A few among many say nothing: tools that save room link copies.
    """
    count = len(source.items)
    places = range(count) if count <= SAMPLE else [place * count // SAMPLE for place in range(SAMPLE)]
    if not any(_may_be_linked(source, index) for index in places):
        return False
    groups: dict[Hashable, set[int]] = {}
    for index, item in enumerate(source.items):
        groups.setdefault(_file(source, index), set()).add(item.place)
    several = sum(len(targets) > 1 for targets in groups.values())
    return several > 0 and several >= SHARE * len(groups)


def with_tags(source: FolderSource, *, kind: str | None) -> FolderSource:
    """Return class folders as tags, where ``kind`` says so, or where nobody says and links show it; else as they are.

    What links show is said in a note.
    """
    said = kind == TAGS
    if not (said or (kind is None and is_linked(source))):
        return source
    found = linked(source, by_content=said)
    items = tuple(
        replace(source.items[index], target=tuple(row))
        for index, row in zip(found.first, found.table.there.astype(float).tolist(), strict=True)
    )
    note: tuple[str, ...] = ()
    if not said:
        shown = " = ".join(source.items[index].key for index in found.several[0][:3])
        note = (
            told(found.table, shown=shown, what=f"{source.location} links pictures into several class folders, and"),
        )
    return replace(source, items=items, kind=TAGS, notes=(*source.notes, *note))


def linked(source: FolderSource, *, by_content: bool) -> Linked:
    """Return the pictures of class folders, each once, with all folders it stands in as its tags.

    Links to one file are one picture, and with ``by_content`` copies equal to the last byte too (files of equal size
    are read for that). The same picture in two parts of the source's own split stays two.

    Example: ``linked(folder_source(Path("pets"), name="pets"), by_content=True).table.tags`` is ``("cats", "dogs")``.
    """
    groups: dict[Hashable, list[int]] = {}
    for index, item in enumerate(source.items):
        groups.setdefault((_file(source, index), item.split), []).append(index)
    if by_content:
        groups = _joined(source, list(groups.values()))
    members = sorted(groups.values())
    there = np.zeros((len(members), len(source.label_names)), bool)
    for row, group in enumerate(members):
        there[row, [source.items[index].place for index in group]] = True
    several = tuple(tuple(group) for group, row in zip(members, there, strict=True) if row.sum() > 1)
    return Linked(tuple(group[0] for group in members), TagTable(source.label_names, there), several)


def _joined(source: FolderSource, groups: Sequence[Sequence[int]]) -> dict[Hashable, list[int]]:
    """Return groups joined by content: only files of a size that several have are read."""
    sizes: dict[Hashable, int] = {}
    keys = [_size(source, group[0]) for group in groups]
    for key in keys:
        sizes[key] = sizes.get(key, 0) + 1
    joined: dict[Hashable, list[int]] = {}
    for place, (group, key) in enumerate(zip(groups, keys, strict=True)):
        content: Hashable = _content(source, group[0]) if sizes[key] > 1 else None
        split = source.items[group[0]].split
        joined.setdefault((key, content, split) if content is not None else place, []).extend(group)
    return {key: sorted(group) for key, group in joined.items()}


def _may_be_linked(source: FolderSource, index: int) -> bool:
    path = source.path(index)
    try:
        return path.is_symlink() or path.stat().st_nlink > 1
    except OSError:
        return False


def _file(source: FolderSource, index: int) -> Hashable:
    """Return the identity of the file that an item is in the end, its own where there is none."""
    try:
        stat = source.path(index).stat()
    except OSError:
        return ("gone", index)
    return (stat.st_dev, stat.st_ino) if stat.st_ino else ("own", index)


def _size(source: FolderSource, index: int) -> Hashable:
    try:
        return source.path(index).stat().st_size
    except OSError:
        return ("gone", index)


def _content(source: FolderSource, index: int) -> Hashable:
    """Return a digest of a file's bytes, None where it cannot be read."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        with files.open_file(source.path(index), limit=files.PICTURE) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError:
        return None
    return digest.digest()
