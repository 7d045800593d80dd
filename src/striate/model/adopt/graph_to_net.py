"""Steps that read each other -> a net: a tree of rows and branches, where the steps are one.

A join reads several values; the last value that all ways to them pass through is where its branches begin. What lies
between is theirs, and must be nobody else's: then rows and branches say all that the steps say.
"""

from __future__ import annotations

from collections import Counter
from functools import reduce
from typing import Any

from striate.errors import DescribeError
from striate.model.adopt.fx_reader import Reading, Step
from striate.model.adopt.operations import UnsupportedOpError
from striate.spec import Identity, Layer, Named, Net
from striate.spec.composing import row

Leaf = tuple[Layer, str | None]  # and the path of the module that holds its weights


def graph_to_net(reading: Reading, *, named: bool = True) -> tuple[Net, list[Leaf]]:
    """Return the net, and its layers in the order of ``net.parts()``.

    Raises `UnsupportedOpError` for steps that are no tree.

    With ``named`` a layer keeps the last name of its author's, where that is one in its row.
    """
    tree = _Tree(reading, named=named)
    net, leaves = tree.row(reading.start, reading.end)
    steps = reading.steps
    twice = [name for name, count in tree.uses.items() if count > 1 and (steps[name].layers or steps[name].join)]
    if twice:
        raise UnsupportedOpError(
            f"{twice[0]} is read by branches that begin or end at different places, which no tree has"
        )
    holders = Counter(holder for _, holder in leaves if holder)
    for holder, count in holders.items():
        if count > 1:
            raise UnsupportedOpError(
                f"{holder} is used {count} times with one set of weights, and each layer of a net has its own"
            )
    return net, leaves


class _Tree:
    def __init__(self, reading: Reading, *, named: bool) -> None:
        self.reading, self.named = reading, named
        self.uses: Counter[str] = Counter()
        # Of each value the last one that every way to it passes through, and how many such there are before it.
        self.before: dict[str, str] = {}
        self.depth: dict[str, int] = {reading.start: 0}
        for name, step in reading.steps.items():
            self.before[name] = reduce(self._meet, step.sources)
            self.depth[name] = self.depth[self.before[name]] + 1

    def _meet(self, one: str, other: str) -> str:
        while one != other:
            if self.depth[one] >= self.depth[other]:
                one = self.before[one]
            else:
                other = self.before[other]
        return one

    def row(self, start: str, end: str) -> tuple[Net, list[Leaf]]:
        """Return the net of all that lies between two values, and its layers."""
        way: list[Step] = []
        while end != start:
            way.append(self.reading.steps[end])
            end = self.before[end]
        nets: list[Net] = []
        leaves: list[Leaf] = []
        for step in reversed(way):
            self.uses[step.name] += 1
            if step.join is None:
                nets += step.layers
                leaves += [(layer, step.holder) for layer in step.layers]
                continue
            branches = [self.row(self.before[step.name], source) for source in step.sources]
            nets.append(step.join(tuple(net for net, _ in branches)))
            leaves += [leaf for _, inside in branches for leaf in inside]
        if not nets:
            return Identity(), [(Identity(), None)]
        return row(*self._with_names(nets, leaves)), leaves

    def _with_names(self, nets: list[Net], leaves: list[Leaf]) -> list[Net]:
        if not self.named or len(nets) == 1:  # a branch that is one named layer would give its name to the row outside
            return nets
        holders: Any = iter(leaves)
        labels: list[str | None] = []
        for net in nets:
            if isinstance(net, Layer):
                _, holder = next(holders)
                labels.append(holder.rpartition(".")[2] if holder else None)
            else:
                for _ in net.layers():
                    next(holders)
                labels.append(None)
        once = Counter(labels)
        return [_labelled(net, label) if once[label] == 1 else net for net, label in zip(nets, labels, strict=True)]


def _labelled(net: Net, label: str | None) -> Net:
    try:
        return net if label is None else Named(net, label)
    except DescribeError:  # a number, as within nn.Sequential
        return net
