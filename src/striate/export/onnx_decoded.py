"""A model as an ONNX file that decodes its answers itself: the graph says what the task says. Imports torch and onnx.

For programs that have nothing but ONNX Runtime. Written only where its answers on real pictures are those that this one
gives; it is another file than the one beside a model, which this program asks and decodes.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from striate.data.store.store import Store
from striate.engine.infer import infer
from striate.errors import ExportError
from striate.export.onnx import Parity, compared, finished, graph_bytes
from striate.model.files import tensorfile
from striate.model.files.weights import state_prefix
from striate.runs import durable
from striate.runs.onnx_file import at_once, session
from striate.runs.predictor import Predictor
from striate.tasks.decoding import MANY, RAW, WHOLE, Decoding
from striate.tasks.task import EMBEDDING

if TYPE_CHECKING:
    import onnxruntime


def export_decoded(predictor: Predictor, pixels: NDArray[np.uint8], output: Path) -> Parity:
    """Write the graph of a model that puts out answers, at ``output``; return how far these are from the model's own.

    ``pixels`` (N, H, W, C) are real pictures as `Preprocess` prepares them. Errors: StriateError for a task whose
    answers no graph says, ExportError where the answers differ by more than 1e-4: nothing is written then.
    """
    task, file = predictor.task, predictor.path
    assert file is not None
    decoding = task.decoding(predictor.labels, predictor.learnt)
    model = copy.deepcopy(predictor.model).cpu().eval()
    content = decoded(graph_bytes(model, task), task.output, decoding)
    pixels = pixels[: compared(predictor.preprocess.height, predictor.preprocess.width)]
    if not len(pixels):
        raise ExportError("there are no pictures to compare answers on; an ONNX file is written only where they match")
    found = infer(model, Store(pixels, ()), np.arange(len(pixels)), device="cpu")
    wanted = dict(zip((task.output, EMBEDDING), found, strict=True))
    each = []
    for many in (False, True):
        asked = ask_decoded(session(content, many=many), pixels)
        each.append(task.same_decoded(asked, wanted, predictor.labels, predictor.learnt))
    apart = {name: max(one[1][name] for one in each) for name in each[0][1]}
    parity = Parity(len(pixels), apart, min(int(same.sum()) for same, _ in each), "answer")
    if not parity.holds:
        raise ExportError(f"the graph does not say what the model says: {parity}; it was not written")
    header = tensorfile.read_header(file)
    arrays = tensorfile.read_arrays(file, header, state_prefix(predictor.facts))
    durable.write(output, finished(content, header, arrays, parity.to_dict()))
    return parity


def decoded(content: bytes, output: str, decoding: Decoding) -> bytes:
    """Return a serialised graph with steps behind what it calls its ``output``, which it puts out no more."""
    proto = onnx.load_from_string(content)
    graph = proto.graph
    nodes = []
    for node in graph.node:
        names = [RAW if name == output else name for name in node.output]
        if EMBEDDING not in names:
            node.output[:] = names
            nodes.append(node)
    for number, step in enumerate(decoding.steps):
        made = helper.make_node(step.operator, step.inputs, step.outputs, f"decode.{number}", **step.attributes)
        nodes.append(made)
    constants = [numpy_helper.from_array(value, name) for name, value in decoding.constants.items()]
    nodes, constants = _needed(nodes, [*graph.initializer, *constants], set(decoding.outputs))
    outputs = [
        helper.make_tensor_value_info(name, _TYPES[one.type], [MANY, *one.sizes])
        for name, one in decoding.outputs.items()
    ]
    del graph.node[:], graph.initializer[:], graph.output[:]
    graph.node.extend(nodes)
    graph.initializer.extend(constants)
    graph.output.extend(outputs)
    result: bytes = proto.SerializeToString(deterministic=True)
    return result


_TYPES = {WHOLE: TensorProto.INT64, "float32": TensorProto.FLOAT}


def _needed(nodes: list[Any], constants: list[Any], names: set[str]) -> tuple[list[Any], list[Any]]:
    """Return what is needed for outputs of these names."""
    names, kept = set(names), []
    for node in reversed(nodes):
        if names & set(node.output):
            kept.append(node)
            names |= set(node.input)
    return kept[::-1], [one for one in constants if one.name in names]


def ask_decoded(asked: onnxruntime.InferenceSession, pixels: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """Return what such a graph says of pixels (N, H, W, C), a few at a time: the numbers of pictures run on."""
    names, step = [each.name for each in asked.get_outputs()], at_once(pixels)
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    for begin in range(0, len(pixels), step):
        some = np.ascontiguousarray(pixels[begin : begin + step])
        for name, value in zip(names, asked.run(names, {"pixels": some}), strict=True):
            parts[name].append(value + begin if name == NUMBERS else value)
    return {name: np.concatenate(each) for name, each in parts.items()}


NUMBERS = "pictures"
