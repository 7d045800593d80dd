"""Follows a net through its branches and lets each part write its nodes; folds what can be folded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from striate.export.onnx_graph import Affine, Graph, Part
from striate.export.onnx_layers import LINEAR, TABLE, affine_of
from striate.spec import Add, Concat, Multiply, Net, Shape, Side
from striate.spec.branches import Branches
from striate.spec.layer import Layer
from striate.spec.trace import Step, Trace

JOINS: Final[dict[type[Net], str]] = {Add: "Add", Multiply: "Mul", Concat: "Concat"}


class Walk:
    """A net being written into a graph. ``entering``: by the path of a layer, what flows into it and its shape."""

    def __init__(self, graph: Graph, net: Net, shape: Shape) -> None:
        self.graph = graph
        self.entering: dict[str, tuple[str, Shape]] = {}
        self._trace = Trace(net, shape)
        self._trace.run()

    @property
    def output(self) -> tuple[int, ...]:
        """What the net puts out for one picture: (K,) or (K, rows, columns)."""
        shape = self._trace.output
        return (shape.channels, *shape.size) if shape.is_map else (shape.channels,)

    def follow(self, value: str) -> str:
        """Write the whole net, which reads ``value``; return what it puts out."""
        return self._row(self._trace.steps, value)

    def _row(self, steps: Sequence[Step], value: str) -> str:
        """Write parts in a row. A norm or scale right behind a linear layer goes into its weights."""
        parts = [step for step in steps if not isinstance(step.net, Side)]
        folded: Step | None = None
        for step, following in zip(parts, [*parts[1:], None], strict=True):
            if step is folded:
                continue
            if isinstance(step.net, Branches):
                value = self._join(step, [self._row(branch, value) for branch in step.branches])
                continue
            assert isinstance(step.net, Layer)
            self.entering[step.path] = (value, step.given)
            part = Part(step.net, step.path, step.given, step.shape)
            if isinstance(step.net, LINEAR) and following is not None:
                affine = self._affine(following)
                part, folded = replace(part, folded=affine), following if affine else None
            self.graph.path = step.path
            value = TABLE[type(step.net)](self.graph, part, value)
        return value

    def _affine(self, step: Step) -> Affine | None:
        self.graph.path = step.path
        return affine_of(self.graph, step.net)

    def _join(self, step: Step, values: list[str]) -> str:
        self.graph.path = step.path
        operator = JOINS[type(step.net)]
        if operator == "Concat":
            return self.graph.node(operator, values, {"axis": 1})
        joined, *others = values
        for other in others:
            joined = self.graph.node(operator, [joined, other])
        return joined
