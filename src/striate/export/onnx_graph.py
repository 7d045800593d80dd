"""A model as an ONNX graph: the net is followed once, each of its parts writes its nodes. No torch.

Source of what the operators do: https://onnx.ai/onnx/operators (version 20 of the operator set).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from striate.spec import Net, Shape

OPSET: Final = 20  # of April 2023: the first with GELU
IR: Final = 9  # the version of the file format that came with it

Floats: TypeAlias = NDArray[np.float32]


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


def graph_of(
    net: Net,
    shape: Shape,
    tensors: Mapping[str, NDArray[Any]],
    *,
    embedding_part: str,
    scale: Floats,
    offset: Floats,
) -> onnx.ModelProto:
    """Return the ONNX model of a net with its weights, batch norms folded into the layers before them.

    ``pixels`` (N, H, W, C) uint8 -> ``logits`` (N, K) and ``embedding`` (N, D) float32: what `Model.normalise` and
    `Model.embed` do. Side heads are left out. Any N.

    Example: ``graph_of(model.net, model.shape, arrays, embedding_part=model.embedding_part, scale=s, offset=o)``
    """
    from striate.export.onnx_walk import Walk

    graph = Graph(tensors)
    value = graph.node("Transpose", ["pixels"], {"perm": [0, 3, 1, 2]})
    value = graph.node("Cast", [value], {"to": TensorProto.FLOAT})
    value = graph.node("Mul", [value, graph.constant("scale", scale.reshape(-1, 1, 1))])
    value = graph.node("Add", [value, graph.constant("offset", offset.reshape(-1, 1, 1))])
    walk = Walk(graph, net, shape)
    logits = walk.follow(value)
    embedding, width = value, shape
    if embedding_part != "input":
        embedding, width = walk.entering[embedding_part]
    graph.path = ""
    if width.is_map:
        embedding = graph.node("Flatten", [graph.node("GlobalAveragePool", [embedding])])
    for name, given in (("logits", logits), ("embedding", embedding)):
        graph.nodes.append(helper.make_node("Identity", [given], [name], name))
    kind = TensorProto.FLOAT
    described = helper.make_graph(
        graph.nodes,
        "striate",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", *shape.size, shape.channels])],
        [
            helper.make_tensor_value_info("logits", kind, ["N", *walk.output]),
            helper.make_tensor_value_info("embedding", kind, ["N", width.channels]),
        ],
        list(graph.constants.values()),
    )
    return helper.make_model(
        described, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="striate"
    )
