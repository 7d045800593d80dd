"""How the parts of a net are wired: which of them reads what which others put out. Value 0 is the input."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from striate.errors import DescribeError
from striate.spec.branches import Branches
from striate.spec.net import AuxHead, Net
from striate.spec.shape import Shape
from striate.spec.trace import Step, Trace


@dataclass(frozen=True)
class Wire:
    """One layer or one join at work: it reads the values ``sources`` and puts out the value ``target``."""

    part: Step
    sources: tuple[int, ...]
    target: int


@dataclass
class Wiring:
    """All parts in the order they work, where the output is, the side heads, and the value of every path.

    >>> from striate.spec import Conv, ReLU
    >>> wired(Conv(6, 5) >> ReLU(), Shape(1, 8, 8)).reads("relu1")
    ('conv1',)
    """

    wires: list[Wire] = field(default_factory=list)
    output: int = 0
    sides: list[tuple[int, float]] = field(default_factory=list)  # value and weight
    taps: dict[str, int] = field(default_factory=lambda: {"input": 0})  # path -> value

    def reads(self, path: str) -> tuple[str, ...]:
        """The paths of the parts whose outputs a layer or join reads, in order; or ``input``.

        Raises `DescribeError` for a path that is no layer or join of this net.
        """
        for wire in self.wires:
            if wire.part.path == path:
                return tuple(self.maker(source) for source in wire.sources)
        raise DescribeError(f"this net has no layer or join {path!r}")

    def maker(self, value: int) -> str:
        """The path of the layer or join that puts out a value; ``input`` of the first."""
        return self.wires[value - 1].part.path if value else "input"

    def needed(self, values: Collection[int]) -> list[Wire]:
        """The wires without which these values cannot be, in order."""
        found, wanted = [], set(values)
        for wire in reversed(self.wires):
            if wire.target in wanted:
                found.append(wire)
                wanted.update(wire.sources)
        return found[::-1]

    def _follow(self, parts: Sequence[Step], value: int, prefix: str = "") -> int:
        """Write down parts in a row, the first of which reads ``value``; return the value of the last.

        ``prefix`` is the path of the side head the parts are in.
        """
        for part in parts:
            if isinstance(part.net, AuxHead):
                (head,) = part.branches
                self.sides.append((self._follow(head, value, part.path), float(part.net.weight)))
            elif isinstance(part.net, Branches):
                value = self._wire(part, tuple(self._follow(each, value, prefix) for each in part.branches), prefix)
            else:
                value = self._wire(part, (value,), prefix)
        return value

    def _wire(self, part: Step, sources: tuple[int, ...], prefix: str) -> int:
        value = len(self.wires) + 1
        self.wires.append(Wire(part, sources, value))
        # What a part of several layers puts out is what the last of them does; a side head belongs to no part
        # outside it.
        names = part.path.split(".")
        for length in range(1 + prefix.count(".") if prefix else 1, len(names) + 1):
            self.taps[".".join(names[:length])] = value
        return value


def wired(net: Net, shape: Shape) -> Wiring:
    """Follow a net on an input of ``shape``. Raises what `Trace` raises for a net that cannot be."""
    trace, wiring = Trace(net, shape), Wiring()
    trace.run()
    wiring.output = wiring._follow(trace.steps, 0)
    return wiring
