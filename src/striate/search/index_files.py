"""The files of an index: vectors, what they are of, and what made them; plain, whole or not there.

An index is a folder. ``index.json`` names the files that belong to it and says what made the vectors; it is replaced
last, so that whoever opens the folder finds one whole index, and those that were are removed after. ``vectors-*.npy``
(N, D) float16 and, where parts of pictures are to be found too, ``parts-*.npy`` (N, high, wide, D) are mapped and read
as far as they are asked for; ``pictures-*.npy`` has a row a picture (`ROW`), ``paths-*.json`` their paths below the
folder of pictures. ``embedder.onnx`` and ``projection.npy`` are what made them.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from striate import files
from striate.errors import SearchError
from striate.model.files import strict
from striate.runs import durable
from striate.runs.lock import Lock, acquire
from striate.search.embedder import Embedder
from striate.search.scale import Scale

FORMAT: Final = 1
INDEX: Final = "index.json"
GRAPH: Final = "embedder.onnx"
PROJECTION: Final = "projection.npy"
LOCK: Final = "lock"
ROW: Final = np.dtype(
    [("digest", "V16"), ("size", "<u8"), ("time", "<i8"), ("height", "<u4"), ("width", "<u4")],
)
"""What of a picture is kept: digest of its file, size in bytes, time of change (ns), and its size as it is seen."""


@dataclass(frozen=True)
class Unread:
    """A picture without a vector: its path, why, and what its file was then (so that it is not tried each time)."""

    path: str
    reason: str
    size: int
    time: int


@dataclass(frozen=True, eq=False)
class Index:
    """Vectors of the pictures of a folder.

    ``folder`` is where the pictures are; ``paths`` (N,) lie below it. ``vectors`` (N, D) and ``parts`` (N, high, wide,
    D), None where they were not asked for, are float16 and as the projection gives them; ``pictures`` (N,) rows of
    `ROW`; ``centre`` (D,) is what the vectors have in common (`striate.search.nearest.middle`). ``unread`` are those
    without a vector, ``scale`` says what cosines are usual among the others.
    """

    folder: str
    paths: tuple[str, ...]
    vectors: NDArray[np.float16]
    pictures: NDArray[Any]
    centre: NDArray[np.float32]
    embedder: Embedder
    parts: NDArray[np.float16] | None = None
    unread: tuple[Unread, ...] = ()
    scale: Scale = field(default_factory=Scale)

    def __len__(self) -> int:
        return len(self.paths)


def is_index(folder: Path) -> bool:
    """Return whether a folder is an index."""
    return (folder / INDEX).is_file() and (folder / GRAPH).is_file()


def is_begun(folder: Path) -> bool:
    """Return whether a folder is an index, or what is left of one whose making was cut off before it was whole."""
    names = {path.name for path in folder.iterdir()}
    return is_index(folder) or (LOCK in names and all(map(_is_ours, names)))


def _is_ours(name: str) -> bool:
    return name in (LOCK, GRAPH, PROJECTION) or _is_generation(name) or (name[:1] == "." and name.endswith(".tmp"))


def _is_generation(name: str) -> bool:
    """Whether a file is of one writing of an index, and goes with the next."""
    return name.partition("-")[0] in ("vectors", "pictures", "paths", "parts", "graph")


def read(folder: Path) -> Index:
    """Open an index. Errors: SearchError that says what is wrong with it and what to do."""
    for attempt in range(3):
        try:
            return _read(folder)
        except FileNotFoundError as error:  # replaced while it was being opened
            if attempt == 2:
                raise _damaged(folder, f"{Path(error.filename or '').name} is gone") from None
    raise AssertionError


def write(folder: Path, index: Index) -> None:
    """Put an index into a folder, in place of the one that is there: whole, or not at all. Errors: DiskError.

    Whoever calls it holds the folder's lock (`locked`).
    """
    token = secrets.token_hex(4)
    named: dict[str, dict[str, object]] = {}

    def put(name: str, content: bytes | list[bytes | memoryview]) -> None:
        pieces = [content] if isinstance(content, bytes) else content
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
        durable.write(folder / name, pieces)
        named[name.partition("-")[0].partition(".")[0]] = {
            "file": name,
            "bytes": sum(len(memoryview(piece).cast("B")) for piece in pieces),
            "sha256": digest.hexdigest(),
        }

    before = _facts(folder) if (folder / INDEX).is_file() else None
    same = before is not None and before.get("embedder", {}).get("digest") == index.embedder.digest
    if same and before is not None:
        named.update({key: before["files"][key] for key in ("embedder", "projection")})
    else:
        put(GRAPH, index.embedder.graph)
        put(PROJECTION, _npy(index.embedder.projection))
    put(f"vectors-{token}.npy", _npy(index.vectors))
    put(f"pictures-{token}.npy", _npy(index.pictures))
    put(f"paths-{token}.json", json.dumps(list(index.paths), ensure_ascii=False).encode())
    if index.parts is not None:
        put(f"parts-{token}.npy", _npy(index.parts))
    facts = {
        "format": FORMAT,
        "folder": index.folder,
        "count": len(index),
        "embedder": index.embedder.facts(),
        "files": named,
        "unread": [vars(one) for one in index.unread],
        "centre": index.centre.tolist(),
        "scale": index.scale.to_dict(),
    }
    durable.write(folder / INDEX, json.dumps(facts, indent=1, ensure_ascii=False).encode())
    _remove_others(folder, {str(one["file"]) for one in named.values()})


def locked(folder: Path) -> Lock:
    """Return the lock of an index's folder. Errors: SearchError where another process is at it."""
    lock = acquire(folder / LOCK)
    if lock is None:
        raise SearchError(f"another process is making the index {folder}; wait for it, or stop it")
    return lock


