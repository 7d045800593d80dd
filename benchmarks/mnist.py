"""MNIST to 99.2 % test accuracy from a cold process: ours, first and second run, and the Keras example, in turns."""

from benchmarks.machine import SHARED
from benchmarks.table import Result
from benchmarks.to_target import race

# Half an epoch with Muon learns what one does with SGD (docs/defaults.md).
FAST = (
    *("--epochs", 1, "--set", "epoch_share=0.5", "--batch", 64),
    *("--optimiser", "muon", "--lr", 0.085, "--set", "momentum=0.6"),
)


def run(trials: int) -> Result:
    folder = SHARED / "mnist"
    return race(
        ("train", "mnist", "--data-dir", folder, *FAST),
        "keras_mnist.py", folder, target=0.992, trials=trials, ratios=(12.0, 12.0),
    )  # fmt: skip
