"""What was found when masks were looked at, kept in the cache, so that a second start decodes none of them.

A note is believed as long as neither the mask nor its picture has another size or time of change. Where the cache
cannot be written, or lies within the pictures, or does not read, masks are looked at again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from striate import files
from striate.data.labels.mask_files import MaskPair
from striate.data.store.cache import cache_dir, notes_dir

_FORMAT: Final = 1
_MOST: Final = 256  # values of a mask, of which more are no classes


def stamp_of(root: Path, pair: MaskPair) -> str:
    """Return sizes and times of change of a mask and its picture, "" where one is not to be had.

    Example: ``stamp_of(Path("street"), MaskPair("images/1.jpg", "masks/none.png"))`` is ``""``.
    """
    try:
        both = [(root / key).stat() for key in (pair.mask, pair.picture)]
    except OSError:
        return ""
    return " ".join(f"{one.st_size}:{one.st_mtime_ns}" for one in both)


def kept(root: Path) -> dict[str, Any]:
    """Return the notes on the masks below a folder, by the key of the mask; none where there are none that read.

    Example: ``kept(Path("pets"))`` is ``{}``.
    """
    try:
        found = json.loads(files.read_bytes(_file(root), limit=files.LIST))
    except (OSError, ValueError):
        return {}
    notes = found.get("masks") if isinstance(found, dict) and found.get("format") == _FORMAT else None
    return notes if isinstance(notes, dict) else {}


def keep(root: Path, notes: Mapping[str, Any]) -> None:
    """Keep notes on the masks below a folder, in place of older ones, where the cache can be written."""
    file = _file(root)
    if cache_dir().resolve().is_relative_to(root.resolve()):
        return
    beside = file.with_name(f".{secrets.token_hex(6)}.tmp")
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            beside.write_text(json.dumps({"format": _FORMAT, "masks": dict(notes)}), encoding="utf-8")
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)


def small(values: Sequence[int]) -> bool:
    """Whether so many values are worth a note. Example: ``small([0, 255])`` is True."""
    return len(values) <= _MOST


def _file(root: Path) -> Path:
    return notes_dir() / f"{hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:32]}.json"
