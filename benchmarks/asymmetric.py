"""Where the asymmetric loss wins: scenes-multilabel from chance, by it and by cross-entropy, in turns.

A trial is a seed. The figure is the mean average precision (macro) on the quarter of the pictures that validates, after
the last epoch: no loss is chosen, and no test picture asked. STRIATE_EPOCHS says how many epochs (15).
"""

import os
import tempfile
from pathlib import Path

from benchmarks.machine import SHARED, history, measured, striate
from benchmarks.table import Result, Row

LOSSES = ("cross-entropy", "asymmetric")
EPOCHS = int(os.environ.get("STRIATE_EPOCHS", "15"))
SEEDS = 3
HOW = ("--size", 64, "--epochs", EPOCHS, "--folds", "none", "--set", "val=0.25", "--set", "test=0", "--quiet")


def run(trials: int) -> Result:
    """Run at least three seeds."""
    source = SHARED / "scenes-multilabel" / "labels_list.csv"
    found: dict[str, list[float]] = {loss: [] for loss in LOSSES}
    with tempfile.TemporaryDirectory() as cache:
        for seed in range(max(trials, SEEDS)):
            for loss in LOSSES:
                with tempfile.TemporaryDirectory() as place:
                    words = ("train", source, "--start", "none", "--loss", loss, "--seed", seed, *HOW)
                    measured(striate(*words), env={"STRIATE_CACHE": cache}, cwd=Path(place))
                    found[loss].append(100 * history(Path(place))[-1]["metrics"]["mean average precision"])
                print(f"seed {seed}, {loss}: {found[loss][-1]:.1f} %", flush=True)
    rows = tuple(
        Row(f"{loss}: mean average precision", tuple(values), "%", more=True, peer=loss == LOSSES[0])
        for loss, values in found.items()
    )
    better = sum(one > other for one, other in zip(found["asymmetric"], found["cross-entropy"], strict=True))
    note = f"The asymmetric loss is ahead on {better} of {len(found['asymmetric'])} seeds."
    return Result(rows, (f"striate train {source} --start none --loss asymmetric",), (note,))
