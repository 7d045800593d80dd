"""What stages of the net made of one picture, epoch by epoch: ``maps.jsonl`` of a run, to see what was learnt when.

Beside the filters of ``filters.jsonl``: a few channels of each stage, made small, each value rounded to a whole number
of 127ths of the stage's largest and packed. Of a long training every second, fourth, eighth ... epoch is kept, so that
the file stays below `EPOCHS` lines.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from striate.errors import RunError
from striate.files import LIST, read_bytes
from striate.runs import durable, history
from striate.runs.fields import MAPS

if TYPE_CHECKING:
    from striate.runs.run import RunDirectory

FILE = "maps.jsonl"
EPOCHS = 40  # and one more line, of before the first


@dataclass(frozen=True, eq=False)
class Kept:
    """A part's ``maps`` by epoch, each (n, h, w) float32, of its ``channels`` (n,), for the run's ``picture`` (row)."""

    picture: int
    channels: tuple[int, ...]
    maps: dict[int, np.ndarray[Any, Any]]


def step(epoch: int) -> int:
    """Return how many epochs apart those are that are kept of a training that has come to an epoch.

    >>> step(3), step(40), step(41), step(400)
    (1, 1, 2, 16)
    """
    return 1 << max(0, (-(-epoch // EPOCHS) - 1).bit_length())


def keep(
    run: RunDirectory, epoch: int, picture: int, parts: Mapping[str, tuple[tuple[int, ...], np.ndarray[Any, Any]]]
) -> None:
    """Keep what parts make of a picture after an epoch; 0 is before the first. Channels and maps (n, h, w) by part.

    What the file has from this epoch on is of a future that was given up, and goes.
    """
    if not parts:
        return
    path, apart = run.path / FILE, step(epoch)
    if (epoch - 1) % apart or step(epoch - 1) < apart or not _ends_with(path, epoch - 1):
        lines = history.read(path, MAPS)
        wanted = [line for line in lines if line["index"] < epoch and line["index"] % apart == 0]
        if len(wanted) < len(lines):
            durable.write(path, "".join(json.dumps(line) + "\n" for line in wanted).encode())
    history.append(
        path,
        {"index": epoch, "picture": picture, "parts": {name: _packed(*value) for name, value in parts.items()}},
    )


def kept(run: RunDirectory) -> dict[str, Kept]:
    """Return what was kept, by part in the net's order, as far as the run's history goes; empty for an older run.

    Raises RunError for a damaged file. Example: ``kept(run)["relu1"].maps[1].shape[1:]`` is ``(16, 16)``.
    """
    path = run.path / FILE
    known = {0, *(entry.get("index") for entry in run.history())}
    found: dict[str, Kept] = {}
    for line in history.read(path, MAPS):
        if line["index"] not in known:
            continue
        try:
            for name, packed in line["parts"].items():
                part = found.setdefault(name, Kept(line["picture"], tuple(packed["channels"]), {}))
                part.maps[line["index"]] = _unpacked(packed)
        except (ValueError, zlib.error):
            raise RunError(f"{path} is damaged in epoch {line['index']}; it can be deleted") from None
    return found


def _ends_with(path: Path, epoch: int) -> bool:
    """Return whether the last line of a file is whole and of an epoch: then nothing in it has to go."""
    try:
        last = read_bytes(path, limit=LIST).rsplit(b"\n", 2)[-2:]
        return last[1:] == [b""] and bool(json.loads(last[0])["index"] == epoch)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _packed(channels: tuple[int, ...], maps: np.ndarray[Any, Any]) -> dict[str, Any]:
    largest = float(np.abs(maps).max()) or 1.0
    whole = np.round(maps * (127 / largest)).astype(np.int8)
    values = base64.b64encode(zlib.compress(whole.tobytes())).decode("ascii")
    return {"channels": list(channels), "shape": list(maps.shape), "largest": largest, "values": values}


def _unpacked(packed: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    size = int(np.prod(packed["shape"]))
    whole = zlib.decompressobj().decompress(base64.b64decode(packed["values"]), size)  # no more than is wanted
    maps: np.ndarray[Any, Any] = np.frombuffer(whole, np.int8).astype(np.float32).reshape(packed["shape"])
    return maps * np.float32(packed["largest"] / 127)
