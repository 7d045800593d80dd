"""Near copies: the same picture again, turned, mirrored, resized, cropped, recompressed or gray."""

from __future__ import annotations

from collections.abc import Iterator

from striate.search.checks.equal import groups_found
from striate.search.examined import Examined, Finding


def near_copies(examined: Examined) -> Iterator[Finding]:
    """Find near copies: across classes, across parts, within both. `striate.search.copy_finder` says what makes one."""
    yield from groups_found(examined, [(list(one.rows), one.words) for one in examined.near], "near", "near copies")
