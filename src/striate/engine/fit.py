"""Training, as a generator: whoever reads it owns the loop, and stops by stopping.

    training = begin(model, config, store, objective, split)
    for epoch in fit(training):
        print(epoch.index, epoch.val_loss)

``watch`` also yields what happens inside an epoch. After any event the training stands between two steps: take its
``state``, close the generator, go on later, here or in another process.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from time import perf_counter
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
import torch

from striate.data.batches import augment
from striate.data.batches.augment import Augment
from striate.data.batches.loader import Batch, batches
from striate.data.batches.pca import principal_components
from striate.engine import progressive, step
from striate.engine.device import check_compiler, choose_device, keep_memory, use_threads, wants_bfloat16
from striate.engine.infer import answers, joined
from striate.engine.state import NotFiniteError, Training
from striate.engine.unfreeze import Stages
from striate.errors import DeviceError, DivergedError, TrainingError
from striate.tasks.objective import Objective
from striate.train_config import TrainConfig

if TYPE_CHECKING:
    from striate.data.split import Split
    from striate.data.store.store import Store
    from striate.model.build.model import Model

__all__ = ["BatchSplit", "Epoch", "Event", "Recovered", "Step", "Training", "begin", "fit", "watch"]

GOOD_EVERY = 1000  # steps: inside a long epoch, a recovery never goes back further than this
RECOVERIES = 3  # times that a training may leave the numbers before it is given up
SLOWER = 0.5  # of the learning rate, after each of them


@dataclass(frozen=True)
class Step:
    """Where the epoch under way is: ``step`` of ``steps`` updates done; ``loss`` its mean so far."""

    epoch: int  # from 1
    step: int
    steps: int
    loss: float
    pictures_per_second: float
    seconds_left: float  # to the end of the training


@dataclass(frozen=True)
class Epoch:
    """A whole epoch. ``val_loss`` is the task's plain loss, without smoothing or weights; None without pictures.

    ``train_loss`` is what was minimised; ``side_loss`` is the side heads' part of it, None in a net without, and
    ``losses`` are the terms of the rest, by name. ``metrics`` are the task's figures on the validation pictures.
    """

    index: int  # from 1
    epochs: int
    train_loss: float
    val_loss: float | None
    metrics: dict[str, float]
    learning_rate: float  # of its last step
    seconds: float  # evaluation included
    pictures_per_second: float  # in training
    data_wait: float  # share of the training time spent waiting for pictures, 0 to 1
    side_loss: float | None = None
    losses: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Recovered:
    """The loss left the numbers in ``epoch``; training goes on from the last good state with a lower learning rate."""

    epoch: int
    attempt: int  # 1, 2, 3
    learning_rate_factor: float
    reason: str


@dataclass(frozen=True)
class BatchSplit:
    """Memory ran out; a batch is now computed in ``micro_batches`` pieces of at most ``micro_batch`` pictures."""

    micro_batch: int
    micro_batches: int


Event: TypeAlias = "Step | Epoch | Recovered | BatchSplit"


def begin(
    model: Model,
    config: TrainConfig,
    store: Store,
    objective: Objective,
    split: Split,
    *,
    device: str | torch.device | None = None,
    stages: Stages = (),
    still: Collection[str] = (),
    pictures: bool = True,
) -> Training:
    """Make a training of a model, a config and pictures; nothing is learnt yet.

    The model is moved to the device (``config.device`` unless another is given) and trained in place. ``objective``
    is the task and the labels of the store's rows; ``split`` says which rows are trained and validated on. ``stages``
    (part paths, from the picture to the head) are unfrozen one by one and learn at rates of their own, see `unfreeze`;
    parts at the paths ``still`` stay in evaluation mode, and what requires no gradient is not learnt at all.
    Without ``pictures`` the rows of the store are none, but maps of pictures, and their labels have moved already.

    Errors: DeviceError, also where nothing can be compiled and the config wants it; TrainingError without pictures to
    train on.

    Example: ``begin(model, config, store, prepared.objective, split).epochs_done`` is 0.
    """
    if not split.train:
        raise TrainingError("there are no pictures to train on: the training split is empty")
    chosen = choose_device(config.device if device is None else device)
    threads = use_threads(config.threads)
    if chosen.type == "cpu":
        keep_memory()
    if config.compile:
        check_compiler(chosen)
    layout = torch.channels_last if config.channels_last else torch.contiguous_format
    model.to(device=chosen, memory_format=layout)  # type: ignore[call-overload]
    weights = objective.task.weights(objective.labels.values[list(split.train)], objective.facts, config)
    return Training(
        model,
        config,
        store,
        objective,
        split,
        device=chosen,
        epochs=config.epochs,
        batch=config.batch * config.accumulate,
        augment=_augment(model, config, store, split, chosen),
        bfloat16=wants_bfloat16(config.precision, chosen),
        threads=threads,
        weights=None if weights is None else weights.to(chosen),
        stages=stages,
        still=still,
        pictures=pictures,
    )


def fit(training: Training) -> Generator[Epoch]:
    """Train, and yield each epoch; stop reading to stop training.

    Example: ``losses = [epoch.train_loss for epoch in fit(training)]``
    """
    with closing(watch(training)) as events:
        yield from (event for event in events if isinstance(event, Epoch))


def watch(training: Training, *, interval: float = 0.1) -> Generator[Event]:
    """Train, and yield all that happens: Steps at most every ``interval`` seconds, Epochs, Recovered, BatchSplit.

    At the end the model holds the weights to use (``training.final_model``). Closing the generator leaves nothing
    running. A KeyboardInterrupt that lands inside a step costs that step: ``state`` is then the last good one.

    Errors: DivergedError after three recoveries, DeviceError when a single picture does not fit into memory.
    """
    training.reopen()
    while not training.done:
        try:
            yield from _epoch(training, interval)
        except NotFiniteError as found:
            reason = str(found)
        else:
            continue
        yield _recover(training, reason)
    training.final_model()


def _epoch(training: Training, interval: float) -> Generator[Event]:
    """Do what is left of the epoch under way: this is the training loop."""
    training.train_mode()
    clock = shown = perf_counter()
    with closing(_batches(training)) as stream:
        for batch in islice(stream, training.steps - training.step):
            while not step.update(training, batch):
                yield _split(training)
            now = perf_counter()
            training.seconds += now - clock
            training.waited += batch.waited
            if now - shown >= interval:
                yield _step(training)
                shown = perf_counter()
            if training.step % GOOD_EVERY == 0:
                training.keep()
            clock = perf_counter()
    yield _close(training)


def _batches(training: Training) -> Generator[Batch]:
    """Return the batches of the epoch from the next step on."""
    before, full = training.epochs_done * training.steps, training.store.pixels.shape[1:3]
    stream = batches(
        training.store,
        training.targets,
        training.split.train,
        batch_size=training.batch,
        seed=training.config.seed,
        epoch=training.epochs_done,
        shuffle=True,
        even=True,
        same=training.config.compile,
        skip=training.step,
        resident=training.resident,
        augment=training.augment,
        size_at=lambda at: progressive.input_size(training.config, before + at, training.epochs * training.steps, full),
        moved=training.task.move if training.task.placed and training.pictures else None,
    )
    return cast("Generator[Batch]", stream)


def _step(training: Training) -> Step:
    """Say where we are; the loss is read here, so this is also where a loss that left the numbers is found."""
    loss = _mean_loss(training)
    steps, here, full = training.epochs * training.steps, training.updates, training.store.pixels.shape[1:3]
    done = progressive.work(training.config, here - training.step, here, steps, full)
    left = progressive.work(training.config, here, steps, steps, full)
    return Step(
        epoch=training.epochs_done + 1,
        step=training.step,
        steps=training.steps,
        loss=loss,
        pictures_per_second=training.seen / training.seconds,
        seconds_left=training.seconds * left / done + training.evaluating * (training.epochs - training.epochs_done),
    )


def _mean_loss(training: Training) -> float:
    total, norms, *_ = training.sums.tolist()
    if not np.isfinite(total):
        raise NotFiniteError(f"the training loss became {total / training.seen}")
    if not np.isfinite(norms):
        raise NotFiniteError(f"the norm of the gradient became {norms}")
    return float(total / training.seen)


def _close(training: Training) -> Epoch:
    """Evaluate, count the epoch, and make its end the state to go back to."""
    train_loss = _mean_loss(training)
    started = perf_counter()
    val_loss, metrics = _validate(training)
    training.evaluating = perf_counter() - started
    epoch = Epoch(
        index=training.epochs_done + 1,
        epochs=training.epochs,
        train_loss=train_loss,
        val_loss=val_loss,
        metrics=metrics,
        learning_rate=training.learning_rate(training.updates - 1),
        seconds=training.seconds + training.evaluating,
        pictures_per_second=training.seen / training.seconds,
        data_wait=training.waited / training.seconds,
        side_loss=float(training.sums[2]) / training.seen or None,
        losses=_terms(training, train_loss),
    )
    training.next_epoch(train_loss if val_loss is None else training.task.standing(val_loss, metrics))
    training.keep()
    return epoch


def _terms(training: Training, loss: float) -> dict[str, float]:
    """Return the mean of each term of the loss over the epoch, side heads left out."""
    names, sums = training.task.terms, training.sums.tolist()
    if len(names) == 1:
        return {names[0]: loss - sums[2] / training.seen}
    return {name: total / training.seen for name, total in zip(names, sums[3:], strict=True)}


def _validate(training: Training) -> tuple[float | None, dict[str, float]]:
    """Return the loss and the metrics on the validation pictures, with the averaged weights where there are any."""
    val = training.split.val
    if not val:
        return None, {}
    with training.averaged() as model:
        stream = answers(
            model,
            training.store,
            val,
            batch_size=training.batch,
            device=training.device,
            bfloat16=training.bfloat16,
            output=training.task.output,
        )
        outputs = joined(list(stream))
    rows, objective = list(val), training.objective
    loss = training.task.plain_loss(outputs, torch.from_numpy(training.targets[rows]), training.config)
    if not np.isfinite(loss):
        raise NotFiniteError(f"the validation loss became {loss}")
    said = {name: output.numpy() for name, output in outputs.items()}
    return loss, training.task.measure(said, objective.labels.values[rows], objective.facts)


def _recover(training: Training, reason: str) -> Recovered:
    """Go back to the last good state with a lower learning rate, or give up."""
    epoch = training.epochs_done + 1
    training.attempts += 1
    if training.attempts > RECOVERIES:
        training.go_back()
        peak = training.config.learning_rate * training.rate_factor
        raise DivergedError(
            f"epoch {epoch}: {reason}, for the {training.attempts}th time, although the learning rate was lowered"
            f" {RECOVERIES} times, to {peak:.3g}; start again with learning_rate {peak / 4:.2g} or less,"
            " with clip = 1.0 or with precision float32, and look for pictures that are unlike all others"
        )
    training.rate_factor *= SLOWER
    training.go_back()
    return Recovered(epoch, training.attempts, training.rate_factor, reason)


def _split(training: Training) -> BatchSplit:
    """Compute batches in twice as many pieces from now on."""
    if training.micro_batches >= training.batch:
        raise DeviceError(
            f"{training.device} has not memory enough for one picture of {training.model.shape} at a time;"
            " use smaller pictures (size), a smaller net, or another device"
        )
    training.micro_batches = min(training.micro_batches * 2, training.batch)
    return BatchSplit(micro_batch=-(-training.batch // training.micro_batches), micro_batches=training.micro_batches)


def _augment(model: Model, config: TrainConfig, store: Store, split: Split, device: torch.device) -> Augment:
    """Return how pictures are changed; components of colour are of the pictures trained on, on the scale of the net."""
    chosen = augment.named(config.augment, flip=config.flip)
    if not chosen.pca:
        return chosen
    ends = torch.tensor([255, 0], dtype=torch.uint8, device=device).view(2, 1, 1, 1)
    white, black = model.normalise(ends.expand(2, store.pixels.shape[3], 1, 1)).flatten(1).cpu().double().numpy()
    rows = principal_components(store.pixels, split.train) * (white - black)[:, None]
    return replace(chosen, components=tuple(tuple(row) for row in rows.tolist()))
