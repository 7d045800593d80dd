"""Many heads on the same features at once, each fitted to pictures of its own: what cross-validation takes.

The problem, its path of weight decays and the solver are those of `engine.head` (a convex loss on standardised
features, L-BFGS); what differs is that one pass over the features serves all heads, which for a few
hundred pictures is nearly as quick as for one. Every head has its own curvature, its own line search and its own end.
Nothing is drawn by chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.engine.head import CHUNK, DECAYS, ENOUGH, MEMORY, TRIES
from striate.errors import DivergedError
from striate.tasks.objective import Objective

AT_ONCE = 1_000_000  # numbers of all heads together, of which about 24 copies are held: 200 MB


@dataclass(frozen=True, eq=False)
class Problem:
    """What heads are fitted to.

    ``features`` (N, D) float32, ``targets`` (N, ...) as the ``objective``'s task encodes them and ``values`` as the
    labels say them, ``sees`` (heads, N) booleans: which pictures each is fitted to. Where the recipe asks for weights,
    each head's are those of the pictures that this very head sees.
    """

    features: NDArray[np.float32]
    targets: NDArray[Any]
    values: NDArray[Any]
    sees: NDArray[np.bool_]
    objective: Objective

    def parts(self) -> list[Problem]:
        """Return it as problems of few enough heads to be solved together."""
        most = max(1, AT_ONCE // (self.objective.width * (self.features.shape[1] + 1)))
        return [
            Problem(self.features, self.targets, self.values, self.sees[start : start + most], self.objective)
            for start in range(0, len(self.sees), most)
        ]


def along(problem: Problem, path: Sequence[float], *, epochs: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield weight (heads, width, D) and bias (heads, width) float32 at the end of every decay of a path.

    ``epochs`` is the most passes over the features that all decays of a task would get. Errors: DivergedError.

    Example: ``[weight.shape for weight, bias in along(problem, (1.0, 0.1), epochs=100)]`` is
    ``[(2, 2, 8), (2, 2, 8)]``.
    """
    passes = max(1, epochs // len(DECAYS)) if len(path) > 1 else epochs
    solver = _Solver(problem)
    for decay in path:
        solver.solve(decay, passes)
        yield solver.dense()


class _Solver:
    """The heads under way: ``weight`` (heads, width, D + 1) float64 on standardised features, the bias last."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.mean, self.scale = _standard(problem)
        heads, width = len(problem.sees), problem.features.shape[1]
        self.weight = torch.zeros(heads, problem.objective.width, width + 1, dtype=torch.float64)
        sees = torch.from_numpy(problem.sees.T.copy()).double()
        self.each = sees / sees.sum(0)  # (N, heads)
        task, goal = problem.objective.task, problem.objective
        found = [task.weights(problem.values[seen], goal.facts, goal.config) for seen in problem.sees]
        given = [weights for weights in found if weights is not None]
        self.weights = torch.stack(given) if given else None  # (heads, ...)
        if given:
            targets = torch.from_numpy(problem.targets)
            self.each *= torch.stack([task.row_weights(targets, weights).double() for weights in given], 1)

    def dense(self) -> tuple[Tensor, Tensor]:
        plain, bias = self._plain(self.weight)
        return plain.float(), bias.float()

    def solve(self, decay: float, passes: int) -> None:
        """Take at most so many steps downhill at a weight decay, each head until it gains next to nothing."""
        steps, turns = list[Tensor](), list[Tensor]()
        loss, gradient = self._objective(self.weight, decay)
        active = torch.ones(len(self.weight), dtype=torch.bool)
        for _ in range(passes):
            direction = -_curved(gradient, steps, turns)
            slope = _dot(gradient, direction)
            if not (torch.isfinite(loss).all() and torch.isfinite(slope).all()):
                raise DivergedError("a head's loss left the numbers; do the features hold values that are not finite?")
            active &= slope < 0
            length = torch.ones_like(loss)
            if not steps:
                length = torch.clamp(1.0 / gradient.flatten(1).norm(dim=1).clamp(min=1e-300), max=1.0)
            pending, before = active.clone(), loss
            weight, found, turned = self.weight.clone(), loss.clone(), gradient.clone()
            for _ in range(TRIES):
                if not pending.any():
                    break
                tried = self.weight + length[:, None, None] * direction
                there, there_turned = self._objective(tried, decay)
                good = pending & (there <= loss + 1e-4 * length * slope)
                weight[good], found[good], turned[good] = tried[good], there[good], there_turned[good]
                pending &= ~good
                length = torch.where(pending, 0.5 * length, length)
            steps, turns = [*steps, weight - self.weight][-MEMORY:], [*turns, turned - gradient][-MEMORY:]
            self.weight, loss, gradient = weight, found, turned
            active &= ~pending & (before - loss > ENOUGH * before.abs())
            if not active.any():
                break

    def _plain(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        plain = weight[:, :, :-1] * self.scale[:, None]
        return plain, weight[:, :, -1] - (plain * self.mean[:, None]).sum(2)

    def _objective(self, weight: Tensor, decay: float) -> tuple[Tensor, Tensor]:
        """Return what is minimised (heads,) and its gradient, as ``weight``."""
        heads, width = weight.shape[:2]
        task, config = self.problem.objective.task, self.problem.objective.config
        plain, bias = self._plain(weight)
        columns = plain.float().flatten(0, 1).T.contiguous()
        total = torch.zeros(heads, dtype=torch.float64)
        by_weight, by_bias = torch.zeros(heads * width, len(columns)).double(), torch.zeros(heads, width).double()
        for start in range(0, len(self.problem.features), CHUNK):
            # A copy: the features may be a map of a file.
            features = torch.from_numpy(np.array(self.problem.features[start : start + CHUNK]))
            targets = torch.from_numpy(self.problem.targets[start : start + CHUNK])
            each = self.each[start : start + CHUNK]
            output = (features @ columns).view(len(features), heads, width).double() + bias
            losses, slopes = task.slopes(output, targets, config, self.weights)
            total += (each * losses).sum(0)
            slopes *= each[:, :, None]
            by_weight += (slopes.float().flatten(1).T @ features).double()
            by_bias += slopes.sum(0)
        gradient = (by_weight.view_as(plain) - by_bias[:, :, None] * self.mean[:, None]) * self.scale[:, None]
        gradient += decay * weight[:, :, :-1]  # the bias is not decayed
        penalty = 0.5 * decay * (weight[:, :, :-1] ** 2).sum((1, 2))
        return total + penalty, torch.cat([gradient, by_bias[:, :, None]], 2)


def _dot(one: Tensor, other: Tensor) -> Tensor:
    return (one * other).sum((1, 2))


def _curved(gradient: Tensor, steps: Sequence[Tensor], turns: Sequence[Tensor]) -> Tensor:
    """Return the inverse curvature times the gradient, head by head; pairs without positive curvature count nothing."""
    pairs = []
    for step, turn in zip(steps, turns, strict=True):
        along_it, squared = _dot(step, turn), _dot(turn, turn)
        valid = along_it > 1e-10 * squared
        valid &= along_it > 0
        inverse = torch.where(valid, 1.0 / torch.where(valid, along_it, 1.0), 0.0)
        pairs.append((step, turn, inverse, torch.where(valid, along_it / torch.where(valid, squared, 1.0), 0.0)))
    result, shares = gradient.clone(), []
    size = torch.zeros(len(gradient), dtype=torch.float64)
    for step, turn, inverse, ratio in reversed(pairs):
        share = _dot(step, result) * inverse
        result -= share[:, None, None] * turn
        shares.append(share)
        size = torch.where(size == 0, ratio, size)  # of the newest pair that counts
    result *= torch.where(size == 0, 1.0, size)[:, None, None]
    for (step, turn, inverse, _), share in zip(pairs, reversed(shares), strict=True):
        result += (share - _dot(turn, result) * inverse)[:, None, None] * step
    return result


def _standard(problem: Problem) -> tuple[Tensor, Tensor]:
    """Return mean and 1 / deviation (heads, D) float64 of the features each head sees; 0 where one never varies."""
    sees = problem.sees.astype(np.float64)
    count = sees.sum(axis=1, keepdims=True)
    width = problem.features.shape[1]
    total, squares = np.zeros((len(sees), width)), np.zeros((len(sees), width))
    middle = problem.features[:CHUNK].mean(axis=0, dtype=np.float64)  # near the mean: no digits are lost to it
    for start in range(0, len(problem.features), CHUNK):
        some = problem.features[start : start + CHUNK].astype(np.float64) - middle
        total += sees[:, start : start + CHUNK] @ some
        squares += sees[:, start : start + CHUNK] @ some**2
    shift = total / count
    mean = middle + shift
    deviation = np.sqrt(np.maximum(squares / count - shift**2, 0.0))
    varies = deviation > 1e-6 * np.maximum(np.abs(mean), 1e-6)
    if floor := problem.objective.task.feature_floor:
        deviation = np.sqrt(deviation**2 + floor**2 * (deviation**2).mean(axis=1, keepdims=True))
    return torch.from_numpy(mean), torch.from_numpy(np.where(varies, 1.0 / np.where(varies, deviation, 1.0), 0.0))
