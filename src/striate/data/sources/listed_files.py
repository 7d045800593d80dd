"""The files that a list names, as people write them: with another slash, another case, without their ending or folder.

A name is looked for beside the list, and where none of the first is there, in the folders beside it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from striate.data.sources.listing import SUFFIXES, UNREAD, suffix_of

_LOOKED_AT: Final = 50  # names by which the folder is chosen
_FOLDERS: Final = 200  # folders looked into at most


@dataclass(frozen=True)
class ListedFiles:
    """Finds files below ``folder``, the list's own; ``bases`` are the folders in it to look in, in this order."""

    folder: Path
    bases: tuple[str, ...] = ("",)
    _known: dict[str, tuple[dict[str, list[str]], dict[str, list[str]]]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, folder: Path, names: Sequence[str]) -> ListedFiles:
        """Return a finder that looks where the most of these names are; beside the list before anywhere else."""
        here = cls(folder)
        step = max(1, len(names) // _LOOKED_AT)
        sample = list(names)[::step][:_LOOKED_AT]
        found = {"": sum(here.find(name)[1] for name in sample)}
        if found[""] == len(sample):
            return here
        for base in _folders(folder):
            found[base] = sum(cls(folder, (base,), here._known).find(name)[1] for name in sample)
        bases = sorted((base for base, number in found.items() if number), key=lambda base: (-found[base], base))
        return cls(folder, tuple(bases) or ("",), here._known)

    def find(self, text: str) -> tuple[str, bool, str]:
        """Return the key of a name, whether its file is there, and why not.

        Example: ``ListedFiles(Path("album")).find("cat_1")`` is ``("cat_1.png", True, "")``.
        """
        why = "no such file"
        for base in self.bases:
            for name in (text, text.replace("\\", "/")) if "\\" in text else (text,):
                key = f"{base}/{name.removeprefix('./')}" if base else name
                if os.path.isfile(self.folder / key):  # noqa: PTH113  (pathlib raises where this says no)
                    return self._plain(key), True, ""
                near = self._nearly(key)
                if len(near) == 1:
                    return self._plain(near[0]), True, ""
                if near:
                    why = f"it may be {' or '.join(near[:3])}; name one of them"
        return self._plain(text), False, why

    def _plain(self, key: str) -> str:
        return (key if os.sep == "/" else key.replace(os.sep, "/")).removeprefix("./")

    def _nearly(self, key: str) -> list[str]:
        """Return the files that have this name but for its case, or but for their ending."""
        above, slash, name = key.rpartition("/")
        if above not in self._known:
            self._known[above] = _names(self.folder / above)
        same, without = self._known[above]
        return [above + slash + one for one in same.get(name.lower()) or without.get(name) or ()]


def _names(folder: Path) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the pictures of a folder by their name in small letters, and by their name without its ending."""
    same: dict[str, list[str]] = {}
    without: dict[str, list[str]] = {}
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208
    except (OSError, ValueError):
        names = []
    for name in names:
        if suffix_of(name) in SUFFIXES or suffix_of(name) in UNREAD:
            same.setdefault(name.lower(), []).append(name)
            without.setdefault(name.rpartition(".")[0], []).append(name)
    return same, without


def _folders(folder: Path) -> list[str]:
    """Return the folders in a folder, two deep, hidden ones left out."""
    found: list[str] = []
    for root, inside, _ in os.walk(folder):
        below = os.path.relpath(root, folder).replace(os.sep, "/")
        inside[:] = sorted(name for name in inside if not name.startswith("."))
        if below != ".":
            found.append(below)
        if below.count("/") >= 1 or len(found) >= _FOLDERS:
            inside[:] = []
    return found[:_FOLDERS]
