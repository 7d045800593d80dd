"""Loader: every row once, in an order of (seed, epoch, item) alone, without waiting and without leaking threads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.data.batches import loader
from striate.data.batches.augment import named
from striate.data.batches.loader import batches, order, steps
from striate.data.store.store import Store
from striate.errors import DataError


def _store(number=50, height=4, width=5, channels=3):
    pixels = np.random.default_rng(0).integers(0, 256, (number, height, width, channels), dtype=np.uint8)
    pixels.flags.writeable = False
    return Store(pixels, tuple(bytes([i % 256]) * 16 for i in range(number))), np.arange(number) % 7


def _threads():
    return [thread for thread in threading.enumerate() if thread.name == "striate-loader"]


cases = st.fixed_dictionaries(
    {
        "batch_size": st.integers(1, 60),
        "shuffle": st.booleans(),
        "even": st.booleans(),
        "seed": st.integers(0, 2**63 - 1),
        "epoch": st.integers(0, 100),
        "prefetch": st.integers(0, 3),
    }
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.integers(0, 49), max_size=50, unique=True), case=cases)
def test_every_row_exactly_once(rows, case):
    store, targets = _store()
    made = list(batches(store, targets, rows, **case))
    items = [item for batch in made for item in batch.items]
    assert len(made) == steps(len(rows), batch_size=case["batch_size"])
    sizes = [len(batch.items) for batch in made]
    assert max(sizes, default=0) <= case["batch_size"]
    if case["even"]:
        assert max(sizes, default=0) - min(sizes, default=0) <= 1
    else:
        assert all(size == case["batch_size"] for size in sizes[:-1])
    expected = list(order(rows, seed=case["seed"], epoch=case["epoch"])) if case["shuffle"] else rows
    assert sorted(expected) == sorted(rows)
    assert items == expected
    for batch in made:
        assert torch.equal(batch.pixels, torch.from_numpy(store.pixels[batch.items]).permute(0, 3, 1, 2))
        assert batch.targets.tolist() == [item % 7 for item in batch.items]
    assert not _threads()


@settings(max_examples=40, deadline=None)
@given(number=st.integers(0, 50), case=cases)
def test_all_batches_the_same_leave_out_fewer_pictures_than_there_are_batches(number, case):
    store, targets = _store()
    made = list(batches(store, targets, range(number), same=True, **case))
    sizes = {len(batch.items) for batch in made}
    assert len(made) == steps(number, batch_size=case["batch_size"]) and len(sizes) <= 1
    items = [item for batch in made for item in batch.items]
    expected = list(order(range(number), seed=case["seed"], epoch=case["epoch"])) if case["shuffle"] else range(number)
    assert items == list(expected)[: len(items)] and number - len(items) < max(1, len(made))


@settings(max_examples=40, deadline=None)
@given(number=st.integers(0, 50), skip=st.integers(0, 12), case=cases)
def test_skipping_gives_exactly_the_rest(number, skip, case):
    store, targets = _store()
    whole = list(batches(store, targets, range(number), **case))
    rest = list(batches(store, targets, range(number), skip=skip, **case))
    assert len(rest) == max(0, len(whole) - skip)
    for one, other in zip(whole[skip:], rest, strict=True):
        assert np.array_equal(one.items, other.items) and torch.equal(one.pixels, other.pixels)


def test_what_a_batch_is():
    store, targets = _store()
    batch = next(batches(store, targets, range(50), batch_size=8))
    assert batch.pixels.shape == (8, 3, 4, 5) and batch.pixels.dtype == torch.uint8
    assert batch.pixels.is_contiguous(memory_format=torch.channels_last)
    assert batch.targets.dtype == torch.int64 and batch.items.dtype == np.int64
    batch.pixels[:] = 0  # the consumer's own: the store behind it stays
    assert store.pixels[:8].any()


def test_orders_differ_by_seed_and_epoch_and_by_nothing_else():
    one = order(range(1000), seed=1, epoch=1)
    assert np.array_equal(one, order(range(999, -1, -1), seed=1, epoch=1))
    assert (one == order(range(1000), seed=1, epoch=2)).sum() < 10
    assert (one == order(range(1000), seed=2, epoch=1)).sum() < 10
    # A picture more moves no two others past each other.
    assert [i for i in order(range(1001), seed=1, epoch=1) if i != 1000] == one.tolist()


def test_stopping_early_ends_the_thread():
    store, targets = _store()
    before = len(_threads())
    made = batches(store, targets, range(50), batch_size=2)
    next(made)
    assert len(_threads()) == before + 1
    made.close()
    assert len(_threads()) == before
    for batch in batches(store, targets, range(50), batch_size=2):
        if batch.items[0] > 5:
            break
    del made, batch
    deadline = time.monotonic() + 5
    while len(_threads()) > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(_threads()) == before


def test_no_more_is_prepared_than_asked(monkeypatch):
    gathered = []
    real = loader._gather
    monkeypatch.setattr(loader, "_gather", lambda *given: gathered.append(1) or real(*given))
    store, targets = _store()
    made = batches(store, targets, range(50), batch_size=1, prefetch=3)
    next(made)
    time.sleep(0.3)
    assert len(gathered) <= 1 + 3 + 1  # taken, waiting, in hand
    made.close()


def test_an_error_in_the_thread_reaches_the_consumer(monkeypatch):
    real, calls = loader._gather, []

    def broken(*given):
        calls.append(1)
        if len(calls) == 3:
            raise OSError("the disk went away")
        return real(*given)

    monkeypatch.setattr(loader, "_gather", broken)
    store, targets = _store()
    seen = 0
    with pytest.raises(OSError, match="went away"):
        for _ in batches(store, targets, range(50), batch_size=10):
            seen += 1
    assert seen == 2 and not _threads()


def test_waiting_is_measured(monkeypatch):
    real = loader._gather
    monkeypatch.setattr(loader, "_gather", lambda *given: time.sleep(0.05) or real(*given))
    store, targets = _store()
    idle = [batch.waited for batch in batches(store, targets, range(50), batch_size=25, prefetch=2)]
    assert all(wait > 0.02 for wait in idle)
    busy = []
    for batch in batches(store, targets, range(50), batch_size=10, prefetch=2):
        busy.append(batch.waited)
        time.sleep(0.15)
    assert sum(busy[1:]) < 0.1  # while this one worked, the next was made


def test_memory_holds_the_batches_ahead_and_no_more(tmp_path):
    path = tmp_path / "pixels"
    with path.open("wb") as file:
        file.truncate(64 * 2**20)
    pixels = np.asarray(np.memmap(path, np.uint8, "r", shape=(1024, 128, 128, 4)))
    tracemalloc.start()
    for batch in batches(Store(pixels, ()), np.zeros(1024), range(1024), batch_size=16, shuffle=True, prefetch=2):
        assert len(batch.items) == 16
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * 2**20  # of 64: five batches of 1 MiB at most, taken, being made and two ahead


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"indices": [0, 50]}, "rows 0 to 50 .* has 0 to 49"),
        ({"indices": [-1]}, "rows -1"),
        ({"targets": [0] * 49}, "49 targets for a store of 50"),
        ({"batch_size": 0}, "batch_size 0"),
        ({"skip": -1}, "skip -1"),
    ],
)
def test_wrong_arguments_are_refused_at_once(change, says):
    store, targets = _store()
    given_values = {"targets": targets, "indices": range(50), "batch_size": 4, **change}
    with pytest.raises(DataError, match=says):
        batches(store, given_values.pop("targets"), given_values.pop("indices"), **given_values)


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for the process's own memory")
def test_a_store_of_any_size_takes_no_memory_of_its_own(tmp_path):
    """Its pages are the file's, which the system may drop; an array of the same pictures is the process's own."""
    code = (
        "import re, sys, numpy as np\n"
        "from pathlib import Path\n"
        "from striate.data.batches.loader import batches\n"
        "from striate.data.store.store import Store\n"
        "own = lambda: int(re.search(r'RssAnon:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) / 1024\n"
        "with open(sys.argv[1], 'wb') as file: file.truncate(2000 * 49152)\n"
        "store = Store(np.asarray(np.memmap(sys.argv[1], np.uint8, 'r', shape=(2000, 128, 128, 3))), ())\n"
        "most = []\n"
        "for epoch in range(3):\n"
        "    for batch in batches(store, [0] * 2000, range(2000), batch_size=32, epoch=epoch, shuffle=True):\n"
        "        batch.pixels.float().sum()\n"
        "    most.append(own())\n"
        "kept = np.array(store.pixels)\n"
        "print(most[1] - most[0], most[2] - most[0], own() - most[2])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "pixels")]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    second, third, array = map(float, done.stdout.split())
    assert max(second, third) < 10 < 90 < array  # MB; the store has 94


@pytest.mark.parametrize("augment", ["none", "light"])
def test_targets_move_only_where_their_pictures_do(augment):
    pixels, targets = np.zeros((4, 1, 40, 1), np.uint8), np.arange(4.0)  # as maps lie in a store: a row each
    stream = batches(
        Store(pixels, (b"",) * 4),
        targets,
        range(4),
        batch_size=2,
        augment=named(augment, flip=False),
        moved=lambda some, _: some + 10,
    )
    got = torch.cat([batch.targets for batch in stream]).tolist()
    assert got == ([0, 1, 2, 3] if augment == "none" else [10, 11, 12, 13])
