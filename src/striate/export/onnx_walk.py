"""A model as an ONNX graph: the net is followed once, each of its parts writes its nodes. No torch.

Source of what the operators do: https://onnx.ai/onnx/operators (version 20 of the operator set).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from striate.data.pictures.preprocess import Preprocess
from striate.errors import ExportError
from striate.export.onnx_graph import Affine, Graph, Part
from striate.export.onnx_layers import LINEAR, TABLE, affine_of
from striate.model.files.weights import read_arrays
from striate.runs.rebuild import width_of
from striate.spec import Add, AuxHead, Concat, Conv, ConvTranspose, Dense, Multiply, Net, Rbf, Shape, parse
from striate.spec.branches import Branches
from striate.spec.code import Code
from striate.spec.layer import Layer
from striate.spec.trace import Step, Trace
from striate.tasks.table import TASKS
from striate.tasks.task import EMBEDDING

OPSET: Final = 20  # of April 2023: the first with GELU
IR: Final = 9  # the version of the file format that came with it
JOINS: Final[dict[type[Net], str]] = {Add: "Add", Multiply: "Mul", Concat: "Concat"}


def graph_of(
    net: Net,
    shape: Shape,
    tensors: Mapping[str, NDArray[Any]],
    *,
    output: str,
    embedding_part: str,
    scale: NDArray[np.float32],
    offset: NDArray[np.float32],
) -> onnx.ModelProto:
    """Return the ONNX model of a net with its weights, batch norms folded into the layers before them.

    ``pixels`` (N, H, W, C) uint8 -> what is called ``output`` (N, K), and ``embedding`` (N, D), float32: what
    `Model.normalise` and `Model.embed` do. Side heads are left out. Any N.

    Example: ``graph_of(net, shape, arrays, output="logits", embedding_part=model.embedding_part,
    scale=arrays["input.scale"], offset=arrays["input.offset"]).graph.output[0].name`` is ``"logits"``.
    """
    if isinstance(net, Code):
        raise ExportError(f"{net} is only its author's code, and no graph can be written of it here: {net.why}")
    graph = Graph(tensors)
    value = enter(graph, scale, offset)
    walk = Walk(graph, net, shape)
    answer = walk.follow(value)
    embedding, width = value, shape
    if embedding_part != "input":
        embedding, width = walk.entering[embedding_part]
    graph.path = ""
    if width.is_map:
        embedding = graph.node("Flatten", [graph.node("GlobalAveragePool", [embedding])])
    outputs = [(output, answer, walk.output), (EMBEDDING, embedding, (width.channels,))]
    return model_of(graph, shape, outputs)


def graph_of_file(file: Path) -> bytes:
    """Return the serialised graph of a model file, of its own text and weights; without torch.

    The same bytes as `striate.export.onnx.graph_bytes` of the model it holds. Errors: ModelError, DescribeError.
    """
    arrays, facts = read_arrays(file)
    if facts.task not in TASKS:
        raise ExportError(f"{file} is for {facts.task[:40]!r}, which is no task here")
    net, shape = parse(facts.net).with_classes(width_of(facts)), Shape(*facts.input)
    scale, offset = Preprocess.from_dict(facts.preprocess).scale_and_offset()
    try:
        output, part = TASKS[facts.task].output, embedding_part(net, shape)
        proto = graph_of(net, shape, arrays, output=output, embedding_part=part, scale=scale, offset=offset)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise ExportError(f"the weights in {file} are not those of its net: {error}") from None
    content: bytes = proto.SerializeToString(deterministic=True)
    return content


def embedding_part(net: Net, shape: Shape) -> str:
    """Return the path of the layer whose input is the embedding: what `Model.embedding_part` is, without torch."""
    trace = Trace(net, shape)
    trace.run()
    layers = [step for step in trace.done if isinstance(step.net, Layer) and not step.auxiliary]
    for kinds in ((Dense, Rbf), (Conv, ConvTranspose), (Layer,)):
        for step in reversed(layers):
            if isinstance(step.net, kinds):
                return step.path
    return "input"


def enter(graph: Graph, scale: NDArray[np.float32], offset: NDArray[np.float32]) -> str:
    """Write what turns ``pixels`` into the network's input: `Model.normalise`."""
    value = graph.node("Transpose", ["pixels"], {"perm": [0, 3, 1, 2]})
    value = graph.node("Cast", [value], {"to": TensorProto.FLOAT})
    value = graph.node("Mul", [value, graph.constant("scale", scale.reshape(-1, 1, 1))])
    return graph.node("Add", [value, graph.constant("offset", offset.reshape(-1, 1, 1))])


def join(graph: Graph, net: Net, values: Sequence[str]) -> str:
    """Write the join of branches, which put out ``values``."""
    operator = JOINS[type(net)]
    if operator == "Concat":
        return graph.node(operator, values, {"axis": 1})
    joined, *others = values
    for other in others:
        joined = graph.node(operator, [joined, other])
    return joined


def model_of(
    graph: Graph, shape: Shape, outputs: Sequence[tuple[str, str, tuple[int, ...]]], *, many: int | str = "N"
) -> onnx.ModelProto:
    """Return the model of a finished graph: its ``outputs`` are (name, value, sizes without the ``many`` pictures)."""
    for name, value, _ in outputs:
        graph.nodes.append(helper.make_node("Identity", [value], [name], name))
    described = helper.make_graph(
        graph.nodes,
        "striate",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, [many, *shape.size, shape.channels])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [many, *sizes]) for name, _, sizes in outputs],
        list(graph.constants.values()),
    )
    return helper.make_model(
        described, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="striate"
    )


class Walk:
    """A net being written into a graph.

    ``entering``: by the path of a layer, what flows into it and its shape; ``leaving``: by that of a layer or join,
    what it puts out.
    """

    def __init__(self, graph: Graph, net: Net, shape: Shape) -> None:
        self.graph = graph
        self.entering: dict[str, tuple[str, Shape]] = {}
        self.leaving: dict[str, tuple[str, Shape]] = {}
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
        parts = [step for step in steps if not isinstance(step.net, AuxHead)]
        folded: Step | None = None
        for step, following in zip_longest(parts, parts[1:]):
            if step is folded:
                continue
            if isinstance(step.net, Branches):
                value = self._join(step, [self._row(branch, value) for branch in step.branches])
                self.leaving[step.path] = (value, step.shape)
                continue
            assert isinstance(step.net, Layer)
            self.entering[step.path] = (value, step.given)
            part = Part(step.net, step.path, step.given, step.shape)
            if isinstance(step.net, LINEAR) and following is not None:
                affine = self._affine(following)
                part, folded = replace(part, folded=affine), following if affine else None
            self.graph.path = step.path
            value = TABLE[type(step.net)](self.graph, part, value)
            last = step if folded is None or folded is not following else folded
            self.leaving[last.path] = (value, last.shape)
        return value

    def _affine(self, step: Step) -> Affine | None:
        self.graph.path = step.path
        return affine_of(self.graph, step.net)

    def _join(self, step: Step, values: list[str]) -> str:
        self.graph.path = step.path
        return join(self.graph, step.net, values)
