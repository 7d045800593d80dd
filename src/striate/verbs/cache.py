"""Cache: what the store of decoded pictures holds, and the published weights, and how to empty it. Imports data."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from striate.data.store.cache import Cached, clear_cache, describe_cache, weights_dir

__all__ = ["Cached", "cached", "clear", "clear_weights", "weights_dir", "weights_files"]


def cached() -> tuple[Cached, ...]:
    """Return what is kept, newest first."""
    return tuple(describe_cache())


def clear(name: str | None = None) -> int:
    """Remove everything kept, or what one source left there; return the bytes freed."""
    return clear_cache(name)


def weights_files() -> tuple[tuple[Path, int], ...]:
    """Return the files of published weights with their bytes: model files, and what is downloaded or half of it."""
    found = []
    for path in sorted(
        (*weights_dir().glob("*.safetensors"), *weights_dir().glob("*.onnx"), *(weights_dir() / "published").glob("*"))
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
    return freed
