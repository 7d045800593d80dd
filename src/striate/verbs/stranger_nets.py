"""Stranger nets: nets trained without some of what is learnt, so that one trained whole can say how it tells strangers.

A net has learnt its classes with its very features, so none of them is a stranger to it. What can be asked is the same
net by the same recipe, trained without some of them: the task says without which (`Task.leave_out`), and how well such
a net tells them. The nets are for that alone; what they came to stands in the run, a net at a time, so that a stop
costs one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from striate.data.copies import groups_of
from striate.errors import RecipeError, StriateError
from striate.runs import answers as kept
from striate.runs import durable
from striate.runs.run import RunDirectory
from striate.tasks.stranger_skill import StrangerSkill, mean_skill
from striate.tasks.task import LeftOut
from striate.verbs.events import Folding
from striate.verbs.folds import KNOWN, train_apart
from striate.verbs.prepared import Prepared, subset
from striate.words import plural

if TYPE_CHECKING:
    from striate.engine.fit import Training

NAME = "strangers.json"
ASKED = 1000  # pictures of classes left out that each net is asked about, at most


def wanted(prepared: Prepared) -> bool:
    """Whether a run trains such nets: where it was asked for, or its figure is cross-validated by whole nets anyway.

    Errors: RecipeError where it was asked for and cannot be.
    """
    config = prepared.config
    if not config.unknown or config.tune == "head" or config.strangers is False:
        return False
    if config.strangers is None and prepared.folds is None:
        return False
    try:
        _nets(prepared)
    except RecipeError:
        if config.strangers:
            raise
        return False
    return True


def stranger_skill(
    run: RunDirectory, prepared: Prepared, begin: Callable[[np.ndarray], Training]
) -> Generator[Folding, None, StrangerSkill]:
    """Train a net without each group of classes, and return how well they are told; ``begin(rows)`` makes a training.

    What was measured already, by a run that was stopped, is not measured again.
    """
    nets, folder = _nets(prepared), run.path / kept.FOLDER
    facts = {"epochs": prepared.config.epochs, "nets": len(nets)}  # a run may be gone on with for more
    done, noun = _measured(run, facts), plural(2, prepared.task.noun)
    if not folder.is_dir():
        durable.make_directory(folder)
    for number, net in enumerate(nets, 1):
        if number <= len(done):
            continue
        training = begin(net.trained)
        place = folder / f"without-{number}-{prepared.config.epochs}"
        yield from train_apart(training, place, number, len(nets), what=f"net without some of the {noun}")
        done = [*done, _asked(training, prepared, net)]
        run.write_json(NAME, {**facts, "measured": [one.to_dict() for one in done]})
        durable.discard(place)
    if prepared.folds is None:
        durable.discard(folder)
    return mean_skill(done)


def _measured(run: RunDirectory, facts: dict[str, Any]) -> list[StrangerSkill]:
    """Return what a run that was stopped measured already; nothing where that is not there, damaged, or of others."""
    try:
        found = run.read_json(NAME)
        if not isinstance(found, dict) or any(found.get(name) != value for name, value in facts.items()):
            return []
        return [StrangerSkill.from_dict(one) for one in found["measured"]][: facts["nets"]]
    except (StriateError, KeyError, TypeError):
        return []


def _nets(prepared: Prepared) -> tuple[LeftOut, ...]:
    """Return on which rows each net is trained and measured, as the task has it; of strangers a few are enough."""
    if prepared.folds is not None:
        train, held = prepared.folds.others(0, 0), prepared.folds.held(0, 0)
    else:
        train, held = np.array(prepared.split.train, np.int64), np.array(prepared.split.val, np.int64)
    nets = prepared.task.leave_out(prepared.targets, train, held, groups_of(prepared.identities))
    seed = prepared.config.seed
    return tuple(replace(one, strange=subset(one.strange.tolist(), ASKED, seed=seed)) for one in nets)


def _asked(training: Training, prepared: Prepared, net: LeftOut) -> StrangerSkill:
    """Return how well a net that is trained tells what it has not learnt."""
    from striate.verbs.asking import asking

    ask = asking(training.final_model(), prepared.store, prepared.task, device=training.device)
    some = subset(net.trained.tolist(), KNOWN, seed=prepared.config.seed)
    trained, known, strange = ((ask(rows), prepared.targets[rows]) for rows in (some, net.known, net.strange))
    return prepared.task.stranger_skill(trained, known, strange)
