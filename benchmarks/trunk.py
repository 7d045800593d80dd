"""Photographs by the default start: cats and dogs beside a plain script on the same trunk, flowers5 beside SqueezeNet.

Cats and dogs in turns: ours is the whole process of ``striate train catsdogs`` with the trunk's model file in the cache
and nothing else there (decoding, features, head, calibration, "none of these", test, model and report). The peer
(peers/lite_logistic.py) ends with the test accuracy. A trial is a seed; the accuracy is the mean over at least three.
The very first run, in which the trunk comes through the door too, has its own row.

flowers5 has no test folder: its figure is that of the split that Striate draws, the same one for both trunks.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import SHARED, finished, measured, striate
from benchmarks.table import Result, Row

SEEDS = 3
SQUEEZENET = "imagenet-squeezenet1_0"


def run(trials: int) -> Result:
    script = str(Path(__file__).parent / "peers" / "lite_logistic.py")
    folder = SHARED / "catsdogs"
    found: dict[str, list[tuple[float, float, float]]] = {"peer": [], "ours": []}
    with tempfile.TemporaryDirectory() as name:
        first = _ours(folder, 0, Path(name))
        for trial in range(max(trials, SEEDS)):
            with tempfile.TemporaryDirectory() as place:
                cache = Path(place) / "cache" / "weights"
                cache.mkdir(parents=True)
                for file in (Path(name) / "cache" / "weights").glob("efficientnet_lite0.*"):
                    (cache / file.name).write_bytes(file.read_bytes())
                found["ours"].append(_ours(folder, trial, Path(place)))
            seconds, peak, said = measured([sys.executable, script, str(folder)])
            found["peer"].append((seconds, peak, json.loads(said.splitlines()[-1])["accuracy"]))
            print(f"trial {trial + 1}: " + ", ".join(f"{k} {f[-1][0]:.1f} s" for k, f in found.items()), flush=True)
    flowers = {trunk: _flowers(trunk) for trunk in (None, SQUEEZENET)}
    peer, ours = found["peer"], found["ours"]
    rows = (
        Row("cats and dogs, test accuracy, mean", (100 * statistics.mean(o[2] for o in ours),), "%", True, least=98.0),
        Row("flowers5, test accuracy", (flowers[None],), "%", True),
        Row("flowers5, from SqueezeNet", (flowers[SQUEEZENET],), "%", True),
        Row("plain script: the same trunk", tuple(p[0] for p in peer), peer=True, peak=max(p[1] for p in peer)),
        Row("striate train catsdogs", tuple(o[0] for o in ours), ratio=2.0, peak=max(o[1] for o in ours)),
        Row("the first time, the trunk through the door", (first[0],), peak=first[1]),
    )
    told = "; ".join(f"{kind} " + ", ".join(f"{100 * one[2]:.2f}" for one in f) for kind, f in found.items())
    return Result(rows, (f"striate train {folder}",), (f"Test accuracy on cats and dogs in %: {told}.",))


def _ours(folder: Path, seed: int, place: Path) -> tuple[float, float, float]:
    """Return seconds, peak memory (MB) and test accuracy of one whole process."""
    env = {"STRIATE_CACHE": str(place / "cache")}
    seconds, peak, _ = measured(striate("train", folder, "--seed", seed, "--quiet"), env=env, cwd=place)
    return seconds, peak, finished(place)["accuracy"]["value"]


def _flowers(trunk: str | None) -> float:
    """Return the test accuracy on flowers5 in percent, from a trunk by name or from the default one."""
    said = () if trunk is None else ("--start", trunk, "--data-dir", SHARED / "weights")
    with tempfile.TemporaryDirectory() as name:
        env = {"STRIATE_CACHE": str(Path(name) / "cache")}
        measured(striate("train", SHARED / "flowers5", *said, "--quiet"), env=env, cwd=Path(name))
        return 100 * float(finished(Path(name))["accuracy"]["value"])
