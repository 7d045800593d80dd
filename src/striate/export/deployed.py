"""A model as one ONNX graph that answers by itself: pixels in, what `striate predict` says out. Imports torch and onnx.

The network's own graph (`striate.export.onnx`), before it crop and resize where pictures of any size are taken
(`striate.export.resample`), behind it what the task makes of its outputs (`Answering.decoding`).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import onnx
from onnx import TensorProto, helper, numpy_helper

from striate.errors import ExportError
from striate.export.onnx import graph_bytes
from striate.export.resample import PICTURE, PREPARED, preparing
from striate.files import MODEL, read_bytes
from striate.runs.predictor import Predictor
from striate.tasks.decoding import BYTE, DOUBLE, EMBEDDED, FLOAT, MANY, RAW, WHOLE, YES, Decoding, Frame, Out, Step
from striate.tasks.task import EMBEDDING

TYPES: Final = {
    WHOLE: TensorProto.INT64,
    FLOAT: TensorProto.FLOAT,
    DOUBLE: TensorProto.DOUBLE,
    BYTE: TensorProto.UINT8,
    YES: TensorProto.BOOL,
}


@dataclass(frozen=True, eq=False)
class Deployment:
    """A model to be deployed: what answers here, and how its copy is to be made.

    ``any_size``: pictures (1, H, W, 3) of any size are taken, else ones (N, height, width, channels) of the network's
    input. ``int8``: the network is the one in int8 that ``predictor`` was opened with. ``whole``: steps that depend on
    data may be used.
    """

    predictor: Predictor
    any_size: bool = False
    int8: bool = False
    whole: bool = True

    @cached_property
    def network(self) -> bytes:
        """The network's graph alone, serialised."""
        if self.int8:
            assert self.predictor.onnx is not None
            return read_bytes(self.predictor.onnx.path, limit=MODEL)
        return graph_bytes(copy.deepcopy(self.predictor.model).cpu().eval(), self.predictor.task)

    @cached_property
    def _before(self) -> Any:
        return preparing(self.predictor.preprocess) if self.any_size else None

    @property
    def before(self) -> Decoding | None:
        """The steps before the network, None where it takes pictures as they are."""
        return None if self._before is None else self._before[0]

    @cached_property
    def decoding(self) -> Decoding:
        """The steps behind it. Errors: StriateError for a task that has none."""
        predictor = self.predictor
        frame = Frame(
            (predictor.preprocess.height, predictor.preprocess.width),
            self.output,
            None if self._before is None else self._before[1],
            self.whole,
        )
        return predictor.task.decoding(predictor.labels, predictor.learnt, frame)

    @cached_property
    def output(self) -> tuple[int, ...]:
        """The sizes of the network's output for one picture."""
        outputs = {one.name: one for one in onnx.load_from_string(self.network).graph.output}
        return tuple(side.dim_value for side in outputs[self.predictor.task.output].type.tensor_type.shape.dim[1:])

    @property
    def outputs(self) -> dict[str, Out]:
        """What it puts out, by name."""
        return dict(self.decoding.outputs)

    @property
    def input(self) -> tuple[int | str, ...]:
        """The sizes of ``pixels``: numbers, and names of those that are free."""
        how = self.predictor.preprocess
        return (1, "height", "width", 3) if self.any_size else ("N", how.height, how.width, how.channels)

    def content(self) -> bytes:
        """Return the graph, serialised, without metadata; checked as ONNX."""
        content = joined(self.network, self.predictor.task.output, self.decoding, self.before, self.input)
        try:
            onnx.checker.check_model(content, full_check=True)
        except Exception as error:  # of several kinds
            raise ExportError(f"the graph is no ONNX: {str(error).splitlines()[0][:200]}") from None
        return content


def joined(
    network: bytes, output: str, decoding: Decoding, before: Decoding | None = None, given: Sequence[int | str] = ()
) -> bytes:
    """Return a serialised graph with steps before and behind; ``output`` is what it calls its own.

    ``given`` are the sizes of ``pixels``, where they change. Of the network's outputs only those remain that steps put
    out.
    """
    proto = onnx.load_from_string(network)
    graph = proto.graph
    renamed = {output: RAW, EMBEDDING: EMBEDDED, **({} if before is None else {PICTURE: PREPARED})}
    nodes = [] if before is None else _nodes(before.steps, "prepare")
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
        nodes.append(node)
    nodes += _nodes(decoding.steps, "decode")
    constants = [*graph.initializer]
    for steps in (decoding, before):
        if steps is not None:
            constants += [numpy_helper.from_array(value, name) for name, value in steps.constants.items()]
    nodes, constants = _needed(nodes, constants, set(decoding.outputs))
    outputs = [
        helper.make_tensor_value_info(
            name, TYPES[one.type], [1 if given[:1] == (1,) and one.per != MANY else one.per, *one.sizes]
        )
        for name, one in decoding.outputs.items()
    ]
    del graph.node[:], graph.initializer[:], graph.output[:], graph.value_info[:]
    del proto.metadata_props[:]
    if given:
        del graph.input[:]
        graph.input.extend([helper.make_tensor_value_info(PICTURE, TensorProto.UINT8, list(given))])
    graph.node.extend(nodes)
    graph.initializer.extend(constants)
    graph.output.extend(outputs)
    result: bytes = proto.SerializeToString(deterministic=True)
    return result


def _nodes(steps: Sequence[Step], name: str) -> list[Any]:
    return [
        helper.make_node(one.operator, one.inputs, one.outputs, f"{name}.{number}", **one.attributes)
        for number, one in enumerate(steps)
    ]


def _needed(nodes: list[Any], constants: list[Any], names: set[str]) -> tuple[list[Any], list[Any]]:
    """Return what is needed for outputs of these names."""
    names, kept = set(names), []
    for node in reversed(nodes):
        if names & set(node.output):
            kept.append(node)
            names |= set(node.input)
    return kept[::-1], [one for one in constants if one.name in names]
