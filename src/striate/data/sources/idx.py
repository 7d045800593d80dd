"""IDX, the format of MNIST: big-endian, a magic number (0, 0, type, dimensions), the sizes, the values; gzip or not.

Format: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", file formats.
"""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate import files
from striate.data.labels.classes import SPLITS, in_order
from striate.data.sources.arrays import LARGEST, Block, array_source, as_pictures, origin
from striate.data.sources.items import ArraySource
from striate.errors import SourceError
from striate.words import counted

_IMAGES: Final = re.compile(r"(?P<part>.*?)[-_.]?images[-_.]idx3[-_.]ubyte(?P<gz>\.gz)?", re.IGNORECASE)
_PARTS: Final = {**SPLITS, "t10k": "test"}
_UINT8: Final = 0x08


def is_idx(path: Path) -> bool:
    """Return whether a file holds uint8 values as IDX, by its first bytes."""
    try:
        with _opened(path) as file:
            start = file.read(4)
    except (OSError, EOFError, zlib.error):
        return False
    return len(start) == 4 and start[:3] == b"\0\0\x08" and 1 <= start[3] <= 4


def images_in(folder: Path) -> list[Path]:
    """Return the IDX files of images in a folder, by name; of one that is there twice (gzip and not) the first."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if (read := _IMAGES.fullmatch(path.name)) and path.is_file():
            found.setdefault(read["part"].lower(), path)
    return list(found.values())


def idx_source(
    images: Sequence[Path], *, name: str, location: str, classes: Sequence[str] | None = None
) -> ArraySource:
    """Return the pictures of IDX files, each with its labels beside it; ``train-`` and ``t10k-`` are the splits.

    ``classes`` names the labels 0, 1 ...; without, a label is its own name. Errors: SourceError.
    """
    read = [
        (_split(path), path, read_idx(path, dimensions=3), read_idx(_labels(path), dimensions=1)) for path in images
    ]
    for _, path, pictures, labels in read:
        if len(pictures) != len(labels):
            raise SourceError(
                f"{path.name} holds {counted(len(pictures), 'picture')} but {_labels(path).name}"
                f" {counted(len(labels), 'label')}"
            )
    values = np.unique(np.concatenate([labels for *_, labels in read]))
    if classes is None:
        names: Sequence[str] = in_order({str(value) for value in values})
        place = np.zeros(256, np.int64)
        place[values] = np.arange(len(values))
    else:
        if len(values) and values[-1] >= len(classes):
            raise SourceError(f"{location}: a label is {values[-1]}; {name} has {len(classes)} classes, 0 the first")
        names, place = classes, np.arange(256)
    blocks = [
        Block(split, as_pictures(pictures, path.name), place[labels], origin(path))
        for split, path, pictures, labels in read
    ]
    return array_source(name, location, names, blocks)


def read_idx(path: Path, *, dimensions: int) -> NDArray[np.uint8]:
    """Return the values of an IDX file of uint8. Errors: SourceError when it is something else, or cut short."""
    try:
        with _opened(path) as file:
            start = file.read(4 + 4 * dimensions)
            if len(start) < 4 + 4 * dimensions or start[:2] != b"\0\0":
                raise SourceError(f"{path} is not an IDX file, or ends within its header")
            if start[2] != _UINT8 or start[3] != dimensions:
                raise SourceError(
                    f"{path} holds type 0x{start[2]:02x} in {start[3]} dimensions;"
                    f" wanted uint8 (0x08) in {counted(dimensions, 'dimension')}"
                )
            shape = struct.unpack(f">{dimensions}I", start[4:])
            size = math.prod(shape)
            if size > LARGEST:
                raise SourceError(f"{path} says it holds {size:,} bytes of pixels, over {LARGEST:,}")
            values = file.read(size + 1)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    except (EOFError, zlib.error) as error:
        raise SourceError(f"{path} is cut off or damaged: {error}; get it again") from None
    if len(values) != size:
        raise SourceError(
            f"{path} holds {'more than ' if len(values) > size else ''}{min(len(values), size):,} bytes of values;"
            f" its header says {' x '.join(map(str, shape))} = {size:,}; get it again"
        )
    return np.frombuffer(values, np.uint8).reshape(shape)


@contextmanager
def _opened(path: Path) -> Iterator[gzip.GzipFile | BufferedReader]:
    with files.open_file(path, limit=files.ARRAYS) as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not zipped:
            yield file
            return
        with gzip.GzipFile(fileobj=file, mode="rb") as unzipped:
            yield unzipped


def _split(path: Path) -> str | None:
    read = _IMAGES.fullmatch(path.name)
    return _PARTS.get(read["part"].lower()) if read else None


def _labels(images: Path) -> Path:
    """Return the file of labels that belongs to a file of images, gzip or not."""
    swapped = re.sub("images", "labels", images.name, flags=re.IGNORECASE)
    swapped = re.sub("idx3", "idx1", swapped, flags=re.IGNORECASE)
    bare = re.sub(r"\.gz$", "", swapped, flags=re.IGNORECASE)
    if swapped != images.name:
        for name in (swapped, bare, bare + ".gz"):
            if (images.parent / name).is_file():
                return images.parent / name
    raise SourceError(f"{images}: its labels are not beside it; wanted {images.parent / swapped}")
