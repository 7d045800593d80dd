"""A digit held out of MNIST: known against unknown by our score and by the largest softmax, for the default net.

Trained as a person would (one epoch of the fast setting), from an .npz that lacks the digit; a trial is a seed.
"""

import gzip
import os
import tempfile
from pathlib import Path

import numpy as np
import torch

import striate
from benchmarks.machine import SHARED
from benchmarks.table import Result, Row
from striate.engine.infer import infer
from striate.runs.predictor import Predictor
from striate.tasks.contrast import contrast

DIGITS = [int(digit) for digit in os.environ.get("STRIATE_DIGITS", "2,4,7,9").split(",")]


def idx(name: str, header: int) -> np.ndarray:
    return np.frombuffer(gzip.decompress((SHARED / "mnist" / name).read_bytes()), np.uint8, offset=header)


def run(trials: int) -> Result:
    torch.set_num_threads(1)
    pictures, labels = idx("train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28), idx("train-labels-idx1-ubyte.gz", 8)
    tests, answers = idx("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28), idx("t10k-labels-idx1-ubyte.gz", 8)
    rows, told = [], []
    for digit in DIGITS:
        found = []
        for seed in range(trials):
            with tempfile.TemporaryDirectory() as place:
                npz = Path(place, f"without{digit}.npz")
                np.savez(npz, x=pictures[labels != digit], y=labels[labels != digit])
                recipe = striate.Recipe(source=str(npz), epochs=1, batch=64, learning_rate=0.1, threads=1, seed=seed)
                predictor = Predictor.open(striate.train(recipe, runs_dir=Path(place, "runs"), progress=False).path)
                assert predictor.unknown is not None
                store = Store(np.stack([predictor.preprocess.pixels(picture) for picture in tests]))
                logits, embeddings = infer(predictor.model, store, range(len(tests)), device="cpu")  # type: ignore[arg-type]
            odd = answers == digit
            found.append(contrast(predictor.unknown, (embeddings[~odd], logits[~odd]), (embeddings[odd], logits[odd])))
            told.append(f"{digit}: {100 * found[-1].kept:.1f} and {100 * found[-1].found:.1f} %")
            print(f"without {digit}, seed {seed}: {found[-1].auroc.value:.4f}", flush=True)
        softmax, ours = (tuple(getattr(one, name).value for one in found) for name in ("softmax_auroc", "auroc"))
        rows.append(Row(f"without {digit}: the largest softmax", softmax, "AUROC", more=True, peer=True))
        rows.append(Row(f"without {digit}: Striate", ours, "AUROC", more=True))
    return Result(
        tuple(rows),
        ("striate train without4.npz --epochs 1 --batch 64 --lr 0.1 --threads 1",),
        ("Known kept and unknown found: " + "; ".join(told) + ".",),
    )


class Store:
    """Pixels that ``infer`` can read: the test pictures, through the model's own preprocessing."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels, self.digests = pixels, ()
