"""Cache: what the store of decoded pictures holds, and the published weights, and how to empty it. Imports data."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from striate.data.store.cache import Cached, cache_dir, clear_cache, describe_cache, weights_dir
from striate.runs.lock import acquire

__all__ = ["Cached", "cached", "clear", "clear_weights", "derived", "weights_dir", "weights_files"]

DERIVED: Final = {
    "index": "indices of pictures, for striate find",
    "doctor": "what striate doctor measured",
}
"""What else is made of pictures and kept: the cache's folders of it, and what it is."""


@dataclass(frozen=True)
class Derived:
    """What else the cache has of a kind: how many, and their bytes."""

    words: str
    count: int
    bytes: int


def cached() -> tuple[Cached, ...]:
    """Return what is kept, newest first."""
    return tuple(describe_cache())


def clear(name: str | None = None) -> int:
    """Remove everything kept, or what one source left there; return the bytes freed. What is in use stays."""
    freed = clear_cache(name)
    if name is None:
        freed += sum(_removed(path) for kind in DERIVED for path in _kept(kind))
    return freed


def derived() -> tuple[Derived, ...]:
    """Return what else is made of pictures and kept: indices, measurements; no kind of which there is none."""
    found = ((words, _kept(kind)) for kind, words in DERIVED.items())
    return tuple(Derived(words, len(paths), sum(map(_size, paths))) for words, paths in found if paths)


def _kept(kind: str) -> list[Path]:
    try:
        return sorted((cache_dir() / kind).iterdir())
    except OSError:
        return []


def _size(path: Path) -> int:
    with suppress(OSError):  # it may be removed under our eyes
        return sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else (path,)))
    return 0


def _removed(path: Path) -> int:
    """Remove a file or a folder, unless an index is being made there; return the bytes freed."""
    size = _size(path)
    with suppress(OSError):
        if not path.is_dir():
            path.unlink()
            return size
        lock = acquire(path / "lock")
        if lock is None:
            return 0
        shutil.rmtree(path)
        lock.release()
        return size
    return 0


def weights_files() -> tuple[tuple[Path, int], ...]:
    """Return the files of published weights with their bytes: model files, and what is downloaded or half of it.

    Those of models on the Hub are among them.
    """
    found = []
    for path in sorted(
        (
            *weights_dir().glob("*.safetensors"),
            *weights_dir().glob("*.onnx"),
            *(weights_dir() / "published").glob("*"),
            *(weights_dir() / "hub").rglob("*"),
        )
    ):
        with suppress(OSError):
            if path.suffix != ".sha256" and path.is_file():
                found.append((path, path.stat().st_size))
    return tuple(found)


def clear_weights() -> int:
    """Remove all published weights; return the bytes freed. What their files' SHA-256 was stays noted."""
    freed = 0
    for path, size in weights_files():
        with suppress(OSError):
            path.unlink()
            freed += size
    shutil.rmtree(weights_dir() / "hub", ignore_errors=True)
    return freed
