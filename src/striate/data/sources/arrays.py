"""Pictures that come as arrays: checked, converted to uint8 by stated rules, made into an ArraySource.

Values: uint8 as they are; booleans 0 and 255; other whole numbers when all are within 0..255; floating point when all
are within 0..1, which is multiplied by 255 and rounded (files of floats hold what somebody divided by 255).
Shapes: (N, H, W), (N, H, W, 1|3), or channels first, (N, 1|3, H, W).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.sources.items import ArraySource, Item, Target
from striate.errors import SourceError
from striate.words import counted

LARGEST: Final = 1 << 35  # bytes of pixels in one file: 32 GiB


@dataclass(frozen=True)
class Block:
    """Pictures (N, H, W) or (N, H, W, 3) uint8 and their targets, of one split or None.

    Targets are classes (N,) int64, -1 for unlabelled, or numbers (N, D) float64, a row that holds NaN for unlabelled.
    """

    split: str | None
    pictures: NDArray[np.uint8]
    targets: NDArray[np.int64] | NDArray[np.float64]
    origin: str


def array_source(name: str, location: str, classes: Sequence[str], blocks: Sequence[Block]) -> ArraySource:
    """Return the pictures of some blocks; keys are "train:17", or "all:17" where there is no split.

    A file that is there alone is no split, whatever its name says. Errors: SourceError.
    """
    if all(block.split != "train" for block in blocks) and len({block.split for block in blocks}) == 1:
        blocks = [Block(None, block.pictures, block.targets, block.origin) for block in blocks]
    blocks = sorted(blocks, key=lambda block: (None, "train", "val", "test").index(block.split))
    items: list[Item] = []
    rows = []
    running: Counter[str] = Counter()
    for number, block in enumerate(blocks):
        if len(block.pictures) != len(block.targets):
            raise SourceError(
                f"{location}: {counted(len(block.pictures), 'picture')} but {counted(len(block.targets), 'label')}"
            )
        part, start = block.split or "all", running[block.split or "all"]
        items.extend(
            Item(f"{part}:{start + row}", target, block.split) for row, target in enumerate(_targets(block.targets))
        )
        rows.append(np.stack([np.full(len(block.targets), number), np.arange(len(block.targets))], axis=1))
        running[part] += len(block.targets)
    return ArraySource(
        name,
        location,
        tuple(classes),
        tuple(items),
        blocks=tuple(block.pictures for block in blocks),
        rows=np.concatenate(rows).astype(np.int64),
        origins=tuple(block.origin for block in blocks),
    )


def _targets(values: NDArray[Any]) -> list[Target]:
    """Return the target of each row as an item has it."""
    if values.ndim == 1:
        return list(values.tolist())
    return [
        tuple(row) if known else None for row, known in zip(values.tolist(), ~np.isnan(values).any(axis=1), strict=True)
    ]


def origin(path: Path) -> str:
    """Return name, size and time of the last change of a file."""
    stat = path.stat()
    return f"{path.name}:{stat.st_size}:{stat.st_mtime_ns}"


def as_pictures(values: NDArray[Any], what: str) -> NDArray[np.uint8]:
    """Return an array of pictures as (N, H, W) or (N, H, W, 3) uint8. Errors: SourceError with shape or values.

    Example: ``as_pictures(np.zeros((10, 3, 32, 32)), "x")`` has shape (10, 32, 32, 3).
    """
    shape = " x ".join(map(str, values.shape))
    if values.ndim == 4 and values.shape[3] not in (1, 3) and values.shape[1] in (1, 3):
        values = np.moveaxis(values, 1, 3)
    if values.ndim not in (3, 4) or (values.ndim == 4 and values.shape[3] not in (1, 3)):
        raise SourceError(f"{what} has shape {shape}; wanted N x H x W, N x H x W x C or N x C x H x W, C 1 or 3")
    if 0 in values.shape:
        raise SourceError(f"{what} has shape {shape}, which is no pictures at all")
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    return np.ascontiguousarray(_as_uint8(values, what))


def _as_uint8(values: NDArray[Any], what: str) -> NDArray[np.uint8]:
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if not np.issubdtype(values.dtype, np.integer) and not np.issubdtype(values.dtype, np.floating):
        raise SourceError(f"{what} holds {values.dtype}; wanted uint8, or floating point within 0..1")
    low, high = values.min(), values.max()
    if np.issubdtype(values.dtype, np.integer):
        if low >= 0 and high <= 255:
            return values.astype(np.uint8)
        raise SourceError(f"{what} holds whole numbers from {low} to {high}; wanted 0..255")
    if low >= 0 and high <= 1:
        rounded: NDArray[np.uint8] = np.rint(values * np.float32(255)).astype(np.uint8)
        return rounded
    raise SourceError(f"{what} holds floating-point values from {low:g} to {high:g}; wanted 0..1 (or uint8)")
