"""Examining: every picture of a folder read and measured once; what was measured is kept, also where it is stopped."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.image import header
from striate.data.store.cache import cache_dir
from striate.data.store.rows import digest_of
from striate.errors import PictureError
from striate.files import PICTURE as LARGEST
from striate.files import read_bytes
from striate.search import measured_files
from striate.search.examined import Unreadable
from striate.search.measured import MEASURED, measured
from striate.search.measured_files import Known
from striate.verbs.in_order import in_order
from striate.verbs.indexing import File
from striate.verbs.workspace import Workspace

KEPT_EVERY: Final = 30.0  # seconds of work after which what was measured is kept


@dataclass(frozen=True, eq=False)
class Measures:
    """What was measured: the ``files`` that read, their ``rows`` of `MEASURED` and digests; and those that do not."""

    files: tuple[File, ...]
    rows: NDArray[Any]
    digests: tuple[bytes, ...]
    unreadable: tuple[Unreadable, ...]


def kept_at(photos: Path) -> Path:
    """Return the file of the cache that keeps what was measured of a folder."""
    real = str(photos.resolve())
    return cache_dir() / "doctor" / f"{hashlib.sha256(real.encode('utf-8', 'surrogateescape')).hexdigest()[:24]}.npz"


def examine(photos: Path, files: Sequence[File], workspace: Workspace) -> Measures:
    """Return what is measured of the files of a folder: what is known of the same content is not measured again.

    A file is read again where its size or time of change is another. What does not read is tried each time.
    """
    place = kept_at(photos)
    before = measured_files.read(place)
    known = {digest: row for row, digest in enumerate(before.digests)}
    digests: dict[str, bytes] = {}
    todo: list[File] = []
    for file in files:
        digest = before.files.get((file.path, file.size, file.time))
        if digest is None or digest not in known:
            todo.append(file)
        else:
            digests[file.path] = digest
    fresh: dict[bytes, np.void] = {}
    bad: dict[str, Unreadable] = {}

    def now() -> tuple[Known, tuple[File, ...]]:
        there = tuple(file for file in files if file.path in digests)
        distinct = tuple(dict.fromkeys(digests[file.path] for file in there))
        rows = np.zeros(len(distinct), MEASURED)
        for number, digest in enumerate(distinct):
            rows[number] = fresh[digest] if digest in fresh else before.rows[known[digest]]
        return Known(distinct, rows, {(one.path, one.size, one.time): digests[one.path] for one in there}), there

    done, kept = 0, time.monotonic()
    try:
        for file, came in in_order(todo, partial(_look, photos, known=known), name="striate-doctor"):
            done += 1
            if isinstance(came, Unreadable):
                bad[file.path] = came
            else:
                digest, row = came
                digests[file.path] = digest
                if row is not None:
                    fresh[digest] = row
            if workspace.progress is not None:
                workspace.progress("examining", done, len(todo))
            if time.monotonic() - kept > KEPT_EVERY:
                measured_files.write(place, now()[0])
                kept = time.monotonic()
    finally:
        found, there = now()
        if todo:
            measured_files.write(place, found)
    at = {digest: number for number, digest in enumerate(found.digests)}
    rows = found.rows[[at[digests[file.path]] for file in there]]
    unreadable = tuple(bad[file.path] for file in files if file.path in bad)
    return Measures(there, rows, tuple(digests[file.path] for file in there), unreadable)


_Came = tuple[bytes, np.void | None] | Unreadable


def _look(photos: Path, file: File, *, known: dict[bytes, int]) -> _Came:
    try:
        content = read_bytes(photos / file.path, limit=LARGEST)
    except OSError as error:
        return Unreadable(file.path, f"cannot be read: {error.strerror or error}")
    digest = digest_of(content)
    if digest in known:
        return digest, None
    try:
        return digest, measured(content)
    except PictureError as error:
        reason = str(error)
    try:
        told = header(content)
    except PictureError:
        return Unreadable(file.path, reason, digest=digest)
    return Unreadable(file.path, reason, f"{told.format} of {told.width} x {told.height}", digest)
