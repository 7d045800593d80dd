"""Which layers a careful graph in int8 leaves in float32."""

from __future__ import annotations

import numpy as np
import onnx

from striate.export.int8 import _with_care, quantised
from striate.export.onnx import graph_bytes
from striate.model.build.model import build
from striate.spec import Shape, parse

NET = (
    "a: conv 8 3x3 pad 1 >> relu >> b: conv 8 1x1 >> relu >> c: conv 8 3x3 pad 1 groups 8 >> relu >> d: conv 12 1x1 >>"
    " e: conv 8 1x1 >> relu >> f: conv 8 1x1 >> relu >> ((g: conv 4 1x1 >> flatten) | (h: conv 4 1x1 >> flatten))"
)


def in_int8(content: bytes) -> set[str]:
    """The convolutions whose weights are whole numbers: what they read is made of such."""
    graph = onnx.load_from_string(content).graph
    made = {name: node.op_type for node in graph.node for name in node.output}
    return {
        node.name[0] for node in graph.node if node.op_type == "Conv" and made.get(node.input[1]) == "DequantizeLinear"
    }


def test_what_answers_what_is_first_and_what_filters_single_channels_stay_as_they_are() -> None:
    model = build(parse(NET), Shape(3, 16, 16), classes=4, seed=0)
    pixels = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
    content = graph_bytes(model)
    assert in_int8(quantised(content, pixels)) == set("abcdef")
    kept = {name for name in _with_care(onnx.load_from_string(content)) if name.endswith(".conv")}
    assert kept == {"a.conv", "c.conv", "branch1.g.conv", "branch2.h.conv"}
    assert in_int8(quantised(content, pixels, careful=True)) == set("bdef")
