"""Indexing: a folder's pictures to vectors, what is new of them alone, kept on the way.

Each thread reads, decodes and computes its own; what was made is kept every 30 seconds, and where it is stopped.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.image import header
from striate.data.sources.listing import Scan, refusal
from striate.data.store.rows import digest_of
from striate.errors import PictureError, SearchError
from striate.files import PICTURE as LARGEST
from striate.files import read_bytes
from striate.search import index_files
from striate.search.embedder import main_directions
from striate.search.index_files import ROW, Index, Unread
from striate.search.nearest import middle
from striate.search.scale import Scale
from striate.verbs.in_order import in_order
from striate.verbs.workspace import Workspace

KEPT_EVERY: Final = 30.0  # seconds of work after which what was made is kept, whatever comes after
NEVER: Final = -1  # a time of change that no file has
FIRST: Final = 512  # pictures from which directions are found, where the model has none of its own


@dataclass(frozen=True)
class File:
    """A file that may be a picture: its path below the folder, its size and time of change."""

    path: str
    size: int
    time: int


def files_of(photos: Path) -> list[File]:
    """Return the pictures of a folder at any depth, by name."""
    found = []
    for key, entry in Scan(photos).walk(photos, "", (os.path.realpath(photos),)):
        why = refusal(key, entry)
        if why is None or why.bad:
            try:
                facts = entry.stat()
            except OSError:  # a link to nothing: reading says so
                found.append(File(key, 0, 0))
                continue
            found.append(File(key, facts.st_size, facts.st_mtime_ns))
    return sorted(found, key=lambda file: file.path)


_NONE: Final = np.zeros((0, 0, 0), np.float16)


@dataclass(frozen=True, eq=False)
class _Row:
    """What a picture's file came to: its vector and facts, with those of its places where they are kept.

    Not ``directed`` are the network's own numbers, of before there was a projection.
    """

    directed: bool
    digest: bytes
    size: tuple[int, int]
    vector: NDArray[np.float32]
    places: NDArray[Any]


class Work:
    """An index on its way from what it was to what the folder holds."""

    def __init__(self, photos: Path, place: Path, before: Index, files: Sequence[File]) -> None:
        self.photos, self.place, self.before, self.parts = photos, place, before, before.parts is not None
        self.embedder = before.embedder
        known = {path: row for row, path in enumerate(before.paths)}
        tried = {(one.path, one.size, one.time): one for one in before.unread}
        pictures = before.pictures
        self.rows: dict[str, int | _Row] = {}  # the row of the index as it was, or what was made
        self.facts = {file.path: file for file in files}
        self.unread: dict[str, Unread] = {}
        self.todo: list[File] = []
        for file in files:
            row = known.get(file.path)
            if row is not None and (int(pictures["size"][row]), int(pictures["time"][row])) == (file.size, file.time):
                self.rows[file.path] = row
            elif (file.path, file.size, file.time) in tried:
                self.unread[file.path] = tried[file.path, file.size, file.time]
            else:
                self.todo.append(file)
        self.by_digest = {bytes(digest): row for row, digest in enumerate(pictures["digest"])} if self.todo else {}
        self.made = self.moved = 0
        self.index = before
        # What is not where it was may only have been moved: until all is looked at its vectors stay.
        self.left = {path: row for path, row in known.items() if path not in self.facts}
        self.gone, self.whole = len(self.left), False

    def run(self, workspace: Workspace) -> None:
        """Look at what is new, and keep it. What was made is kept too where this is stopped."""
        changed = bool(self.todo) or self.gone or not index_files.is_index(self.place)
        kept, done = time.monotonic(), 0
        waiting: list[tuple[File, _Row]] = []
        try:
            for file, row in in_order(self.todo, self._look, name="striate-index"):
                done += 1
                if isinstance(row, Unread):
                    self.unread[file.path] = row
                elif isinstance(row, int):
                    self.rows[file.path] = row
                    self.moved += 1
                else:
                    self.made += 1
                    waiting.append((file, row))
                    if self.embedder.directed or len(waiting) >= FIRST:
                        self._take(waiting)
                if workspace.progress is not None:
                    workspace.progress("vectors", done, len(self.todo))
                if time.monotonic() - kept > KEPT_EVERY and self.rows:
                    index_files.write(self.place, self.now())
                    kept = time.monotonic()
            self.whole = True
        finally:
            if waiting:
                self._take(waiting)
            if changed and (self.rows or self.left):
                found = self.now()
                self.index = replace(found, scale=Scale.of(found.vectors))
                index_files.write(self.place, self.index)
        if not self.rows:
            first = next(iter(self.unread.values()))
            raise SearchError(
                f"none of {len(self.unread):,} pictures in {self.photos} can be read: {first.path}: {first.reason}"
            )

    def _take(self, waiting: list[tuple[File, _Row]]) -> None:
        """Take rows in; where the model has no directions of its own, those of the first pictures."""
        if not self.embedder.directed:
            directions = main_directions(np.stack([row.vector for _, row in waiting]))
            self.embedder = replace(self.embedder, projection=directions)
        by = self.embedder.projection
        for file, row in waiting:
            if not row.directed:  # looked at before there were directions
                row = replace(row, directed=True, vector=row.vector @ by, places=row.places @ by)  # noqa: PLW2901
            places = row.places.astype(np.float16) if self.parts else _NONE
            self.rows[file.path] = replace(row, places=places)
        waiting.clear()

    def _look(self, file: File) -> _Row | Unread | int:
        try:
            content = read_bytes(self.photos / file.path, limit=LARGEST)
        except OSError as error:
            # A permission, a disk: that may pass without a change of the file, so it is tried each time.
            return Unread(file.path, f"cannot be read: {error.strerror or error}", file.size, NEVER)
        digest = digest_of(content)
        if digest in self.by_digest:
            return self.by_digest[digest]
        embedder = self.embedder  # which may get its directions meanwhile
        try:
            told = header(content)
            maps = embedder.maps(embedder.preprocess.pixels(content))
        except PictureError as error:
            return Unread(file.path, str(error), file.size, file.time)
        return _Row(embedder.directed, digest, (told.height, told.width), embedder.vector(maps), maps)

    def now(self) -> Index:
        """Return the index of what is known so far, in the order of the paths."""
        left = {} if self.whole else self.left
        at = {**{path: self.rows[path] for path in self.facts if path in self.rows}, **left}
        paths = tuple(at)
        width = self.embedder.projection.shape[1]
        vectors = np.zeros((len(paths), width), np.float16)
        pictures = np.zeros(len(paths), ROW)
        _, high, wide = self.embedder.shape
        parts = np.zeros((len(paths), high, wide, width), np.float16) if self.parts else None
        kept = [(place, row) for place, path in enumerate(paths) if isinstance(row := at[path], int)]
        if kept:
            places, rows = np.array(kept, np.int64).T
            vectors[places], pictures[places] = self.before.vectors[rows], self.before.pictures[rows]
            if parts is not None and self.before.parts is not None:
                parts[places] = self.before.parts[rows]
        for place, path in enumerate(paths):
            row = at[path]
            if isinstance(row, _Row):
                vectors[place] = row.vector
                pictures[place] = (row.digest, 0, 0, *row.size)
                if parts is not None:
                    parts[place] = row.places
        here = len(paths) - len(left)
        pictures["size"][:here] = [self.facts[path].size for path in paths[:here]]
        pictures["time"][:here] = [self.facts[path].time for path in paths[:here]]
        return Index(
            str(self.photos.resolve()),
            paths,
            vectors,
            pictures,
            middle(vectors),
            self.embedder,
            parts,
            tuple(self.unread.values()),
        )
