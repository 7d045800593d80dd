"""Cats and dogs from published weights: a head on SqueezeNet, and a plain PyTorch script that does the same, in turns.

Ours is the whole process from a cold cache: converting the published weights, decoding, features, head, calibration,
"none of these", test, model and report. The peer (peers/squeezenet_logistic.py) ends with the test accuracy.
"""

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import SHARED, finished, measured, striate
from benchmarks.table import Result, Row

WEIGHTS = "imagenet-squeezenet1_0"


def run(trials: int) -> Result:
    folder, weights = SHARED / "catsdogs", SHARED / "weights"
    script = str(Path(__file__).parent / "peers" / "squeezenet_logistic.py")
    words = ("train", folder, "--from", WEIGHTS)
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
    names = {
        "peer": "plain script: SqueezeNet features, logistic regression",
        "first": "Striate, nothing in the cache",
        "again": "Striate again, features in the cache",
    }
    rows = [
        Row(names[kind], tuple(one[0] for one in times), peer=kind == "peer", peak=max(one[1] for one in times))
        for kind, times in found.items()
    ]
    told = "; ".join(f"{kind} " + ", ".join(f"{100 * one[2]:.1f}" for one in f) for kind, f in found.items())
    return Result(tuple(rows), (" ".join(["striate", *map(str, words)]),), (f"Test accuracy in %: {told}.",))
