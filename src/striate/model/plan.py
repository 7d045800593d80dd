"""The flat plan of a net: which module reads which values and writes which. Values are numbered; 0 is the input."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from striate.spec import Add, Concat, Layer, Multiply, Net, Shape, Side
from striate.spec.branches import Branches
from striate.spec.trace import Step as Part
from striate.spec.trace import Trace

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


@dataclass
class Draft:
    """What following a net brings: steps, where its output is, its side heads, its taps."""

    module_for: Callable[[Layer, Shape], nn.Module]
    steps: list[Step] = field(default_factory=list)
    output: int = 0
    sides: list[tuple[int, float]] = field(default_factory=list)  # value and weight
    taps: dict[str, int] = field(default_factory=lambda: {"input": 0})  # path -> value

    def follow(self, parts: Sequence[Part], value: int, prefix: str = "") -> int:
        """Write down the steps of parts in a row, the first of which reads ``value``; return the value of the last.

        ``prefix`` is the path of the side head the parts are in.
        """
        for part in parts:
            if isinstance(part.net, Side):
                (head,) = part.branches
                self.sides.append((self.follow(head, value, part.path), float(part.net.weight)))
            elif isinstance(part.net, Branches):
                sources = tuple(self.follow(branch, value, prefix) for branch in part.branches)
                value = self._step(part, JOINS[type(part.net)], sources, prefix)
            else:
                assert isinstance(part.net, Layer)
                value = self._step(part, self.module_for(part.net, part.given), (value,), prefix)
        return value

    def _step(self, part: Part, action: Action, sources: tuple[int, ...], prefix: str) -> int:
        value = len(self.steps) + 1
        self.steps.append(Step(part.path, action, sources, value, part.aside))
        # What a part of several layers puts out is what the last of them does; a side head belongs to no part
        # outside it.
        names = part.path.split(".")
        for length in range(1 + prefix.count(".") if prefix else 1, len(names) + 1):
            self.taps[".".join(names[:length])] = value
        return value


def draft(net: Net, shape: Shape, module_for: Callable[[Layer, Shape], nn.Module]) -> Draft:
    """Follow ``net`` on an input of ``shape``, making a module of every layer."""
    trace = Trace(net, shape)
    trace.run()
    drafted = Draft(module_for)
    drafted.output = drafted.follow(trace.steps, 0)
    return drafted


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
