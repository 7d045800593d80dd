"""None of these by what was left out: classes a net was trained without, folds that set no threshold. NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from striate.errors import RecipeError
from striate.metrics.classification import auroc
from striate.metrics.probability import Ints
from striate.tasks.calibrate import fit_temperature
from striate.tasks.ood import OODDetector, fit_ood, threshold_of
from striate.tasks.stranger_skill import StrangerSkill
from striate.tasks.strangers import FEWEST, left_out_together
from striate.tasks.values import LeftOut
from striate.words import counted, plural

FEWEST_KNOWN = 20  # known pictures that were not trained on: with fewer a threshold would be a guess


@dataclass(frozen=True, eq=False)
class Answered:
    """What a net says of N pictures: ``logits`` (N, K), ``embeddings`` (N, D); ``targets`` (N,) are their classes."""

    logits: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    targets: Ints


def skill_without(trained: Answered, known: Answered, strange: Answered) -> StrangerSkill:
    """Return how well a net tells ``strange`` pictures, whose classes it was trained without, from ``known`` ones.

    ``trained`` are pictures that it was trained on, ``known`` others of the same classes. What is known is learnt, as a
    run learns it, from every other known picture of each class, and measured on the rest; then the other way round:
    no picture is judged by a threshold that it helped to set. The outputs of classes that were left out are not
    looked at. Errors: StriateError for embeddings that are not finite.

    Example: ``skill_without(seen, unseen, others).strangers`` is 40.
    """
    columns = np.unique(trained.targets)
    order = np.argsort(known.targets, kind="stable")
    found, lost, areas = [], [], []
    for fit, judge in ((order[::2], order[1::2]), (order[1::2], order[::2])):
        logits = known.logits[:, columns]
        numbers = np.searchsorted(columns, known.targets[fit])
        unknown = fit_ood(
            trained.embeddings,
            trained.targets,
            known.embeddings[fit],
            logits[fit],
            temperature=fit_temperature(logits[fit], numbers),
        )
        usual = unknown.score(known.embeddings[judge], logits[judge])
        others = unknown.score(strange.embeddings, strange.logits[:, columns])
        found.append(float(unknown.is_unknown(others).mean()))
        lost.append(float(unknown.is_unknown(usual).mean()))
        which = np.arange(len(usual) + len(others)) >= len(usual)
        areas.append(float(auroc(np.concatenate([usual, others]), which).value))
    return StrangerSkill(
        found=float(np.mean(found)),
        lost=float(np.mean(lost)),
        auroc=float(np.mean(areas)),
        classes=len(np.unique(strange.targets)),
        strangers=len(strange.targets),
        nets=1,
    )


def leave_out(targets: Ints, train: Ints, held: Ints, groups: Ints) -> tuple[LeftOut, ...]:
    """Return the trainings that leave each class out once: the arguments are those of `Task.leave_out`.

    A picture that is in a class left out and in another too is no stranger. Errors: RecipeError.

    Example: ``leave_out(np.arange(80) % 4, np.arange(40), np.arange(40, 80), np.arange(80))[0].strange[:3]`` is
    ``[0, 2, 4]``.
    """
    classes = np.unique(targets[train])
    if len(classes) < FEWEST:
        raise _refused(f"it takes {FEWEST} classes or more to train without some of them, and there are {len(classes)}")
    every, nets = np.sort(np.concatenate([train, held])), []
    for out in left_out_together(classes):
        trained, known = (rows[~np.isin(targets[rows], out)] for rows in (train, held))
        others = every[np.isin(targets[every], out)]
        nets.append(LeftOut(trained, known, others[~np.isin(groups[others], groups[trained])]))
    least = min(len(one.known) for one in nets)
    if least < FEWEST_KNOWN:
        raise _refused(
            f"{counted(least, 'picture')} of the classes that a net would know {plural(least, 'is')} left to"
            f" measure on, and {FEWEST_KNOWN} are needed"
        )
    return tuple(nets)


def _refused(why: str) -> RecipeError:
    return RecipeError(
        f"strangers: {why}; leave it out, or start from a trunk (--start), whose head needs no such nets"
    )


def beyond_other_folds(
    unknown: OODDetector, distances: ArrayLike, logits: ArrayLike, folds: ArrayLike
) -> NDArray[np.bool_]:
    """Return which pictures are beyond the threshold that all but their own fold set; none where it is never said.

    ``distances`` (M,) and ``logits`` (M, K) are out-of-fold answers, ``folds`` (M,) by which fold. The threshold of
    the model stands on all of these pictures, so that of them it keeps its share by how it was made.

    Example: ``beyond_other_folds(fit_frozen(features, prepared.targets), [0.0, 0.0], [[1.0, 0.0]] * 2, [0, 1])`` is
    ``[False, False]``.
    """
    scores, places = unknown.score_at(distances, logits), np.asarray(folds)
    beyond = np.zeros(len(scores), dtype=bool)
    for fold in np.unique(places) if unknown.answers else ():
        mine = places == fold
        if not mine.all():
            beyond[mine] = scores[mine] > threshold_of(scores[~mine], unknown.known_kept, measure=unknown.measure)
    return beyond
