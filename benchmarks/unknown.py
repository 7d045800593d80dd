"""None of these: how well a held-out class is told from known ones, by several scores, over many small nets.

Each row is one score, its AUROC over all nets. Each net is trained on 6,000 pictures of MNIST for two epochs, without
one digit: every digit, two kinds of net, with label smoothing 0 and 0.1, about 8 seconds a net on one core. "Striate"
is what `fit_ood` does; every score is fitted without the held-out digit. STRIATE_DIGITS names fewer digits.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.machine import SHARED
from benchmarks.table import Result, Row
from striate.metrics.classification import auroc
from striate.metrics.probability import log_softmax
from striate.tasks.calibrate import fit_temperature
from striate.tasks.ood import fit_ood

DIGITS = [int(digit) for digit in os.environ.get("STRIATE_DIGITS", "0,1,2,3,4,5,6,7,8,9").split(",")]
PICTURES, EPOCHS = 6000, 2


def idx(path: Path) -> np.ndarray:
    data = gzip.decompress(path.read_bytes())
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def small() -> tuple[nn.Module, int]:
    def block(before: int, after: int) -> list[nn.Module]:
        return [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]

    pool = nn.MaxPool2d(2)
    return nn.Sequential(
        *block(1, 24), pool, *block(24, 48), pool, *block(48, 96), nn.AdaptiveMaxPool2d(1), nn.Flatten()
    ), 96


def lenet() -> tuple[nn.Module, int]:
    layers = [nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU()]
    layers += [nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU()]
    return nn.Sequential(*layers), 84


def trained(kind, rate, inputs, targets, *, smoothing: float, epochs: int, seed: int) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(seed)
    body, width = kind()
    head = nn.Linear(width, 9)
    optimiser = torch.optim.AdamW([*body.parameters(), *head.parameters()], lr=rate, weight_decay=0.05)
    steps = epochs * -(-len(inputs) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(inputs)).split(64):
            down, right = torch.randint(0, 5, (2,)).tolist()
            moved = functional.pad(inputs[rows], (2,) * 4, mode="replicate")[:, :, down : down + 28, right : right + 28]
            optimiser.zero_grad()
            functional.cross_entropy(head(body(moved)), targets[rows], label_smoothing=smoothing).backward()
            optimiser.step()
            schedule.step()
    return body.eval(), head.eval()


def scores(train, train_targets, val, temperature) -> dict[str, object]:
    """Return name -> function of (embeddings, logits), higher is stranger; ``train`` and ``val`` are such pairs."""

    def shrunk(rows: np.ndarray) -> np.ndarray:  # Ledoit and Wolf 2004
        n, d = rows.shape
        covariance = rows.T @ rows / n
        mean = np.trace(covariance) / d
        apart = ((covariance - mean * np.eye(d)) ** 2).sum()
        noise = min(apart, (((rows**2).T @ rows**2 / n - covariance**2).sum()) / n)
        return np.linalg.inv((1 - noise / apart) * covariance + noise / apart * mean * np.eye(d))

    embeddings = train[0].astype(float)
    means = np.stack([embeddings[train_targets == k].mean(0) for k in range(9)])
    within, whole = shrunk(embeddings - means[train_targets]), shrunk(embeddings - embeddings.mean(0))
    middle = embeddings.mean(0)

    def mahalanobis(e, _):
        return np.min([np.einsum("nd,de,ne->n", e - m, within, e - m) for m in means], axis=0)

    unknown = fit_ood(train[0], train_targets, *val, temperature=temperature)
    from striate.tasks.known_distance import log_distance, unit
    from striate.tasks.ood import _log_indecision

    return {
        "largest softmax": lambda _, z: -log_softmax(z, temperature).max(axis=1),
        "entropy": lambda _, z: -(np.exp(log_softmax(z, temperature)) * log_softmax(z, temperature)).sum(axis=1),
        "energy": lambda _, z: -np.logaddexp.reduce(z.astype(float) / temperature, axis=1),
        "generalised entropy": lambda _, z: _log_indecision(z.astype(float), temperature),
        "5 nearest": lambda e, _: log_distance(unit(e), unknown.stored),
        "Mahalanobis": mahalanobis,
        "relative Mahalanobis": lambda e, z: (
            mahalanobis(e, z) - np.einsum("nd,de,ne->n", e - middle, whole, e - middle)
        ),
        "Striate": unknown.score,
    }


def run(trials: int) -> Result:
    """Run once, whatever ``trials`` says: the nets are the trials."""
    torch.set_num_threads(1)
    folder = SHARED / "mnist"
    pictures, labels = (idx(folder / f"train-{name}-ubyte.gz") for name in ("images-idx3", "labels-idx1"))
    tests, answers = (idx(folder / f"t10k-{name}-ubyte.gz") for name in ("images-idx3", "labels-idx1"))
    found: dict[str, list[float]] = {}
    for digit in DIGITS:
        for kind, rate, smoothing in ((k, r, s) for k, r in ((small, 5e-3), (lenet, 2e-3)) for s in (0.0, 0.1)):
            order = np.random.default_rng(digit).permutation(np.flatnonzero(labels != digit))
            fit, val = order[:PICTURES], order[PICTURES : PICTURES * 9 // 8]

            def tensor(rows: np.ndarray) -> torch.Tensor:
                return torch.from_numpy((rows[:, None].astype(np.float32) - 33) / 78)

            numbers = labels.astype(np.int64) - (labels > digit)
            body, head = trained(
                kind, rate, tensor(pictures[fit]), torch.from_numpy(numbers[fit]),
                smoothing=smoothing, epochs=EPOCHS, seed=digit,
            )  # fmt: skip

            def answered(rows: np.ndarray, body=body, head=head) -> tuple[np.ndarray, np.ndarray]:
                with torch.no_grad():
                    embeddings = torch.cat([body(part) for part in tensor(rows).split(1000)])
                    return embeddings.numpy(), head(embeddings).numpy()

            seen = answered(pictures[val])
            temperature = fit_temperature(seen[1], numbers[val])
            known, strange = answered(tests[answers != digit]), answered(tests[answers == digit])
            which = np.arange(len(known[0]) + len(strange[0])) >= len(known[0])
            for name, score in scores(answered(pictures[fit]), numbers[fit], seen, temperature).items():
                value = auroc(np.concatenate([score(*known), score(*strange)]), which).value
                found.setdefault(name, []).append(value)
            print(
                f"without {digit}, {kind.__name__}, smoothing {smoothing}: softmax {found['largest softmax'][-1]:.4f}, "
                f"Striate {found['Striate'][-1]:.4f}",
                flush=True,
            )
    base = np.array(found.pop("largest softmax"))
    rows = [Row("largest softmax", tuple(base), "AUROC", more=True, peer=True)]
    told = [f"Mean of the largest softmax {base.mean():.4f}."]
    for name, values in sorted(found.items(), key=lambda entry: -np.mean(entry[1])):
        gain = np.array(values) - base
        rows.append(Row(name, tuple(values), "AUROC", more=True))
        told.append(f"{name}: {np.mean(values):.4f}, better for {(gain > 0).sum()}, worst gain {gain.min():+.4f}.")
    return Result(tuple(rows), notes=(" ".join(told),))
