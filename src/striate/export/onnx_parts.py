"""What parts of a net put out, computed by ONNX Runtime: every layer by itself, nothing folded. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import ExportError, ModelError
from striate.runs.onnx_file import session
from striate.spec.layer import Layer
from striate.spec.shape import Shape
from striate.spec.wiring import Wiring

if TYPE_CHECKING:
    import onnx


def compute(
    wiring: Wiring, shape: Shape, tensors: Mapping[str, NDArray[Any]], pixels: NDArray[np.uint8], parts: Sequence[str]
) -> dict[str, NDArray[np.float32]]:
    """Return what parts of a net on ``shape`` put out for one picture (H, W, C): each (C, H, W) or (C,), by its path.

    ``tensors`` are the model's, by name. Only what the parts need is computed. Errors: ExportError where onnx is not
    here or the net is too much for it, ModelError where ONNX Runtime refuses.

    Example: ``compute(wired(net, shape), shape, arrays, store.pixels[0], ["conv1"])["conv1"].shape`` is
    ``(8, 16, 16)``.
    """
    try:
        content = graph_of_parts(wiring, shape, tensors, parts).SerializeToString()
    except Exception as error:  # a broken installation raises more than ImportError, and protobuf errors of its own
        raise ExportError(f"no ONNX graph of {', '.join(parts)} can be made: {error}") from None
    asked = session(content, many=False, as_written=True)
    try:
        values = asked.run(None, {"pixels": np.ascontiguousarray(pixels[None])})
    except Exception as error:  # its errors have no common class of their own
        raise ModelError(f"ONNX Runtime cannot compute the graph: {str(error).splitlines()[0][:200]}") from None
    return {part: value[0] for part, value in zip(parts, values, strict=True)}


def graph_of_parts(
    wiring: Wiring, shape: Shape, tensors: Mapping[str, NDArray[Any]], parts: Sequence[str]
) -> onnx.ModelProto:
    """Return the graph: ``pixels`` (1, H, W, C) uint8 -> ``part 0``, ``part 1`` ..., as many as there are parts."""
    from striate.export.onnx_graph import Graph, Part
    from striate.export.onnx_layers import TABLE
    from striate.export.onnx_walk import enter, join, model_of

    graph = Graph(tensors)
    names = {0: enter(graph, tensors["input.scale"], tensors["input.offset"])}
    asked = [wiring.taps[part] for part in parts]
    shapes = {0: shape}
    for wire in wiring.needed(asked):
        part, given = wire.part, [names[source] for source in wire.sources]
        graph.path, shapes[wire.target] = part.path, part.shape
        names[wire.target] = (
            TABLE[type(part.net)](graph, Part(part.net, part.path, part.given, part.shape), given[0])
            if isinstance(part.net, Layer)
            else join(graph, part.net, given)
        )
    outputs = [(f"part {number}", names[value], _sizes(shapes[value])) for number, value in enumerate(asked)]
    return model_of(graph, shape, outputs, many=1)


def _sizes(shape: Shape) -> tuple[int, ...]:
    return (shape.channels, *shape.size) if shape.is_map else (shape.channels,)
