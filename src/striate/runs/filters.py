"""The first layer's filters, epoch by epoch: ``filters.jsonl`` of a run, a line each, to see what was learnt when.

Checkpoints hold everything and are kept for the newest two epochs alone; these are a few kilobytes an epoch, as each
weight is rounded to a whole number of 127ths of the epoch's largest: enough to be seen, not to go on from.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from striate.errors import RunError
from striate.runs import history
from striate.runs.fields import FILTERS

if TYPE_CHECKING:
    from striate.runs.run import RunDirectory

FILE = "filters.jsonl"
MOST = 100_000  # weights: more are no picture anybody looks at


def keep(run: RunDirectory, epoch: int, weights: np.ndarray[Any, Any] | None) -> None:
    """Keep a first layer's weights (filters, channels, height, width) as they are after an epoch; 0: before the first.

    What the file has from this epoch on is of a future that was given up, and goes. None is kept of a layer that
    cannot be read as pictures, nor of one with over 100,000 weights.
    """
    if weights is None or weights.size > MOST:
        return
    largest = float(np.abs(weights).max()) or 1.0
    whole = np.round(weights * (127 / largest)).astype(np.int8)
    history.truncate(_file(run), epoch - 1)
    values = base64.b64encode(whole.tobytes()).decode("ascii")
    history.append(_file(run), {"index": epoch, "shape": list(weights.shape), "largest": largest, "values": values})


def kept(run: RunDirectory) -> dict[int, np.ndarray[Any, Any]]:
    """Return the filters by epoch, float32, as far as the run's history goes; empty for a run of before they were kept.

    Raises RunError for a damaged file. Example: ``kept(run)[1].shape`` is ``(8, 3, 3, 3)``.
    """
    known = {0, *(entry.get("index") for entry in run.history())}
    found = {}
    for line in history.read(_file(run), FILTERS):
        if line["index"] in known:
            try:
                flat = np.frombuffer(base64.b64decode(line["values"]), np.int8).astype(np.float32)
                found[line["index"]] = (flat * (line["largest"] / 127)).reshape(line["shape"])
            except ValueError:  # no base64, or not as many values as its shape has
                raise RunError(f"{_file(run)} is damaged in epoch {line['index']}; it can be deleted") from None
    return found


def _file(run: RunDirectory) -> Path:
    return run.path / FILE
