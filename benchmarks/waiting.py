"""The share of an epoch spent waiting for data: cifar10-folder, 20,000 JPEGs of 32x32, from the second epoch on."""

import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import SHARED, machine, spread, timed

EXTRA = os.environ.get("STRIATE_EXTRA", "").split()


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "striate.cli", "train", str(SHARED / "cifar10-folder"), "--epochs", "4"]
        timed([*command, "--net", "tiny", *EXTRA], cwd=Path(place))
        history = next(Path(place, "runs").glob("*/history.jsonl")).read_text().splitlines()
    waits = [100 * json.loads(line)["data_wait"] for line in history[1:]]
    print(machine(), "\n")
    print("| net | share of an epoch spent waiting | bar |\n|---|---|---|")
    print(f"| tiny (the quickest, so the hardest to feed) | {spread(waits, '%')} | under 5 % |")
