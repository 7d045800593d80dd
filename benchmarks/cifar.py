"""`cifar10-folder` from raw JPEGs to 66.7 % test accuracy, what the Keras tutorial's CNN reaches in 15 epochs."""

from benchmarks.machine import SHARED
from benchmarks.table import Result
from benchmarks.to_target import race

FAST = (
    *("--net", "tiny", "--epochs", 2, "--batch", 128, "--optimiser", "muon", "--lr", 0.24, "--augment", "none"),
    *("--set", "momentum=0.6", "--set", "whiten=true", "--set", "label_smoothing=0.2"),
)


def run(trials: int) -> Result:
    folder = SHARED / "cifar10-folder"
    return race(
        ("train", folder, *FAST), "keras_cifar.py", folder, target=0.667, trials=trials, ratios=(4.0, 5.0)
    )  # fmt: skip
