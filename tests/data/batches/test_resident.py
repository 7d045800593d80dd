"""Pictures on a device give the batches that the loader gives, and a training of them the same weights."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch

from striate.data.batches.loader import batches
from striate.data.batches.resident import resident, sent

CPU = torch.device("cpu")


def test_batches_are_those_of_the_loader() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (37, 5, 4, 3), np.uint8)
    targets = np.arange(37)
    store = SimpleNamespace(pixels=pixels, digests=())
    there = sent(pixels, targets, CPU)
    for how in ({}, {"skip": 2, "even": True}, {"shuffle": True, "seed": 3, "epoch": 1}, {"skip": 99}):
        pairs = [
            list(batches(store, targets, range(3, 37), batch_size=8, resident=place, **how)) for place in (None, there)
        ]
        assert len(pairs[0]) == len(pairs[1])
        for one, other in zip(*pairs, strict=True):
            assert torch.equal(one.pixels, other.pixels) and torch.equal(one.targets, other.targets)
            assert one.items.tolist() == other.items.tolist()
            assert other.pixels.is_contiguous(memory_format=torch.channels_last)


def test_only_a_gpu_with_room_takes_them(monkeypatch) -> None:
    pixels, targets = np.zeros((10, 8, 8, 3), np.uint8), np.zeros(10, np.int64)
    assert resident(pixels, targets, CPU) is None
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (4 * pixels.nbytes - 1, 10**9))
    assert resident(pixels, targets, torch.device("cuda")) is None
