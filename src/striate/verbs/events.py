"""Events: what a training tells whoever reads it, and how what happens is kept in its run."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from striate.runs import checkpoints, filters, maps
from striate.runs.run import RunDirectory
from striate.verbs.prepared import Prepared

if TYPE_CHECKING:
    from torch import Tensor

    from striate.engine.fit import BatchSplit, Epoch, Recovered, Step, Training
    from striate.verbs.evaluation import Evaluation

CHECKPOINT_SECONDS = 600.0  # inside one long epoch at most so much work is lost
_Event = TypeVar("_Event")


@dataclass(frozen=True)
class Planned:
    """Everything is ready; training starts, or goes on after ``done`` epochs.

    ``notes`` are sentences a person should read: a checkpoint that was damaged and passed over, or why the very same
    weights cannot be promised here.
    """

    run: RunDirectory
    prepared: Prepared
    device: str
    done: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Folding:
    """Nets or heads are trained to measure by: the ``done`` share of it, 0 to 1, and where it is, in ``words``."""

    done: float
    words: str


@dataclass(frozen=True)
class FoldDone:
    """A fold's training is done, the ``number``th of ``of`` (from 1); ``words`` say how good it is on its pictures."""

    number: int
    of: int
    pictures: int
    words: str
    seconds: float


@dataclass(frozen=True)
class Finishing:
    """Nothing is left to learn and all that was learnt is kept; the model and its report are made next."""

    run: RunDirectory


@dataclass(frozen=True)
class Finished:
    """The run is complete: its model, its report, and what it is worth on pictures it never saw."""

    run: RunDirectory
    evaluation: Evaluation
    seconds: float
    notes: tuple[str, ...] = ()


Event: TypeAlias = "Planned | Folding | FoldDone | Finishing | Step | Epoch | Recovered | BatchSplit | Finished"


class Resumable(Protocol):
    """What can be kept between two events and gone on with."""

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return everything that a bit-exact continuation needs."""
        ...


def follow(
    run: RunDirectory, training: Resumable, events: Generator[_Event], *, before: int = 0, every: float = 0.0
) -> Iterator[_Event]:
    """Yield the events of a training and keep it in its run: a line an epoch, then a checkpoint.

    ``before`` epochs were done in an earlier phase. Epochs that took less than ``every`` seconds since the last
    checkpoint are not given one of their own: they are done again.
    """
    from striate.engine.fit import Epoch, Step, Training

    def checkpoint() -> float:
        tensors, facts = training.state()
        run.checkpoint(tensors, facts | ({"before": before} if before else {}), epoch=before + facts["epochs_done"])
        return time.monotonic()

    # Where a head is trained on maps no picture goes through the model.
    see = _seeing(run, training) if isinstance(training, Training) and training.pictures else None
    if see is not None and isinstance(training, Training) and not training.updates:
        see(before)
    kept = time.monotonic()
    try:
        for event in events:
            if isinstance(event, Epoch):
                told = replace(event, index=before + event.index, epochs=before + event.epochs) if before else event
                run.append(asdict(told))  # first the line, then the state that says it is there
                if see is not None:
                    see(told.index)
                if time.monotonic() - kept >= every:
                    kept = checkpoint()
                yield told
                continue
            if isinstance(event, Step):
                if time.monotonic() - kept > CHECKPOINT_SECONDS:
                    kept = checkpoint()
                yield replace(event, epoch=before + event.epoch) if before else event
                continue
            yield event
    except GeneratorExit:
        # Whoever reads us has stopped, between two steps: keep what was learnt since the last epoch.
        events.close()
        checkpoint()
        raise
    if every:
        checkpoint()


def take_up(training: Training, checkpoint: tuple[dict[str, Tensor], dict[str, Any]], folder: Path) -> None:
    """Load a checkpoint out of ``folder`` into a training, which may have fewer pictures than it was made with.

    Errors: RunError for a checkpoint that does not read, or is of another training.
    """
    from striate.engine.fewer import with_fewer_pictures

    tensors, facts = checkpoint
    with checkpoints.loading(folder):
        if facts["pictures"] > len(training.split.train):  # some are gone since and were to be left out
            facts = with_fewer_pictures(facts, training)
        training.load_state(tensors, facts)


def _seeing(run: RunDirectory, training: Training) -> Callable[[int], None]:
    """Return what keeps, after an epoch, that which is looked at later: first filters, what stages make of a picture.

    The picture is the first of validation, or of training where there is none.
    """
    from striate.interpret.activations.epoch_maps import small_maps, watched
    from striate.verbs.report import first_filters

    picture, parts = int((training.split.val or training.split.train)[0]), watched(training.model)

    def see(epoch: int) -> None:
        filters.keep(run, epoch, first_filters(training.model))
        with training.averaged() as model:
            maps.keep(run, epoch, picture, small_maps(model, training.store.pixels[picture], parts))

    return see
