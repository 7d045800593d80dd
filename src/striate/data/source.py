"""Find pictures and targets: ``find`` turns a place or a name into a Source. No torch."""

from __future__ import annotations

from striate.data.items import (
    ArraySource,
    Facts,
    FolderSource,
    Item,
    Rejected,
    Source,
    check_rejected,
)

__all__ = ["ArraySource", "Facts", "FolderSource", "Item", "Rejected", "Source", "check_rejected"]
