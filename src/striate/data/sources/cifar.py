"""CIFAR's binary version: a picture is a row of a label byte (CIFAR-100: two) and 3 x 32 x 32 bytes, channels first.

Format: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, and the data set's page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from striate import files
from striate.data.sources.arrays import Block, array_source, origin
from striate.data.sources.items import ArraySource
from striate.errors import SourceError

CIFAR10: Final = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_PIXELS: Final = 3 * 32 * 32
_BATCH: Final = re.compile(r"(data_batch_\d+|test_batch|train|test)\.bin", re.IGNORECASE)
_PICKLES: Final = frozenset({"data_batch_1", "test_batch", "batches.meta"})


def batches_in(folder: Path) -> list[Path]:
    """Return the files of batches in a folder, by name. Errors: SourceError for CIFAR's pickled version."""
    names = sorted(folder.iterdir())
    if batches := [path for path in names if _BATCH.fullmatch(path.name)]:
        return batches
    binary = [path for path in names if path.suffix.lower() == ".bin" and path.is_file()]
    if binary and not any(path.is_dir() for path in names):
        return binary
    if pickles := [path for path in names if path.name in _PICKLES and path.is_file()]:
        raise SourceError(
            f"{folder} holds CIFAR's Python version ({pickles[0].name} is a pickle, and pickles are never loaded here);"
            " get the binary version, cifar-10-binary.tar.gz"
        )
    return []


def cifar_source(batches: Sequence[Path], *, name: str, location: str) -> ArraySource:
    """Return the pictures of binary batches; data_batch_* and train.bin are train, test_batch and test.bin are test.

    Classes are named by ``batches.meta.txt`` (``fine_label_names.txt``) beside them; CIFAR-10 has its ten names anyway.
    Errors: SourceError for a size that is no whole number of rows, and for a label that no class has.
    """
    blocks = []
    kinds = set()
    top = 0
    for path in batches:
        fine, labels, pictures = _read(path)
        kinds.add(fine)
        top = max(top, int(labels.max()))
        split = None
        if _BATCH.fullmatch(path.name):
            split = "test" if path.name.lower().startswith("test") else "train"
        blocks.append(Block(split, pictures, labels.astype(np.int64), origin(path)))
    if len(kinds) > 1:
        raise SourceError(f"{location} mixes batches of CIFAR-10 and CIFAR-100; keep them in folders of their own")
    classes = _names(batches[0].parent, fine=kinds.pop())
    if top >= len(classes):
        raise SourceError(f"{location}: a label is {top}, but there are {len(classes)} classes, 0 the first")
    return array_source(name, location, classes, blocks)


def _read(path: Path) -> tuple[bool, NDArray[np.uint8], NDArray[np.uint8]]:
    """Return whether a file is of CIFAR-100, its (fine) labels (N,), and its pictures (N, 32, 32, 3)."""
    try:
        content = np.frombuffer(files.read_bytes(path, limit=files.ARRAYS), np.uint8)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    for fine, row in ((False, 1 + _PIXELS), (True, 2 + _PIXELS)):
        if content.size and content.size % row == 0:
            rows = content.reshape(-1, row)
            labels = rows[:, row - _PIXELS - 1]
            if labels.max() < (100 if fine else 10):
                pictures = rows[:, row - _PIXELS :].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
                return fine, labels, np.ascontiguousarray(pictures)
            if not fine:
                raise SourceError(f"{path}: a label is {labels.max()}; in CIFAR-10 they are 0 to 9")
    raise SourceError(
        f"{path} is {content.size:,} bytes, not a whole number of rows of 3,073 (CIFAR-10) or 3,074 (CIFAR-100);"
        " it is cut off, or something else"
    )


def _names(folder: Path, *, fine: bool) -> tuple[str, ...]:
    listed = folder / ("fine_label_names.txt" if fine else "batches.meta.txt")
    if listed.is_file():
        text = files.read_bytes(listed, limit=files.TEXT).decode("utf-8", "replace")
        names = [line.strip() for line in text.splitlines() if line.strip()]
        if len(set(names)) != len(names) or not names:
            raise SourceError(f"{listed} does not give every class a name of its own")
        return tuple(names)
    return tuple(map(str, range(100))) if fine else CIFAR10
