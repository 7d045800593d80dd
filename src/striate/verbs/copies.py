"""Copies: which pictures of a folder are near copies of others, by what was measured of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.data.pictures.image import decode
from striate.errors import FileError, PictureError
from striate.files import MODEL, PICTURE, read_bytes
from striate.runs import durable
from striate.search.copy_finder import FEWEST, PARTS, SAMPLE, comparable, copies, grouped, learn
from striate.search.examined import Examined, NearCopies
from striate.search.measured import SHORTER
from striate.search.variants import Variant, variants
from striate.verbs.examining import kept_at
from striate.verbs.workspace import Workspace

SEED: Final = 0
VERSION: Final = "copies 1"  # another one where the same pictures come to other copies

Groups = list[tuple[list[int], str]]


def near_copies(photos: Path, examined: Examined, workspace: Workspace) -> tuple[tuple[NearCopies, ...], str]:
    """Return the groups of near copies of a folder that was examined, and what could not be looked for ("" if all was).

    Files that are equal stand for one. What was found is kept in the cache, and holds while the pictures and
    their order stay.
    """
    first = {digest: row for row, digest in reversed(list(enumerate(examined.digests)))}
    rows = np.array(sorted(first.values()), np.int64)
    small = examined.rows["small"][rows]
    rows = rows[comparable(small)]
    small = examined.rows["small"][rows]
    if len(rows) < FEWEST:
        return (), "too few pictures to look for near copies"
    parts = len(rows) <= PARTS
    kept, content = _kept_at(photos), _of(examined.digests[row] for row in rows)
    groups = _read(kept, content, len(rows))
    if groups is None:
        varied, whole = _varied(photos, examined, rows, workspace)
        if not varied:
            return (), "the pictures are gone, so near copies could not be looked for"
        workspace.tell(f"comparing {len(rows):,} pictures with each other")
        groups = _groups(small, varied, parts=parts)
        if whole:
            _write(kept, content, groups)
    same: dict[bytes, list[int]] = {}
    for row, digest in enumerate(examined.digests):
        same.setdefault(digest, []).append(row)
    found = tuple(
        NearCopies(tuple(sorted(one for place in group for one in same[examined.digests[rows[place]]])), words)
        for group, words in groups
    )
    return found, "" if parts else f"parts of pictures were not looked for, which is done up to {PARTS:,} pictures"


def _varied(
    photos: Path, examined: Examined, rows: NDArray[np.int64], workspace: Workspace
) -> tuple[list[tuple[int, list[Variant]]], bool]:
    """Return variants of pictures that were drawn with a fixed seed, and whether all of those were still there."""
    rng = np.random.default_rng(SEED)
    varied: list[tuple[int, list[Variant]]] = []
    drawn = np.sort(rng.permutation(len(rows))[:SAMPLE])
    for number, place in enumerate(drawn.tolist()):
        if workspace.progress is not None:
            workspace.progress("making variants", number + 1, len(drawn))
        try:
            content = read_bytes(photos / examined.paths[rows[place]], limit=PICTURE)
            pixels = decode(content, channels=3, at_least=(SHORTER, SHORTER))
        except (OSError, PictureError):  # gone since it was measured
            continue
        varied.append((place, variants(Image.fromarray(pixels), rng)))
    return varied, len(varied) == len(drawn)


def _groups(small: NDArray[np.uint8], varied: list[tuple[int, list[Variant]]], *, parts: bool) -> Groups:
    """Return the groups of near copies among small pictures (N, S, S), each with what makes one of another."""
    pairs = copies(small, learn(small, varied, parts=parts), parts=parts)
    groups = grouped(pairs)
    group_of = {row: number for number, group in enumerate(groups) for row in group}
    words: dict[int, set[str]] = {}
    for pair in pairs:
        words.setdefault(group_of[pair.one], set()).add(pair.words)
    return [(list(group), ", ".join(sorted(filter(None, words[number])))) for number, group in enumerate(groups)]


def _kept_at(photos: Path) -> Path:
    return kept_at(photos).with_suffix(".copies.json")


def _of(digests: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(digests)).hexdigest()


def _read(path: Path, content: str, count: int) -> Groups | None:
    """Return the groups that were found among the same pictures; None where none were, or the file is damaged."""
    try:
        kept: Any = json.loads(read_bytes(path, limit=MODEL))
        if (kept["version"], kept["of"]) != (VERSION, content):
            return None
        groups = [([int(row) for row in rows], str(words)) for rows, words in kept["groups"]]
    except (OSError, FileError, ValueError, KeyError, TypeError):
        return None
    return groups if all(0 <= row < count for rows, _ in groups for row in rows) else None


def _write(path: Path, content: str, groups: Groups) -> None:
    durable.make_parents(path.parent)
    durable.write(path, json.dumps({"version": VERSION, "of": content, "groups": groups}).encode())
