"""Decoded pictures kept as uint8 on disk, so that a second run and every epoch after the first never decode. No torch.

A store is a folder named by the content it must have: the SHA-256 of the rule that decides the pixels (format, version
of the decoder, height, width, channels, how to resize; not mean and standard deviation) and of every picture's key and
stamp. It is written under a passing name beside its place and renamed when all of it is on the disk, so that it is
there whole or not at all; two processes that build the same store each write their own, and the first to finish wins.
A store that fails the checks of data/store/storefile.py is built again. Pictures that another store already holds by
the same rule (a folder that grew, a run that uses a part) are copied from there, not decoded.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL
from numpy.typing import NDArray

from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.items import Source
from striate.data.store import cache, storefile
from striate.data.store.rows import DIGEST, Block, Known, decoded, pixels_of
from striate.errors import FULL, PictureError, StoreError

Progress = Callable[[str, int, int], None]

_FORMAT = 3
_TRIES = 20  # a hundredth of a second apart, to put a store in its place while others do the same
_THERE = {errno.ENOTEMPTY, errno.EEXIST}
_REMEDY = "free some space, train at a smaller size, or set STRIATE_CACHE to a folder on another disk"


@dataclass(frozen=True, eq=False)
class Store:
    """Pictures (N, H, W, C) uint8, mapped read-only, and the digest of each picture's file (of shape and pixels for
    arrays). Row i belongs to ``items[i]`` of the source it came with. ``lease`` keeps the store from being removed.
    ``depths`` (N, 3) are the rows of `striate.data.pictures.depth`, where some have 16 bits.
    """

    pixels: NDArray[np.uint8]
    digests: tuple[bytes, ...]
    lease: BinaryIO | None = field(default=None, repr=False)
    depths: NDArray[np.uint8] | None = field(default=None, repr=False)


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
    rule, identities = _rule(preprocess), _identities(source)
    home = root / hashlib.sha256(rule.encode() + b"".join(identities)).hexdigest()
    stored = _opened(home, source, preprocess)
    if stored is not None:
        return stored
    with disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        cap = cache.cache_cap() if cap_bytes is None else cap_bytes
        known = _known(root, rule, identities)
        try:
            _need(root, home.name, cap, source, preprocess)
        except StoreError:
            known = {}  # what could be copied from takes up the room: let go of it
            _need(root, home.name, cap, source, preprocess)
        building = root / f"{cache.BUILDING}{os.getpid()}-{secrets.token_hex(6)}"
        building.mkdir()
        try:
            with cache.being_built(building):
                blocks = decoded(source, preprocess, workers=workers or min(16, os.cpu_count() or 1), known=known)
                storefile.write(
                    building,
                    _counted(blocks, len(source.items), progress),
                    identities,
                    rule=rule,
                    shape=(preprocess.height, preprocess.width, preprocess.channels),
                    name=source.name,
                    location=source.location,
                )
                known.clear()  # ends the use of what was copied from, so that it may be replaced
                stored = _published(building, home, source, preprocess)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        cache.make_room(root, cap, keep=home.name)
        return stored


def channel_statistics(
    pixels: NDArray[np.uint8], indices: NDArray[np.int64] | Sequence[int]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel over these rows, in 0..1.

    Sums and sums of squares are whole numbers, so the answer is exact to the last division, in any order of the rows.
    A channel that varies by less than one grey level gets the deviation of one, 1/255: dividing by it stays harmless.
    Example: ``channel_statistics(np.array([[[[0], [255]]]], np.uint8), [0])`` is ``((0.5,), (0.5,))``.
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
            squares[channel] += int(np.einsum("i,i->", column, column))  # no BLAS: its threads wait for each other
    mean = tuple(part / count / 255 for part in total)
    variances = ((count * square - part * part) / (count * count) for part, square in zip(total, squares, strict=True))
    return mean, tuple(max(float(np.sqrt(variance)), 1.0) / 255 for variance in variances)


def _rule(preprocess: Preprocess) -> str:
    """Say what decides the pixels of a picture."""
    fields = preprocess.to_dict()
    size = [fields.pop(name) for name in ("height", "width", "channels", "resize")]
    del fields["mean"], fields["std"]
    return json.dumps([_FORMAT, PIL.__version__, *size, *fields.items()])


def _identities(source: Source) -> list[bytes]:
    """Return 16 bytes a picture that change when it does, from its key and stamp."""
    named = ((item.key, source.stamp(index)) for index, item in enumerate(source.items))
    texts = (f"{key}\0{stamp}".encode("utf-8", "surrogateescape") for key, stamp in named)
    return [hashlib.blake2b(text, digest_size=DIGEST).digest() for text in texts]


def _outside(root: Path, source: Source) -> None:
    """Refuse to write into the folder of pictures."""
    place = Path(source.location)
    if place.is_absolute() and place.is_dir() and root.resolve().is_relative_to(place.resolve()):
        raise StoreError(
            f"the cache {root} lies inside the pictures {place}, and those are never written to; "
            "set STRIATE_CACHE to another folder"
        )


def _opened(home: Path, source: Source, preprocess: Preprocess, *, again: bool = True) -> Stored | None:
    """Open a store, or return None when it is not there or not whole.

    ``again``: nor when a picture that could not be read when it was built can be read by now.
    """
    files = storefile.read(home)
    if files is None or len(files.pixels) + len(files.rejected) != len(source.items):
        return None
    if again and any(one.passing and _reads(source, one.index, preprocess) for one in files.rejected):
        return None
    storefile.used(home)
    bad = {one.index: one.reason for one in files.rejected}
    return Stored(source.without(bad) if bad else source, Store(files.pixels, files.digests, files.lease, files.depths))


def _reads(source: Source, index: int, preprocess: Preprocess) -> bool:
    try:
        pixels_of(source.picture(index), preprocess)
    except PictureError:
        return False
    return True


def _known(root: Path, rule: str, identities: list[bytes]) -> Known:
    """Find the pictures that other stores hold by the same rule, the store used last first."""
    wanted = {identity: index for index, identity in enumerate(identities)}
    known: Known = {}
    for entry in cache.describe_cache(root.parent):
        if not wanted:
            break
        if entry.name == cache.UNFINISHED or entry.rule != rule:
            continue
        files = storefile.read(root / entry.address)
        for row, identity in enumerate(files.identities if files else ()):
            index = wanted.pop(identity, None)
            if index is not None and files is not None:
                known[index] = (files, row)
    return known


def _need(root: Path, address: str, cap: int, source: Source, preprocess: Preprocess) -> None:
    """Make room for a store, in the cache and on the disk."""
    needed = len(source.items) * preprocess.height * preprocess.width * preprocess.channels
    used = sum(entry.bytes for entry in cache.describe_cache(root.parent))
    cache.make_room(root, min(cap, used + shutil.disk_usage(root).free) - needed, keep=address)
    free = shutil.disk_usage(root).free
    if free < needed:
        raise StoreError(f"the decoded pictures need {needed:,} bytes and {root} has {free:,} free; {_REMEDY}")


def _counted(blocks: Iterator[Block], number: int, progress: Progress | None) -> Iterator[Block]:
    for block in blocks:
        yield block
        if progress is not None:
            progress("decoding", block.end, number)


def _published(building: Path, home: Path, source: Source, preprocess: Preprocess) -> Stored:
    """Give a finished store its name; where there is a good one by now, use that."""
    for patience in range(_TRIES, -1, -1):
        try:
            building.rename(home)
            storefile.flush_folder(home.parent)
        except OSError as error:
            if not home.is_dir() and error.errno not in _THERE:
                raise
            stored = _opened(home, source, preprocess)
            if stored is None and not cache.remove(home):
                stored = _opened(home, source, preprocess, again=False)  # somebody uses it: what was bad stays so
                if stored is None and not patience:
                    raise StoreError(f"the store {home} is damaged and in use; delete that folder") from error
            if stored is None:
                time.sleep(0.01)  # somebody else may be taking it away at this moment
        else:
            stored = _opened(home, source, preprocess, again=False)
            if stored is None:
                break
        if stored is not None:
            return stored
    raise StoreError(f"the store {home} cannot be read back after it was written; does the disk {home.parent} fail?")


@contextlib.contextmanager
def disk_errors(root: Path, what: str = "decoding") -> Iterator[None]:
    """Turn what the system says of a cache that cannot be written into a StoreError; ``what`` was stopped by it."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in FULL:
            raise StoreError(f"{what} stopped, nothing was kept: {root}: {reason}; {_REMEDY}") from error
        raise StoreError(
            f"the cache of decoded pictures cannot be written: {error.filename or root}: {reason}; "
            "set STRIATE_CACHE to a folder that can"
        ) from error
