"""A net with its weights as a program that a page computes: a list of operations, each with what it reads. No torch.

The same parts in the same order as `striate.spec.wiring`, nothing folded, so that a page shows what every layer puts
out. Value 0 is the input, value n what operation n puts out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.preprocess import Preprocess
from striate.errors import ExportError
from striate.export.onnx_walk import embedding_part
from striate.export.page_layers import TABLE, Telling
from striate.export.page_tensors import SMALL, Packed
from striate.spec import Add, Concat, Multiply, Net, Shape
from striate.spec.code import Code
from striate.spec.field import Field
from striate.spec.layer import Layer
from striate.spec.wiring import Wiring, wired
from striate.words import counted

JOINS: Final[dict[type[Net], str]] = {Add: "add", Multiply: "multiply", Concat: "concat"}
PASSING: Final = ("identity", "flatten")  # what hands every value on as it is
STORED: Final = 32  # what stored embeddings are multiples of: 11 bits, which change a strangeness by some 0.01
MOST: Final = 30_000_000  # numbers that a page carries: about 80 MB of text


@dataclass(frozen=True, eq=False)
class PageProgram:
    """A net as a page computes it: ``facts`` ready for JSON, and where its tensors are kept."""

    facts: Mapping[str, Any]
    packed: Packed


def program_of(
    net: Net,
    shape: Shape,
    tensors: Mapping[str, NDArray[Any]],
    preprocess: Preprocess,
    answer: Mapping[str, Any],
    *,
    bits: int = 16,
) -> PageProgram:
    """Return the program of a net on ``shape`` with its ``tensors`` by name.

    ``answer`` is what makes an answer of its output (`Answering.formula`); ``bits`` 16 or 32 are those
    of a weight. Errors: ExportError, by the part's name, for what a page cannot compute.
    """
    if isinstance(net, Code):
        raise ExportError(
            f"{net} is only its author's code, and a page cannot run that: {net.why}; striate export writes its ONNX"
            " file"
        )
    held = sum(array.size for array in tensors.values())
    if held > MOST:
        raise ExportError(
            f"the net has {counted(held, 'number')} of weights, and a page carries at most {MOST:,}; striate export"
            " writes its ONNX file"
        )
    wiring, packed = wired(net, shape), Packed(SMALL if bits == 16 else None)
    operations = []
    for wire in wiring.needed([wiring.output]):
        step = wire.part
        facts = {
            "id": wire.target,
            "path": step.path,
            "text": str(step.net) if isinstance(step.net, Layer) else JOINS.get(type(step.net), ""),
            "reads": list(wire.sources),
            "shape": _sizes(step.shape),
            "field": _field(step.field),
        }
        if isinstance(step.net, Layer):
            if type(step.net) not in TABLE:
                raise ExportError(f"{step.path} ({step.net}) is a layer that a page cannot compute yet")
            facts |= TABLE[type(step.net)](Telling(step, tensors, packed))
        elif type(step.net) in JOINS:
            facts["op"] = JOINS[type(step.net)]
        else:
            raise ExportError(f"{step.path} ({type(step.net).__name__}) is a join that a page cannot compute yet")
        operations.append(facts)
    scale, offset = preprocess.scale_and_offset()
    facts = {
        "input": _sizes(shape),
        "scale": [float(value) for value in scale],
        "offset": [float(value) for value in offset],
        "preprocess": preprocess.to_dict(),
        "operations": operations,
        "output": wiring.output,
        "embedding": _embedding(wiring, embedding_part(net, shape)),
        "evidence": evidence(operations, wiring.output),
        "answer": _kept(answer, packed),
    }
    facts["counts"] = packed.counts
    return PageProgram(facts, packed)


def evidence(operations: list[dict[str, Any]], output: int) -> dict[str, Any]:
    """Return how an answer is explained: exactly, where each is a sum over places of a map; else by covering.

    ``{"kind": "sum", "map": value, "dense": value or None, "pool": value or None}``: the output is a dense layer on a
    flat map, or on its mean or largest value over places, or that itself. ``{"kind": "cover"}`` of every other net.
    Source: class activation maps, Zhou et al. 2016.
    """
    by_id = {one["id"]: one for one in operations}

    def back(value: int) -> int:
        while value in by_id and by_id[value]["op"] in PASSING:
            (value,) = by_id[value]["reads"]
        return value

    dense, pool = None, None
    at = back(output)
    if at in by_id and by_id[at]["op"] == "dense":
        dense, at = at, back(by_id[at]["reads"][0])
    last = by_id.get(at)
    if last and (
        last["op"] in ("globalavg", "globalmax") or (last["op"] == "adaptiveavg" and last["shape"][1:] == [1, 1])
    ):
        pool, at = at, back(last["reads"][0])
    shape = by_id[at]["shape"] if at in by_id else []
    if len(shape) == 3 and shape[1] * shape[2] > 1 and (dense or pool):
        return {"kind": "sum", "map": at, "dense": dense, "pool": pool}
    return {"kind": "cover"}


def _embedding(wiring: Wiring, part: str) -> int:
    """Return the value that flows into a part."""
    if part == "input":
        return 0
    (source,) = next(wire.sources for wire in wiring.wires if wire.part.path == part)
    return source


def _kept(answer: Mapping[str, Any], packed: Packed) -> dict[str, Any]:
    """Return the facts of an answer ready for JSON: arrays are kept among the tensors."""
    return {
        name: packed.add(value, step=STORED)
        if isinstance(value, np.ndarray)
        else _kept(value, packed)
        if isinstance(value, Mapping)
        else value
        for name, value in answer.items()
    }


def _field(seen: Field) -> list[list[float]]:
    """Return the first and last pixel that position 0 sees, and the jump to the next: of rows, then of columns."""
    return [[float(reach.first), float(reach.last), float(reach.jump)] for reach in seen]


def _sizes(shape: Shape) -> list[int]:
    return [shape.channels, *shape.size] if shape.is_map else [shape.channels]


def rounded(tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return a model's tensors as a page with 16 bits a weight has them, for whoever measures what that costs."""
    return {
        name: dequantised(packed := Packed(), packed.add(array)) if array.ndim >= 2 else array
        for name, array in tensors.items()
    }


def dequantised(packed: Packed, where: Mapping[str, Any]) -> NDArray[np.float32]:
    """Return a kept tensor as a page reads it, float32: what its 16 bits say."""
    size = int(np.prod(where["shape"]))
    exact = np.concatenate(packed.exact) if packed.exact else np.zeros(0, np.float32)
    if "exact" in where:
        return exact[where["exact"] :][:size].reshape(where["shape"])
    whole = np.concatenate(packed.whole)[where["whole"] :][:size].reshape(where["shape"]).astype(np.float32)
    along = [1] * len(where["shape"])
    along[where["axis"]] = -1
    scales = exact[where["scales"] :][: where["shape"][where["axis"]]]
    return np.asarray(whole * scales.reshape(along), np.float32)
