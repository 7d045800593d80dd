"""The share of an epoch spent waiting for data: cifar10-folder, 20,000 JPEGs of 32x32, from the second epoch on."""

import tempfile
from pathlib import Path

from benchmarks.machine import SHARED, history, measured, striate
from benchmarks.table import Result, Row


def run(trials: int) -> Result:
    words = ("train", SHARED / "cifar10-folder", "--epochs", 3, "--net", "tiny")
    waits: list[float] = []
    peaks: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        for _ in range(trials):
            peaks.append(measured(striate(*words, "--quiet"), cwd=Path(place))[1])
            waits += [100 * epoch["data_wait"] for epoch in history(Path(place))[1:]]
    row = Row("tiny, the quickest net and so the hardest to feed", tuple(waits), "%", most=3.0, peak=max(peaks))
    return Result((row,), (" ".join(["striate", *map(str, words)]),))
