"""Copies: which pictures of a folder are near copies of others, by what was measured of them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from striate.data.pictures.image import decode
from striate.errors import PictureError
from striate.files import PICTURE, read_bytes
from striate.search.copy_finder import FEWEST, PARTS, SAMPLE, comparable, copies, grouped, learn
from striate.search.examined import Examined, NearCopies
from striate.search.measured import SHORTER
from striate.search.variants import Variant, variants
from striate.verbs.workspace import Workspace

SEED: Final = 0


def near_copies(photos: Path, examined: Examined, workspace: Workspace) -> tuple[tuple[NearCopies, ...], str]:
    """Return the groups of near copies of a folder that was examined, and what could not be looked for ("" if all was).

    Files that are equal stand for one; of pictures that were drawn with a fixed seed variants are made, by which it is
    learnt how copies are told here.
    """
    first = {digest: row for row, digest in reversed(list(enumerate(examined.digests)))}
    rows = np.array(sorted(first.values()), np.int64)
    small = examined.rows["small"][rows]
    rows = rows[comparable(small)]
    small = examined.rows["small"][rows]
    if len(rows) < FEWEST:
        return (), "too few pictures to look for near copies"
    parts = len(rows) <= PARTS
    rng = np.random.default_rng(SEED)
    varied: list[tuple[int, list[Variant]]] = []
    drawn = np.sort(rng.permutation(len(rows))[:SAMPLE])
    for number, place in enumerate(drawn.tolist()):
        if workspace.progress is not None:
            workspace.progress("making variants", number, len(drawn))
        try:
            content = read_bytes(photos / examined.paths[rows[place]], limit=PICTURE)
            pixels = decode(content, channels=3, at_least=(SHORTER, SHORTER))
        except (OSError, PictureError):  # gone since it was measured
            continue
        varied.append((place, variants(Image.fromarray(pixels), rng)))
    if not varied:
        return (), "the pictures are gone, so near copies could not be looked for"
    workspace.tell(f"comparing {len(rows):,} pictures with each other")
    learnt = learn(small, varied, parts=parts)
    pairs = copies(small, learnt, parts=parts)
    words: dict[int, set[str]] = {}
    groups = grouped(pairs)
    group_of = {row: number for number, group in enumerate(groups) for row in group}
    for pair in pairs:
        words.setdefault(group_of[pair.one], set()).add(pair.words)
    same: dict[bytes, list[int]] = {}
    for row, digest in enumerate(examined.digests):
        same.setdefault(digest, []).append(row)
    found = []
    for number, group in enumerate(groups):
        every = sorted(one for place in group for one in same[examined.digests[rows[place]]])
        found.append(NearCopies(tuple(every), ", ".join(sorted(filter(None, words[number])))))
    note = "" if parts else f"parts of pictures were not looked for, which is done up to {PARTS:,} pictures"
    return tuple(found), note
