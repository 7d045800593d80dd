"""Boxes, masks and counts by the defaults: the whole process of ``striate train FOLDER`` from a cold cache.

A trial is a seed. ``bccd`` and ``camvid`` have test pictures of their own, ``raccoon`` gets a random fifth to test on,
``membrane`` six of its thirty, ``cells-vgg`` half. CPU time is the process's own clock, threads and what it starts
included; beside it stands how far the forecast was off, said before the training began. STRIATE_SCENES names some.
"""

import os
import re
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import SHARED, finished, striate
from benchmarks.table import Result, Row

SEEDS = 3
UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Scene:
    """A data set: what is said of it beside its name, and the figures of its summary, each with its bar."""

    words: tuple[object, ...]
    figures: dict[str, tuple[Callable[[dict[str, Any]], float], float | None]]


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
    ),
    "raccoon": Scene(
        ("--set", "test=0.2"),
        {"AP50": (lambda found: found["AP50"], 0.87), "AP": (lambda found: found["AP"], 0.48)},
    ),
    "camvid": Scene((), {"mean IoU": (lambda found: found["headline"]["value"], 0.56)}),
    "membrane": Scene(("--set", "test=0.2"), {"mean IoU": (lambda found: found["headline"]["value"], None)}),
    "cells-vgg": Scene(
        ("--task", "count", "--set", "val=0.1", "--set", "test=0.5"),
        {"mean absolute error": (lambda found: found["headline"]["value"], 5.0)},
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
            off.append(guess / wall)
            said = ", ".join(f"{figure} {values[-1]:.3f}" for figure, values in found.items())
            print(f"{name}, seed {seed}: {said}; {cpu:.0f} CPU s, {wall:.0f} s, forecast {guess:.0f} s", flush=True)
        for figure, values in found.items():
            bar = scene.figures[figure][1]
            more = "error" not in figure
            most, least = (None, bar) if more else (bar, None)
            rows.append(Row(f"{name}: {figure}", tuple(values), "", more, most=most, least=least))
        rows.append(Row(f"{name}: CPU time", tuple(used)))
        rows.append(Row(f"{name}: time", tuple(took)))
        notes.append(f"{name}: the forecast was {', '.join(f'{share:.2f}' for share in off)} of the time it took.")
    return Result(tuple(rows), tuple(f"striate train DATA/{name}" for name in names), tuple(notes))


def _trained(name: str, scene: Scene, seed: int) -> tuple[dict[str, Any], float, float, float]:
    """Return the summary of a run, its CPU seconds, its seconds, and the seconds that it forecast."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        words = striate("train", SHARED / name, "--seed", seed, *scene.words)
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        env = {**os.environ, "STRIATE_CACHE": str(place / "cache")}
        done = subprocess.run(words, cwd=place, env=env, capture_output=True, text=True, check=True)
        wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        guess = re.search(r"^about ([\d.]+) (s|min|h) ", done.stderr, re.MULTILINE)
        seconds = float(guess[1]) * UNITS[guess[2]] if guess else float("nan")
        return finished(place), cpu, wall, seconds
