"""Calibration error before and after, over small folders: 60 to 400 pictures of flowers5, catsdogs and cifar10-folder.

Each is cross-validated as `striate train` does it; the temperature is fitted to its out-of-fold answers, and the
calibration error measured on the pictures that were not drawn, with the model that is kept: before, at a temperature of
1, and after. flowers5 and catsdogs are heads on published weights' features, cifar10-folder small nets from chance.
Afterwards it must be lower in the mean, and in no case more than 3 points higher: the run fails otherwise.
"""

import os

import numpy as np

from benchmarks.small_folders import Drawn, drawn_heads, drawn_nets, features_of, pictures_of
from benchmarks.table import Result, Row
from striate.metrics.probability import softmax
from striate.metrics.reliability import reliability
from striate.tasks.calibrate import HEAD_SPREAD, SPREAD, fit_temperature

SIZES = tuple(int(size) for size in os.environ.get("STRIATE_SIZES", "60,120,240,400").split(","))
SEEDS = int(os.environ.get("STRIATE_SEEDS", "3"))
NET = "conv 16 3x3 pad 1 no bias >> batchnorm >> relu >> maxpool 2 >> conv 32 3x3 pad 1 no bias >> batchnorm >> relu"
NET += " >> maxpool 2 >> conv 64 3x3 pad 1 no bias >> batchnorm >> relu >> globalavgpool >> flatten >> dense"
EPOCHS = 20
WORST = 0.03


def run(trials: int) -> Result:
    """Run once, whatever ``trials`` says: the folders are the trials."""
    pairs: list[tuple[float, float]] = []
    notes, rows = [], []
    kinds = [(name, features_of(name), HEAD_SPREAD) for name in ("flowers5", "catsdogs")]
    kinds += [("cifar10-folder", pictures_of("cifar10-folder", net=NET, epochs=EPOCHS), SPREAD)]
    for name, large, spread in kinds:
        draw = drawn_nets if name == "cifar10-folder" else drawn_heads
        for size in SIZES:
            found = [_errors(draw(large, size, seed), spread) for seed in range(SEEDS)]
            pairs += found
            rows.append(Row(f"{name}, {size} pictures: before", tuple(one[0] for one in found), "", peer=True))
            rows.append(Row(f"{name}, {size} pictures: after", tuple(one[1] for one in found), ""))
            print(name, size, *(f"{100 * a:.1f} -> {100 * b:.1f} %" for a, b in found), flush=True)
    before, after = np.array(pairs).T
    notes.append(
        f"{len(pairs)} folders: calibration error {100 * before.mean():.2f} % before and {100 * after.mean():.2f} %"
        f" after in the mean; at worst {100 * (after - before).max():+.1f} points."
    )
    print(notes[-1], flush=True)
    if after.mean() >= before.mean() or (after - before).max() > WORST:
        raise SystemExit(notes[-1])
    return Result(tuple(rows), (), tuple(notes))


def _errors(drawn: Drawn, spread: float) -> tuple[float, float]:
    """Return the calibration error on the rest, before and after."""
    temperature = fit_temperature(drawn.logits, drawn.targets, spread=spread)
    return tuple(_error(softmax(drawn.rest_logits, t), drawn.rest_targets) for t in (1.0, temperature))  # type: ignore


def _error(probabilities: np.ndarray, targets: np.ndarray) -> float:
    gaps = [
        one.pictures * abs(one.accuracy.value - one.confidence)
        for one in reliability(probabilities, targets)
        if one.accuracy is not None and one.confidence is not None
    ]
    return sum(gaps) / len(targets)
