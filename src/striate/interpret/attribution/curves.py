"""Deletion and insertion: does the answer go where the evidence goes? Against the same in random order. Imports torch.

The picture is cut into cells. Deletion removes them, those with most evidence first; insertion brings them back in the
same order. Evidence that found the cause has a deletion curve that falls at once and an insertion curve that rises at
once. Petsiuk et al. 2018, "RISE", section 4.1; here one kind of removal serves both, so that removing the cells of an
order is the insertion of the order read backwards, and both are held against the same random orders.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.interpret.attribution.question import answers, batches
from striate.interpret.attribution.removal import cells, without
from striate.metrics.intervals import Interval
from striate.model.build.model import Model
from striate.tasks.question import Question

ACROSS = 14  # cells a side
FRACTIONS = (0.1, 0.3, 0.7, 0.9)  # of the picture, at which the network is asked; the same from either end
ORDERS = 6  # random ones
_T = 2.571  # 97.5 % point of Student's t with ORDERS - 1 degrees of freedom


@dataclass(frozen=True, eq=False)
class Curves:
    """How much of the answer is left (`Question.level`) after removing, or bringing back, ``fractions`` (F,) of it.

    ``deletion`` and ``insertion`` (F,) in the order of the evidence, ``random`` (orders, F) deletions in random order;
    ``removal`` what removing means.
    """

    fractions: NDArray[np.float64]
    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]
    random: NDArray[np.float64]
    removal: str

    @property
    def deletion_area(self) -> float:
        """Mean level of the answer while the evidence is removed: lower is better."""
        return float(np.trapezoid(self.deletion, self.fractions))

    @property
    def insertion_area(self) -> float:
        """Mean level of the answer while the evidence is brought back: higher is better."""
        return float(np.trapezoid(self.insertion, self.fractions))

    @property
    def chance(self) -> Interval:
        """The area that a random order has: the mean, and the range in which 95 % of further orders fall."""
        areas = [float(np.trapezoid(row, self.fractions)) for row in self.random]
        mean = statistics.fmean(areas)
        reach = _T * statistics.stdev(areas) * (1 + 1 / len(areas)) ** 0.5
        return Interval(mean, mean - reach, mean + reach)

    @property
    def gain(self) -> float:
        """Insertion area minus deletion area: 0 for a random order on average; 1 at the most of levels from 0 to 1."""
        return self.insertion_area - self.deletion_area

    @property
    def chance_gain(self) -> float:
        """The gain that 97.5 % of random orders stay below, reckoned from the spread of their areas."""
        areas = [float(np.trapezoid(row, self.fractions)) for row in self.random]
        return _T * 2**0.5 * statistics.stdev(areas)


def order(heat: Tensor, labels: Tensor, seed: int = 0) -> NDArray[np.int64]:
    """Return the cells by their mean heat, most first; cells that tie come in random order."""
    count = int(labels.max()) + 1
    total = torch.zeros(count).index_add_(0, labels.flatten(), heat.flatten().float())
    mean = (total / torch.bincount(labels.flatten(), minlength=count)).numpy()
    return np.lexsort((np.random.default_rng(seed).random(count), -mean))


def curves(
    model: Model, inputs: Tensor, question: Question, heats: Sequence[Tensor], *, removal: str = "blur", seed: int = 0
) -> tuple[Curves, ...]:
    """Return the curves of several heats (H, W) of one picture (1, C, H, W), held against the same random orders.

    Asks the network for (2 heats + 6 orders) x 4 pictures and 2 more.

    Example: ``curves(model, inputs, ClassQuestion(1), [heat])[0].gain``
    """
    return curves_of(model, inputs, [(question, heat) for heat in heats], removal=removal, seed=seed)


def curves_of(
    model: Model,
    inputs: Tensor,
    asked: Sequence[tuple[Question, Tensor]],
    *,
    removal: str = "blur",
    seed: int = 0,
    chance: Tensor | None = None,
) -> tuple[Curves, ...]:
    """Return the curves of heats (H, W), each with its own question; the network's answers to random orders are shared.

    ``chance`` are those answers where `by_chance` has asked for them before, of the same picture, removal and seed.

    Example: ``len(curves_of(model, inputs, [(ClassQuestion(0), heat), (ClassQuestion(1), heat)]))`` is 2.
    """
    labels = cells(inputs.shape[2], inputs.shape[3], ACROSS)
    at = _counts(int(labels.max()) + 1)
    lines = [line for _, heat in asked for line in (order(heat, labels, seed), order(heat, labels, seed)[::-1])]
    known = by_chance(model, inputs, removal=removal, seed=seed) if chance is None else chance
    own = _without_each(model, inputs, without(inputs, removal), _masks(lines, at), labels)
    outputs = torch.cat([known[:2], own, known[2:]])
    fractions = np.array(at) / at[-1]
    return tuple(_curves(outputs, question, n, fractions, removal) for n, (question, _) in enumerate(asked))


def by_chance(model: Model, inputs: Tensor, *, removal: str = "blur", seed: int = 0) -> Tensor:
    """Return the outputs for the whole picture, for nothing of it, and without what random orders take first."""
    labels = cells(inputs.shape[2], inputs.shape[3], ACROSS)
    count = int(labels.max()) + 1
    draws = np.random.default_rng(seed)
    lines = [draws.permutation(count) for _ in range(ORDERS)]
    ends = torch.tensor([[False] * count, [True] * count])
    masks = torch.cat([ends, _masks(lines, _counts(count))])
    return _without_each(model, inputs, without(inputs, removal), masks, labels)


def _counts(count: int) -> list[int]:
    """Return how many cells are taken away at each place of a curve, from none to all."""
    few = [round(fraction * count) for fraction in FRACTIONS if fraction < 0.5]
    return [0, *few, *(count - many for many in reversed(few)), count]


def _masks(lines: Sequence[NDArray[np.int64]], at: Sequence[int]) -> Tensor:
    """Return (lines x inner places, cells) bool: the cells that each order takes first, as many as a place has."""
    masks = np.zeros((len(lines), len(at) - 2, at[-1]), bool)
    for row, line in enumerate(lines):
        for column, many in enumerate(at[1:-1]):
            masks[row, column, line[:many]] = True
    return torch.from_numpy(masks.reshape(-1, at[-1]))


def _curves(outputs: Tensor, question: Question, number: int, fractions: NDArray[np.float64], removal: str) -> Curves:
    """Return the curves of one heat from the outputs for all masks."""
    whole, nothing, *rest = question.level(outputs).double().tolist()
    rows = [np.array([whole, *inner, nothing]) for inner in np.array(rest).reshape(-1, len(fractions) - 2)]
    deletion, insertion = rows[2 * number], rows[2 * number + 1][::-1]
    return Curves(fractions, deletion, insertion, np.stack(rows[-ORDERS:]), removal)


def _without_each(model: Model, inputs: Tensor, empty: Tensor, masks: Tensor, labels: Tensor) -> Tensor:
    """Return the outputs without the cells of each mask (M, cells), a few pictures at a time."""
    pictures = (torch.where(few[:, labels][:, None], empty, inputs) for few in batches(masks))
    return torch.cat([answers(model, each) for each in pictures])
