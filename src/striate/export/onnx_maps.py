"""The frozen part of a net as an ONNX graph: pictures to its maps, in half precision, norms folded. No torch.

What a head is trained on where the trunk stays as it is (`striate.verbs.maps`): ONNX Runtime computes it in a fraction
of torch's time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from striate.export.onnx_graph import Graph
from striate.export.onnx_walk import Walk, enter, model_of
from striate.spec import Net, Shape

MAPS = "maps"


def maps_graph(
    net: Net,
    shape: Shape,
    tensors: Mapping[str, NDArray[Any]],
    paths: Sequence[str],
    *,
    scale: NDArray[np.float32],
    offset: NDArray[np.float32],
) -> bytes:
    """Return the graph of what the parts at ``paths`` put out, serialised: one row a picture, float16, called ``maps``.

    Each map lies channel by channel, one map after the other. ``pixels`` (N, H, W, C) are uint8. Errors:
    KeyError for a path that is no part, ExportError for a part that ONNX cannot hold.
    """
    graph = Graph(tensors)
    walk = Walk(graph, net, shape)
    walk.follow(enter(graph, scale, offset))
    graph.path = ""
    rows = []
    width = 0
    for path in paths:
        value, made = walk.leaving[path]
        if made.is_map:
            value = graph.node("Flatten", [value])
        rows.append(value)
        width += made.elements
    joined = rows[0] if len(rows) == 1 else graph.node("Concat", rows, {"axis": 1})
    half = graph.node("Cast", [joined], {"to": TensorProto.FLOAT16})
    proto = model_of(graph, shape, [(MAPS, half, (width,))])
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    needed, kept = {MAPS}, []
    for node in reversed(proto.graph.node):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(node.input)
    used = [one for one in proto.graph.initializer if one.name in needed]
    del proto.graph.node[:], proto.graph.initializer[:]
    proto.graph.node.extend(reversed(kept))
    proto.graph.initializer.extend(used)
    content: bytes = proto.SerializeToString(deterministic=True)
    return content
