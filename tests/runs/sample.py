"""Small runs for the tests of this room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from striate.runs.run import RunDirectory


def create(runs: Path, stem: str = "pets", **options: Any) -> RunDirectory:
    return RunDirectory.create(
        runs, stem, "epochs = 3\n", source={"name": stem}, environment={"python": "3.11"}, **options
    )


def line(epoch: int) -> dict[str, Any]:
    return {"index": epoch, "val_loss": 1 / epoch}


def weights(epoch: int) -> dict[str, torch.Tensor]:
    return {
        "weights.conv1.weight": torch.full((3, 2), float(epoch)),
        "optimiser.conv1.weight.exp_avg": torch.linspace(0, epoch, 7).to(torch.bfloat16),
        "sums": torch.tensor([epoch, 2.0], dtype=torch.float64),
        "nothing": torch.empty(0, 4),
    }


def fill(run: RunDirectory, *epochs: int) -> RunDirectory:
    for epoch in epochs:
        run.append(line(epoch))
        run.checkpoint(weights(epoch), {"epochs_done": epoch})
    return run
