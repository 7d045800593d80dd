"""The folders of pictures that pages look at: found as a training finds them, kept while nothing there changes."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, final

from striate.data.sources.items import FolderSource, Source
from striate.errors import DataError
from striate.recipe import Recipe
from striate.verbs.mending import kept_at
from striate.verbs.pictures import find_pictures
from striate.verbs.workspace import Workspace

KEPT: Final = 8  # folders that are held
LASTING: Final = 2.0  # seconds for which a folder is taken to be as it was: pages ask for a hundred pictures at once


@dataclass(frozen=True, eq=False)
class Album:
    """A folder of pictures as it is, ``source``, and ``mended`` as a training takes it, by what was decided."""

    source: Source
    mended: Source

    @cached_property
    def rows(self) -> dict[str, int]:
        """The place of each picture in ``source`` by its key."""
        return {item.key: row for row, item in enumerate(self.source.items)}

    @cached_property
    def labels(self) -> dict[str, int]:
        """The class that each picture has now, by its key; one that was dropped has none."""
        return {item.key: item.place for item in self.mended.items}

    @cached_property
    def by_class(self) -> list[list[str]]:
        """The keys of the pictures of each class, as they are now; of what has no classes one list."""
        found: list[list[str]] = [[] for _ in self.mended.label_names or ("",)]
        for item in self.mended.items:
            found[item.place if 0 <= item.place < len(found) else 0].append(item.key)
        return found


@final
class Albums:
    """Albums by folder. For many threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._kept: OrderedDict[str, tuple[Any, Album]] = OrderedDict()
        self._looked: dict[str, float] = {}
        self._turn = threading.Lock()

    def forget(self, folder: str) -> None:
        """Look anew at a folder that was just changed, or about which something was decided."""
        with self._turn:
            self._looked.pop(folder, None)

    def get(self, folder: str, *, fresh: bool = False) -> Album:
        """Return what is in a folder (or is known by a name), as of `LASTING` seconds ago at the most, or ``fresh``.

        Errors: DataError that says what is wrong with it.
        """
        now = time.monotonic()
        with self._turn:
            found = self._kept.get(folder)
            if found is not None and not fresh and now - self._looked.get(folder, -LASTING) < LASTING:
                return found[1]
        mark = self._mark(folder)
        with self._turn:
            found = self._kept.get(folder)
            if found is not None and found[0] == mark:
                self._kept.move_to_end(folder)
                self._looked[folder] = now
                return found[1]
        recipe = Recipe(source=folder)
        plain = find_pictures(recipe.changed(mend="none"), self._workspace, least_classes=1, allow_bad=True)
        try:
            mended = find_pictures(recipe, self._workspace, least_classes=1, allow_bad=True)
        except DataError:
            mended = plain
        album = Album(plain, mended)
        with self._turn:
            self._kept[folder], self._looked[folder] = (mark, album), now
            while len(self._kept) > KEPT:
                self._looked.pop(self._kept.popitem(last=False)[0], None)
        return album

    def _mark(self, folder: str) -> Any:
        """Return what changes when the folder, one just below it, or what was decided about it changes."""
        path = Path(folder)
        if not path.is_dir():
            return None
        marks: list[Any] = [_changed(path), _changed(kept_at(path, self._workspace.runs_dir))]
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir():
                        marks.append((entry.name, entry.stat().st_mtime_ns))
                        with os.scandir(entry.path) as inner:
                            marks += [(one.name, one.stat().st_mtime_ns) for one in inner if one.is_dir()]
        except OSError:
            return object()
        return marks


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def is_folder(source: Source) -> bool:
    """Return whether the pictures of a source are files of a folder, which decisions can be kept about.

    Example: ``is_folder(source)``
    """
    return isinstance(source, FolderSource) and source.location == str(source.root)
