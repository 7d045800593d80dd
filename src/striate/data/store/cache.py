"""The cache directory: where it is, what is in it, how large it may grow, how it is cleared. No torch, no numpy.

Stores of decoded pictures are folders ``store/<address>/``; its files are those of data/store/storefile.py, here a
store is a folder with a ``manifest.json``, whose modification time is when it was last used. Whoever uses a store holds
a shared lock on its ``pixels.u8`` as long as it is open, and only a store on which an exclusive lock is to be had is
removed. Where the system has no such locks (Windows), it refuses to move a folder whose files are open, which does
the same.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from striate.errors import StoreError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PIXELS, MANIFEST = "pixels.u8", "manifest.json"
BUILDING, REMOVED = ".building-", ".removed-"
UNFINISHED = "unfinished"
DEFAULT_CAP = 20 * 2**30  # bytes
_FRESH = 3600.0  # seconds in which an unfinished folder without a file to lock is taken for one being built
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


@dataclass(frozen=True)
class Cached:
    """A store in the cache: the name and place of its source, pictures, bytes on disk, last use (POSIX seconds).

    What was not finished, or cannot be read, has the name "unfinished" and no pictures.
    """

    address: str
    name: str
    location: str
    pictures: int
    bytes: int
    last_used: float
    in_use: bool
    rule: str  # what decided the pixels: see data/store/store.py

    def to_dict(self) -> dict[str, object]:
        """Return the fields as plain JSON values."""
        return asdict(self)


def cache_dir() -> Path:
    """Return the cache directory: STRIATE_CACHE, or "striate" in the user's cache directory. It need not exist yet."""
    chosen = os.environ.get("STRIATE_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "striate" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "striate"
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "striate"


def weights_dir() -> Path:
    """Return the cache's folder of published weights: nothing in it makes room for pictures, or goes with them."""
    return cache_dir() / "weights"


def notes_dir() -> Path:
    """Return the cache's folder of notes on masks: small files, which go with all stores together."""
    return cache_dir() / "notes"


def cache_cap() -> int:
    """Return how many bytes all stores together may take: STRIATE_CACHE_CAP ("500 MB", "20GiB", bytes), or 20 GiB."""
    text = os.environ.get("STRIATE_CACHE_CAP", "").strip()
    if not text:
        return DEFAULT_CAP
    read = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?", text, re.IGNORECASE)
    if not read:
        raise StoreError(f"STRIATE_CACHE_CAP={text!r} is not a size; write it like 500MB, 20GiB, or a number of bytes")
    return int(float(read[1]) * _UNITS[(read[2] or "").lower()])


def describe_cache(cache_dir: Path | None = None) -> tuple[Cached, ...]:
    """Return what the cache holds, the store used last first."""
    return tuple(sorted(_entries(_stores(cache_dir)), key=lambda entry: -entry.last_used))


def clear_cache(name: str | None = None, *, cache_dir: Path | None = None) -> int:
    """Remove all stores, or those of the source called ``name``; return the bytes freed. Stores in use stay.

    Raises StoreError when a name is given that no store has. Example: ``clear_cache()``
    """
    root = _stores(cache_dir)
    entries = list(_entries(root))
    if name is not None and all(entry.name != name for entry in entries):
        known = ", ".join(sorted({entry.name for entry in entries})) or "nothing"
        raise StoreError(f"the cache {root.parent} has no store called {name!r}; it has {known}")
    chosen = [entry for entry in entries if name is None or entry.name == name]
    if name is None:
        shutil.rmtree(root.parent / notes_dir().name, ignore_errors=True)
    return sum(entry.bytes for entry in chosen if remove(root / entry.address))


def make_room(root: Path, most: int, *, keep: str) -> None:
    """Remove what builders left behind, then the least recently used stores until ``root`` holds ``most`` bytes.

    The store with the address ``keep`` and those in use stay, so that there may be more than that afterwards.
    """
    entries = sorted(_entries(root), key=lambda entry: entry.last_used)
    total = sum(entry.bytes for entry in entries)
    for entry in entries:
        if entry.address == keep:
            continue
        left_behind = entry.address.startswith((BUILDING, REMOVED))
        if (left_behind or total > most) and remove(root / entry.address):
            total -= entry.bytes


def hold(file: BinaryIO) -> bool:
    """Hold a shared lock on an open file as long as it stays open; False when it is just being removed."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks
    return True


@contextlib.contextmanager
def being_built(folder: Path) -> Iterator[None]:
    """Keep an unfinished store from being removed as left behind, until it has its name and is open."""
    if fcntl is None:  # an open file could not be renamed with its folder there; its age protects it instead
        yield
        return
    unnamed = folder / f"{PIXELS}.held"  # so that the file is never there without its lock
    with unnamed.open("xb") as file:
        hold(file)
        unnamed.rename(folder / PIXELS)
        yield


def remove(folder: Path) -> bool:
    """Remove a store unless it is in use; tell whether it is gone. What is removed vanishes at once, as a whole."""
    try:
        with _exclusive(folder) as free:
            if not free:
                return False
            aside = folder.with_name(REMOVED + secrets.token_hex(8))
            folder.rename(aside)
    except OSError:
        return not folder.exists()
    shutil.rmtree(aside, ignore_errors=True)
    return True


@contextlib.contextmanager
def _exclusive(folder: Path) -> Iterator[bool]:
    """Tell whether nobody uses a store, and keep others from opening it meanwhile."""
    being_made = folder.name.startswith(BUILDING) and time.time() - _changed(folder) < _FRESH
    try:
        file = (folder / PIXELS).open("rb")
    except OSError:
        yield not being_made
        return
    if fcntl is None:
        file.close()  # an open file could not be moved; that it can be is the test there
        yield not being_made
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError:
            pass
        yield True


def _changed(folder: Path) -> float:
    """Return when a folder or a file in it was changed last."""
    return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))


def _stores(chosen: Path | None) -> Path:
    return (chosen or cache_dir()) / "store"


def _entries(root: Path) -> Iterator[Cached]:
    try:
        folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError:
        return
    for folder in folders:
        with contextlib.suppress(OSError):  # it may be removed under our eyes
            yield _entry(folder)


def _entry(folder: Path) -> Cached:
    size = sum(path.stat().st_size for path in folder.iterdir())
    facts: dict[str, Any] = {}
    used = folder.stat().st_mtime
    if not folder.name.startswith((BUILDING, REMOVED)):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            used = (folder / MANIFEST).stat().st_mtime
            facts = dict(json.loads((folder / MANIFEST).read_bytes())["facts"])
    with _exclusive(folder) as free:
        return Cached(
            address=folder.name,
            name=str(facts.get("name", UNFINISHED)),
            location=str(facts.get("location", "")),
            pictures=int(facts.get("pictures", 0)),
            bytes=size,
            last_used=used,
            in_use=not free,
            rule=str(facts.get("rule", "")),
        )
