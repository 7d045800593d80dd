"""What a trunk made of a folder's pictures, kept in one file of the cache; what does not read is made anew."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate import files
from striate.errors import FileError
from striate.runs import durable

VERSION: Final = "pooled 1"


@dataclass(frozen=True, eq=False)
class Pooled:
    """Features (N, D) float16 of pictures whose files have these ``digests`` (N,), by what ``made`` them."""

    made: str
    digests: tuple[bytes, ...]
    features: NDArray[np.float16]


def read(path: Path, made: str, width: int) -> Pooled:
    """Return what a file keeps; nothing where there is none, something else made it, or it is damaged.

    Example: ``len(read(Path("none.npz"), "", 1280).digests)`` is ``0``.
    """
    nothing = Pooled(made, (), np.zeros((0, width), np.float16))
    try:
        with np.load(io.BytesIO(files.read_bytes(path, limit=files.MODEL)), allow_pickle=False) as kept:
            said, digests, features = kept["made"].tobytes().decode(), kept["digests"], kept["features"]
        if said != f"{VERSION} {made}" or features.shape != (len(digests), width) or features.dtype != np.float16:
            return nothing
        return Pooled(made, tuple(bytes(one) for one in digests), features)
    except (OSError, FileError, ValueError, KeyError, TypeError, EOFError):
        return nothing
    except Exception as error:  # a damaged zip has errors of its own
        if type(error).__module__ in ("zipfile", "zlib"):
            return nothing
        raise


def write(path: Path, pooled: Pooled) -> None:
    """Keep features, in place of what is there: whole, or not at all. Errors: DiskError."""
    kept: dict[str, NDArray[Any]] = {
        "made": np.frombuffer(f"{VERSION} {pooled.made}".encode(), np.uint8),
        "digests": np.array([np.void(one) for one in pooled.digests], "V16"),
        "features": pooled.features,
    }
    stream = io.BytesIO()
    np.savez(stream, **kept)  # type: ignore[arg-type]
    durable.make_parents(path.parent)
    durable.write(path, stream.getbuffer())
