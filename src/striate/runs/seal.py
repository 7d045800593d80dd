"""The seal of an ONNX file: its last bytes are the digest of all before them. No NumPy.

So a file is proved while NumPy and ONNX Runtime are imported, which takes as long as reading it. Anybody can seal: what
binds a graph to a model file is the digest of the graph, which stands in the model file (`striate.graph`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import BinaryIO, Final, final

from striate.errors import ModelError
from striate.files import MODEL, open_file
from striate.model.files import tensorfile
from striate.runs.onnx_limits import fields_of, varint

SEAL: Final = tensorfile.CHECKSUM  # the name of the last entry of the file's metadata
ZEROS: Final = "0" * 64
_TAIL: Final = SEAL.encode() + b"\x12\x40"  # protobuf: the value, 64 bytes long
_PIECE: Final = 1 << 20
_GRAPH: Final = 7  # the fields of a model in a file of ours: its graph, and around it who wrote it in which version
_KNOWN: Final = range(1, 9)
_MOST: Final = 100  # of these: ours have a dozen
_ENTRY: Final = 14
_METADATA_LIMIT: Final = 2 * tensorfile.HEADER_LIMIT  # bytes: it repeats what the model file says of itself


@dataclass(frozen=True)
class Sealed:
    """A file whose seal holds: its ``metadata``, where its graph begins and stops, the digest of all but metadata."""

    metadata: dict[str, str]
    start: int
    stop: int
    digest: str


def beside(model: Path, *, int8: bool = False) -> Path:
    """Return where the ONNX file of a model file lies. Example: ``beside(Path("a/model.safetensors"))``"""
    return model.with_suffix(".int8.onnx" if int8 else ".onnx")


def sealed(content: bytes) -> bytes:
    """Return a serialised model, whose last metadata is `SEAL` with `ZEROS`, with its digest in their place."""
    assert content.endswith(_TAIL + ZEROS.encode())
    body = content[: -len(ZEROS)]
    return body + hashlib.sha256(body).hexdigest().encode()


def graph_digest(content: bytes) -> str:
    """Return the digest of a serialised model without metadata: what a model file says of the graph beside it."""
    return hashlib.sha256(content).hexdigest()


def check_seal(path: Path) -> Sealed:
    """Return what a file says of itself, once its seal holds. Behind its metadata nothing may stand.

    (Protobuf would add that to the graph.) Raises ModelError for one that Striate did not write, or whose bytes have
    changed since; OSError.
    """
    with open_file(path, limit=MODEL) as stream:
        left = stream.seek(0, os.SEEK_END) - len(ZEROS)
        start = left - len(_TAIL)
        stream.seek(max(start, 0))
        if start < 0 or stream.read(len(_TAIL)) != _TAIL:
            raise ModelError(f"{path.name} was not written by Striate, or is cut short")
        wanted = stream.read(len(ZEROS))
        try:
            metadata, graph, bare = _layout(stream, left + len(ZEROS))
            why = ""
        except ValueError as error:  # damaged, which the seal will tell, or sealed by somebody else
            metadata, graph, bare = {}, (0, 0), 0
            why = "text that is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        digest = hashlib.sha256()
        stream.seek(0)
        for piece in _pieces(stream, bare):
            digest.update(piece)
        own = digest.hexdigest()
        for piece in _pieces(stream, left - bare):
            digest.update(piece)
    if digest.hexdigest().encode() != wanted:
        raise ModelError(f"{path.name} is damaged: its bytes have changed since they were written")
    if why:
        raise ModelError(f"{path.name} is no file that Striate wrote: it holds {why}")
    return Sealed(metadata, *graph, own)


def _pieces(stream: BinaryIO, left: int) -> Iterator[bytes]:
    while left > 0 and (piece := stream.read(min(_PIECE, left))):
        yield piece
        left -= len(piece)


def _layout(stream: BinaryIO, size: int) -> tuple[dict[str, str], tuple[int, int], int]:
    """Return the metadata, where the graph is, and how many bytes come before the metadata. ValueError."""
    metadata: dict[str, str] = {}
    graph, bare = None, 0
    for number, at, begin, end in fields_of(stream, 0, size, most=_MOST):
        if number == _ENTRY:
            bare = bare or at
            if end - begin > _METADATA_LIMIT:
                raise ValueError("metadata that is too large")
            stream.seek(begin)
            name, value = _entry(stream.read(end - begin))
            if name in metadata:
                raise ValueError(f"{name[:40]!r} twice in its metadata")
            metadata[name] = value
        elif bare or number not in _KNOWN or (number == _GRAPH and graph):
            raise ValueError("more than one graph and its metadata")
        elif number == _GRAPH:
            graph = begin, end
    if graph is None or not bare:
        raise ValueError("no graph, or no metadata")
    return metadata, graph, bare


def _entry(content: bytes) -> tuple[str, str]:
    """Return the name and the value of an entry: field 1 and field 2, and nothing else."""
    texts, at = [], 0
    for field in (1, 2):
        if at >= len(content) or content[at] != field << 3 | 2:
            raise ValueError("metadata that is no text by name")
        length, at = varint(content, at + 1)
        if at + length > len(content):
            raise ValueError("metadata that is cut short")
        texts.append(content[at : at + length].decode())
        at += length
    if at != len(content):
        raise ValueError("metadata that is no text by name")
    return texts[0], texts[1]


@final
class Proof:
    """`check_seal` of a file, under way in a thread of its own from now on. ``result`` waits, and raises what it does.

    Example: ``Proof(run.path / "model.onnx").result()``
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._told: Future[Sealed] = Future()
        Thread(target=self._check, name="striate-proof", daemon=True).start()

    def result(self) -> Sealed:
        """Return what the file says of itself, when it is proved. Errors: ModelError, OSError."""
        return self._told.result()

    def _check(self) -> None:
        try:
            self._told.set_result(check_seal(self.path))
        except BaseException as error:  # handed to whoever waits for it
            self._told.set_exception(error)
