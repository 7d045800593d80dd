"""Boxes, masks and counts by the defaults: the whole process of ``striate train FOLDER`` from a cold cache.

A trial is a seed. ``bccd`` and ``camvid`` have test pictures of their own, ``raccoon`` gets a random fifth to test on,
``membrane`` is cross-validated, and of ``cells-vgg`` each seed draws 32 pictures to train on, 32 to validate and 100 to
test on. CPU time is the process's own clock, threads and what it starts included; beside it stands how far the forecast
was off, said before the training began. STRIATE_SCENES names some.
"""

import csv
import itertools
import json
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import SHARED, finished, striate
from benchmarks.table import Result, Row

SEEDS = 3
COUNTED = {"train": 32, "val": 32, "test": 100}
MEMBRANE = 0  # the class of the thin dark lines between cells, for the peer
UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Scene:
    """A data set: what is said of it beside its name, and the figures of its summary, each with its bar."""

    words: tuple[object, ...]
    figures: dict[str, tuple[Callable[[dict[str, Any]], float], float | None]]
    most: float | None = None  # CPU seconds of each of its ``trainings``
    trainings: int = 1
    links: bool = False  # a folder of links is made of it, of `COUNTED` pictures


def _thin(found: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of the class that fewest pixels are of."""
    return min(found["per_class"], key=lambda one: one["pixels"])


def _mae(name: str) -> Callable[[dict[str, Any]], float]:
    return lambda found: next(one["mae"]["value"] for one in found["counts"] if one["class"] == name)


SCENES = {
    "bccd": Scene(
        (),
        {
            "AP50": (lambda found: found["AP50"], 0.87),
            "AP": (lambda found: found["AP"], 0.55),
            "counts, mean absolute error of Platelets": (_mae("Platelets"), 0.5),
            "counts, mean absolute error of WBC": (_mae("WBC"), 0.12),
            "counts, mean absolute error of RBC": (_mae("RBC"), 2.6),
            "calibration error of scores": (lambda found: found["calibration"]["error"]["value"], 0.03),
        },
        most=180.0,
    ),
    "raccoon": Scene(
        ("--set", "test=0.2"),
        {"AP50": (lambda found: found["AP50"], 0.87), "AP": (lambda found: found["AP"], 0.48)},
        most=180.0,
    ),
    "camvid": Scene((), {"mean IoU": (lambda found: found["headline"]["value"], 0.56)}, most=120.0),
    "membrane": Scene(
        ("--folds", 5),
        {
            "Dice of the membranes, the thin dark class": (lambda found: _thin(found)["dice"]["value"], 0.82),
            "mean IoU": (lambda found: found["headline"]["value"], None),
        },
        most=180.0,
        trainings=6,  # five folds, and the model that is kept
    ),
    "cells-vgg": Scene(
        ("--task", "count"),
        {
            "mean absolute error": (lambda found: found["headline"]["value"], 5.0),
            "bias, its size: an error": (lambda found: abs(found["classes"][0]["bias"]["value"]), 2.0),
            "share of the 90 % intervals that hold the count": (
                lambda found: found["classes"][0]["coverage"]["value"],
                None,
            ),
        },
        most=180.0,
        links=True,
    ),
}


def run(trials: int) -> Result:
    """Train each set once a seed, at least three."""
    seeds = int(os.environ.get("STRIATE_SEEDS", max(trials, SEEDS)))
    names = os.environ.get("STRIATE_SCENES", ",".join(SCENES)).split(",")
    rows: list[Row] = []
    notes: list[str] = []
    for name in names:
        scene = SCENES[name]
        found: dict[str, list[float]] = {figure: [] for figure in scene.figures}
        used, took, off = [], [], []
        for seed in range(seeds):
            summary, cpu, wall, guess = _trained(name, scene, seed)
            for figure, (value, _) in scene.figures.items():
                found[figure].append(float(value(summary)))
            used.append(cpu)
            took.append(wall)
            off.append(None if guess is None else guess / wall)
            said = ", ".join(f"{figure} {values[-1]:.3f}" for figure, values in found.items())
            told = "none" if guess is None else f"{guess:.0f} s"
            print(f"{name}, seed {seed}: {said}; {cpu:.0f} CPU s, {wall:.0f} s, forecast {told}", flush=True)
        for figure, values in found.items():
            bar = scene.figures[figure][1]
            more = "error" not in figure
            most, least = (None, bar) if more else (bar, None)
            rows.append(Row(f"{name}: {figure}", tuple(values), "", more, most=most, least=least))
        each = tuple(cpu / scene.trainings for cpu in used)
        what = "CPU time" if scene.trainings == 1 else f"CPU time of each of its {scene.trainings} trainings"
        rows.append(Row(f"{name}: {what}", each, most=scene.most))
        if name in PEERS:
            peer_rows, note = _peer(name, statistics.median(each))
            rows += peer_rows
            notes.append(note)
        rows.append(Row(f"{name}: time", tuple(took)))
        if all(share is None for share in off):
            notes.append(f"{name}: nothing was forecast, as its net begins from chance.")
        else:
            shares = ", ".join("none" if share is None else f"{share:.2f}" for share in off)
            notes.append(f"{name}: the forecast was {shares} of the time it took.")
    commands = (" ".join(("striate train", str(SHARED / name), *map(str, SCENES[name].words))) for name in names)
    return Result(tuple(rows), tuple(commands), tuple(notes))


def _trained(name: str, scene: Scene, seed: int) -> tuple[dict[str, Any], float, float, float | None]:
    """Return the summary of a run, its CPU seconds, its seconds, and those that it forecast, None where it did not."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        source = _linked(place / name, seed) if scene.links else SHARED / name
        words = striate("train", source, "--seed", seed, *scene.words)
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        env = {**os.environ, "STRIATE_CACHE": str(place / "cache")}
        done = subprocess.run(words, cwd=place, env=env, capture_output=True, text=True, check=True)
        wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        guess = re.search(r"^about ([\d.]+) (s|min|h) ", done.stderr, re.MULTILINE)
        seconds = float(guess[1]) * UNITS[guess[2]] if guess else None
        return finished(place), cpu, wall, seconds


def _linked(folder: Path, seed: int) -> Path:
    """Return a folder of links to pictures of cells, some to train, validate and test on, drawn by the seed."""
    source = SHARED / "cells-vgg"
    with (source / "dots.csv").open(newline="") as file:
        dots = list(csv.DictReader(file))
    names = sorted({dot["file"] for dot in dots})
    random.Random(seed).shuffle(names)
    ends = itertools.accumulate(COUNTED.values(), initial=0)
    part = {
        name: kind for kind, begin in zip(COUNTED, ends, strict=False) for name in names[begin : begin + COUNTED[kind]]
    }
    (folder / "images").mkdir(parents=True)
    for name in part:
        (folder / name).symlink_to(source / name)
    with (folder / "dots.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "x", "y", "split"))
        writer.writerows((dot["file"], dot["x"], dot["y"], part[dot["file"]]) for dot in dots if dot["file"] in part)
    return folder


def _peer(name: str, seconds: float) -> tuple[list[Row], str]:
    """Return what a plain U-Net comes to in so many CPU seconds, and in four times as many, as rows, and its note.

    Of membranes on the first sixth of the pictures, trained on the others.
    """
    times = (seconds, 4 * seconds) if name == "camvid" else (seconds,)
    with tempfile.TemporaryDirectory() as folder:
        pairs = Path(folder) / "pairs.json"
        pairs.write_text(json.dumps(PEERS[name]()))
        script = Path(__file__).parent / "peers" / "torch_unet.py"
        words = [sys.executable, str(script), str(pairs), *map(str, times)]
        env = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    rows = []
    for time_here, one in zip(times, found, strict=True):
        value = one["iou"] if name == "camvid" else one["dice"][MEMBRANE]
        what = "mean IoU" if name == "camvid" else "Dice of the membranes of the first sixth"
        rows.append(Row(f"plain U-Net on {name}, {time_here:.0f} CPU s: {what}", (value,), "", True))
    steps = ", ".join(f"{one['steps']}" for one in found)
    return (
        rows,
        f"{name}: the plain U-Net (peers/torch_unet.py) made {steps} steps between one measurement and the next.",
    )


def _streets() -> dict[str, Any]:
    """Return the pairs of camvid's training and test part, its 11 classes, and that 11 says nothing."""
    parts = {}
    for part in ("train", "test"):
        pictures = sorted((SHARED / "camvid" / part / "images").iterdir())
        masks = sorted((SHARED / "camvid" / part / "masks").iterdir())
        parts[part] = [[str(a), str(b)] for a, b in zip(pictures, masks, strict=True)]
    return {"classes": 11, "ids": {place: place for place in range(11)}, **parts}


def _membranes() -> dict[str, Any]:
    """Return the pairs of the membranes, the first sixth to test on."""
    pictures, masks = (sorted((SHARED / "membrane" / kind).iterdir()) for kind in ("images", "masks"))
    pairs = [[str(a), str(b)] for a, b in zip(pictures, masks, strict=True)]
    cut = len(pairs) // 6
    return {"classes": 2, "ids": {0: MEMBRANE, 255: 1 - MEMBRANE}, "test": pairs[:cut], "train": pairs[cut:]}


PEERS: dict[str, Callable[[], dict[str, Any]]] = {"camvid": _streets, "membrane": _membranes}
