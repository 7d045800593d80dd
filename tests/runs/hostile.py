"""Model files as somebody would write them who means harm, or a disk that forgets: one seed, one file."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from striate.data.pictures.preprocess import Preprocess
from striate.export.onnx import finished, graph_bytes
from striate.model.build.model import build
from striate.model.files import tensorfile
from striate.model.files.weights import GRAPH, KEY, ModelFile, to_pieces, with_state
from striate.runs.seal import SEAL, ZEROS, graph_digest, sealed
from striate.spec import parse
from striate.spec.shape import Shape
from striate.tasks.calibrate import Calibration
from striate.tasks.classify import Learnt, state_of
from striate.tasks.ood import fit_ood

NET = "conv 4 3x3 pad 1 >> batchnorm >> relu >> maxpool 2 >> flatten >> dense 8 >> relu >> dense 3"
HOW = Preprocess(8, 8, 3, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
PIXELS = np.random.default_rng(7).integers(0, 256, (8, 8, 3), dtype=np.uint8)
HUGE = (10**400, -(10**400), 10**25, 1e999, -1e999, float("nan"), 2**63, -1, 0, 1e-320, 5e300, 1.5, True)
ODD = (None, "", "x" * 5000, "\x00", "\ud800", [], {}, [[]], {"a": 1}, [1, "2"], *HUGE)


def write(folder: Path, *, recorded: bool = True, net: str = NET, old: bool = False) -> Path:
    """Write a whole model file (``old``: of format 1) with its ONNX file, and return the former."""
    model = build(parse(net), Shape(3, 8, 8), preprocess=HOW, seed=3).eval()
    with torch.no_grad():
        model.state_dict()["batchnorm1.running_mean"].uniform_(-0.5, 0.5)
    draw = np.random.default_rng(0)
    embeddings, targets = draw.normal(size=(60, 8)), np.arange(60) % 3
    unknown = fit_ood(embeddings, targets, draw.normal(size=(30, 8)), draw.normal(size=(30, 3)))
    state = state_of(Learnt(Calibration(temperature=1.7, pictures=30), unknown))
    facts = ModelFile(
        net=net,
        input=(3, 8, 8),
        task="classify",
        names=("cat", "dog", "owl"),
        preprocess=HOW.to_dict(),
        state=dict(state.facts),
        provenance={"recipe": {"epochs": 3}},
    )
    path, graph = folder / "model.safetensors", graph_bytes(model)
    tensors = with_state(model.state_dict(), state.arrays)
    digest = graph_digest(graph) if recorded else None
    pieces = to_pieces(tensors, facts, graph=digest)
    if old:
        said = {**vars(facts), **state.facts, "format": 1, "classes": facts.names, "striate": "0.1.0"}
        text = json.dumps({name: said[name] for name in said if name not in ("names", "labels", "state")})
        pieces = tensorfile.pack({**model.state_dict(), **unknown.to_tensors()}, {KEY: text, GRAPH: digest or ""})
    path.write_bytes(b"".join(pieces))
    header = tensorfile.read_header(path)
    arrays = tensorfile.read_arrays(path, header, "unknown." if old else "state.")
    path.with_suffix(".onnx").write_bytes(finished(graph, header, arrays, {"pictures": 3}))
    return path


def resealed(content: bytes, change: Callable[[onnx.ModelProto], None]) -> bytes:
    """Return an ONNX file with something changed in it and the seal made to fit."""
    proto = onnx.load_from_string(content)
    change(proto)
    kept = [(entry.key, entry.value) for entry in proto.metadata_props if entry.key != SEAL]
    del proto.metadata_props[:]
    for key, value in [*kept, (SEAL, ZEROS)]:
        proto.metadata_props.add(key=key, value=value)
    return sealed(proto.SerializeToString(deterministic=True))


def packed(content: bytes, change: Callable[[dict[str, Any], dict[str, Any], bytearray], None]) -> bytes:
    """Return a model file with its header (facts as an object) or its tensors' bytes changed and its checksum right."""
    length = struct.unpack("<Q", content[:8])[0]
    header, data = json.loads(content[8 : 8 + length]), bytearray(content[8 + length :])
    facts = json.loads(header["__metadata__"][KEY])
    change(header, facts, data)
    if isinstance(header.get("__metadata__"), dict) and KEY in header["__metadata__"]:
        header["__metadata__"] |= {KEY: json.dumps(facts), tensorfile.CHECKSUM: ZEROS}
    text = json.dumps(header, separators=(",", ":")).encode()
    digest = tensorfile._digest(text, data)
    return struct.pack("<Q", len(text)) + text.replace(ZEROS.encode(), digest.encode(), 1) + bytes(data)


def mutated(draw: random.Random, model: bytes, graph: bytes) -> tuple[bytes, bytes, bool]:
    """Return a model file and an ONNX file, one of them changed, and whether only the ONNX file was."""
    kind = draw.randrange(8)
    if kind == 0:
        return _bytes(draw, model), graph, False
    if kind == 1:
        return packed(model, lambda header, facts, data: _odd(draw, facts)), graph, False
    if kind == 2:
        return packed(model, lambda header, facts, data: _odd(draw, header)), graph, False
    if kind == 3:
        return packed(model, lambda header, facts, data: _tensors(draw, header, data)), graph, False
    if kind == 4:
        return packed(model, lambda header, facts, data: _net(draw, facts)), graph, False
    if kind == 5:
        return model, _bytes(draw, graph), True
    if kind == 6:  # damaged within, and sealed as if whole
        body = bytearray(graph[:-64])
        for _ in range(draw.choice((1, 1, 2, 8))):
            body[draw.randrange(len(body) - 80)] = draw.randrange(256)
        return model, sealed(bytes(body) + ZEROS.encode()), True
    return model, resealed(graph, lambda proto: _graph(draw, proto)), True


