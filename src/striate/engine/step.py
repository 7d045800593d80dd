"""One update: pictures in, weights moved. Precision, accumulation, clipping, averaging, running out of memory."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor

from striate.data.batches.loader import Batch
from striate.data.batches.warp import move_pictures
from striate.engine import optimise
from striate.engine.device import autocast, draw_seed, free_memory, out_of_memory, seeded
from striate.engine.state import Training
from striate.errors import DeviceError, TrainingError
from striate.words import counted


def update(training: Training, batch: Batch) -> bool:
    """Make one update and return True, or return False, with nothing changed, when memory ran out.

    The batch is computed in ``training.micro_batches`` pieces, one by one; their gradients add up to the gradient of
    the whole batch. Every random draw comes from (seed, epoch, step) or (seed, epoch, picture).

    Errors: TrainingError for a batch that batch norm cannot learn from, DeviceError when there is no memory for moving
    the weights. An error or interrupt in here leaves the
    training torn, and the next thing to happen to it is a return to the last good state.
    """
    before = [buffer.clone() for buffer in training.buffers]  # batch norm counts in the forward pass
    seed = draw_seed(training.config.seed, "dropout", epoch=training.epochs_done, step=training.step)
    training.torn = True
    loss = None
    try:
        with seeded(training.device, seed):
            loss = gradients(training, batch)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise TrainingError(
            "batch norm has one value per channel in a piece of"
            f" {counted(len(batch.items) // training.micro_batches, 'picture')}, and cannot norm by that; use a batch"
            " of at least 2, or groupnorm in place of batchnorm"
        ) from None
    if loss is None:  # out here, the tensors of the failed try are no longer held by its error
        training.optimiser.zero_grad(set_to_none=True)
        for buffer, was in zip(training.buffers, before, strict=True):
            buffer.copy_(was)
        free_memory(training.device)
        training.torn = False
        return False
    try:
        apply(training, loss, pictures=len(batch.items))
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise DeviceError(
            f"{training.device} has not memory enough for the weights and what {training.config.optimiser} keeps of"
            " them, which a smaller batch would not change; use a smaller net, optimiser sgd, or another device"
        ) from None
    training.torn = False
    return True


def gradients(training: Training, batch: Batch) -> Tensor:
    """Leave the gradient of the mean loss of a batch in the parameters; return what the sums of an epoch grow by.

    That is the loss, nothing yet for the norm of the gradient, the side heads' part of it, and the terms of a loss that
    has several.
    """
    config, device = training.config, training.device
    layout = torch.channels_last if config.channels_last else torch.contiguous_format
    pixels = batch.pixels.to(device, non_blocking=True)
    targets = batch.targets.to(device, non_blocking=True)
    parts = min(training.micro_batches, len(targets))
    edges = [len(targets) * part // parts for part in range(parts + 1)]
    total = torch.zeros(len(training.sums), device=device)  # as the sums of an epoch: no norm is known yet
    for first, last in pairwise(edges):
        inputs = move_pictures(training.model.normalise(pixels[first:last]), batch.moves[first:last])
        inputs = inputs.contiguous(memory_format=layout)
        with autocast(device, bfloat16=training.bfloat16):
            outputs = training.outputs(inputs)
        aims, task = targets[first:last], training.task
        terms = task.loss({task.output: outputs.main}, aims, config, training.weights)
        sides = [
            share * _summed(task.loss({task.output: side}, aims, config, training.weights))
            for side, share in outputs.sides
        ]
        loss = sum(sides, _summed(terms))
        weight = 1.0
        if parts > 1:
            weight = (last - first) / len(targets)
            loss = loss * weight
        loss.backward()  # type: ignore[no-untyped-call]
        total[0] += loss.detach()
        if sides:
            total[2] += torch.stack(sides).sum().detach() * weight
        if len(total) > 3:
            total[3:] += torch.stack([terms[name].detach() for name in task.terms]) * weight
    return total


@torch.no_grad()
def apply(training: Training, loss: Tensor, *, pictures: int) -> None:
    """Move the weights, and their averages, along the gradients that are there, and count the loss."""
    config, update = training.config, training.updates
    training.sums += loss * pictures
    if config.clip is not None:
        training.sums[1] += optimise.clip(training.parameters.values(), config.clip)
    for group in training.optimiser.param_groups:
        group["lr"] = training.learning_rate(update) * group["factor"]
    training.optimiser.step()
    training.optimiser.zero_grad(set_to_none=True)
    if training.averages:
        live = list(training.live.values())
        optimise.average(training.averages, live, decay=config.ema, updates=update)
    training.seen += pictures
    training.step += 1


def _summed(terms: Mapping[str, Tensor]) -> Tensor:
    first, *others = terms.values()
    return sum(others, first)
