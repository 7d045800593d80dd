"""Nets: what the catalogue holds, and what each of its nets costs. Imports nets and spec; no torch, no numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from striate import nets
from striate.errors import DescribeError
from striate.spec.field import Field
from striate.spec.layer import Layer
from striate.spec.net import Net
from striate.spec.shape import Shape
from striate.spec.trace import Trace


@dataclass(frozen=True)
class Listed:
    """A net of the catalogue on the input and for the classes of its paper.

    ``parameters`` and ``macs`` are the `Survey`'s, side heads included; ``field`` is the receptive field of its last
    map that has more than one position, which is the figure that papers quote.
    """

    name: str
    entry: nets.Entry
    parameters: int
    macs: int
    field: Field | None

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain lists and numbers, ready for JSON."""
        return {
            "name": self.name,
            "summary": self.entry.summary,
            "paper": self.entry.paper,
            "year": self.entry.year,
            "input": list(self.entry.input),
            "classes": self.entry.classes,
            "parameters": self.parameters,
            "macs": self.macs,
            "field": self.field.to_dict() if self.field else None,
            "accuracy": self.entry.accuracy,
        }


def list_nets(words: Sequence[str] = ()) -> list[Listed]:
    """Return the nets of the catalogue that say all of these words in their name, summary, paper, year or accuracy.

    Errors: DescribeError when none does.

    Example: ``[net.name for net in list_nets(["lenet", "1998"])]`` is ``["lenet5", "lenet5_1998"]``.
    """
    found = [(name, entry) for name, entry in nets.CATALOG.items() if all(_says(name, entry, word) for word in words)]
    if not found:
        raise DescribeError(
            f"no net of the catalogue says {' and '.join(map(repr, words))}; striate nets lists all {len(nets.CATALOG)}"
        )
    return [_listed(name, entry) for name, entry in found]


def _says(name: str, entry: nets.Entry, word: str) -> bool:
    told = (name, entry.summary, entry.paper, str(entry.year), entry.accuracy)
    return any(word.casefold() in text.casefold() for text in told)


def _listed(name: str, entry: nets.Entry) -> Listed:
    # A survey would also look for what is never seen, which takes longer than all the rest.
    trace = Trace(entry.function(entry.classes), entry.input)
    trace.run()
    costs: dict[tuple[Net, Shape], tuple[int, int]] = {}
    parameters = macs = 0
    for step in trace.done:
        if isinstance(step.net, Layer):
            key = step.net, step.given
            if key not in costs:
                costs[key] = step.net.parameters(step.given), step.net.macs(step.given)
            parameters, macs = parameters + costs[key][0], macs + costs[key][1]
    maps = [step.field for step in trace.steps if step.shape.size != (1, 1)]
    return Listed(name, entry, parameters, macs, maps[-1] if maps else None)
