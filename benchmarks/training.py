"""ResNet-18 at 160 pixels, batches of 32, float32: pictures a second, beside plain PyTorch and the machine's limit.

Ours is the second epoch of `striate train` on cats and dogs, reading its store as always, without augmentation; the
peer (peers/torch_resnet18.py) has the pictures in memory, in channels-last, and writes the step as the examples do.
Useful operations are two a multiply-accumulate: one forward, two backward, but for the first layer, whose input needs
no gradient.

timm, fastai and Ultralytics train the same net where torchvision imports (STRIATE_TORCHVISION names the python of a
venv that has it and them), and are skipped with the reason where it does not.
"""

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks import limit
from benchmarks.machine import SHARED, history, measured, missing, striate
from benchmarks.table import Result, Row

WORDS = ("train", SHARED / "catsdogs", "--net", "resnet18", "--size", 160, "--batch", 32, "--epochs", 2)
LIBRARIES = ("timm", "fastai", "ultralytics")
PEERS = Path(__file__).parent / "peers"
PLAIN = ("--augment", "none", "--no-flip", "--set", "precision=float32")


def run(trials: int) -> Result:
    script, python = str(PEERS / "torch_resnet18.py"), os.environ.get("STRIATE_TORCHVISION", sys.executable)
    absent = {name: why for name in LIBRARIES if (why := missing(python, "torchvision") or missing(python, name))}
    others: dict[str, list[tuple[float, float]]] = {name: [] for name in LIBRARIES if name not in absent}
    ours, theirs, rates = [], [], []
    with tempfile.TemporaryDirectory() as place:
        for trial in range(trials):
            peak = measured(striate(*WORDS, *PLAIN, "--quiet"), cwd=Path(place))[1]
            ours.append((history(Path(place))[-1]["pictures_per_second"], peak))
            _, peak, said = measured([sys.executable, script])
            theirs.append((json.loads(said), peak))
            for name in list(others):
                library = [python, str(PEERS / "torchvision_resnet18.py"), name, str(SHARED / "catsdogs")]
                try:
                    _, peak, said = measured(library, cwd=Path(place))
                except SystemExit as error:  # theirs may have changed since the script was written
                    absent[name] = str(error).strip().splitlines()[-1]
                    del others[name]
                else:
                    others[name].append((json.loads(said.splitlines()[-1]), peak))
            rates.append(limit.rates()["float32"])
            print(f"trial {trial + 1}: {ours[-1][0]:.1f}/s, plain {theirs[-1][0]:.1f}/s, {rates[-1]:.0f} GFLOP/s",
                  flush=True)  # fmt: skip
    operations = useful() / 1e9
    # Of the fastest that was seen in any trial: a limit that was measured in a busy minute is none.
    reached = tuple(100 * rate * operations / max(rates) for rate, _ in ours)
    plain = tuple(100 * rate * operations / max(rates) for rate, _ in theirs)
    return Result(
        (
            Row("the fastest kernel, float32", tuple(rates), "GFLOP/s", more=True),
            Row("plain PyTorch, channels-last", tuple(rate for rate, _ in theirs), "pictures/s", more=True, peer=True,
                peak=max(peak for _, peak in theirs)),
            *(Row(f"{name}, second epoch", tuple(rate for rate, _ in found), "pictures/s", more=True,
                  peak=max(peak for _, peak in found)) for name, found in others.items()),
            Row("Striate, second epoch", tuple(rate for rate, _ in ours), "pictures/s", more=True, ratio=1.2,
                peak=max(peak for _, peak in ours)),
            Row("share of the machine's rate, Striate", reached, "%", more=True, least=80.0, ceiling=100.0),
        ),
        (" ".join(["striate", *map(str, (*WORDS, *PLAIN))]),),
        (f"{operations:.2f} GFLOP a picture; plain PyTorch reaches {statistics.median(plain):.0f} % of the limit.",
         *(f"{name} was skipped: {why}." for name, why in absent.items())),
    )  # fmt: skip


def useful() -> float:
    """Return the operations that a training step must do for one picture."""
    from striate import nets

    survey = nets.resolve("resnet18").with_classes(2).on(3, 160, 160)
    first = next(row.macs for row in survey.rows if row.macs)
    return 2.0 * (3 * survey.macs - first)
