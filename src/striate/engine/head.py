"""A new head on frozen features, whatever it is for, solved over all features at once.

The features are standardised (in the arithmetic, not in memory), and what is minimised is the mean of the task's loss
(`Task.slopes`: for classes the cross-entropy, which makes it a multinomial logistic regression) plus half the weight
decay times the squared weights: a convex problem, solved by L-BFGS (Nocedal and Wright, "Numerical
Optimization", 2006, algorithms 7.4 and 3.1). Decays are tried from the strongest to the weakest, each from where the
one before ended (Friedman, Hastie and Tibshirani, "Regularization Paths", 2010), and the one whose end has the lowest
validation loss is taken. One pass over all features is an epoch. Nothing is drawn by chance.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from striate.engine.fit import Epoch
from striate.engine.state import Facts, Tensors
from striate.errors import DivergedError, TrainingError
from striate.tasks.objective import Objective
from striate.tasks.task import EMBEDDING, Task

DECAYS = Task.decays  # of most tasks; a path of any is as long
CHUNK = 8192  # features looked at at once
MEMORY = 10  # pairs of steps and gradients that the curvature is estimated from
WORSE = 2  # decays in a row without a better validation loss, after which weaker ones are not tried
ENOUGH = 1e-5  # of the loss: a pass that gains less ends a decay
TRIES = 30  # halvings of a step that goes too far


@dataclass(frozen=True)
class HeadEpoch(Epoch):
    """A pass over all features; ``learning_rate`` is the length of the step that the line search took."""

    weight_decay: float = 0.0


class HeadTraining:
    """A head under way. Attributes: ``epochs_done`` passes behind us of at most ``epochs``; ``done``; ``inexact``."""

    def __init__(
        self,
        features: np.ndarray,
        objective: Objective,
        train: Sequence[int],
        val: Sequence[int],
        *,
        epochs: int,
        decay: float | None = None,
        path: Sequence[float] = (),
    ) -> None:
        """``features`` (N, D) of the ``objective``'s N pictures; ``train``, ``val`` are rows; ``decay`` None: chosen.

        Its weights, where the recipe asks for some, are those of the pictures to train on.

        ``path`` are decays to go through in place of a choice, of which the last is taken (`engine.head_folds`).
        """
        if not len(train):
            raise TrainingError("there are no pictures to train on: the training split is empty")
        self.features, self.objective, self.task = features, objective, objective.task
        self.targets, self.width = objective.targets, objective.width
        self.train, self.val = np.sort(np.asarray(train, np.int64)), np.asarray(val, np.int64)
        self.decays: tuple[float, ...] = path_of(self.task, decay, choose=len(val) > 0)
        self.epochs = max(epochs, len(self.decays))
        if path:
            self.take(path)
        self.weights = self.task.weights(objective.labels.values[self.train], objective.facts, objective.config)
        self.chosen = decay is not None
        self.inexact: tuple[str, ...] = ()
        self.mean, self.scale = _standard(features, self.train, self.task.feature_floor)
        self.weight = torch.zeros(self.width, features.shape[1] + 1, dtype=torch.float64)  # standardised; bias last
        self.steps, self.turns = list[Tensor](), list[Tensor]()  # of the weights, and of the gradient along them
        self.best, self.best_loss, self.best_decay = self.weight, float("inf"), self.decays[0]
        self.place = self.passes = self.stale = self.epochs_done = 0
        self.done = False

    @property
    def work(self) -> int:
        """Multiply-accumulates of a pass: there with the weights, and back with the slopes."""
        return 2 * len(self.train) * self.weight.numel()

    @property
    def decay(self) -> float:
        """The weight decay under way."""
        return self.decays[self.place]

    def take(self, path: Sequence[float]) -> None:
        """Go through these decays in place of a choice, and take the last."""
        self.decays = tuple(path)
        if len(path) > 1:  # a part of the path goes through each decay for as long as the whole would
            self.epochs = max(self.epochs * len(path) // len(DECAYS), len(path))

    def state(self) -> tuple[Tensors, Facts]:
        """Return everything that a bit-exact continuation needs."""
        tensors = {"head.weight": self.weight, "head.best": self.best}
        tensors |= {f"head.step{number}": step for number, step in enumerate(self.steps)}
        tensors |= {f"head.turn{number}": turn for number, turn in enumerate(self.turns)}
        best = None if self.best_loss == float("inf") else self.best_loss
        facts = {"format": 1, "phase": "head", "best_loss": best, "classes": list(self.weight.shape)}
        facts["fitted_to"] = [len(self.train), len(self.val)]
        return tensors, facts | {name: getattr(self, name) for name in _COUNTERS}

    def fits(self, facts: Mapping[str, object]) -> bool:
        """Whether a state is of as many pictures: where some are gone since, a head is fitted anew, in seconds."""
        here = [len(self.train), len(self.val)]
        return facts.get("fitted_to", here) == here

    def load_state(self, tensors: Mapping[str, Tensor], facts: Mapping[str, object]) -> None:
        """Become what ``state`` returned. Errors: TrainingError when it is of another head."""
        if facts.get("phase") != "head" or facts["classes"] != list(self.weight.shape):
            raise TrainingError("the state is not of this head: it has other outputs or features")
        for name in _COUNTERS:
            setattr(self, name, facts[name])
        loss = facts["best_loss"]
        self.best_loss = float("inf") if loss is None else float(loss)  # type: ignore[arg-type]
        self.weight, self.best = tensors["head.weight"].clone(), tensors["head.best"].clone()
        count = sum(name.startswith("head.step") for name in tensors)
        self.steps = [tensors[f"head.step{number}"].clone() for number in range(count)]
        self.turns = [tensors[f"head.turn{number}"].clone() for number in range(count)]

    def dense(self) -> tuple[Tensor, Tensor]:
        """Return weight (width, D) and bias (width,) float32 of the dense layer that answers as the best head."""
        return _unstandardised(self.best, self.mean, self.scale)

    def outputs(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the whole net says of these rows, by name: its main output (N, width), the features (N, D)."""
        weight, bias = self.dense()
        some = np.ascontiguousarray(self.features[rows])
        return {self.task.output: (torch.from_numpy(some) @ weight.T + bias).numpy(), EMBEDDING: some}

    def minimised(self, weight: Tensor, decay: float) -> tuple[float, Tensor]:
        """Return what is minimised, and its gradient (width, D + 1) float64."""
        loss, gradient = _loss(self, weight, self.train)
        gradient[:, :-1] += decay * weight[:, :-1]  # the bias is not decayed
        return loss + _penalty(weight, decay), gradient


