"""What was measured of a folder's pictures, kept in one file of the cache; what does not read is measured anew."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate import files
from striate.errors import FileError
from striate.runs import durable
from striate.search.measured import MEASURED

VERSION: Final = "measured 2"


@dataclass(frozen=True, eq=False)
class Known:
    """Rows (N,) of `MEASURED` of pictures with these ``digests`` (N,) of their files.

    ``files`` says of a path which digest its file had, when it had this size and time of change (ns).
    """

    digests: tuple[bytes, ...]
    rows: NDArray[Any]
    files: dict[tuple[str, int, int], bytes]


def nothing() -> Known:
    """Return what is known before anything was measured."""
    return Known((), np.zeros(0, MEASURED), {})


def read(path: Path) -> Known:
    """Return what a file keeps; nothing where there is none, or it is another version's, or damaged."""
    try:
        with np.load(io.BytesIO(files.read_bytes(path, limit=files.MODEL)), allow_pickle=False) as kept:
            facts = json.loads(kept["facts"].tobytes())
            digests, rows = kept["digests"], kept["rows"]
        if facts["version"] != VERSION or rows.dtype != MEASURED or rows.shape != digests.shape:
            return nothing()
        said = {(str(name), int(size), int(time)): bytes.fromhex(digest) for name, size, time, digest in facts["files"]}
        return Known(tuple(bytes(one) for one in digests), rows, said)
    except (OSError, FileError, ValueError, KeyError, TypeError, EOFError):
        return nothing()
    except Exception as error:  # a damaged zip has errors of its own
        if type(error).__module__ in ("zipfile", "zlib"):
            return nothing()
        raise


def write(path: Path, known: Known) -> None:
    """Keep what was measured, in place of what is there: whole, or not at all. Errors: DiskError."""
    said = [[name, size, time, digest.hex()] for (name, size, time), digest in known.files.items()]
    facts = json.dumps({"version": VERSION, "files": said}).encode()
    stream = io.BytesIO()
    np.savez(
        stream,
        facts=np.frombuffer(facts, np.uint8),
        digests=np.array([np.void(one) for one in known.digests], "V16"),
        rows=known.rows,
    )
    durable.make_parents(path.parent)
    durable.write(path, stream.getbuffer())
