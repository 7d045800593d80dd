"""Cats and dogs from published weights: a head on SqueezeNet, and a plain PyTorch script that does the same, in turns.

Ours is the whole process from a cold cache: converting the published weights, decoding, features, head, calibration,
"none of these", test, model and report. The peer (peers/squeezenet_logistic.py) ends with the test accuracy.
"""

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import SHARED, machine, spread, timed

TARGET = 0.96
TRIALS = int(os.environ.get("STRIATE_TRIALS", "3"))
WEIGHTS = "imagenet-squeezenet1_0"
SCRATCH = os.environ.get("STRIATE_SCRATCH") == "1"


def main() -> None:
    folder, weights = SHARED / "catsdogs", SHARED / "weights"
    peer_script = str(Path(__file__).parent / "peers" / "squeezenet_logistic.py")
    ours, second, peer, reached, theirs = [], [], [], [], []
    for trial in range(TRIALS):
        with tempfile.TemporaryDirectory() as place:
            env = {"STRIATE_CACHE": str(Path(place, "cache")), "STRIATE_DATA": str(weights)}
            for times in (ours, second):
                command = [sys.executable, "-m", "striate.cli", "train", str(folder), "--from", WEIGHTS]
                seconds, _ = timed([*command, "--seed", str(trial), "--quiet"], env=env, cwd=Path(place))
                times.append(seconds)
            reached.append(_accuracy(Path(place, "runs", "catsdogs-1")))
            seconds, said = timed([sys.executable, peer_script, str(folder), str(weights / f"{WEIGHTS}.safetensors")])
            peer.append(seconds)
            theirs.append(json.loads(said.splitlines()[-1])["accuracy"])
        print(
            f"trial {trial + 1}: {ours[-1]:.1f} s, again {second[-1]:.1f} s; plain script {peer[-1]:.1f} s", flush=True
        )
    print("\n" + machine(), "\n")
    print(f"command: striate train catsdogs --from {WEIGHTS}\n")
    print("| whole process | test accuracy | seconds | the script takes |\n|---|---|---|---|")
    rows = (
        ("plain script: SqueezeNet features, logistic regression", theirs, peer),
        ("Striate, nothing in the cache", reached, ours),
        ("Striate again, features in the cache", reached, second),
    )
    for name, accuracies, times in rows:
        told = ", ".join(f"{100 * accuracy:.1f}" for accuracy in accuracies)
        ratio = statistics.median(peer) / statistics.median(times)
        print(f"| {name} | {told} % | {spread(times, digits=1)} | {ratio:.1f}x |")
    if min(reached) < TARGET:
        print(f"\n{sum(a < TARGET for a in reached)} of {len(reached)} runs ended below {100 * TARGET:g} %")
    if SCRATCH:
        with tempfile.TemporaryDirectory() as place:
            seconds, _ = timed([sys.executable, "-m", "striate.cli", "train", str(folder), "--quiet"], cwd=Path(place))
            accuracy = _accuracy(Path(place, "runs", "catsdogs-1"))
        print(f"\nfrom scratch, with the defaults: {100 * accuracy:.1f} % in {seconds:.0f} s")


def _accuracy(run: Path) -> float:
    return float(json.loads((run / "finished.json").read_text())["accuracy"]["value"])