_COUNTERS = ("epochs_done", "place", "passes", "stale", "done", "best_decay")


def watch_head(training: HeadTraining) -> Generator[HeadEpoch]:
    """Solve, and yield each pass over the features; stop reading to stop.

    Example: ``losses = [epoch.val_loss for epoch in watch_head(training)]``
    """
    most = training.epochs // len(training.decays)
    began = perf_counter()
    current = None if training.done else training.minimised(training.weight, training.decay)
    while current is not None:
        loss, gradient = current
        stepped = _step(training, loss, gradient)
        if stepped is not None:
            length, current = stepped
        gained, penalised = loss - current[0], current[0]
        train_loss = penalised - _penalty(training.weight, training.decay)
        training.epochs_done, training.passes = training.epochs_done + 1, training.passes + 1
        val_loss, metrics = _validate(training)
        index, decay = training.epochs_done, training.decay
        if training.passes >= most or gained <= ENOUGH * abs(loss):
            _next_decay(training, penalised if val_loss is None else val_loss)
            current = None if training.done else training.minimised(training.weight, training.decay)
        seconds = perf_counter() - began
        yield HeadEpoch(
            index=index,
            epochs=training.epochs,
            train_loss=train_loss,
            val_loss=val_loss,
            metrics=metrics,
            learning_rate=0.0 if stepped is None else length,
            seconds=seconds,
            pictures_per_second=len(training.train) / max(seconds, 1e-9),
            data_wait=0.0,
            weight_decay=decay,
            losses={training.task.terms[0]: train_loss} if len(training.task.terms) == 1 else {},
        )
        began = perf_counter()


def _penalty(weight: Tensor, decay: float) -> float:
    return 0.5 * decay * float((weight[:, :-1] ** 2).sum())


def _next_decay(training: HeadTraining, loss: float) -> None:
    """Judge the decay that has ended, and go to the next one, or to the end; without a judge the last one is taken."""
    if loss < training.best_loss or not len(training.val):
        training.best, training.best_loss, training.best_decay = training.weight.clone(), loss, training.decay
        training.stale = 0
    else:
        training.stale += 1
    training.done = training.stale >= WORSE or training.place + 1 == len(training.decays)
    if not training.done:
        training.place, training.passes = training.place + 1, 0
    training.steps, training.turns = [], []  # the curvature of another objective


def _step(training: HeadTraining, loss: float, gradient: Tensor) -> tuple[float, tuple[float, Tensor]] | None:
    """Move the weights downhill; return the length and what is there, None where nothing is lower."""
    direction = -_curved(gradient, training.steps, training.turns)
    slope = float((gradient * direction).sum())
    if not np.isfinite(loss) or not np.isfinite(slope):
        raise DivergedError("the head's loss left the numbers; do the features hold values that are not finite?")
    if slope >= 0.0:
        return None
    length = 1.0 if training.steps else min(1.0, 1.0 / float(gradient.norm()))
    for _ in range(TRIES):
        weight = training.weight + length * direction
        there, turned = training.minimised(weight, training.decay)
        if there <= loss + 1e-4 * length * slope:
            step, turn = weight - training.weight, turned - gradient
            if float((step * turn).sum()) > 1e-10 * float((turn * turn).sum()):
                training.steps = [*training.steps, step][-MEMORY:]
                training.turns = [*training.turns, turn][-MEMORY:]
            training.weight = weight
            return length, (there, turned)
        length *= 0.5
    return None


