"""Pictures -> rows of pixels and digests, decoded by a pool of threads, in order, in bounded memory. No torch."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.depth import Depth, to_row
from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.items import Source
from striate.errors import PictureError

DIGEST = 16  # bytes
# A block is small beside the work of one thread, or the last one would be waited for; large, or handing it over costs.
_BLOCK_BYTES, _BLOCK_PICTURES, _BLOCKS = 2 * 2**20, 1024, 8


@dataclass(frozen=True)
class Bad:
    """A picture without pixels: its place in the source, why, and whether that may pass (a disk, a permission)."""

    index: int
    reason: str
    passing: bool


@dataclass(frozen=True)
class Block:
    """The pictures up to ``end``, without those of earlier blocks: rows (n, H, W, C) and digests of the good ones.

    ``depths`` are their rows of `striate.data.pictures.depth`, or nothing where none has 16 bits.
    """

    rows: NDArray[np.uint8]
    digests: bytes
    bad: tuple[Bad, ...]
    end: int
    depths: bytes = b""


class Rows(Protocol):
    """Rows that are there already, with a digest each."""

    @property
    def pixels(self) -> NDArray[np.uint8]: ...  # noqa: D102
    @property
    def digests(self) -> tuple[bytes, ...]: ...  # noqa: D102
    @property
    def depths(self) -> NDArray[np.uint8] | None: ...  # noqa: D102


Known = dict[int, tuple[Rows, int]]  # index of a picture -> where its row is


def decoded(
    source: Source, preprocess: Preprocess, *, workers: int, known: Mapping[int, tuple[Rows, int]]
) -> Iterator[Block]:
    """Yield all pictures of a source as blocks, in the order of its items; those ``known`` are copied, not decoded.

    Pillow decodes outside Python's lock, so threads are enough. No more than two blocks (of 2 MiB) a worker are decoded
    or waiting at any time, which bounds the memory.
    """
    row_bytes = preprocess.height * preprocess.width * preprocess.channels
    share = -(-len(source.items) // (_BLOCKS * workers))
    size = max(1, min(_BLOCK_PICTURES, _BLOCK_BYTES // row_bytes, share))
    starts = iter(range(0, len(source.items), size))
    waiting: deque[Future[Block]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="striate-decode")
    try:
        while True:
            while len(waiting) < 2 * workers and (start := next(starts, None)) is not None:
                waiting.append(pool.submit(_block, source, preprocess, start, start + size, known))
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def pixels_of(picture: bytes | NDArray[np.uint8], preprocess: Preprocess) -> NDArray[np.uint8]:
    """Return ``preprocess.pixels(picture)``, sparing an array that already is what it would return the way there."""
    return read_picture(picture, preprocess)[0]


def read_picture(picture: bytes | NDArray[np.uint8], preprocess: Preprocess) -> tuple[NDArray[np.uint8], Depth | None]:
    """Return what `pixels_of` does, and the depth of a file of 16 bits."""
    if isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and preprocess.crop_share == 1:
        shape = (preprocess.height, preprocess.width)
        if preprocess.channels == 1 and picture.shape == shape:
            return picture[:, :, None], None
        if preprocess.channels == 3 and picture.shape == (*shape, 3):
            return picture, None
    return preprocess.read(picture)


def digest_of(picture: bytes | NDArray[np.uint8]) -> bytes:
    """Return the BLAKE2b digest of a picture: of the file's bytes, or of an array's shape and pixels."""
    content = picture if isinstance(picture, bytes) else repr(picture.shape).encode() + picture.tobytes()
    return hashlib.blake2b(content, digest_size=DIGEST).digest()


def _block(
    source: Source, preprocess: Preprocess, start: int, end: int, known: Mapping[int, tuple[Rows, int]]
) -> Block:
    end = min(end, len(source.items))
    rows = np.empty((end - start, preprocess.height, preprocess.width, preprocess.channels), np.uint8)
    digests, depths, bad, good = bytearray(), bytearray(), list[Bad](), 0
    for index in range(start, end):
        if index in known:
            there, row = known[index]
            rows[good] = there.pixels[row]
            digests += there.digests[row]
            depths += to_row(None) if there.depths is None else there.depths[row].tobytes()
            good += 1
            continue
        try:
            picture = source.picture(index)
            rows[good], depth = read_picture(picture, preprocess)
        except PictureError as error:
            # Pillow raises OSError too, for what it cannot decode, but that has no number.
            cause = error.__cause__ or error.__context__
            passing = error.passing or (isinstance(cause, OSError) and cause.errno is not None)
            bad.append(Bad(index, str(error), passing))
            continue
        digests += digest_of(picture)
        depths += to_row(depth)
        good += 1
    return Block(rows[:good], bytes(digests), tuple(bad), end, bytes(depths) if any(depths) else b"")
