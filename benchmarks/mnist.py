"""MNIST to 99.2 % test accuracy from a cold process: ours, first and second run, and the Keras example, in turns."""

from benchmarks.machine import SHARED
from benchmarks.table import Result
from benchmarks.to_target import race

FAST = ("--recipe", "mnist-speedrun")


def run(trials: int) -> Result:
    folder = SHARED / "mnist"
    return race(
        ("train", "mnist", "--data-dir", folder, *FAST),
        "keras_mnist.py", folder, target=0.992, trials=trials, ratios=(12.0, 12.0),
    )  # fmt: skip
