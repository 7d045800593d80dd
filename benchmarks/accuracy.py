"""What a person who says nothing gets: ``striate train X`` with the defaults, whole process; a trial is a seed."""

import os
import tempfile
from pathlib import Path

from benchmarks.machine import SHARED, finished, measured, striate
from benchmarks.table import Result, Row

BARS = {"digits": 98.0, "mnist": 99.4, "cifar10-folder": 75.0, "catsdogs": None}
EXTRA = os.environ.get("STRIATE_EXTRA", "").split()


def run(trials: int) -> Result:
    rows, notes = [], []
    for name, bar in BARS.items():
        source = SHARED / name if name in ("cifar10-folder", "catsdogs") else name
        reached, seconds, peaks = [], [], []
        for seed in range(trials):
            with tempfile.TemporaryDirectory() as place:
                words = ("train", source, "--seed", seed, "--quiet", *EXTRA, "--data-dir", SHARED)
                took, peak, _ = measured(striate(*words), cwd=Path(place))
                accuracy = finished(Path(place))["accuracy"]
            reached.append(100 * accuracy["value"])
            seconds.append(took)
            peaks.append(peak)
            notes.append(f"{name}, seed {seed}: {100 * accuracy['low']:.2f} to {100 * accuracy['high']:.2f} %.")
            print(f"{name}, seed {seed}: {reached[-1]:.2f} % in {took:.0f} s", flush=True)
        rows.append(Row(f"{name}, test accuracy", tuple(reached), "%", more=True, least=bar))
        rows.append(Row(f"{name}, the whole process", tuple(seconds), peak=max(peaks)))
    command = " ".join(["striate train X", *EXTRA])
    return Result(tuple(rows), (command,), ("95 % intervals: " + " ".join(notes),))
