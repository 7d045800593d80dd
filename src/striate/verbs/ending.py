"""Ending: what every training ends by, whatever it began with: its measurement, its model, its report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from striate.runs.answers import Answers
from striate.runs.run import RunDirectory
from striate.tasks.task import Outputs
from striate.verbs import stranger_nets
from striate.verbs.asking import InferFn
from striate.verbs.events import Event, Finished, Finishing
from striate.verbs.finish import finish, keep_model
from striate.verbs.folds import net_folds
from striate.verbs.prepared import Prepared

if TYPE_CHECKING:
    from striate.engine.fit import Training
    from striate.model.build.model import Model


@dataclass(frozen=True)
class NetsAlike:
    """How nets like one that was trained whole are begun, to measure by.

    ``on(rows)`` makes the training of one on those rows alone, ``fold(draw, fold)`` that of a fold. ``asked(training,
    rows)`` are the outputs of what was trained for rows of the pictures, None: it is asked about their pixels.
    """

    on: Callable[[np.ndarray], Training]
    fold: Callable[[int, int], Training]
    asked: Callable[[Training, np.ndarray], Outputs] | None = None


@dataclass(frozen=True)
class Trained:
    """What a training came to.

    ``model`` is the one that is kept, and ``ask`` the question to it. ``alike``: nets like it, by which it is measured;
    None where a head was solved on features, whose folds have answered already: ``answers`` are theirs.
    """

    model: Model
    ask: InferFn
    alike: NetsAlike | None = None
    answers: Answers | None = None


def ending(run: RunDirectory, prepared: Prepared, trained: Trained, started: float) -> Iterator[Event]:
    """Measure what was trained, write its model and its report, and yield what happens, at last `Finished`.

    Where nets are to be trained beside it, the model is kept first: from then on there is one, whatever comes of them.
    ``started``: when the training began, by `time.monotonic`.

    Errors: TrainingError of a net beside it, DiskError.
    """
    skill, answers, alike = None, trained.answers, trained.alike
    if alike is not None:
        strangers, folds = stranger_nets.wanted(prepared), prepared.folds is not None
        if strangers or folds:
            keep_model(run, prepared, trained.model)
        if strangers:
            skill = yield from stranger_nets.stranger_skill(run, prepared, alike.on)
        if folds:
            answers = yield from net_folds(run, prepared, alike.fold, alike.asked)
    yield Finishing(run)
    told, seconds = len(run.notes), time.monotonic() - started
    evaluation = finish(run, prepared, trained.model, ask=trained.ask, answers=answers, skill=skill, seconds=seconds)
    yield Finished(run, evaluation, time.monotonic() - started, tuple(run.notes[told:]))
