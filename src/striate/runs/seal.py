"""The seal of an ONNX file: its last bytes are the digest of all before them. No NumPy.

So a file is proved while NumPy and ONNX Runtime are imported, which takes as long as reading it.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Final, final

from striate.errors import ModelError
from striate.files import MODEL, open_file
from striate.model import tensorfile

SEAL: Final = tensorfile.CHECKSUM  # the name of the last entry of the file's metadata
ZEROS: Final = "0" * 64
_TAIL: Final = SEAL.encode() + b"\x12\x40"  # protobuf: the value, 64 bytes long
_PIECE: Final = 1 << 20


def beside(model: Path, *, int8: bool = False) -> Path:
    """Return where the ONNX file of a model file lies. Example: ``beside(Path("a/model.safetensors"))``"""
    return model.with_suffix(".int8.onnx" if int8 else ".onnx")


def sealed(content: bytes) -> bytes:
    """Return a serialised model, whose last metadata is `SEAL` with `ZEROS`, with its digest in their place."""
    assert content.endswith(_TAIL + ZEROS.encode())
    body = content[: -len(ZEROS)]
    return body + hashlib.sha256(body, usedforsecurity=False).hexdigest().encode()


def check_seal(path: Path) -> None:
    """Raise ModelError for a file that Striate did not write, or whose bytes have changed since; OSError."""
    with open_file(path, limit=MODEL) as stream:
        left = stream.seek(0, os.SEEK_END) - len(ZEROS)
        start = left - len(_TAIL)
        stream.seek(max(start, 0))
        if start < 0 or stream.read(len(_TAIL)) != _TAIL:
            raise ModelError(f"{path.name} was not written by Striate, or is cut short")
        wanted, digest = stream.read(len(ZEROS)), hashlib.sha256(usedforsecurity=False)
        stream.seek(0)
        while left > 0 and (piece := stream.read(min(_PIECE, left))):
            digest.update(piece)
            left -= len(piece)
    if digest.hexdigest().encode() != wanted:
        raise ModelError(f"{path.name} is damaged: its bytes have changed since they were written")


@final
class Proof:
    """`check_seal` of a file, under way in a thread of its own from now on. ``result`` waits, and raises what it does.

    Example: ``Proof(Path("model.onnx")).result()``
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._told: Future[None] = Future()
        Thread(target=self._check, name="striate-proof", daemon=True).start()

    def result(self) -> None:
        """Return when the file is proved. Errors: ModelError, OSError."""
        self._told.result()

    def _check(self) -> None:
        try:
            check_seal(self.path)
        except BaseException as error:  # handed to whoever waits for it
            self._told.set_exception(error)
        else:
            self._told.set_result(None)
