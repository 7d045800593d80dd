"""Why objects of the test pictures of blood cells were missed: how many by each cause, as ``look --missed`` tells it.

By the defaults; a trial is a seed. STRIATE_RUN names the folder of a run that is there, which is asked in its place.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path

import torch

from benchmarks.machine import SHARED, measured, striate
from benchmarks.table import Result, Row
from striate.runs.run import RunDirectory
from striate.tasks.box_rows import truths
from striate.tasks.boxes import Boxes
from striate.tasks.missed import missed_rows
from striate.verbs.asked_places import Asked, wanted
from striate.verbs.learnt_from import labelled
from striate.verbs.probe import Network, open_probe

TRAIN = ("train", SHARED / "bccd", "--quiet")


def run(trials: int) -> Result:
    """Ask about every missed object of every test picture."""
    torch.set_num_threads(1)
    there = os.environ.get("STRIATE_RUN")
    counts = [causes(Path(there))] if there else [_trained(seed) for seed in range(trials)]
    rows = [
        Row(what, tuple(float(one[what]) for one in counts), "objects")
        for what in sorted({cause for one in counts for cause in one}, key=lambda what: -counts[0][what])
    ]
    return Result(tuple(rows), ("striate train DATA/bccd", "striate look PICTURE --missed N"))


def causes(run: Path) -> Counter[str]:
    """Return how many objects of a run's test pictures are labelled, and how many are missed, by each cause."""
    opened, found = RunDirectory(run), Counter[str]()
    folder = Path(opened.source()["location"])
    network = Network(model=run / "model.safetensors")
    for key in opened.split()["test"]:
        picture = folder / key
        probe, labels = open_probe(picture, network), labelled(picture, network)
        assert labels is not None
        with torch.no_grad():
            output = probe.model(probe.inputs)[0].numpy()
        (answer,) = probe.task.decode({probe.task.output: output[None]}, probe.labels, probe.learnt)
        answer = answer.in_picture(probe.frame)
        assert isinstance(answer, Boxes)
        truth = truths(labels.values)[0]
        found["labelled"] += int((~truth.ignored).sum())
        for number in range(1, len(missed_rows(answer, truth)) + 1):
            one = wanted(probe, answer, Asked(missed=number), picture, network)
            cause = probe.task.missed(output, probe.labels, probe.learnt, one, probe.frame).cause
            found[f"missed: {cause}"] += 1
    print(dict(found), flush=True)
    return found


def _trained(seed: int) -> Counter[str]:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        measured(striate(*TRAIN, "--seed", seed), env={"STRIATE_CACHE": str(place / "cache")}, cwd=place)
        return causes(next((place / "runs").glob("bccd-*")))
