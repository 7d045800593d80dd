"""The flat plan of a net: which module reads which values and writes which. Values are numbered; 0 is the input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from striate.spec import Add, Concat, Layer, Multiply, Net, Shape
from striate.spec.wiring import wired

Action = Callable[..., Tensor]
_NEW = (nn.Conv2d, nn.BatchNorm2d, nn.Linear)  # what these put out is new, and their gradients need it no more


@dataclass(frozen=True)
class Step:
    """One layer or one joining of branches: ``values[target] = action(*values at sources)``."""

    path: str
    action: Action
    sources: tuple[int, ...]
    target: int
    auxiliary: bool  # in a side head


class ExecutionPlan:
    """Steps in order, and after which of them each value may go."""

    def __init__(self, steps: Sequence[Step], output: int, also: Collection[int] = ()) -> None:
        self.steps, self.output = tuple(steps), output
        self.values = frozenset({0, *(step.target for step in steps)})
        last = {source: number for number, step in enumerate(steps) for source in step.sources}
        kept = {output, *also}
        self._done = tuple(
            tuple(value for value in dict.fromkeys(step.sources) if last[value] == number and value not in kept)
            for number, step in enumerate(steps)
        )
        readers = Counter(source for step in steps for source in set(step.sources))
        self._makers = {step.target: step.action for step in steps}
        own = {value for value, action in self._makers.items() if isinstance(action, _NEW) and readers[value] == 1}
        self._over = tuple(
            next((value for value in done if value in own), None) if _overwrites(step) else None
            for step, done in zip(steps, self._done, strict=True)
        )

    def run(self, inputs: Tensor, keep: Collection[int] = (), *, reuse: bool = False) -> dict[int, Tensor]:
        """Return the values by number: the output's and those to keep; of the others nothing is held.

        With ``reuse`` a ReLU or a sum writes over what it reads where nothing else needs that, its gradient neither:
        the numbers are the same, and a map less is made, filled and kept.
        """
        return self.run_from({0: inputs}, keep, reuse=reuse)

    def run_from(
        self, given: Mapping[int, Tensor], keep: Collection[int] = (), *, reuse: bool = False
    ) -> dict[int, Tensor]:
        """Do what `run` does, from values that are there already: the plan's steps may read these and no others."""
        values = dict(given)
        for step, done, over in zip(self.steps, self._done, self._over, strict=True):
            reads = [values[source] for source in step.sources]
            if reuse and over is not None and over not in keep and not _watched(step.action, self._makers[over]):
                values[step.target] = _written(step, reads, step.sources.index(over))
            else:
                values[step.target] = step.action(*reads)
            for value in done:
                if value not in keep:
                    del values[value]
        return values

    def each(self, inputs: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield the path of every step with what it puts out, in order; only what later steps read is held."""
        values = {0: inputs}
        for step, done in zip(self.steps, self._done, strict=True):
            values[step.target] = step.action(*[values[source] for source in step.sources])
            yield step.path, values[step.target]
            for value in done:
                del values[value]

    def until(self, value: int) -> ExecutionPlan:
        """Return the plan of those steps alone that a value needs, and of it as the output."""
        steps, needed = [], {value}
        for step in reversed(self.steps):
            if step.target in needed:
                steps.append(step)
                needed.update(step.sources)
        return ExecutionPlan(steps[::-1], value)


def _overwrites(step: Step) -> bool:
    """Whether a step could write over what it reads: a ReLU, or a sum of two values."""
    return type(step.action) is nn.ReLU or (step.action is summed and len(step.sources) == 2)


def _watched(*actions: Action) -> bool:
    """Whether somebody has hooked a module, and is to see what it is given and really puts out."""
    hooks = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")
    return any(isinstance(action, nn.Module) and any(getattr(action, kind) for kind in hooks) for action in actions)


def _written(step: Step, given: Sequence[Tensor], place: int) -> Tensor:
    """Return what a step puts out, written over what it is given at ``place``."""
    if step.action is not summed:
        return torch.relu_(given[0])
    own, other = given[place], given[1 - place]
    return own.add_(other) if (own.dtype, own.shape) == (other.dtype, other.shape) else own + other


@dataclass(frozen=True)
class Draft:
    """What following a net brings: steps, where its output is, its side heads (value, weight), its taps by path."""

    steps: tuple[Step, ...]
    output: int
    sides: tuple[tuple[int, float], ...]
    taps: dict[str, int]


def draft(net: Net, shape: Shape, module_for: Callable[[Layer, Shape], nn.Module]) -> Draft:
    """Follow ``net`` on an input of ``shape``, making a module of every layer."""
    wiring = wired(net, shape)
    steps = []
    for wire in wiring.wires:
        part = wire.part
        action = module_for(part.net, part.given) if isinstance(part.net, Layer) else JOINS[type(part.net)]
        steps.append(Step(part.path, action, wire.sources, wire.target, part.auxiliary))
    return Draft(tuple(steps), wiring.output, tuple(wiring.sides), wiring.taps)


def summed(first: Tensor, *others: Tensor) -> Tensor:
    """Return the sum."""
    for other in others:
        first = first + other
    return first


def multiplied(first: Tensor, *others: Tensor) -> Tensor:
    """Return the product; a 1x1 map is spread over a larger one."""
    for other in others:
        first = first * other
    return first


def concatenated(*maps: Tensor) -> Tensor:
    """Return the channels of all, one after the other."""
    return torch.cat(maps, 1)


JOINS: dict[type[Net], Action] = {Add: summed, Multiply: multiplied, Concat: concatenated}
