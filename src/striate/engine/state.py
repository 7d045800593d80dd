"""Training: everything a training is between two steps, and how it is put into tensors and facts and taken out again.

What is kept, and why each name:

- ``weights.<name>``            parameters and buffers as they are being trained
- ``average.<name>``            the averaged weights (EMA), when the recipe has them
- ``optimiser.<name>.<slot>``   momentum and the like, by the name of the parameter they belong to
- ``sums``                      running sums of the epoch: loss, gradient norms, side heads' loss, each of several terms
- ``best.<name>``               the weights of the best epoch so far, when the recipe has patience
- ``good.<any of the above>``   in the middle of an epoch only: the state to go back to if the loss leaves the numbers

With "good" what a recovery does is a function of the training alone, not of when its state was last asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import torch
from torch import Tensor

from striate.data.batches.augment import Augment
from striate.data.batches.loader import steps
from striate.data.batches.resident import resident
from striate.engine import optimise, unfreeze
from striate.engine.tensors import copied, finite, under
from striate.engine.unfreeze import Stages
from striate.errors import TrainingError
from striate.tasks.objective import Objective
from striate.train_config import TrainConfig

if TYPE_CHECKING:
    from striate.data.split import Split
    from striate.data.store.store import Store
    from striate.model.build.model import Model

Tensors: TypeAlias = dict[str, Tensor]
Facts: TypeAlias = dict[str, Any]

_MUST_MATCH = ("optimiser", "batch", "accumulate", "pictures", "seed", "averaged")
_COUNTERS = ("epochs_done", "step", "seen", "rate_factor", "attempts", "seconds", "waited")
_STORED = {"bad_epochs": "stale", "micro_batches": "parts"}  # more counters, and what checkpoints have called them


class NotFiniteError(TrainingError):
    """A loss, gradient or weight is NaN or infinite; ``watch`` catches it and goes back."""


@dataclass
class Best:
    """The best epoch so far and its weights (on the CPU)."""

    epoch: int
    loss: float
    tensors: Tensors


class Training:
    """A training under way. Made by ``begin``, moved by ``watch`` and ``fit``; ``state`` is all of it.

    Attributes: ``epochs_done`` whole epochs; ``step`` updates done in the epoch under way, of ``steps``;
    ``rate_factor`` what recoveries left of the learning rate, ``attempts`` how many; ``micro_batches`` in how many a
    batch is computed; ``seconds`` spent on the epoch under way, ``waited`` of them for data, ``evaluating`` on the
    last evaluation; ``inexact`` why its bits cannot be promised to come out again (empty: can).
    """

    def __init__(
        self,
        model: Model,
        config: TrainConfig,
        store: Store,
        objective: Objective,
        split: Split,
        *,
        device: torch.device,
        epochs: int,
        batch: int,
        augment: Augment,
        bfloat16: bool,
        threads: int,
        weights: Tensor | None,
        stages: Stages = (),
        still: Collection[str] = (),
        pictures: bool = True,
    ) -> None:
        self.model, self.config, self.store, self.objective, self.split = model, config, store, objective, split
        self.task, self.targets = objective.task, objective.targets
        self.device, self.bfloat16, self.threads, self.augment = device, bfloat16, threads, augment
        self.weights, self.pictures, self.epochs, self.batch = weights, pictures, epochs, batch
        self.stages, self.still = stages, still
        self.resident = resident(store.pixels, self.targets, device)
        self.steps = max(1, round(config.epoch_share * steps(len(split.train), batch_size=batch)))

        self.outputs = torch.compile(model.outputs) if config.compile else model.outputs
        self.optimiser = optimise.optimiser(model, config, unfreeze.factors(model, stages, config.rate_decay))
        self.schedule = optimise.schedule(config, epochs * self.steps)
        self.parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.buffers = list(model.buffers())
        self.live = {name: t for name, t in model.state_dict(keep_vars=True).items() if t.is_floating_point()}
        self.averages = [t.detach().clone() for t in self.live.values()] if config.ema else []
        exact = torch.float32 if device.type == "mps" else torch.float64
        self.sums = torch.zeros(3 + len(objective.told_apart), dtype=exact, device=device)
        self.epochs_done = self.step = self.seen = self.bad_epochs = self.attempts = 0
        self.rate_factor, self.micro_batches = 1.0, config.accumulate
        self.seconds, self.waited, self.evaluating, self.best = 0.0, 0.0, 0.0, cast("Best | None", None)
        self.lengthened: list[dict[str, int]] = []
        told = f"{device.type} adds up in an order of its own choosing, so the last bits may differ"
        self.inexact: tuple[str, ...] = () if device.type == "cpu" else (told,)
        self.torn = False  # true while something is half-done
        self._closed: tuple[Tensors, Facts] | None = None  # the state, once the model holds its final weights
        self._good = self._capture()

    @property
    def updates(self) -> int:
        """Updates done since the beginning."""
        return self.epochs_done * self.steps + self.step

    def train_mode(self) -> None:
        """Put the model into training mode, but for the stages that are still frozen in the epoch under way."""
        plan = (self.config, self.epochs_done, self.epochs)
        unfreeze.train_mode(self.model, self.stages, self.parameters, *plan, still=self.still)

    @property
    def done(self) -> bool:
        """Whether no epoch is left to do, or none of the last ``patience`` epochs was the best."""
        return self.epochs_done >= self.epochs or self.bad_epochs >= (self.config.patience or self.bad_epochs + 1)

    def learning_rate(self, update: int) -> float:
        """Return the learning rate that an update (from 0) is made with."""
        return self.config.learning_rate * self.schedule(update) * self.rate_factor

    def state(self) -> tuple[Tensors, Facts]:
        """Return everything that a bit-exact continuation needs: tensors on the CPU, and facts that are plain JSON.

        It may be asked for after any event. When the training stands inside a torn step (an interrupt came in the
        middle of one) or some number is not finite, the last whole and finite state is returned instead; ``facts``
        say which epoch and step it is of. The tensors are for reading only.

        Example: ``fresh.load_state(*training.state())``
        """
        if self._closed is not None:
            return self._closed
        good_tensors, good_facts = self._good
        if self.torn or self.updates == good_facts["updates"]:
            return dict(good_tensors), dict(good_facts)
        tensors, facts = self._capture()
        if not finite(tensors):
            return dict(good_tensors), dict(good_facts)
        # The best epoch is the same in both: it only changes between epochs.
        back = {f"good.{name}": t for name, t in good_tensors.items() if not name.startswith("best.")}
        return tensors | back, facts | {"good": good_facts}

    def load_state(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Become what ``state`` returned, to the bit. The recipe may have more epochs than it had then.

        With more epochs the schedule is that of the longer training from here on: the learning rate goes on from where
        the longer one would be, which is usually higher; ``facts["lengthened"]`` keeps a record of it.

        Errors: TrainingError, with nothing changed, when the state is of another net, recipe or set of pictures.
        """
        self._check_fits(tensors, facts)
        good = {name.removeprefix("good."): t for name, t in tensors.items() if name.startswith("good.")}
        here = {name: t for name, t in tensors.items() if not name.startswith("good.")}
        best = {name: t for name, t in here.items() if name.startswith("best.")}
        plain = {name: value for name, value in facts.items() if name != "good"}
        self._good = (good | best, dict(facts["good"])) if "good" in facts else (here, plain)
        self._restore(here, plain)
        self._closed = None
        self.lengthened = list(facts["lengthened"])
        if facts["epochs"] != self.epochs:
            self.lengthened.append({"update": self.updates, "from": facts["epochs"], "to": self.epochs})
        why = "was used: sums are added up in another order, so the last bits may differ"
        changed = [f"resumed with {here} where {then} {why}" for here, then in self._surroundings(facts)]
        self.inexact = tuple(dict.fromkeys([*self.inexact, *facts["inexact"], *changed]))
        if "good" not in facts:
            self._good = (here, self._facts())
        else:
            self._good[1].update(epochs=self.epochs, lengthened=self.lengthened, inexact=list(self.inexact))

    def keep(self) -> None:
        """Take the present state as the one to go back to. Errors: NotFiniteError, and nothing is kept."""
        captured = self._capture()
        if not finite(captured[0]):
            raise NotFiniteError("a weight is not a finite number")
        self._good = captured
        self.torn = False

    def reopen(self) -> None:
        """Make ready to go on after an interrupt, or after the final model was taken before the end."""
        if self._closed is not None and not self.done:
            self.load_state(*self._closed)
        if self.torn:
            self.go_back()

    def go_back(self) -> None:
        """Return to the last good state; what was learnt about the learning rate and the memory is kept."""
        tensors, facts = self._good
        facts |= {"rate_factor": self.rate_factor, "attempts": self.attempts, "parts": self.micro_batches}
        self._restore(tensors, facts)

    def final_model(self) -> Model:
        """Return the model with the weights to use: the best epoch's with patience, else the averaged, else the last.

        ``state`` still returns the training as it was, so a longer one can go on from it.
        """
        if self._closed is None:
            state = self.state()
            if self.torn or state[1]["updates"] != self.updates:
                self.go_back()
            chosen = self.best.tensors if self.config.patience is not None and self.best is not None else self._shown()
            self._load_weights(chosen)
            self._closed = state
        self.model.eval()
        return self.model

    @contextmanager
    def averaged(self) -> Iterator[Model]:
        """Lend the model with the averaged weights in it (when there are any), in evaluation mode."""
        live = [tensor.detach() for tensor in self.live.values()]
        kept = [tensor.clone() for tensor in live] if self.averages else []
        try:
            for tensor, averaged in zip(live, self.averages, strict=False):
                tensor.copy_(averaged)
            self.model.eval()
            yield self.model
        finally:
            for tensor, was in zip(live, kept, strict=False):
                tensor.copy_(was)
            self.train_mode()

    def next_epoch(self, loss: float) -> None:
        """Count the epoch under way as done; the lowest ``loss`` (`Task.standing`) decides which one is the best."""
        self.torn = True  # until ``keep``
        self.epochs_done += 1
        self.step, self.seen, self.seconds, self.waited = 0, 0, 0.0, 0.0
        self.sums.zero_()
        if self.config.patience is None:
            return
        if self.best is None or loss < self.best.loss:
            self.best, self.bad_epochs = Best(self.epochs_done, loss, self._shown()), 0
        else:
            self.bad_epochs += 1

    def _shown(self) -> Tensors:
        """Return a copy of the weights that evaluation sees."""
        shown = {name: copied(tensor) for name, tensor in self.model.state_dict().items()}
        return shown | {name: copied(tensor) for name, tensor in zip(self.live, self.averages, strict=False)}

    def _facts(self) -> Facts:
        best = None if self.best is None else {"epoch": self.best.epoch, "loss": self.best.loss}
        return {_STORED.get(name, name): getattr(self, name) for name in (*_COUNTERS, *_STORED)} | {
            "format": 1,
            "updates": self.updates,
            "epochs": self.epochs,
            "steps": self.steps,
            "best": best,
            "lengthened": self.lengthened,
            "inexact": list(self.inexact),
            **self._identity(),
            "threads": self.threads,
            "device": self.device.type,
            "torch": torch.__version__,
            "precision": "bfloat16" if self.bfloat16 else "float32",
        }

    def _identity(self) -> Facts:
        """Return what a state must share with a training to be continued by it."""
        return {
            "optimiser": self.config.optimiser,
            "batch": self.batch,
            "accumulate": self.config.accumulate,
            "pictures": len(self.split.train),
            "seed": self.config.seed,
            "averaged": bool(self.config.ema),
        }

    def _surroundings(self, facts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return (now, then) of whatever has changed around the training and may change its last bits."""
        now = self._facts()
        changed = [name for name in ("threads", "device", "torch", "precision") if now[name] != facts[name]]
        return [(f"{name} {now[name]}", f"{name} {facts[name]}") for name in changed]

    def _capture(self) -> tuple[Tensors, Facts]:
        tensors = {f"weights.{name}": copied(tensor) for name, tensor in self.model.state_dict().items()}
        for name, averaged in zip(self.live, self.averages, strict=False):
            tensors[f"average.{name}"] = copied(averaged)
        for name, parameter in self.parameters.items():
            for slot, value in self.optimiser.state.get(parameter, {}).items():
                if value is not None:
                    tensors[f"optimiser.{name}.{slot}"] = copied(value)
        tensors["sums"] = copied(self.sums)
        if self.best is not None:
            tensors |= {f"best.{name}": tensor for name, tensor in self.best.tensors.items()}
        return tensors, self._facts()

    def _restore(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        self.torn = True
        self._load_weights(under("weights.", tensors))
        for name, averaged in zip(self.live, self.averages, strict=False):
            averaged.copy_(tensors[f"average.{name}"])
        self.optimiser.state.clear()
        for name, value in under("optimiser.", tensors).items():
            parameter_name, slot = name.rsplit(".", 1)
            parameter = self.parameters[parameter_name]
            # A slot of the parameter's shape also takes its memory order, as the optimiser itself makes it.
            like = torch.empty_like(parameter) if value.shape == parameter.shape else torch.empty_like(value)
            if self.optimiser.defaults.get("fused"):
                like = like.to(self.device)
            self.optimiser.state[parameter][slot] = like.detach().copy_(value)
        self.optimiser.zero_grad(set_to_none=True)
        self.sums.zero_()[: len(tensors["sums"])] = tensors["sums"]  # version 0.1.0 had two
        for name in (*_COUNTERS, *_STORED):
            setattr(self, name, facts[_STORED.get(name, name)])
        best = facts["best"]
        self.best = None if best is None else Best(best["epoch"], best["loss"], under("best.", tensors))
        self.torn = False

    @torch.no_grad()
    def _load_weights(self, tensors: Mapping[str, Tensor]) -> None:
        for name, tensor in self.model.state_dict().items():
            tensor.copy_(tensors[name])

    def _check_fits(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        if facts.get("format") != 1:
            raise TrainingError(f"a training state of format {facts.get('format')!r}; this version reads format 1")
        own = self._identity()
        for name in _MUST_MATCH:
            if facts[name] != own[name]:
                raise TrainingError(
                    f"the state was trained with {name} {facts[name]}, this recipe has {own[name]};"
                    " it can only be continued with the recipe it began with (epochs may be raised)"
                )
        weights = under("weights.", tensors)
        for name, tensor in self.model.state_dict().items():
            found = tuple(weights[name].shape) if name in weights else "not there"
            if found != tuple(tensor.shape):
                raise TrainingError(f"the state is of another net: {name} is {tuple(tensor.shape)} here, there {found}")