def _bytes(draw: random.Random, content: bytes) -> bytes:
    changed, kind = bytearray(content), draw.randrange(4)
    at = draw.choice((draw.randrange(len(changed)), draw.randrange(min(200, len(changed)))))
    if kind == 0:
        changed[at] ^= 1 << draw.randrange(8)
    elif kind == 1:
        del changed[at:]
    elif kind == 2:
        changed[at:at] = draw.randbytes(draw.choice((1, 8, 300)))
    else:
        changed[at : at + 8] = draw.choice((b"\xff" * 8, bytes(8), struct.pack("<Q", 1 << 40), b'"a":1,"a'))
    return bytes(changed)


def _odd(draw: random.Random, value: Any) -> None:
    """Put something odd in a place of a tree of objects and lists, or take something out."""
    while True:
        names = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not names:
            return
        name = draw.choice(names)
        inner = value[name]
        if isinstance(inner, dict | list) and inner and draw.random() < 0.7:
            value = inner
            continue
        if draw.random() < 0.15:
            del value[name]
        elif isinstance(value, dict) and draw.random() < 0.1:
            value["another"] = inner
        else:
            value[name] = draw.choice(ODD)
        return


def _tensors(draw: random.Random, header: dict[str, Any], data: bytearray) -> None:
    name = draw.choice([name for name in header if name != "__metadata__"])
    begin, end = header[name]["data_offsets"]
    if draw.random() < 0.2:
        header[name]["shape"] = draw.choice(([], [end - begin], [0], [1, *header[name]["shape"]]))
    if draw.random() < 0.2:
        header[name]["dtype"] = draw.choice(("F16", "BF16", "I32", "U8", "F64", "BOOL"))
    if end - begin >= 4:
        at = begin + 4 * draw.randrange((end - begin) // 4)
        data[at : at + 4] = struct.pack("<f", draw.choice((float("nan"), float("inf"), -1e30, 3e38, -0.5)))


def _net(draw: random.Random, facts: dict[str, Any]) -> None:
    words = facts["net"].split(" ")
    at = draw.randrange(len(words))
    words[at] = draw.choice((
        "1000000000", "65536x65536", "9999 * (relu)", "(" * 60, "conv 8 3x3", ">>", "1e999", "9" * 5000, "module a.B",
        "upsample 64 >> upsample 64 >> upsample 64", "nothing", "100 * (100 * (100 * relu))", "", "#", "\x00",
    ))  # fmt: skip
    facts["net"] = " ".join(words)
    if draw.random() < 0.3:
        facts["input"] = draw.choice(([3, 4096, 4096], [3, 16384, 16384], [3, 1, 1], [1, 8, 8], [3, 8, 10**30]))
        facts["preprocess"] |= {"height": facts["input"][1], "width": facts["input"][2]}


def _graph(draw: random.Random, proto: onnx.ModelProto) -> None:
    graph, kind = proto.graph, draw.randrange(9)
    weight = draw.choice(graph.initializer)
    node = draw.choice(graph.node)
    if kind == 0:
        values = numpy_helper.to_array(weight).astype(np.float32) * draw.choice((-1, 2, np.nan, np.inf))
        weight.CopyFrom(numpy_helper.from_array(values.astype(numpy_helper.to_array(weight).dtype), weight.name))
    elif kind == 1:
        node.op_type = draw.choice(("Loop", "Relu", "Neg", "ConstantOfShape", "Expand", "NonZero", "RandomNormal"))
    elif kind == 2:
        outside(weight, draw.choice(("/etc/passwd", "../model.safetensors", "model.safetensors")))
    elif kind == 3:
        weight.dims[:] = draw.choice(([1 << 40], [-1], [0], [1 << 31, 1 << 31], []))
    elif kind == 4:
        entry = draw.choice(proto.metadata_props)
        entry.value = draw.choice(("", "{", "null", "[]", '{"pictures": 1e999}', '{"a": NaN}', "9" * 5000))
    elif kind == 5:
        loop(graph)
    elif kind == 6:
        constant(graph)
    elif kind == 7 and node.attribute:
        attribute = draw.choice(node.attribute)
        attribute.ints[:] = [draw.choice((-1, 0, 1, 7, 1 << 31, 1 << 40)) for _ in attribute.ints]
    else:
        graph.node.append(helper.make_node("Identity", ["pixels"], ["again"], "again", domain="striate"))


def outside(weight: onnx.TensorProto, where: str) -> None:
    """Make a constant one that lies in another file."""
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", where


def loop(graph: onnx.GraphProto, turns: int = 10_000_000) -> None:
    """Put a loop before the logits."""
    names = [helper.make_tensor_value_info(name, kind, []) for name, kind in (("i", 7), ("c", 9), ("k", 9))]
    again = helper.make_node("Identity", ["c"], ["k"])
    body = helper.make_graph([again], "body", names[:2], names[2:])
    graph.initializer.append(numpy_helper.from_array(np.array(turns), "turns"))
    graph.initializer.append(numpy_helper.from_array(np.array(True), "go"))
    graph.node.insert(0, helper.make_node("Loop", ["turns", "go"], [], "loop", body=body))


def constant(graph: onnx.GraphProto, count: int = 1 << 29) -> None:
    """Put a constant of 2 GB before the logits, in a few bytes."""
    graph.initializer.append(numpy_helper.from_array(np.array([count]), "count"))
    graph.node.insert(0, helper.make_node("ConstantOfShape", ["count"], ["zeros"], "zeros"))
    graph.node.insert(1, helper.make_node("ReduceSum", ["zeros"], ["sum"], "sum"))
