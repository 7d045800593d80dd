"""Threads: with how many a run is trained, where nobody says. Measured once, before there is a run, and written down.

What a run gives is promised to the bit at a fixed number of threads, so the number belongs to its recipe: ``striate
train --resume`` goes on with it, and so do the trainings of its folds.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from striate.errors import StriateError
from striate.verbs.chance import begun, from_chance
from striate.verbs.prepared import Prepared, ProvidedModel, Start

if TYPE_CHECKING:
    from striate.engine.threads import Pace

SHORT = 20_000_000_000  # MACs in all: a training of no more is over before it would be known how it is quickest
SHARE = 40  # steps a training must have for each turn in which they are timed
FORWARD, BOTH_WAYS = 1, 3  # what a step costs, in forward passes
AT_ONCE = 1_000_000_000  # MACs of a timed step, at the least: some 0.05 to 0.2 s on one thread


def with_threads(prepared: Prepared, start: Start | None, provided: ProvidedModel | None) -> Prepared:
    """Return it with the number of threads in its recipe, and a note where that is not one for every core.

    A recipe that states one keeps it; so does a GPU, and a process of one thread. A head alone takes
    every core: its features are made by threads that do not wait for each other. Nothing that is trained here is kept.
    """
    from striate.engine.device import choose_device, thread_count
    from striate.engine.threads import counts

    config, most = prepared.config, thread_count()
    if config.threads is not None or most == 1 or choose_device(config.device).type != "cpu":
        return prepared
    asked = counts(most)
    if start is not None and config.tune in (
        "head",
        "maps",
    ):  # each thread makes features by itself, and waits for no other
        return replace(prepared, config=config.changed(threads=most))
    work = _work(prepared)
    if work <= SHORT or config.compile:  # compiling takes longer than all that could be won
        return replace(prepared, config=config.changed(threads=1 if work <= SHORT else most))
    found = _measured(prepared, start, provided, asked, work)
    if found is None:
        return replace(prepared, config=config.changed(threads=most))
    notes = (found.words,) if found.words else ()
    return replace(prepared, config=config.changed(threads=found.chosen), by_itself=(*prepared.by_itself, *notes))


def _work(prepared: Prepared) -> int:
    """Return about how many MACs a run has before it: passes for features, steps, those of its folds."""
    config, parts, folds = prepared.config, prepared.split, prepared.folds
    macs = prepared.survey.macs
    frozen = 0 if config.weights is None else macs * len(prepared.source.items)
    if config.tune == "head":
        return frozen
    if config.tune == "maps":
        learns = sum(row.macs or 0 for row in prepared.survey.rows if not row.frozen)
        return frozen + int(BOTH_WAYS * learns * len(parts.train) * config.epochs)
    trainings = 1 if folds is None else 1 + folds.draws * (folds.count - 1)
    return frozen + int(BOTH_WAYS * macs * len(parts.train) * config.epochs * config.epoch_share * trainings)


def _measured(
    prepared: Prepared, start: Start | None, provided: ProvidedModel | None, asked: tuple[int, ...], work: int
) -> Pace | None:
    """Time steps of a training that is thrown away; None where they cannot be made, which the real one will say."""
    from striate.engine.device import choose_device, out_of_memory, seeded
    from striate.engine.threads import TURNS, pace

    macs = prepared.survey.macs
    try:
        with seeded(choose_device("cpu"), 0):
            if start is not None:
                step, pictures = _trunk(prepared)
            else:
                step, pictures = _steps(prepared, provided)
            cost = macs * pictures * (FORWARD if start is not None else BOTH_WAYS)
            turns = max(1, min(TURNS, work // (SHARE * cost)))
            return pace(step, asked, pictures=pictures, turns=turns)
    except StriateError:
        return None
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        return None


def _steps(prepared: Prepared, provided: ProvidedModel | None) -> tuple[Callable[[], object], int]:
    """Return what computes the gradients of a real batch, or of the first of it, and of how many pictures that is."""
    from striate.data.batches.loader import batches
    from striate.engine.progressive import input_size
    from striate.engine.step import gradients

    # Whitening looks through pictures for some tenths of a second, and makes no step quicker or slower.
    config = prepared.config.changed(whiten=False)
    alike = replace(prepared, config=config)
    training = from_chance(alike) if provided is None else begun(alike, provided.make(prepared.preprocess))
    training.train_mode()
    training.micro_batches = 1
    pictures = max(2, min(training.batch, AT_ONCE // (BOTH_WAYS * max(1, prepared.survey.macs))))
    rows = prepared.split.train[:pictures]
    first = input_size(config, 0, training.epochs * training.steps, prepared.store.pixels.shape[1:3])
    stream = batches(
        prepared.store,
        training.targets,
        rows,
        batch_size=pictures,
        prefetch=0,
        seed=config.seed,
        augment=training.augment,
        size_at=lambda at: first,
        moved=training.task.move if training.task.placed and training.pictures else None,
    )
    with closing(stream):  # type: ignore[type-var]
        batch = next(stream)

    def step() -> None:
        gradients(training, batch)
        training.optimiser.zero_grad(set_to_none=True)

    return step, len(batch.targets)


def _trunk(prepared: Prepared) -> tuple[Callable[[], object], int]:
    """Return what passes pictures through the net as features are made, and how many they are."""
    import torch

    from striate.data.batches.loader import batches
    from striate.verbs.trunk import at_once, frozen_net

    cpu = torch.device("cpu")
    model = frozen_net(prepared, cpu)
    most = min(at_once(prepared, cpu), max(2, AT_ONCE // max(1, prepared.survey.macs)))
    rows = range(min(most, len(prepared.store.pixels)))
    stream = batches(prepared.store, prepared.objective.targets, rows, batch_size=len(rows), prefetch=0)
    pixels = next(stream).pixels

    def step() -> None:
        with torch.no_grad():
            model.embed(model.normalise(pixels))

    return step, len(rows)
