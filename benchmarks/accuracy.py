"""What a person who says nothing gets: ``striate train X`` with the defaults, whole process, one run each."""

import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import SHARED, machine, timed

BARS = {"digits": 0.98, "mnist": 0.994, "cifar10-folder": 0.75, "catsdogs": None}
SEEDS = [int(seed) for seed in os.environ.get("STRIATE_SEEDS", "0").split(",")]
EXTRA = os.environ.get("STRIATE_EXTRA", "").split()


def main() -> None:
    print(machine(), "\n")
    print("| command | seed | test accuracy (95 %) | bar | seconds |\n|---|---|---|---|---|")
    for name, bar in BARS.items():
        folder = SHARED / name
        source = str(folder) if name in ("cifar10-folder", "catsdogs") else name
        for seed in SEEDS:
            with tempfile.TemporaryDirectory() as place:
                command = [sys.executable, "-m", "striate.cli", "train", source, "--seed", str(seed), "--quiet", *EXTRA]
                seconds, _ = timed([*command, "--data-dir", str(SHARED)], cwd=Path(place))
                summary = json.loads(next(Path(place, "runs").glob("*/finished.json")).read_text())
                accuracy = summary["accuracy"]
                print(
                    f"| striate train {name} | {seed} | {100 * accuracy['value']:.2f} % ({100 * accuracy['low']:.2f} to"
                    f" {100 * accuracy['high']:.2f}) | {f'{100 * bar:g} %' if bar else ''} | {seconds:.0f} |",
                    flush=True,
                )
