"""Several tags a picture: scenes-multilabel by the default start, in turns with a plain script on the same trunk.

A trial is a seed, which draws a quarter of the pictures to test on (the data set has no split of its own). Ours is the
whole process of ``striate train train.csv`` with the trunk's model file in the cache and nothing else there: decoding,
features, head, folds, calibration, thresholds, model and report. The peer (peers/lite_tags.py) fits scikit-learn's
one-against-rest logistic regression to the same trunk's features. Either is measured on the same test pictures by the
mean average precision (macro), ours by ``striate evaluate --data test.csv``.
"""

import csv
import json
import random
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import SHARED, measured, striate
from benchmarks.table import Result, Row

SEEDS = 3
TEST = 0.25
FOLDER = SHARED / "scenes-multilabel"


def run(trials: int) -> Result:
    script = str(Path(__file__).parent / "peers" / "lite_tags.py")
    ours: list[tuple[float, float, float, float]] = []
    peer: list[tuple[float, float, float]] = []
    with tempfile.TemporaryDirectory() as name:
        warm = Path(name)
        _ours(*_lists(warm, -1), 0, warm)  # the trunk through the door, once
        trunk = sorted((warm / "cache" / "weights").glob("efficientnet_lite0.*"))
        for seed in range(max(trials, SEEDS)):
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder)
                weights = place / "cache" / "weights"
                weights.mkdir(parents=True)
                for file in trunk:
                    (weights / file.name).write_bytes(file.read_bytes())
                lists = _lists(place, seed)
                ours.append(_ours(*lists, seed, place))
                seconds, peak, said = measured([sys.executable, script, *map(str, lists)])
                peer.append((seconds, peak, 100 * json.loads(said.splitlines()[-1])["map"]))
            print(
                f"seed {seed}: ours {ours[-1][2]:.2f} % in {ours[-1][0]:.1f} s, the plain script {peer[-1][2]:.2f} % in"
                f" {peer[-1][0]:.1f} s",
                flush=True,
            )
    means = [statistics.mean(one[2] for one in found) for found in (peer, ours)]
    rows = (
        Row("plain script: mean average precision, mean", (means[0],), "%", True, peer=True),
        Row("ours: mean average precision, mean", (means[1],), "%", True, ratio=1.0),
        Row("plain script: the same trunk", tuple(one[0] for one in peer), peer=True, peak=max(one[1] for one in peer)),
        Row("striate train train.csv", tuple(one[0] for one in ours), ratio=1.0, peak=max(one[1] for one in ours)),
    )
    told = "; ".join(
        f"{kind} " + ", ".join(f"{one[2]:.2f}" for one in found) for kind, found in (("plain", peer), ("ours", ours))
    )
    f1 = statistics.mean(one[3] for one in ours)
    note = f"Mean average precision (macro) on the test pictures of each seed in %: {told}. Our macro F1: {f1:.1f} %."
    return Result(rows, ("striate train train.csv", "striate evaluate --data test.csv --json"), (note,))


def _lists(place: Path, seed: int) -> tuple[Path, Path]:
    """Write a seed's training and test pictures as two lists, and return them."""
    with (FOLDER / "labels_list.csv").open(newline="") as file:
        rows = [(str(FOLDER / row["file"]), row["labels"]) for row in csv.DictReader(file)]
    random.Random(seed).shuffle(rows)
    cut = round(TEST * len(rows))
    paths = (place / "train.csv", place / "test.csv")
    for path, some in zip(paths, (rows[cut:], rows[:cut]), strict=True):
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([("file", "labels"), *some])
    return paths


def _ours(train: Path, test: Path, seed: int, place: Path) -> tuple[float, float, float, float]:
    """Return seconds and peak memory (MB) of the training, and mean average precision and macro F1 in %."""
    env = {"STRIATE_CACHE": str(place / "cache")}
    seconds, peak, _ = measured(striate("train", train, "--seed", seed, "--quiet"), env=env, cwd=place)
    _, _, said = measured(striate("evaluate", "--data", test, "--json"), env=env, cwd=place)
    found = json.loads(said)
    report = found.get("report", found)
    return (
        seconds,
        peak,
        100 * report["macro_average_precision"]["value"],
        100 * report["macro_f1"]["value"],
    )
