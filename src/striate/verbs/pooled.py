"""Pooled: what the usual trunk makes of every picture of a folder, at several depths; kept by content in the cache.

An index keeps 256 numbers of a picture, which is enough to find what is alike. What is to tell classes apart does
better on what the trunk knows before it is made to 1,000 classes: the means over places of its last map and of three
before (4,256 numbers), of the picture and of its mirror image. docs/doctor.md has what each of that is worth.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.preprocess import Preprocess
from striate.errors import ModelError, PictureError, SearchError
from striate.files import PICTURE, read_bytes
from striate.model.files.weights import read_arrays
from striate.runs.rebuild import width_of
from striate.search import pooled_files
from striate.search.examined import Examined
from striate.search.pooled_files import Pooled
from striate.spec import Shape, parse
from striate.spec.trace import Trace
from striate.verbs.examining import kept_at
from striate.verbs.in_order import in_order
from striate.verbs.start import MISSING, USUAL, open_usual_apart, whole_pictures
from striate.verbs.workspace import Workspace

KEPT_EVERY: Final = 60.0  # seconds of work after which what was made is kept
PARTS: Final = ("last.relu61", "stage7.1.body.relu61", "stage6.4.body.relu62", "stage6.1.body.relu61")  # of USUAL


@dataclass(frozen=True, eq=False)
class Features:
    """What a trunk made of pictures: ``rows`` (M,) of a folder, ``values`` (M, D) float16, as wide as ``widths`` say.

    The first ``widths`` are those of the last map.
    """

    rows: NDArray[np.int64]
    values: NDArray[np.float16]
    widths: tuple[int, ...]


def pooled(photos: Path, examined: Examined, workspace: Workspace) -> Features:
    """Return the features of the pictures of a folder that was examined: of all but those that are gone since.

    Errors: SearchError where the trunk is not here, ModelError where it is damaged.
    """
    trunk = _trunk(workspace)
    place = kept_at(photos).with_suffix(".features.npz")
    before = pooled_files.read(place, trunk.made, sum(trunk.widths))
    known = {digest: row for row, digest in enumerate(before.digests)}
    first = {digest: row for row, digest in reversed(list(enumerate(examined.digests)))}
    todo = sorted(row for digest, row in first.items() if digest not in known)
    fresh: dict[bytes, NDArray[np.float16]] = {}

    def now() -> Pooled:
        there = [digest for digest in first if digest in known or digest in fresh]
        values = np.zeros((len(there), sum(trunk.widths)), np.float16)
        for number, digest in enumerate(there):
            values[number] = fresh[digest] if digest in fresh else before.features[known[digest]]
        return Pooled(trunk.made, tuple(there), values)

    done, kept = 0, time.monotonic()
    try:
        for row, made in in_order(todo, partial(_look, photos, examined, trunk), name="striate-features"):
            done += 1
            if made is not None:
                fresh[examined.digests[row]] = made
            if workspace.progress is not None:
                workspace.progress("features", done, len(todo))
            if time.monotonic() - kept > KEPT_EVERY:
                pooled_files.write(place, now())
                kept = time.monotonic()
    finally:
        found = now()
        if fresh:
            pooled_files.write(place, found)
    at = {digest: number for number, digest in enumerate(found.digests)}
    rows = np.array([row for row, digest in enumerate(examined.digests) if digest in at], np.int64)
    return Features(rows, found.features[[at[examined.digests[row]] for row in rows.tolist()]], trunk.widths)


@dataclass(frozen=True, eq=False)
class _Trunk:
    session: Any
    preprocess: Preprocess
    shapes: tuple[tuple[int, int], ...]  # channels and places of each part
    made: str

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(channels for channels, _ in self.shapes)


def _trunk(workspace: Workspace) -> _Trunk:
    start = open_usual_apart(workspace)
    if start is None:
        raise SearchError(MISSING.partition(": ")[2])
    arrays, facts = read_arrays(start.path)
    net, shape = parse(facts.net).with_classes(width_of(facts)), Shape(*facts.input)
    trace = Trace(net, shape)
    trace.run()
    made = {step.path: step.shape for step in trace.done}
    missing = [part for part in PARTS if part not in made]
    if missing:
        raise ModelError(f"{start.path} is not {USUAL} as we know it: it has no part {missing[0]}")
    given = whole_pictures(Preprocess.from_dict(facts.preprocess))
    scale, offset = given.scale_and_offset()
    from striate.export.onnx_maps import maps_graph
    from striate.runs.onnx_file import session

    graph = maps_graph(net, shape, arrays, PARTS, scale=scale, offset=offset)
    shapes = tuple((made[part].channels, made[part].elements // made[part].channels) for part in PARTS)
    said = f"mirrored {start.digest} {' '.join(PARTS)} {given.to_dict()}"
    return _Trunk(session(graph, many=True, threads=1), given, shapes, said)


def _look(photos: Path, examined: Examined, trunk: _Trunk, row: int) -> NDArray[np.float16] | None:
    try:
        pixels = trunk.preprocess.pixels(read_bytes(photos / examined.paths[row], limit=PICTURE))
    except (OSError, PictureError):  # gone since it was examined
        return None
    total = np.zeros(sum(trunk.widths), np.float32)
    views = (pixels, pixels[:, ::-1])
    for view in views:
        (maps,) = trunk.session.run(["maps"], {"pixels": np.ascontiguousarray(view[None])})
        begin = place = 0
        for channels, places in trunk.shapes:
            part = maps[0, begin : begin + channels * places].reshape(channels, places)
            total[place : place + channels] += part.mean(axis=1, dtype=np.float32)
            begin, place = begin + channels * places, place + channels
    return (total / len(views)).astype(np.float16)
