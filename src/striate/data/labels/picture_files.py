"""Which picture a file of labels means: by its path, or by its name and what the folders of both have in common."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from striate.data.labels.classes import SPLITS
from striate.data.sources.listing import LEFT_BEHIND, SUFFIXES, suffix_of
from striate.errors import SourceError

_MOST: Final = 5_000_000  # files below a folder, beyond which it is not a data set's

_MASKS: Final = ("segmentationclass", "segmentationobject")  # folders of VOC, with pictures' names and no pictures


def files_below(root: Path, *suffixes: str, all_of_it: bool = True) -> Iterator[Path]:
    """Yield the files below a folder that have one of these endings (small letters, no dot), in name order.

    Hidden folders and files are passed over, links to folders are not followed, and with ``all_of_it=False`` folders
    that cannot be read are passed over too. Errors: SourceError for a folder that cannot be read, or millions of files.

    Example: ``[path.name for path in files_below(Path("album"), "png")][0]`` is ``"cat_1.png"``.
    """

    def stop(error: OSError) -> None:
        raise SourceError(f"{error.filename} cannot be read: {error.strerror}; allow reading it, or take it out")

    number = 0
    for folder, inside, names in os.walk(root, onerror=stop if all_of_it else None):
        inside[:] = sorted(name for name in inside if name[0] != "." and name.lower() not in LEFT_BEHIND)
        number += len(names)
        if number > _MOST:
            raise SourceError(
                f"{root} holds more than {_MOST:,} files; name the folder of the labels, and with"
                " --pictures that of the pictures"
            )
        for name in sorted(names):
            if name[0] != "." and suffix_of(name) in suffixes:
                yield Path(folder, name)


@dataclass(frozen=True)
class PictureFiles:
    """The pictures below ``root``, found by what labels call them.

    Example: ``PictureFiles.below(Path("album")).find("C:/mine/cat_1.jpg", Path("album/cat_1.xml"))`` is
    ``("cat_1.png", "")``.
    """

    root: Path
    every: tuple[str, ...]
    _by_stem: dict[str, list[str]] = field(default_factory=dict, repr=False)

    @classmethod
    def below(cls, root: Path) -> PictureFiles:
        """Return the pictures of a folder, at any depth; VOC's masks are none."""
        keys = (path.relative_to(root).as_posix() for path in files_below(root, *SUFFIXES, all_of_it=False))
        every = tuple(key for key in keys if not any(part in _MASKS for part in key.lower().split("/")[:-1]))
        found = cls(root, every)
        for key in every:
            found._by_stem.setdefault(stem(key).lower(), []).append(key)
        return found

    def find(self, name: str, where: Path) -> tuple[str, str]:
        """Return the key of the picture that ``name`` stands for in the file ``where``, and why there is none.

        A picture at that very path wins. Otherwise it is the one of that name (its ending may differ, where only one
        has it) that shares most of its folders with the name and then with the file of labels.
        """
        plain = name.replace("\\", "/").removeprefix("./")
        parts = plain.split("/")
        beside = os.path.relpath(where.parent, self.root).replace(os.sep, "/")
        named = self._by_stem.get(stem(plain).lower(), [])
        paths = (plain, os.path.normpath(f"{beside}/{plain}").replace(os.sep, "/"))
        ended = suffix_of(plain) in SUFFIXES
        exact = [one for one in named if (one if ended else without_ending(one)) in paths]
        if len(exact) == 1 or (ended and exact):
            return exact[0], ""
        same = [one for one in named if one.rpartition("/")[2] == parts[-1]] or [
            one for one in named if one.rpartition("/")[2].lower() == parts[-1].lower()
        ]
        if not (same or named):
            return "", "no such picture"
        hints = set(re.split(r"[/_.\W]+|(?<=[a-z])(?=\d)", f"{beside}/{where.stem}".lower()))
        scored = [(_tail(one.split("/"), parts), _shared(one, hints), one) for one in same or named]
        best = max(score[:2] for score in scored)
        chosen = [score[2] for score in scored if score[:2] == best]
        if len(chosen) > 1:
            return "", f"it may be {' or '.join(chosen[:3])}"
        return chosen[0], ""


def stem(name: str) -> str:
    """Return a name without its folders and without the ending of a picture.

    Example: ``stem("a/v1.2.jpg")`` is ``"v1.2"``, ``stem("v1.2")`` is ``"v1.2"``.
    """
    last = name.rpartition("/")[2]
    return last.rpartition(".")[0] if suffix_of(last) in SUFFIXES else last


def without_ending(key: str) -> str:
    """Return the path of a picture without the ending of its name.

    Example: ``without_ending("a/v1.2.jpg")`` is ``"a/v1.2"``.
    """
    folder, slash, _ = key.rpartition("/")
    return folder + slash + stem(key)


def split_of(*keys: str) -> str:
    """Return the part ("train", "val", "test") that the folders of the first path which names one name, or "".

    Example: ``split_of("valid/images/1.jpg")`` is ``"val"``, ``split_of("cats/1.jpg")`` is ``""``.
    """
    for key in keys:
        for part in key.lower().split("/")[:-1]:
            if part in SPLITS:
                return SPLITS[part]
    return ""


def _tail(parts: list[str], named: list[str]) -> int:
    """Return how many folders, counted from the end, two paths have alike."""
    number = 0
    for one, other in zip(reversed(parts[:-1]), reversed(named[:-1]), strict=False):
        if one != other:
            break
        number += 1
    return number


def _shared(key: str, hints: set[str]) -> int:
    """Return how many of the folders of a picture occur in the path of the labels, with valid and val the same."""
    plain = {SPLITS.get(hint, hint) for hint in hints}
    return sum(1 for part in key.lower().split("/")[:-1] if SPLITS.get(part, part) in plain)
