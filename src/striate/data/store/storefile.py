"""The files of one store, written so that a half-written one is never taken for whole. No torch.

``pixels.u8`` holds the rows one after the other, ``digests.bin`` and ``identities.bin`` 16 bytes a picture each,
``depths.bin`` 3 bytes a picture, only where some have 16 bits (`striate.data.pictures.depth`), and
``manifest.json``, written last, the sizes and checksums of all three and which pictures were rejected. Checked at every
opening: the manifest against its own checksum, the sizes, the checksums of the two small files, and that of 64 pages of
4 KiB spread evenly over the pixels. That takes milliseconds whatever the size, and finds a file that was cut off,
swapped or emptied; a single bit that flips on the disk between two of those pages it does not find.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures import depth
from striate.data.store import cache
from striate.data.store.rows import DIGEST, Bad, Block

_DIGESTS, _IDENTITIES = "digests.bin", "identities.bin"
_DEPTHS = "depths.bin"
_PAGES, _PAGE = 64, 4096
_AHEAD = 32 * 2**20  # bytes


@dataclass(frozen=True, eq=False)
class Files:
    """An open store: rows (N, H, W, C) mapped read-only, 16 bytes of digest and of identity a row, the rejected.

    ``depths`` (N, 3) are the rows of `striate.data.pictures.depth`, where some have 16 bits.
    ``rule`` is what decided the pixels. ``lease`` is the open file: as long as it lives, the store is not removed.
    """

    rule: str
    pixels: NDArray[np.uint8]
    digests: tuple[bytes, ...]
    identities: tuple[bytes, ...]
    rejected: tuple[Bad, ...]
    lease: BinaryIO
    depths: NDArray[np.uint8] | None = None


def write(
    folder: Path,
    blocks: Iterable[Block],
    identities: Sequence[bytes],
    *,
    rule: str,
    shape: tuple[int, int, int],
    name: str,
    location: str,
) -> None:
    """Write a store into a folder, all of it on the disk on return; ``shape`` is (height, width, channels).

    ``identities`` has one entry an item, good or bad. Raises OSError.
    """
    digests, depths = bytearray(), bytearray()
    bad, written, unflushed = list[Bad](), 0, 0
    # Plain writes, not a memory map: on a full disk these raise an error, where a map would kill the process.
    with (folder / cache.PIXELS).open("wb") as file:
        for block in blocks:
            file.write(block.rows.data)
            written += len(block.rows)
            digests += block.digests
            depths += block.depths or bytes(depth.ROW * len(block.rows))
            bad += block.bad
            unflushed += block.rows.nbytes
            if unflushed >= _AHEAD:  # the disk writes beside the decoding, not after it
                _flush(file)
                unflushed = 0
        _flush(file)
    without = {one.index for one in bad}
    kept = b"".join(identity for index, identity in enumerate(identities) if index not in without)
    deep = [(_DEPTHS, bytes(depths))] if any(depths) else []
    for small, content in ((_DIGESTS, bytes(digests)), (_IDENTITIES, kept), *deep):
        with (folder / small).open("wb") as file:
            file.write(content)
            _flush(file)
    with (folder / cache.PIXELS).open("rb") as pixels:
        facts = {
            "name": name,
            "location": location,
            "rule": rule,
            "pictures": written,
            "shape": list(shape),
            "rejected": [[one.index, one.reason, one.passing] for one in bad],
            "digests": _sum(digests),
            "identities": _sum(kept),
            **({"depths": _sum(depths)} if deep else {}),
            "pages": _pages(pixels, written * int(np.prod(shape))),
        }
    with (folder / cache.MANIFEST).open("w", encoding="ascii") as text:
        json.dump({"checksum": _sum(json.dumps(facts, sort_keys=True).encode()), "facts": facts}, text)
        _flush(text)
    flush_folder(folder)


def read(folder: Path) -> Files | None:
    """Open a store, or return None when it is not there, not whole, or just being removed."""
    try:
        file = (folder / cache.PIXELS).open("rb", buffering=0)
    except OSError:
        return None
    try:
        files = _read(folder, file)
    except (OSError, ValueError, KeyError, TypeError):
        files = None
    if files is None:
        file.close()
    return files


def used(folder: Path) -> None:
    """Mark a store as used now; in a cache that may only be read, do nothing."""
    with contextlib.suppress(OSError):
        os.utime(folder / cache.MANIFEST)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can (Windows cannot open a folder)."""
    with contextlib.suppress(PermissionError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _read(folder: Path, file: BinaryIO) -> Files | None:
    if not cache.hold(file) or not os.path.samestat(os.fstat(file.fileno()), (folder / cache.PIXELS).stat()):
        return None
    manifest: dict[str, Any] = json.loads((folder / cache.MANIFEST).read_bytes())
    facts = manifest["facts"]
    if manifest["checksum"] != _sum(json.dumps(facts, sort_keys=True).encode()):
        return None
    shape = (facts["pictures"], *facts["shape"])
    size = int(np.prod(shape))
    digests, identities = ((folder / small).read_bytes() for small in (_DIGESTS, _IDENTITIES))
    whole = (
        os.fstat(file.fileno()).st_size == size
        and len(digests) == len(identities) == DIGEST * shape[0]
        and (facts["digests"], facts["identities"]) == (_sum(digests), _sum(identities))
        and facts["pages"] == _pages(file, size)
    )
    if not whole:
        return None
    # A map of no bytes cannot be made.
    pixels = np.asarray(np.memmap(file, np.uint8, "r", shape=shape)) if size else np.empty(shape, np.uint8)
    rejected = tuple(Bad(*one) for one in facts["rejected"])
    depths = None
    if "depths" in facts:
        content = (folder / _DEPTHS).read_bytes()
        if len(content) != depth.ROW * shape[0] or facts["depths"] != _sum(content):
            return None
        depths = np.frombuffer(content, np.uint8).reshape(-1, depth.ROW)
    return Files(facts["rule"], pixels, _parts(digests), _parts(identities), rejected, file, depths)


def _parts(joined: bytes) -> tuple[bytes, ...]:
    return tuple(joined[start : start + DIGEST] for start in range(0, len(joined), DIGEST))


def _sum(content: bytes | bytearray) -> str:
    return hashlib.blake2b(content, digest_size=DIGEST).hexdigest()


def _pages(file: BinaryIO, size: int) -> str:
    """Return the checksum of pages spread evenly over the first ``size`` bytes, the first and the last among them."""
    total = hashlib.blake2b(digest_size=DIGEST)
    last = max(0, size - _PAGE)
    for start in sorted({last * page // (_PAGES - 1) for page in range(_PAGES)}):
        file.seek(start)
        total.update(file.read(min(_PAGE, size)))
    return total.hexdigest()


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
