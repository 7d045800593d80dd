"""Inference: pictures of a store in, the outputs of a net out, by name, in the order they were asked for."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.data.batches.loader import Batch, batches
from striate.engine.device import autocast, choose_device, free_memory, out_of_memory
from striate.errors import DeviceError
from striate.tasks.task import EMBEDDING

if TYPE_CHECKING:
    from striate.data.store.store import Store
    from striate.model.build.model import Model

_MAIN = "main"
_VALUES = 2**22  # of a batch's pictures: 27 of 224 x 224; the net's maps are many times that


Answers: TypeAlias = dict[str, Tensor]
"""What the net says of some pictures: its main output (N, ...), by its name, and ``embedding`` (N, D); float32, CPU."""


def infer_outputs(
    model: Model,
    store: Store,
    indices: Sequence[int] | np.ndarray,
    *,
    output: str,
    batch_size: int | None = None,
    device: str | torch.device | None = None,
) -> dict[str, NDArray[Any]]:
    """Return what the net says of the pictures at ``indices``, as float32: its outputs by name.

    They are the main output (N, ...), called ``output``, which is the task's name for it, and ``embedding`` (N, D).
    The model is asked in evaluation mode, in float32, and left in the mode it was in; it is moved to ``device`` when
    one is given. Rows come in the order of ``indices``, which may repeat. ``batch_size`` by itself is 256, and fewer of
    pictures so large that 256 are over 4 million values. When memory runs out, batches are halved.

    Errors: DeviceError when a device is not here, or not one picture fits into its memory.

    Example: ``infer_outputs(model, store, [0, 20], output=task.output)[task.output].argmax(1)`` is ``[0, 1]``.
    """
    tensors = chain(model.parameters(), model.buffers())
    where = next(tensors).device if device is None else choose_device(device)
    model.to(where)
    training = model.training
    model.eval()
    try:
        if batch_size is None:
            batch_size = max(1, min(256, _VALUES // int(np.prod(store.pixels.shape[1:]))))
        pieces = list(answers(model, store, indices, batch_size=batch_size, device=where, output=output))
        if not pieces:
            height, width, channels = store.pixels.shape[1:]
            blank = torch.zeros(1, channels, height, width, dtype=torch.uint8)
            said = _ask(model, blank, where, bfloat16=False, output=output)
            pieces = [{name: tensor[:0] for name, tensor in said.items()}]
    finally:
        model.train(training)
    return {name: tensor.numpy() for name, tensor in joined(pieces).items()}


def infer(
    model: Model,
    store: Store,
    indices: Sequence[int] | np.ndarray,
    *,
    batch_size: int | None = None,
    device: str | torch.device | None = None,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the main output (N, ...) and the embeddings (N, D) of `infer_outputs`, for who has no name for them.

    Example: ``infer(model, store, [0, 20])[1].shape`` is ``(2, 8)``.
    """
    said = infer_outputs(model, store, indices, output=_MAIN, batch_size=batch_size, device=device)
    return said[_MAIN], said[EMBEDDING]


def answers(
    model: Model,
    store: Store,
    indices: Sequence[int] | np.ndarray,
    *,
    batch_size: int,
    device: torch.device,
    output: str,
    bfloat16: bool = False,
) -> Iterator[Answers]:
    """Yield a model's answers batch by batch; the model is where and in the mode that it is to be asked in."""
    unknown = np.full(len(store.pixels), -1, np.int64)
    stream = cast("Generator[Batch]", batches(store, unknown, indices, batch_size=batch_size))
    with closing(stream):
        for batch in stream:
            yield _ask(model, batch.pixels, device, bfloat16=bfloat16, output=output)


def joined(pieces: Sequence[Answers]) -> Answers:
    """Return the answers of several batches as one."""
    return {name: torch.cat([piece[name] for piece in pieces]) for name in pieces[0]}


@torch.no_grad()
def _ask(model: Model, pixels: Tensor, device: torch.device, *, bfloat16: bool, output: str) -> Answers:
    """Return the answers for some pictures, in halves when memory does not suffice for all of them."""
    try:
        inputs = model.normalise(pixels.to(device, non_blocking=True))
        with autocast(device, bfloat16=bfloat16):
            main, embedding = model.embed(inputs)
        return {output: main.float().cpu(), EMBEDDING: embedding.float().cpu()}
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        if len(pixels) == 1:
            raise DeviceError(
                f"{device} has not memory enough to look at one picture of {tuple(pixels.shape[1:])};"
                " use another device or a smaller net"
            ) from None
    free_memory(device)
    halves = [_ask(model, half, device, bfloat16=bfloat16, output=output) for half in torch.tensor_split(pixels, 2)]
    return joined(halves)
