"""Answers from a cold process, in turns with a plain PyTorch script and the same ResNet-18 at 224 px.

One picture, and a folder of 1,000 JPEGs (the first of flowers5) in float32 and int8. Whole processes by the clock,
each with its most resident memory. The model is a run of one epoch over catsdogs, trained first and not timed
(STRIATE_RUN names the folder of one that is there).
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import SHARED, machine, spread

TRIALS = int(os.environ.get("STRIATE_TRIALS", "5"))
FOLDER_TRIALS = int(os.environ.get("STRIATE_FOLDER_TRIALS", "1"))
PICTURES = int(os.environ.get("STRIATE_PICTURES", "1000"))
TRAIN = ["--net", "resnet18", "--size", "224", "--epochs", "1", "--batch", "32", "--quiet"]
PEER = Path(__file__).parent / "peers" / "torch_predict.py"


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        run = Path(os.environ.get("STRIATE_RUN") or _trained(Path(place)))
        weights, classes, mean, std = _as_torch_has_it(run, Path(place, "resnet18.pt"))
        pictures = Path(place, "pictures")
        pictures.mkdir()
        for number, file in enumerate(sorted((SHARED / "flowers5").rglob("*.jpg"))[:PICTURES]):
            (pictures / f"{number:04}.jpg").symlink_to(file)
        one = pictures / "0000.jpg"
        striate = [sys.executable, "-m", "striate.cli", "predict", "--run", str(run), "--no-unknown"]
        peer = [sys.executable, str(PEER), str(weights), str(len(classes))]
        loss = measured([*striate, "--int8", str(one)])[3]  # the first use makes the file and says what it costs
        print(machine(), "\n")
        rows = {
            "a script that imports torch": [*peer, str(one), mean, std],
            "striate predict": [*striate, str(one)],
        }
        _table("one picture", rows, TRIALS, 3)
        rows = {
            "a plain PyTorch script": [*peer, str(pictures), mean, std],
            "striate predict": [*striate, str(pictures)],
            "striate predict --int8": [*striate, "--int8", str(pictures)],
        }
        printed = _table(f"{PICTURES:,} JPEGs", rows, FOLDER_TRIALS, 1)
        print(f"\n{loss.strip().splitlines()[-1]}")
        best = [_best(text, classes) for text in printed.values()]
        for name, other in zip(list(printed)[1:], best[1:], strict=True):
            same = sum(a == b for a, b in zip(best[0], other, strict=True))
            print(f"{name}: the same class as the script for {same:,} of {len(best[0]):,} (it resizes otherwise)")


def _table(title: str, rows: dict[str, list[str]], trials: int, digits: int) -> dict[str, str]:
    """Run commands in turns, print their table, and return what each printed last."""
    seconds: dict[str, list[float]] = {name: [] for name in rows}
    peak, printed = dict.fromkeys(rows, 0.0), {}
    for _ in range(trials):
        for name, command in rows.items():
            took, memory, printed[name], _ = measured(command)
            seconds[name].append(took)
            peak[name] = max(peak[name], memory)
    first = statistics.median(next(iter(seconds.values())))
    print(f"| {title} | seconds | ratio | most resident |\n|---|---|---|---|")
    for name, times in seconds.items():
        ratio = first / statistics.median(times)
        print(f"| {name} | {spread(times, digits=digits)} | {ratio:.1f}x | {peak[name]:.0f} MB |", flush=True)
    print()
    return printed


def measured(command: list[str]) -> tuple[float, float, str, str]:
    """Run a command by itself: seconds, most resident MB of the largest process, what it printed, and its errors."""
    # A child of a child: the system keeps one figure for all children that have ended.
    code = (
        "import subprocess, sys, resource, time; began = time.perf_counter();"
        "done = subprocess.run(sys.argv[1:], check=True); took = time.perf_counter() - began;"
        "print(took, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    errors, _, last = done.stderr.rstrip().rpartition("\n")
    took, kilobytes = last.split()
    return float(took), int(kilobytes) / 1024, done.stdout, errors


def _best(text: str, classes: tuple[str, ...]) -> list[str]:
    """Return the number of the class that each line names first; the script prints numbers."""
    numbers = {name: str(number) for number, name in enumerate(classes)}
    found = [re.search(r"\.jpg +(?:\d\.\d+ )?(\w+)", line) for line in text.splitlines()]
    return [numbers.get(match[1], match[1]) for match in found if match]


def _trained(place: Path) -> Path:
    print("training the model ...", flush=True)
    command = [sys.executable, "-m", "striate.cli", "train", str(SHARED / "catsdogs"), *TRAIN]
    subprocess.run(command, cwd=place, check=True, env={**os.environ, "STRIATE_CACHE": str(place / "cache")})
    return next((place / "runs").glob("catsdogs-*"))


def _as_torch_has_it(run: Path, target: Path) -> tuple[Path, tuple[str, ...], str, str]:
    """Write the run's weights under the names of the script's net, as torch.save writes them."""
    import torch

    from striate.model.weights import read

    tensors, facts = read(run / "model.safetensors")
    theirs = {_theirs(name): tensor for name, tensor in tensors.items() if not name.startswith(("input.", "unknown."))}
    torch.save(theirs, target)
    mean, std = (",".join(str(number) for number in facts.preprocess[key]) for key in ("mean", "std"))
    return target, facts.classes, mean, std


def _theirs(name: str) -> str:
    """Return ``layer2.0.downsample.0.weight`` for ``stage2.1.shortcut.conv1.weight``."""
    name = name.removeprefix("stem.").replace("head.", "fc.").replace("batchnorm", "bn").replace(".body.", ".")
    name = name.replace("shortcut.conv1", "downsample.0").replace("shortcut.bn1", "downsample.1")
    return re.sub(r"^stage(\d)\.(\d)", lambda found: f"layer{found[1]}.{int(found[2]) - 1}", name)
