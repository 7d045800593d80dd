"""An ONNX graph while it is written: nodes, constants, the part that writes. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from striate.spec import Shape


@dataclass(frozen=True)
class Affine:
    """What a norm or a scale behind a linear layer does to each channel: times ``scale``, plus ``shift`` (float64)."""

    scale: NDArray[np.float64]
    shift: NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """A layer at work: its path, what it is given and gives, and the affine map that is folded into its weights."""

    layer: Any
    path: str
    given: Shape
    shape: Shape
    folded: Affine | None = None


@dataclass
class Graph:
    """Nodes and constants so far. ``tensors`` are the model's, by name; ``path`` is the part being written."""

    tensors: Mapping[str, NDArray[Any]]
    path: str = ""
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)
    _names: dict[str, int] = field(default_factory=dict)

    def node(self, operator: str, inputs: Sequence[str], attributes: Mapping[str, Any] | None = None) -> str:
        """Write one node of one output and return the output's name."""
        name = self._name(operator.lower())
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name, **(attributes or {})))
        return name

    def constant(self, what: str, value: NDArray[Any]) -> str:
        """Write a constant, float64 as float32, and return its name."""
        name = self._name(what)
        array = np.ascontiguousarray(value, np.float32 if value.dtype == np.float64 else value.dtype)
        self.constants[name] = numpy_helper.from_array(array, name)
        return name

    def tensor(self, name: str) -> NDArray[Any]:
        """Return a tensor of the part being written."""
        return self.tensors[f"{self.path}.{name}"]

    def has(self, name: str) -> bool:
        """Say whether the part being written has a tensor of that name."""
        return f"{self.path}.{name}" in self.tensors

    def _name(self, what: str) -> str:
        """Return ``part.what``, numbered from the second on."""
        name = f"{self.path}.{what}" if self.path else what
        count = self._names[name] = self._names.get(name, 0) + 1
        return name if count == 1 else f"{name}.{count}"
