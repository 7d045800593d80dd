"""How well strangers are told over the features of the default trunk: whole photo sets as strangers to each other.

Each of catsdogs, flowers5 and raccoon is what is known, and each other set, imagenet-sample too, what is strange to it
(imagenet-sample cannot be known: it has one picture of each of its classes). What is known is learnt from half of a
set's pictures (every second one, of at most 1,000) as `striate train` learns it, and the other half is asked beside the
strangers. AUROC is the chance that a stranger is scored stranger than a known picture.
"""

import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import SHARED
from benchmarks.table import Result, Row
from striate.metrics.classification import auroc
from striate.runs.predictor import Predictor
from striate.tasks.frozen import fit_frozen
from striate.verbs.start import USUAL
from striate.verbs.weights import open_weights

BAR = 0.97
MOST = 1000  # pictures of a set
KNOWN = ("catsdogs", "flowers5", "raccoon")


def run(trials: int) -> Result:
    sets = {name: _features(name) for name in (*KNOWN, "imagenet-sample")}
    areas, rows, notes = [], [], []
    for name in KNOWN:
        features, targets = sets[name]
        known = fit_frozen(features[::2], targets[::2])
        usual = known.score(features[1::2], np.zeros((len(features[1::2]), 2)))
        for other in sets:
            if other == name:
                continue
            strange = known.score(sets[other][0], np.zeros((len(sets[other][0]), 2)))
            which = np.arange(len(usual) + len(strange)) >= len(usual)
            areas.append(auroc(np.concatenate([usual, strange]), which).value)
            assert known.threshold is not None
            found, lost = (float((scores > known.threshold).mean()) for scores in (strange, usual))
            rows.append(Row(f"{name}, strangers {other}: AUROC", (areas[-1],), "", more=True))
            notes.append(f"{name} and {other}: {100 * found:.0f} % found at {100 * lost:.0f} % of the known.")
        notes.append(f"{name}, by its own classes: {known.skill or 'one class alone, not measured'}.")
        print(f"{name}: {areas[-3:]}", flush=True)
    mean = Row("mean AUROC over all pairs", (statistics.mean(areas),), "", more=True, least=BAR)
    return Result((mean, *rows), (), (" ".join(notes),))


def _features(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the features (N, D) of at most `MOST` pictures of a set, evenly chosen, and their classes."""
    folder: Path = SHARED / name
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    files = files[:: -(-len(files) // MOST)]
    predictor = Predictor.open(open_weights(USUAL), onnx=False)
    pictures = replace(predictor.preprocess, crop_share=1.0, resize="stretch")
    model, made = predictor.model.eval().to(memory_format=torch.channels_last), []
    with torch.no_grad():
        for begin in range(0, len(files), 8):
            pixels = np.stack([pictures.pixels(file.read_bytes()) for file in files[begin : begin + 8]])
            made.append(model.embed(model.normalise(torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy())))[1])
    _, targets = np.unique([file.parent.name for file in files], return_inverse=True)
    return torch.cat(made).numpy(), targets
