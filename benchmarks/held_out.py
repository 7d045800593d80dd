"""A digit held out of MNIST: known against unknown by our score and by the largest softmax, for the default net.

Trained as a person would (one epoch of the fast setting), from an .npz that lacks the digit.
"""

import gzip
import os
import tempfile
from pathlib import Path

import numpy as np
import torch

import striate
from benchmarks.machine import SHARED, machine
from striate.engine.infer import infer
from striate.runs.predictor import Predictor
from striate.tasks.unknown import contrast

DIGITS = [int(digit) for digit in os.environ.get("STRIATE_DIGITS", "2,4,7,9").split(",")]


def idx(name: str, header: int) -> np.ndarray:
    return np.frombuffer(gzip.decompress((SHARED / "mnist" / name).read_bytes()), np.uint8, offset=header)


def main() -> None:
    torch.set_num_threads(1)
    pictures, labels = idx("train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28), idx("train-labels-idx1-ubyte.gz", 8)
    tests, answers = idx("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28), idx("t10k-labels-idx1-ubyte.gz", 8)
    print(machine(), "\n")
    print("| without | AUROC | of the largest softmax | known kept | unknown found |\n|---|---|---|---|---|")
    for digit in DIGITS:
        with tempfile.TemporaryDirectory() as place:
            npz = Path(place, f"without{digit}.npz")
            np.savez(npz, x=pictures[labels != digit], y=labels[labels != digit])
            run = striate.train(striate.Recipe(source=str(npz), epochs=1, batch=64, learning_rate=0.1, threads=1),
                                runs_dir=Path(place, "runs"))  # fmt: skip
            predictor = Predictor.open(run.model_path)
            assert predictor.unknown is not None
            store = Store(np.stack([predictor.preprocess.pixels(picture) for picture in tests]))
            logits, embeddings = infer(predictor.model, store, range(len(tests)), device="cpu")  # type: ignore[arg-type]
            odd = answers == digit
            found = contrast(predictor.unknown, (embeddings[~odd], logits[~odd]), (embeddings[odd], logits[odd]))
        print(
            f"| {digit} | {found.auroc.value:.4f} | {found.softmax_auroc.value:.4f} | {100 * found.kept:.1f} % |"
            f" {100 * found.found:.1f} % |",
            flush=True,
        )


class Store:
    """Pixels that ``infer`` can read: the test pictures, through the model's own preprocessing."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels, self.digests = pixels, ()
