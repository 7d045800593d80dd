"""Answers from a cold process, in turns with plain scripts and the same ResNet-18 at 224 pixels.

One picture, beside scripts that import torch and Keras, and a folder of 1,000 JPEGs (the first of flowers5), in float32
and int8, beside a plain PyTorch script. Whole processes. The model is a run over two classes drawn for it, which it
tells apart, trained first and not timed (STRIATE_RUN names the folder of one that is there).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import limit
from benchmarks.machine import SHARED, measured, peer, striate
from benchmarks.memory import make
from benchmarks.table import Result, Row

PICTURES = 1000
ONE = 5  # trials of one picture, at least
NUMBER, SIZE = 480, 224
TRAIN = ("--net", "resnet18", "--size", SIZE, "--epochs", 2, "--batch", 16, "--augment", "none", "--quiet")
SCRIPTS = Path(__file__).parent / "peers"
Found = dict[str, list[tuple[float, float, str]]]


def run(trials: int) -> Result:
    keras = peer("striate-bench-keras", "tensorflow-cpu", "keras", variable="STRIATE_KERAS")
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        model = Path(os.environ.get("STRIATE_RUN") or _trained(place))
        weights, classes, mean, std = _as_torch_has_it(model, place / "resnet18.pt")
        folder = place / "pictures"
        folder.mkdir()
        for number, file in enumerate(sorted((SHARED / "flowers5").rglob("*.jpg"))[:PICTURES]):
            (folder / f"{number:04}.jpg").symlink_to(file)
        first = folder / "0000.jpg"
        ours = striate("predict", "--run", model, "--no-unknown")
        torch = [sys.executable, str(SCRIPTS / "torch_predict.py"), str(weights), str(len(classes))]
        # The first use makes the file and says what it costs.
        told = subprocess.run([*ours, "--int8", str(first)], check=True, capture_output=True, text=True).stderr
        singles = _in_turns(max(trials, ONE), {
            "keras": [keras, str(SCRIPTS / "keras_predict.py"), str(len(classes)), str(first)],
            "torch": [*torch, str(first), mean, std],
            "ours": [*ours, str(first)],
        })  # fmt: skip
        folders = _in_turns(trials, {
            "torch": [*torch, str(folder), mean, std],
            "ours": [*ours, str(folder)],
            "int8": [*ours, "--int8", str(folder)],
        })  # fmt: skip
        rates = [limit.rates()["float32"] for _ in range(trials)]
    best = {kind: _best(found[-1][2], classes) for kind, found in folders.items()}
    same = {kind: sum(a == b for a, b in zip(best["torch"], best[kind], strict=True)) for kind in ("ours", "int8")}
    arithmetic = operations() * PICTURES / 1e9 / max(rates)  # the fastest of all trials: a busy minute is no limit
    share = tuple(100 * arithmetic / seconds for seconds, *_ in folders["ours"])
    one, many = "one picture", f"{PICTURES:,} JPEGs"
    return Result(
        (
            _row(f"{one}: a script that imports Keras", singles["keras"], peer=True),
            _row(f"{one}: striate predict, beside Keras", singles["ours"], ratio=5.0, most=0.6),
            _row(f"{one}: a script that imports torch", singles["torch"], peer=True),
            _row(f"{one}: striate predict, beside torch", singles["ours"], ratio=5.0, most=0.6),
            Row(f"{one}: its most resident memory", tuple(found[1] for found in singles["ours"]), "MB", most=150.0),
            _row(f"{many}: a plain PyTorch script", folders["torch"], peer=True),
            _row(f"{many}: striate predict", folders["ours"], ratio=2.0),
            _row(f"{many}: striate predict --int8", folders["int8"], ratio=3.0),
            Row(f"{many}: their multiply-accumulates alone, by the fastest kernel there is", (arithmetic,)),
            Row(f"{many}: the share of that in float32", share, "%", more=True, ceiling=100.0),
        ),
        ("striate predict --no-unknown pictures [--int8]",),
        (
            f"The class is the script's for {same['ours']:,} of {PICTURES:,}, in int8 for {same['int8']:,} (it"
            " resizes otherwise).",
            f"{told.strip().splitlines()[-1]}.",
        ),
    )


def _in_turns(trials: int, commands: dict[str, list[str]]) -> Found:
    """Run commands in turns; return seconds, most resident MB and what was printed, a trial."""
    found: Found = {kind: [] for kind in commands}
    for trial in range(trials):
        for kind, command in commands.items():
            found[kind].append(measured(command, env={"TF_CPP_MIN_LOG_LEVEL": "3"}))
        print(f"trial {trial + 1}: " + ", ".join(f"{kind} {f[-1][0]:.2f} s" for kind, f in found.items()), flush=True)
    return found


def _row(what: str, found: list[tuple[float, float, str]], **more: float) -> Row:
    return Row(what, tuple(one[0] for one in found), peak=max(one[1] for one in found), **more)


def operations() -> float:
    """Return the operations of an answer, two a multiply-accumulate."""
    from striate import nets

    return 2.0 * nets.resolve("resnet18").with_classes(2).on(3, SIZE, SIZE).macs


def _best(text: str, classes: tuple[str, ...]) -> list[str]:
    """Return the number of the class that each line names first; the script prints numbers."""
    numbers = {name: str(number) for number, name in enumerate(classes)}
    found = [re.search(r"\.jpg +(?:\d\.\d+ )?(\w+)", line) for line in text.splitlines()]
    return [numbers.get(match[1], match[1]) for match in found if match]


def _trained(place: Path) -> Path:
    print("training the model ...", flush=True)
    make(place / "drawn", NUMBER)
    measured(striate("train", place / "drawn", *TRAIN), env={"STRIATE_CACHE": str(place / "cache")}, cwd=place)
    return next((place / "runs").glob("drawn-*"))


def _as_torch_has_it(run: Path, target: Path) -> tuple[Path, tuple[str, ...], str, str]:
    """Write the run's weights under the names of the script's net, as torch.save writes them."""
    import torch

    from striate.model.files.weights import read

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
