"""From the store to batches, in an order that depends on (seed, epoch, item) alone.

One background thread gathers the rows of the next batches out of the memory-mapped store while this one is trained on.
What is kept in memory is the batches ahead (``prefetch`` of them) and nothing else: the pictures stay in the file, and
the system's page cache holds as many of them as there is room for.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.data.batches import draws
from striate.data.batches.augment import STILL, Augment, draw_moves
from striate.data.batches.moves import Moves
from striate.data.batches.resident import Resident
from striate.data.store.store import Store
from striate.errors import DataError
from striate.words import counted

Indices = NDArray[np.int64] | Sequence[int]


@dataclass(frozen=True)
class Batch:
    """Pictures (N, C, H, W) uint8 in channels_last memory, targets (N, ...), items (N,) rows of the store.

    The pixels are as stored; ``moves`` is how they, and what is labelled on them, are to become the network's inputs.
    ``waited`` is how long the consumer stood still for this batch, in seconds.
    """

    pixels: Tensor
    targets: Tensor
    items: NDArray[np.int64]
    moves: Moves
    waited: float = 0.0


def order(indices: Indices, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the indices in the order of an epoch, a function of (seed, epoch) and of which indices they are.

    Example: ``sorted(order([4, 8, 15], seed=0, epoch=1)) == [4, 8, 15]``
    """
    return draws.permutation(indices, seed=seed, epoch=epoch)


def steps(pictures: int, *, batch_size: int) -> int:
    """Return how many batches an epoch has. Example: ``steps(10, batch_size=4) == 3``"""
    return -(-pictures // batch_size)


def batches(
    store: Store,
    targets: Sequence[int] | NDArray[Any],
    indices: Indices,
    *,
    batch_size: int,
    seed: int = 0,
    epoch: int = 0,
    shuffle: bool = False,
    even: bool = False,
    same: bool = False,
    skip: int = 0,
    prefetch: int = 2,
    resident: Resident | None = None,
    augment: Augment = STILL,
    size_at: Callable[[int], tuple[int, int]] | None = None,
    moved: Callable[[NDArray[Any], Moves], NDArray[Any]] | None = None,
) -> Iterator[Batch]:
    """Yield the pictures of these rows of the store, batch by batch.

    ``targets`` has one entry a row of the store. ``shuffle`` takes the rows in ``order(indices, seed, epoch)``, else
    they come as given. ``skip`` leaves out that many batches at the start without reading them: resuming in the middle
    of an epoch yields exactly the batches that were still to come. ``prefetch`` batches are prepared ahead by a thread;
    0 prepares each when it is asked for; with ``resident``, the same pictures on a device, it gathers them. The last
    batch holds what is left; with ``even`` all batches hold equally many (but for one), none more than ``batch_size``:
    batch norm makes nothing good of a last batch of two pictures. With ``same`` all hold the very same number, and the
    few that are left over at the end of the order are left out: a compiled net would be compiled anew for one more.

    ``augment`` says how pictures move, each by (seed, epoch, row) alone; ``size_at`` the (height, width) that the
    network takes them at in each batch of the epoch, from 0; by itself that of the store. ``moved`` takes the targets
    of a batch, (N, ...), to where its moves take the pictures; by itself they lie nowhere in the picture, and stay.

    Raises DataError at once for rows that the store has not. Whoever stops early may just stop, or ``close()`` it.
    Example: ``[len(batch.items) for batch in batches(store, prepared.targets, range(20), batch_size=8, shuffle=True)]``
    is ``[8, 8, 4]``.
    """
    rows = np.array(indices, np.int64)
    labels = np.asarray(targets)
    number = len(store.pixels)
    if len(labels) != number:
        raise DataError(
            f"{counted(len(labels), 'target')} for a store of {counted(number, 'picture')}: there must be one for each"
        )
    if len(rows) and not (rows.min() >= 0 and rows.max() < number):
        raise DataError(f"rows {rows.min()} to {rows.max()} asked of a store that has 0 to {number - 1}")
    for name, value, least in (("batch_size", batch_size, 1), ("skip", skip, 0), ("prefetch", prefetch, 0)):
        if value < least:
            raise DataError(f"{name} {value}: must be at least {least}")
    if shuffle:
        rows = order(rows, seed=seed, epoch=epoch)
    end = steps(len(rows), batch_size=batch_size)
    cuts = [len(rows) * step // max(end, 1) if even else min(step * batch_size, len(rows)) for step in range(end + 1)]
    if same:
        cuts = [len(rows) // max(end, 1) * step for step in range(end + 1)]
    chosen = [rows[cuts[step] : cuts[step + 1]] for step in range(skip, end)]
    stored = (store.pixels.shape[1], store.pixels.shape[2])

    def moves(at: int) -> Moves:
        size = stored if size_at is None else size_at(skip + at)
        return draw_moves(augment, seed=seed, epoch=epoch, items=chosen[at], source=stored, size=size)

    def made(at: int, pixels: Tensor, wanted: Tensor) -> Batch:
        how = moves(at)
        if moved is not None and not how.still:  # what lies in a store of maps lies in no picture of its shape
            wanted = torch.from_numpy(moved(labels[chosen[at]], how))
        return Batch(pixels, wanted, chosen[at], how)

    if resident is not None and chosen:
        return (made(at, *ready) for at, ready in enumerate(resident.gathered(chosen)))

    def batch(at: int) -> Batch:
        return made(at, *_gather(store.pixels, labels, chosen[at]))

    return _ahead(batch, len(chosen), prefetch) if prefetch else _at_once(batch, len(chosen))


def _gather(pixels: NDArray[np.uint8], labels: NDArray[Any], rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    taken = np.empty((len(rows), *pixels.shape[1:]), np.uint8)
    # The rows were checked above; "clip" only tells numpy that it may write straight into `taken`, without the lock.
    np.take(pixels, rows, axis=0, out=taken, mode="clip")
    # Rows of (H, W, C) seen as (C, H, W) are channels_last as they lie: nothing is moved.
    return torch.from_numpy(taken).permute(0, 3, 1, 2), torch.from_numpy(labels[rows])


def _at_once(batch: Callable[[int], Batch], count: int) -> Generator[Batch, None, None]:
    for at in range(count):
        began = time.perf_counter()
        yield replace(batch(at), waited=time.perf_counter() - began)


def _ahead(batch: Callable[[int], Batch], count: int, prefetch: int) -> Generator[Batch, None, None]:
    ready: queue.Queue[Batch | BaseException] = queue.Queue(prefetch)
    stopped = threading.Event()

    def prepare() -> None:
        for at in range(count):
            try:
                made: Batch | BaseException = batch(at)
            except BaseException as error:  # handed to the consumer, who raises it
                made = error
            while not stopped.is_set():
                try:
                    ready.put(made, timeout=0.1)
                    break
                except queue.Full:
                    continue
            if stopped.is_set() or isinstance(made, BaseException):
                return

    thread = threading.Thread(target=prepare, name="striate-loader", daemon=True)
    thread.start()
    try:
        for _ in range(count):
            began = time.perf_counter()
            made = ready.get()
            if isinstance(made, BaseException):
                raise made
            yield replace(made, waited=time.perf_counter() - began)
    finally:
        stopped.set()
        while True:  # a thread that waits for room finds it
            try:
                ready.get_nowait()
            except queue.Empty:
                break
        thread.join()
