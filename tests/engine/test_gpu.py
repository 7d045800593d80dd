"""What only a GPU can show: that no update waits for it, and that what it learns is what a CPU learns."""

from __future__ import annotations

import pytest
import torch

from striate.engine import step
from striate.engine.fit import _batches, fit

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")


@pytest.mark.parametrize("augment", ["none", "light", "standard", "strong"])
def test_no_update_waits_for_the_device(make, augment):
    training = make(device="cuda", augment=augment, flip=augment != "none", optimiser="muon", ema=0.9)
    training.train_mode()
    stream = _batches(training)
    assert training.resident is not None and step.update(training, next(stream))  # the first makes its buffers
    torch.cuda.set_sync_debug_mode("error")
    try:
        for batch in stream:
            assert step.update(training, batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_it_learns_what_a_cpu_learns(make, toy):
    losses = []
    for device in ("cpu", "cuda"):
        training = make(device=device, net=toy.body(dropout=0.0))
        losses.append([epoch.train_loss for epoch in fit(training)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
