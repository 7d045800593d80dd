"""Features kept on disk: what a frozen net makes of each picture, computed once. No torch.

They lie in a store like decoded pictures do (data/store/store.py, data/store/storefile.py): a folder named by the
content it must have, written beside its place and renamed when it is whole, memory-mapped, checked at every opening,
the least recently used removed first. A row is one picture's features, float32, as bytes.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from striate.data.sources.items import Source
from striate.data.store import cache, storefile
from striate.data.store.rows import Block
from striate.data.store.store import Progress, Store, disk_errors
from striate.errors import StoreError

_FLOAT = 4  # bytes
_KINDS = {2: "<f2", 4: "<f4"}


@dataclass(frozen=True, eq=False)
class Features:
    """Features (N, D), mapped read-only; row i belongs to row i of the store they were made from.

    ``raw`` (N, 1, D, bytes) uint8 are their bytes as they lie, of which ``values`` are the numbers. ``computed`` is how
    many were computed just now, 0 when they were there. ``lease`` keeps them from being removed.
    """

    raw: NDArray[np.uint8]
    computed: int = 0
    lease: BinaryIO | None = field(default=None, repr=False)

    @property
    def values(self) -> NDArray[Any]:
        """The numbers (N, D): float32, or float16 where they were kept so."""
        return self.raw.reshape(len(self.raw), -1).view(_KINDS[self.raw.shape[-1]])


def open_features(
    store: Store,
    source: Source,
    rule: str,
    width: int,
    compute: Callable[[], Iterable[NDArray[Any]]],
    *,
    bytes_each: int = _FLOAT,
    cache_dir: Path | None = None,
    cap_bytes: int | None = None,
    progress: Progress | None = None,
) -> Features:
    """Return the features (N, ``width``) of a store's pictures, from the cache or computed now.

    ``rule`` says all that decides them besides the pictures: which weights, which preprocessing, which arithmetic.
    ``compute()`` yields them in blocks, in the order of the store; they are kept as float32, or as
    float16 with ``bytes_each`` 2. ``progress(text, done, total)`` is called between.
    Raises StoreError when the cache cannot be written.

    Example: ``open_features(store, source, "all 0", 2, lambda: [np.zeros((28, 2), np.float32)]).values.shape`` is
    ``(28, 2)``.
    """
    home = _home(store, rule, width, cache_dir)
    root = home.parent
    found = _opened(home, len(store.digests), width, bytes_each)
    if found is not None:
        storefile.used(home)
        return found
    with disk_errors(root, "the pass for features"):
        root.mkdir(parents=True, exist_ok=True)
        cap = cache.cache_cap() if cap_bytes is None else cap_bytes
        cache.make_room(root, cap - len(store.digests) * width * bytes_each, keep=home.name)
        building = root / f"{cache.BUILDING}{os.getpid()}-{secrets.token_hex(6)}"
        building.mkdir()
        try:
            with cache.being_built(building):
                storefile.write(
                    building,
                    _blocks(compute(), store.digests, width, bytes_each, progress),
                    store.digests,
                    rule=rule,
                    shape=(1, width, bytes_each),
                    name=source.name,
                    location=source.location,
                )
                return _published(building, home, len(store.digests), width, bytes_each)
        finally:
            shutil.rmtree(building, ignore_errors=True)


def _home(store: Store, rule: str, width: int, cache_dir: Path | None) -> Path:
    """Return the folder of exactly these features."""
    name = hashlib.sha256(f"features\0{rule}\0{width}\0".encode() + b"".join(store.digests)).hexdigest()
    return (cache_dir or cache.cache_dir()) / "store" / name


def _blocks(
    features: Iterable[NDArray[Any]],
    digests: Sequence[bytes],
    width: int,
    bytes_each: int,
    progress: Progress | None,
) -> Iterator[Block]:
    """Return the features as rows of bytes."""
    done = 0
    for some in features:
        rows = np.ascontiguousarray(some, _KINDS[bytes_each]).view(np.uint8).reshape(len(some), 1, width, bytes_each)
        before, done = done, done + len(some)
        yield Block(rows, b"".join(digests[before:done]), (), done)
        if progress is not None:
            progress("features" if bytes_each == _FLOAT else "maps", done, len(digests))


def _opened(home: Path, number: int, width: int, bytes_each: int) -> Features | None:
    """Open what is there, or return None when nothing is, or it is not whole."""
    files = storefile.read(home)
    if files is None or files.pixels.shape != (number, 1, width, bytes_each):
        return None
    return Features(files.pixels, lease=files.lease)


def _published(building: Path, home: Path, number: int, width: int, bytes_each: int) -> Features:
    """Give finished features their name; where there are good ones by now, use those."""
    for _ in range(10):
        try:
            building.rename(home)
            storefile.flush_folder(home.parent)
        except OSError:
            if not home.is_dir():
                raise
            found = _opened(home, number, width, bytes_each)
            if found is not None:
                return found
            if not cache.remove(home):
                break
        else:
            found = _opened(home, number, width, bytes_each)
            if found is not None:
                return Features(found.raw, number, found.lease)
            break
    raise StoreError(f"the features {home} cannot be read back after they were written; delete that folder")