def _curved(gradient: Tensor, steps: Sequence[Tensor], turns: Sequence[Tensor]) -> Tensor:
    """Return the inverse curvature times the gradient (the two-loop recursion)."""
    result, shares = gradient.clone(), []
    for step, turn in zip(reversed(steps), reversed(turns), strict=True):
        share = (step * result).sum() / (step * turn).sum()
        result -= share * turn
        shares.append(share)
    if steps:
        result *= (steps[-1] * turns[-1]).sum() / (turns[-1] * turns[-1]).sum()
    for step, turn, share in zip(steps, turns, reversed(shares), strict=True):
        result += (share - (turn * result).sum() / (step * turn).sum()) * step
    return result


def _chunks(training: HeadTraining, rows: np.ndarray) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield features (n, D) float32 and targets (n,)."""
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        yield torch.from_numpy(training.features[some]), torch.from_numpy(training.targets[some])


def _loss(training: HeadTraining, standardised: Tensor, rows: np.ndarray) -> tuple[float, Tensor]:
    """Return the mean loss, pictures weighted, and its gradient by the standardised weights."""
    weight, bias = _unstandardised(standardised, training.mean, training.scale)
    task, config, weights = training.task, training.objective.config, training.weights
    total, by_weight, by_bias = 0.0, torch.zeros(weight.shape, dtype=torch.float64), torch.zeros(len(bias)).double()
    for features, targets in _chunks(training, rows):
        output = (features @ weight.T + bias).double()
        counts = torch.ones(len(targets)) if weights is None else task.row_weights(targets, weights)
        each = counts.double() / len(rows)
        losses, slopes = task.slopes(output, targets, config, weights)
        total += float((each * losses).sum())
        slopes *= each[:, None]
        by_weight += (slopes.float().T @ features).double()
        by_bias += slopes.sum(0)
    by_weight = (by_weight - by_bias[:, None] * training.mean) * training.scale
    return total, torch.cat([by_weight, by_bias[:, None]], 1)


def _validate(training: HeadTraining) -> tuple[float | None, dict[str, float]]:
    """Return the plain loss and the metrics on the validation pictures."""
    if not len(training.val):
        return None, {}
    weight, bias = _unstandardised(training.weight, training.mean, training.scale)
    output = torch.cat([features @ weight.T + bias for features, _ in _chunks(training, training.val)])
    task, objective = training.task, training.objective
    targets = torch.from_numpy(training.targets[training.val])
    loss = task.plain_loss({task.output: output.double()}, targets, objective.config)
    said = objective.labels.values[training.val]
    return loss, task.measure({task.output: output.numpy()}, said, objective.facts)


def path_of(task: Task, decay: float | None, *, choose: bool) -> tuple[float, ...]:
    """Return the decays that are tried: one that was said, those of the task, or where nothing can choose its one."""
    return (decay,) if decay is not None else task.decays if choose else (task.blind_decay,)


def _standard(features: np.ndarray, rows: np.ndarray, floor: float) -> tuple[Tensor, Tensor]:
    """Return mean and 1 / deviation (D,) float64 of the features; 0 as the latter of one that never varies.

    ``floor`` is `Task.feature_floor`.
    """
    total, squares = np.zeros(features.shape[1]), np.zeros(features.shape[1])
    for start in range(0, len(rows), CHUNK):
        total += features[rows[start : start + CHUNK]].sum(0, dtype=np.float64)
    mean = total / len(rows)
    for start in range(0, len(rows), CHUNK):
        squares += ((features[rows[start : start + CHUNK]] - mean) ** 2).sum(0)
    deviation = np.sqrt(squares / len(rows))
    varies = deviation > 1e-6 * np.maximum(np.abs(mean), 1e-6)
    if floor:
        deviation = np.sqrt(deviation**2 + floor**2 * (deviation**2).mean())
    return torch.from_numpy(mean), torch.from_numpy(np.where(varies, 1.0 / np.where(varies, deviation, 1.0), 0.0))


def _unstandardised(weight: Tensor, mean: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Return weight and bias float32 that do to plain features what ``weight`` does to standardised ones."""
    plain = weight[:, :-1] * scale
    return plain.float(), (weight[:, -1] - (plain * mean).sum(1)).float()
