"""Decoded pictures kept as uint8 on disk, so that a second run and every epoch after the first never decode. No torch.

A store is a folder named by the content it must have: the SHA-256 of the format, of what decides the pixels (height,
width, channels, resize rule, version of the decoder; not mean and standard deviation) and of every picture's key and
stamp. It is written under a passing name beside its place: ``pixels.u8`` (the rows, one after the other),
``digests.bin`` (16 bytes a picture), and last ``manifest.json`` with the sizes and checksums of both; all of it reaches
the disk before the folder gets its name. Two processes that build the same store each write their own, and the
first to finish wins.

What is checked at every opening: the manifest against its own checksum, both files' sizes, the checksum of all digests,
and that of 64 pages of 4 KiB spread evenly over the pixels. That takes milliseconds whatever the size and finds a file
that was cut off, swapped or emptied; a single bit that flips in between on the disk it does not find. A store that
fails is built again.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import PIL
from numpy.typing import NDArray

from striate.data import cache
from striate.data.items import Source
from striate.data.preprocess import Preprocess
from striate.data.rows import DIGEST, Bad, decoded, pixels_of
from striate.errors import PictureError, StoreError

Progress = Callable[[str, int, int], None]

_FORMAT = 1
_PAGES, _PAGE = 64, 4096
_DISK_TROUBLE = (errno.ENOSPC, errno.EDQUOT if hasattr(errno, "EDQUOT") else errno.ENOSPC, errno.EFBIG)


@dataclass(frozen=True, eq=False)
class Store:
    """Pictures (N, H, W, C) uint8, mapped read-only, and the digest of each picture's file (of shape and pixels for
    arrays). Row i belongs to ``items[i]`` of the source it came with. ``lease`` keeps the store from being removed.
    """

    pixels: NDArray[np.uint8]
    digests: tuple[bytes, ...]
    lease: BinaryIO | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class Stored:
    """A store and its source, without the pictures that did not decode: those are in ``source.rejected``."""

    source: Source
    store: Store


def open_store(
    source: Source,
    preprocess: Preprocess,
    *,
    cache_dir: Path | None = None,
    cap_bytes: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Stored:
    """Return the decoded pictures of a source, from the cache or decoded now.

    ``cap_bytes`` is what all stores together may take (default: ``cache.cache_cap()``); the least recently used go
    first, never one in use, and never this one. ``workers`` decode at once (default: a thread a core, 16 at most).
    ``progress(text, done, total)`` is called while decoding. Raises StoreError when the cache cannot be written.
    Example: ``stored = open_store(source, Preprocess(32, 32, 3)); stored.store.pixels[0].shape == (32, 32, 3)``
    """
    root = (cache_dir or cache.cache_dir()) / "store"
    _outside(root, source)
    address = _address(source, preprocess)
    home = root / address
    stored = _opened(home, source, preprocess)
    if stored is not None:
        return stored
    with _disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        cap = cache.cache_cap() if cap_bytes is None else cap_bytes
        _check_room(root, address, cap, len(source.items) * _row_bytes(preprocess))
        building = root / f"{cache.BUILDING}{os.getpid()}-{secrets.token_hex(6)}"
        building.mkdir()
        try:
            _build(building, source, preprocess, workers or _cores(), progress)
            return _published(building, home, source, preprocess)
        finally:
            shutil.rmtree(building, ignore_errors=True)


def channel_statistics(
    pixels: NDArray[np.uint8], indices: NDArray[np.int64] | Sequence[int]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel over these rows, in 0..1.

    Sums and sums of squares are whole numbers, so the answer is exact to the last division, in any order of the rows.
    A channel that never varies gets the deviation of one grey level, 1/255, so that dividing by it stays harmless.
    Example: ``mean, std = channel_statistics(store.pixels, split.train)``
    """
    rows = np.sort(np.asarray(indices, np.int64))
    channels = pixels.shape[3]
    if len(rows) == 0:
        raise StoreError("no pictures to take the mean and standard deviation of")
    size = pixels.shape[1] * pixels.shape[2]
    count = len(rows) * size
    total, squares = [0] * channels, [0] * channels
    step = max(1, 2**16 // (size * channels))  # half a MiB of float64: stays in the processor's cache
    for start in range(0, len(rows), step):
        # In float64 whole numbers below 2**53 add without rounding; a chunk's squares stay far below that.
        values = pixels[rows[start : start + step]].reshape(-1, channels).astype(np.float64)
        for channel in range(channels):
            column = np.ascontiguousarray(values[:, channel])
            total[channel] += int(column.sum())
            squares[channel] += int(np.dot(column, column))
    mean = tuple(part / count / 255 for part in total)
    variances = ((count * square - part * part) / (count * count) for part, square in zip(total, squares, strict=True))
    return mean, tuple(max(float(np.sqrt(variance)), 1.0) / 255 for variance in variances)


def _cores() -> int:
    return min(16, os.cpu_count() or 1)


def _row_bytes(preprocess: Preprocess) -> int:
    return preprocess.height * preprocess.width * preprocess.channels


def _address(source: Source, preprocess: Preprocess) -> str:
    """Name a store by everything that decides what is in it."""
    rule = [_FORMAT, PIL.__version__, preprocess.height, preprocess.width, preprocess.channels, preprocess.resize]
    name = hashlib.sha256(json.dumps(rule).encode())
    for index, item in enumerate(source.items):
        name.update(f"\0{item.key}\0{source.stamp(index)}".encode("utf-8", "surrogateescape"))
    return name.hexdigest()


def _outside(root: Path, source: Source) -> None:
    """Refuse to write into the folder of pictures."""
    place = Path(source.location)
    if place.is_absolute() and place.is_dir() and root.resolve().is_relative_to(place.resolve()):
        raise StoreError(
            f"the cache {root} lies inside the pictures {place}, and those are never written to; "
            "set STRIATE_CACHE to another folder"
        )


def _check_room(root: Path, address: str, cap: int, needed: int) -> None:
    free = shutil.disk_usage(root).free
    used = sum(entry.bytes for entry in cache.describe_cache(root.parent))
    cache.make_room(root, min(cap, used + free) - needed, keep=address)
    free = shutil.disk_usage(root).free
    if free < needed:
        raise StoreError(f"the decoded pictures need {needed:,} bytes and {root} has {free:,} free; {_REMEDY}")


_REMEDY = "free some space, train at a smaller size, or set STRIATE_CACHE to a folder on another disk"


@contextlib.contextmanager
def _disk_errors(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in _DISK_TROUBLE:
            raise StoreError(f"decoding stopped, nothing was kept: {root}: {reason}; {_REMEDY}") from error
        raise StoreError(
            f"the cache of decoded pictures cannot be written: {error.filename or root}: {reason}; "
            "set STRIATE_CACHE to a folder that can"
        ) from error


# Writing


def _build(building: Path, source: Source, preprocess: Preprocess, workers: int, progress: Progress | None) -> None:
    number = len(source.items)
    digests, bad, written = bytearray(), list[Bad](), 0
    # Plain writes, not a memory map: on a full disk these raise an error, where a map would kill the process.
    with (building / cache.PIXELS).open("wb") as file:
        cache.hold(file)
        for block in decoded(source, preprocess, workers=workers):
            file.write(block.rows.data)
            written += len(block.rows)
            digests += block.digests
            bad += block.bad
            if progress is not None:
                progress("decoding", block.end, number)
        _flush(file)
    with (building / cache.DIGESTS).open("wb") as file:
        file.write(digests)
        _flush(file)
    with (building / cache.PIXELS).open("rb") as pixels:
        facts = {
            "format": _FORMAT,
            "name": source.name,
            "location": source.location,
            "pictures": written,
            "height": preprocess.height,
            "width": preprocess.width,
            "channels": preprocess.channels,
            "rejected": [[one.index, one.reason, one.passing] for one in bad],
            "digests": hashlib.blake2b(digests, digest_size=DIGEST).hexdigest(),
            "pages": _pages(pixels, written * _row_bytes(preprocess)),
        }
    with (building / cache.MANIFEST).open("w", encoding="ascii") as text:
        json.dump({"checksum": _checksum(facts), "facts": facts}, text)
        _flush(text)
    _flush_folder(building)


def _published(building: Path, home: Path, source: Source, preprocess: Preprocess) -> Stored:
    """Give a finished store its name; where there is a good one by now, use that."""
    for _ in range(10):
        try:
            building.rename(home)
            _flush_folder(home.parent)
        except OSError as error:
            if not home.is_dir():
                raise
            stored = _opened(home, source, preprocess, again=False)
            if stored is None and not cache.remove(home):
                raise StoreError(f"the store {home} is damaged and in use; delete that folder") from error
        else:
            stored = _opened(home, source, preprocess, again=False)
        if stored is not None:
            return stored
    raise StoreError(f"the store {home} cannot be read back after it was written; does the disk {home.parent} fail?")


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can (Windows cannot open a folder)."""
    with contextlib.suppress(PermissionError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


# Reading


def _opened(home: Path, source: Source, preprocess: Preprocess, *, again: bool = True) -> Stored | None:
    """Open a store, or return None when it is not there or not whole.

    ``again``: nor when a picture that could not be read when it was built can be read by now.
    """
    try:
        file = (home / cache.PIXELS).open("rb", buffering=0)
    except OSError:
        return None
    try:
        stored = _checked(home, file, source, preprocess, again)
    except (OSError, ValueError, KeyError, TypeError):
        stored = None
    if stored is None:
        file.close()
        return None
    with contextlib.suppress(OSError):  # a cache that may only be read still serves
        os.utime(home / cache.MANIFEST)
    return stored


def _checked(home: Path, file: BinaryIO, source: Source, preprocess: Preprocess, again: bool) -> Stored | None:
    if not cache.hold(file) or not os.path.samestat(os.fstat(file.fileno()), (home / cache.PIXELS).stat()):
        return None  # it is being removed
    manifest = json.loads((home / cache.MANIFEST).read_bytes())
    facts = manifest["facts"]
    digests = (home / cache.DIGESTS).read_bytes()
    shape = (facts["pictures"], preprocess.height, preprocess.width, preprocess.channels)
    size = shape[0] * _row_bytes(preprocess)
    bad = {index: reason for index, reason, _ in facts["rejected"]}
    whole = (
        manifest["checksum"] == _checksum(facts)
        and (facts["height"], facts["width"], facts["channels"]) == shape[1:]
        and shape[0] + len(bad) == len(source.items)
        and os.fstat(file.fileno()).st_size == size
        and len(digests) == DIGEST * shape[0]
        and facts["digests"] == hashlib.blake2b(digests, digest_size=DIGEST).hexdigest()
        and facts["pages"] == _pages(file, size)
    )
    if not whole or (
        again and any(_reads(source, index, preprocess) for index, _, passing in facts["rejected"] if passing)
    ):
        return None
    # A map of no bytes cannot be made.
    pixels = np.asarray(np.memmap(file, np.uint8, "r", shape=shape)) if size else np.empty(shape, np.uint8)
    parts = tuple(digests[start : start + DIGEST] for start in range(0, len(digests), DIGEST))
    return Stored(source.without(bad) if bad else source, Store(pixels, parts, lease=file))


def _reads(source: Source, index: int, preprocess: Preprocess) -> bool:
    try:
        pixels_of(source.picture(index), preprocess)
    except PictureError:
        return False
    return True


def _checksum(facts: dict[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=DIGEST).hexdigest()


def _pages(file: BinaryIO, size: int) -> str:
    """Return the checksum of pages spread evenly over the first ``size`` bytes, the first and the last among them."""
    total = hashlib.blake2b(digest_size=DIGEST)
    last = max(0, size - _PAGE)
    for start in sorted({last * page // (_PAGES - 1) for page in range(_PAGES)}):
        file.seek(start)
        total.update(file.read(min(_PAGE, size)))
    return total.hexdigest()
