"""From a cold process to an accuracy: ours, first with an empty cache and then with the store warm, and a Keras script.

The script's clock runs from the start of its process to the end of the first epoch after which it is at the target,
tests not counted; an attempt that never gets there counts whole. Ours is the whole process, first to last: finding,
decoding, training, calibrating, testing, writing the model and the report.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import finished, measured, peer, striate
from benchmarks.table import Result, Row


def race(
    words: Sequence[object], script: str, folder: Path, *, target: float, trials: int, ratios: tuple[float, float]
) -> Result:
    """Run both in turns. ``words`` follow ``striate``; ``ratios`` are the bars of the first and the second run."""
    python = peer("striate-bench-keras", "tensorflow-cpu", "keras", variable="STRIATE_KERAS")
    first, second, theirs, reached, notes = [], [], [], [], list[str]()
    for trial in range(trials):
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            env = {"STRIATE_CACHE": str(place / "cache")}
            for times in (first, second):
                seed = 2 * trial + (times is second)
                times.append(measured(striate(*words, "--seed", seed, "--quiet"), env=env, cwd=place)[:2])
                reached.append(finished(place)["accuracy"]["value"])
        path = str(Path(__file__).parent / "peers" / script)
        command = [python, path, str(folder), str(target), str(time.time())]
        _, peak, said = measured(command, env={"TF_CPP_MIN_LOG_LEVEL": "3"})
        rows = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        hit = next((row for row in rows if row["accuracy"] >= target), rows[-1])
        theirs.append((float(hit["seconds"]), peak))
        notes += [] if hit["accuracy"] >= target else [f"The script ended at {100 * hit['accuracy']:.2f} %."]
        print(f"trial {trial + 1}: {first[-1][0]:.1f} s, warm {second[-1][0]:.1f} s, Keras {theirs[-1][0]:.1f} s",
              flush=True)  # fmt: skip
    told = ", ".join(f"{100 * accuracy:.2f}" for accuracy in reached)
    below = sum(accuracy < target for accuracy in reached)
    notes.insert(0, f"Test accuracy {told} %; {below} of {len(reached)} below {100 * target:g} %.")

    def row(what: str, found: list[tuple[float, float]], *, peer: bool = False, ratio: float | None = None) -> Row:
        return Row(what, tuple(s for s, _ in found), peer=peer, ratio=ratio, peak=max(peak for _, peak in found))

    return Result(
        (
            row("Keras", theirs, peer=True),
            row("Striate, nothing in the cache", first, ratio=ratios[0]),
            row("Striate, store warm", second, ratio=ratios[1]),
        ),
        (" ".join(["striate", *map(str, words)]),),
        tuple(notes),
    )
