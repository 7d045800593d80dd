"""Stranger nets: nets trained without some of the classes, so that a net trained whole can say how it tells strangers.

A net has learnt its classes with its very features, so none of them is a stranger to it. What can be asked is the same
net by the same recipe, trained without every other class, and then without the others: each class is a stranger once.
The nets are for that alone; what they came to stands in the run, a net at a time, so that a stop costs one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import numpy as np

from striate.errors import RecipeError, StriateError
from striate.runs import answers as kept
from striate.runs import durable
from striate.runs.run import RunDirectory
from striate.tasks.left_out import FEWEST as FEWEST_KNOWN
from striate.tasks.left_out import Answered, skill_without
from striate.tasks.strangers import FEWEST, StrangerSkill, left_out_together, mean_skill
from striate.verbs.events import Folding
from striate.verbs.folds import KNOWN, train_apart
from striate.verbs.prepared import Prepared, subset
from striate.words import counted, plural

if TYPE_CHECKING:
    from striate.engine.fit import Training

NAME = "strangers.json"
ASKED = 1000  # pictures of classes left out that each net is asked about, at most


def wanted(prepared: Prepared) -> bool:
    """Whether a run trains such nets: where it was asked for, or its figure is cross-validated by whole nets anyway.

    Errors: RecipeError where it was asked for and cannot be.
    """
    recipe = prepared.recipe
    classes = prepared.targets.ndim == 1 and prepared.targets.dtype.kind == "i"  # what can be left out
    if not recipe.unknown or recipe.tune == "head" or not classes:
        return False
    if recipe.strangers is None:
        return prepared.folds is not None and bool(_groups(prepared))
    if recipe.strangers and (few := _too_few(prepared)):
        raise RecipeError(
            f"strangers: {few}; leave it out, or start from a trunk (--from), whose head needs no such nets"
        )
    return recipe.strangers


def stranger_skill(
    run: RunDirectory, prepared: Prepared, begin: Callable[[np.ndarray], Training]
) -> Generator[Folding, None, StrangerSkill]:
    """Train a net without each group of classes, and return how well they are told; ``begin(rows)`` makes a training.

    What was measured already, by a run that was stopped, is not measured again.
    """
    groups, folder = _groups(prepared), run.path / kept.FOLDER
    facts = {"epochs": prepared.recipe.epochs, "nets": len(groups)}  # a run may be gone on with for more
    done = _measured(run, facts)
    if not folder.is_dir():
        durable.make_directory(folder)
    for number, out in enumerate(groups, 1):
        if number <= len(done):
            continue
        seen, unseen, strange = _rows(prepared, out)
        training = begin(seen)
        place = folder / f"without-{number}-{prepared.recipe.epochs}"
        yield from train_apart(training, place, number, len(groups), what="net without some of the classes")
        done = [*done, _asked(training, prepared, seen, unseen, strange)]
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


def _groups(prepared: Prepared) -> tuple[np.ndarray, ...]:
    """Return the classes that are left out together; nothing where that cannot be measured."""
    groups = left_out_together(np.unique(prepared.targets[_known(prepared)[0]]))
    few = any(len(_rows(prepared, out)[1]) < FEWEST_KNOWN for out in groups)
    return () if few else groups


def _too_few(prepared: Prepared) -> str:
    """Return why it cannot be measured, or nothing."""
    classes = np.unique(prepared.targets[_known(prepared)[0]])
    if len(classes) < FEWEST:
        return f"it takes {FEWEST} classes or more to train without some of them, and there are {len(classes)}"
    least = min(len(_rows(prepared, out)[1]) for out in left_out_together(classes))
    if least < FEWEST_KNOWN:
        return (
            f"{counted(least, 'picture')} of the classes that a net would know {plural(least, 'is')} left to"
            f" measure on, and {FEWEST_KNOWN} are needed"
        )
    return ""


def _known(prepared: Prepared) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that such nets may be trained on, and those that they are measured on."""
    if prepared.folds is not None:
        return prepared.folds.others(0, 0), prepared.folds.held(0, 0)
    return np.array(prepared.split.train, np.int64), np.array(prepared.split.val, np.int64)


def _rows(prepared: Prepared, out: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows that a net without these classes is trained on, known ones it does not see, and strange ones.

    A picture that is in a class left out and in another too is no stranger.
    """
    targets = prepared.targets
    train, held = _known(prepared)
    seen, unseen = (rows[~np.isin(targets[rows], out)] for rows in (train, held))
    learnt = {prepared.store.digests[row] for row in seen}
    every = np.sort(np.concatenate([train, held]))
    others = [int(row) for row in every[np.isin(targets[every], out)] if prepared.store.digests[row] not in learnt]
    return seen, unseen, subset(others, ASKED, seed=prepared.recipe.seed)


def _asked(
    training: Training, prepared: Prepared, seen: np.ndarray, unseen: np.ndarray, strange: np.ndarray
) -> StrangerSkill:
    """Return how well a net that is trained tells what it has not learnt."""
    from striate.engine.infer import infer

    model = training.final_model()

    def asked(rows: np.ndarray) -> Answered:
        return Answered(*infer(model, prepared.store, rows, device=training.device), prepared.targets[rows])

    some = subset(seen.tolist(), KNOWN, seed=prepared.recipe.seed)
    return skill_without(asked(some), asked(unseen), asked(strange))