def verify(folder: Path) -> None:
    """Read every byte of an index and compare it with what its `INDEX` says. Errors: SearchError."""
    for one in _facts(folder)["files"].values():
        digest = hashlib.sha256()
        with files.open_file(folder / one["file"], limit=sys.maxsize) as stream:
            while piece := stream.read(1 << 22):
                digest.update(piece)
        if digest.hexdigest() != one["sha256"]:
            raise _damaged(folder, f"{one['file']} is not as it was written")


def _read(folder: Path) -> Index:
    facts = _facts(folder)
    try:
        named = facts["files"]
        graph = files.read_bytes(folder / GRAPH, limit=files.MODEL)
        if hashlib.sha256(graph).hexdigest() != named["embedder"]["sha256"]:
            raise _damaged(folder, f"{GRAPH} is not as it was written")
        from striate.runs.onnx_limits import check_graph

        embedder = Embedder.of(facts["embedder"], graph, _mapped(folder, named["projection"]))
        given = embedder.preprocess
        check_graph(folder / GRAPH, 0, len(graph), (given.height, given.width, given.channels), ours=False)
        paths = strict.loads(files.read_text(folder / named["paths"]["file"], limit=files.MODEL))
        if not isinstance(paths, list) or not set(map(type, paths)) <= {str}:
            raise _damaged(folder, "its paths are no list of names")
        index = Index(
            str(facts["folder"]),
            tuple(paths),
            cast("NDArray[np.float16]", _mapped(folder, named["vectors"])),
            _mapped(folder, named["pictures"]),
            np.array(facts["centre"], np.float32),
            embedder,
            cast("NDArray[np.float16]", _mapped(folder, named["parts"])) if "parts" in named else None,
            tuple(Unread(**one) for one in facts["unread"]),
            Scale.from_dict(facts["scale"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(folder, f"it does not read ({error})") from None
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise SearchError(f"{folder} cannot be read: {error.strerror or error}") from None
    width = embedder.projection.shape[1]
    whole = index.vectors.shape == (len(paths), width) and index.vectors.dtype == np.float16
    if (
        not whole
        or index.pictures.shape != (len(paths),)
        or index.pictures.dtype != ROW
        or index.centre.shape != (width,)
    ):
        raise _damaged(folder, "its files do not belong together")
    return index


def _facts(folder: Path) -> dict[str, Any]:
    path = folder / INDEX
    try:
        facts = strict.loads(files.read_text(path, limit=files.MODEL))
    except FileNotFoundError:
        raise SearchError(f"{folder} is no index: it has no {INDEX}; striate index makes one") from None
    except OSError as error:
        raise SearchError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise _damaged(folder, f"{INDEX} does not read ({str(error)[:80]})") from None
    if not isinstance(facts, dict) or not isinstance(facts.get("files"), dict):
        raise _damaged(folder, f"{INDEX} is none")
    if facts.get("format") != FORMAT:
        raise SearchError(
            f"{folder} is an index of format {str(facts.get('format'))[:20]}, and this Striate reads {FORMAT}; make it"
            " anew with striate index"
        )
    return facts


def _mapped(folder: Path, said: Mapping[str, Any]) -> NDArray[Any]:
    """Return an array of a file, mapped read-only, of the size that was written."""
    name = str(said["file"])
    if Path(name).name != name:
        raise ValueError(f"{name!r} is no file of its own")
    path = folder / name
    if path.stat().st_size != said["bytes"]:
        raise _damaged(folder, f"{name} has not the size that was written")
    try:
        return cast("NDArray[Any]", np.load(path, mmap_mode="r", allow_pickle=False))
    except ValueError as error:
        if os.stat(path).st_size and "mmap" in str(error):  # noqa: PTH116
            return cast("NDArray[Any]", np.load(path, allow_pickle=False))  # an array without an element
        raise


def _npy(array: NDArray[Any]) -> list[bytes | memoryview]:
    """Return an array as the pieces of a ``.npy`` file: its header, and its bytes without a copy of them."""
    array = np.ascontiguousarray(array)
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, np.lib.format.header_data_from_array_1_0(array))
    return [head.getvalue(), memoryview(array.reshape(-1).view(np.uint8).data)]


def _remove_others(folder: Path, kept: Sequence[str] | set[str]) -> None:
    for path in folder.iterdir():
        if _is_generation(path.name) and path.name not in kept:
            with suppress(OSError):  # who maps it keeps it open; the next writing removes it
                path.unlink()
    durable.sweep(folder)


def _damaged(folder: Path, what: str) -> SearchError:
    return SearchError(f"the index {folder} is damaged: {what}; remove that folder and make it anew with striate index")
