"""The flat plan of a net: which module reads which values and writes which. Values are numbered; 0 is the input."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from striate.spec import Add, Concat, Layer, Multiply, Net, Shape
from striate.spec.wiring import wired

Action = Callable[..., Tensor]


@dataclass(frozen=True)
class Step:
    """One layer or one joining of branches: ``values[target] = action(*values at sources)``."""

    path: str
    action: Action
    sources: tuple[int, ...]
    target: int
    aside: bool  # in a side head


class Plan:
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

    def run(self, inputs: Tensor, keep: Collection[int] = ()) -> dict[int, Tensor]:
        """Return the values by number: the output's and those to keep; of the others nothing is held."""
        values = {0: inputs}
        for step, done in zip(self.steps, self._done, strict=True):
            values[step.target] = step.action(*[values[source] for source in step.sources])
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

    def until(self, value: int) -> Plan:
        """Return the plan of those steps alone that a value needs, and of it as the output."""
        steps, needed = [], {value}
        for step in reversed(self.steps):
            if step.target in needed:
                steps.append(step)
                needed.update(step.sources)
        return Plan(steps[::-1], value)


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
        steps.append(Step(part.path, action, wire.sources, wire.target, part.aside))
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
