"""Cache: what the store of decoded pictures holds, and how to empty it. Imports data."""

from __future__ import annotations

from striate.data.cache import Cached, clear_cache, describe_cache

__all__ = ["Cached", "cached", "clear"]


def cached() -> tuple[Cached, ...]:
    """Return what is kept, newest first."""
    return tuple(describe_cache())


def clear(name: str | None = None) -> int:
    """Remove everything kept, or what one source left there; return the bytes freed."""
    return clear_cache(name)
