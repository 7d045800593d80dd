"""Cats and dogs from published weights: a head on SqueezeNet, and a plain PyTorch script that does the same, in turns.

Ours is the whole process from a cold cache: converting the published weights, decoding, features, head, calibration,
"none of these", test, model and report. The peer (peers/squeezenet_logistic.py) ends with the test accuracy.

Then the passes by themselves: over the features of cifar10-folder (24,000 pictures, 64 features of a ResNet-20), as a
run's history has them, and over 20,000 pictures of 2,048 features, a ResNet-50's, drawn by chance around ten centres.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import SHARED, finished, history, measured, striate
from benchmarks.table import Result, Row
from striate.cli.main import SPIN

WEIGHTS = "imagenet-squeezenet1_0"
EPOCH = 2.0  # seconds
DRAWN = """
import json, sys, numpy as np
from striate.recipe import Recipe
from striate.engine.head import HeadTraining, watch_head
from striate.tasks.classify import Classify
from striate.tasks.objective import Objective
from striate.tasks.task import Labels
random = np.random.default_rng(0)
targets = random.integers(0, 10, 20000)
features = (random.normal(size=(10, 2048))[targets] / 8 + random.normal(size=(20000, 2048))).astype(np.float32)
labels = Labels(tuple("abcdefghij"), targets, targets >= 0)
config = Recipe(task="classify", start="x").settled(pictures=20000, height=224, width=224)
training = HeadTraining(features, Objective(Classify(), labels, config), range(18000), range(18000, 20000), epochs=100)
print(json.dumps([epoch.seconds for epoch in watch_head(training)]))
"""


def run(trials: int) -> Result:
    folder, weights = SHARED / "catsdogs", SHARED / "weights"
    script = str(Path(__file__).parent / "peers" / "squeezenet_logistic.py")
    words = ("train", folder, "--start", WEIGHTS)
    found: dict[str, list[tuple[float, float, float]]] = {"peer": [], "first": [], "again": []}
    for trial in range(trials):
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            env = {"STRIATE_CACHE": str(place / "cache"), "STRIATE_DATA": str(weights)}
            for kind in ("first", "again"):
                seconds, peak, _ = measured(striate(*words, "--seed", trial, "--quiet"), env=env, cwd=place)
                found[kind].append((seconds, peak, finished(place)["accuracy"]["value"]))
        seconds, peak, said = measured([sys.executable, script, str(folder), str(weights / f"{WEIGHTS}.safetensors")])
        found["peer"].append((seconds, peak, json.loads(said.splitlines()[-1])["accuracy"]))
        print(f"trial {trial + 1}: " + ", ".join(f"{kind} {f[-1][0]:.1f} s" for kind, f in found.items()), flush=True)
    small, wide = zip(*(_passes() for _ in range(trials)), strict=True)
    names = {
        "peer": "plain script: SqueezeNet features, logistic regression",
        "first": "Striate, nothing in the cache",
        "again": "Striate again, features in the cache",
    }
    rows = [
        Row("an epoch of the head, cifar10-folder, 64 features", small, most=EPOCH),
        Row("an epoch of the head, 20,000 pictures, 2,048 features", wide, most=EPOCH),
        *(
            Row(names[kind], tuple(one[0] for one in times), peer=kind == "peer", peak=max(one[1] for one in times))
            for kind, times in found.items()
        ),
    ]
    told = "; ".join(f"{kind} " + ", ".join(f"{100 * one[2]:.1f}" for one in f) for kind, f in found.items())
    return Result(tuple(rows), (" ".join(["striate", *map(str, words)]),), (f"Test accuracy in %: {told}.",))


def _passes() -> tuple[float, float]:
    """Return the median seconds of an epoch over features: of a run's, and of drawn ones."""
    with tempfile.TemporaryDirectory() as name:
        env = {"STRIATE_DATA": str(SHARED / "weights")}
        words = ("train", SHARED / "cifar10-folder", "--start", "cifar10-resnet20", "--quiet")
        measured(striate(*words), env=env, cwd=Path(name))
        small = statistics.median(epoch["seconds"] for epoch in history(Path(name)))
    drawn = measured([sys.executable, "-c", DRAWN], env={"GOMP_SPINCOUNT": SPIN})[2]
    return small, statistics.median(json.loads(drawn))
