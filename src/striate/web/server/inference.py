"""The Open Inference Protocol, version 2: JSON, and tensors as bytes behind it (KServe's and Triton's extension).

A model has one input, ``pixels``: uint8 (N, H, W, C), as the network takes them; and the network's own outputs, and
``answer``: what the task says of each picture, as JSON. Nothing of the protocol that names memory, files or models to
be loaded is here, and parameters that ask for shared memory are refused.

https://github.com/kserve/open-inference-protocol
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.web.server.admission import Refused
from striate.web.server.answering import Wanted, as_json
from striate.web.server.batching import Answer
from striate.web.server.models import Served

PIXELS: Final = "pixels"
ANSWER: Final = "answer"
MOST_JSON: Final = 4_000_000  # bytes: more is for binary tensors
_LENGTH: Final = "inference-header-content-length"


@dataclass(frozen=True, eq=False)
class Asked:
    """What a request asks: pixels (N, H, W, C), which ``outputs`` by name, in order, and which of them as bytes."""

    identity: str
    pixels: NDArray[np.uint8]
    outputs: tuple[tuple[str, bool], ...]


def metadata(served: Served) -> dict[str, Any]:
    """Return what a model takes and gives."""
    assert served.predictor.onnx is not None
    channels, height, width = served.predictor.facts.input
    return {
        "name": served.name,
        "versions": [str(served.version)],
        "platform": "striate_onnxruntime",
        "inputs": [{"name": PIXELS, "datatype": "UINT8", "shape": [-1, height, width, channels]}],
        "outputs": [
            *(
                {"name": name, "datatype": "FP32", "shape": [-1, *shape]}
                for name, shape in served.predictor.onnx.outputs().items()
            ),
            {"name": ANSWER, "datatype": "BYTES", "shape": [-1]},
        ],
    }


def read(served: Served, body: bytes, header: str | None, *, most: int) -> Asked:
    """Return what a body asks; ``header`` is how long its JSON is, as a request says. Errors: Refused (400, 413)."""
    length = len(body)
    if header is not None:
        if not header.isdecimal() or len(header) > 12 or int(header) > len(body):
            raise Refused(400, f"{_LENGTH} is {header[:20]!r}, and the body has {len(body):,} bytes")
        length = int(header)
    if length > MOST_JSON:
        raise Refused(413, f"a JSON of {length:,} bytes, over {MOST_JSON:,}; send the tensor as bytes behind it")
    try:
        said = json.loads(body[:length])
        if not isinstance(said, dict):
            raise ValueError("no object")
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the JSON does not read: {str(error)[:100]}") from None
    tensors = said.get("inputs")
    if not isinstance(tensors, list) or len(tensors) != 1 or not isinstance(tensors[0], dict):
        raise Refused(400, f"inputs: a list of one tensor, {PIXELS}, is wanted")
    identity = said.get("id", "")
    if not isinstance(identity, str) or len(identity) > 200:
        raise Refused(400, "id: a text of at most 200 characters is wanted")
    parameters = _parameters(said)
    pixels = _pixels(served, tensors[0], body[length:], most)
    return Asked(identity, pixels, _outputs(served, said, binary=parameters.get("binary_data_output") is True))


def _parameters(of: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a part of a request. Errors: Refused (400)."""
    found = of.get("parameters", {})
    if not isinstance(found, dict):
        raise Refused(400, "parameters: an object is wanted")
    if any(str(name).startswith(("shared_memory", "sequence")) for name in found):
        raise Refused(400, "parameters: shared memory and sequences are not for this server")
    return found


def _pixels(served: Served, tensor: dict[str, Any], rest: bytes, most: int) -> NDArray[np.uint8]:
    """Return the pixels that a tensor holds, or that stand behind the JSON. Errors: Refused (400, 413)."""
    channels, height, width = served.predictor.facts.input
    if tensor.get("name") != PIXELS or tensor.get("datatype") != "UINT8":
        raise Refused(400, f"the input is {PIXELS}, of datatype UINT8")
    shape = tensor.get("shape")
    plain = isinstance(shape, list) and len(shape) == 4 and all(type(side) is int for side in shape)
    if not plain or shape[1:] != [height, width, channels] or shape[0] < 1:  # type: ignore[index]
        raise Refused(400, f"{PIXELS}: a shape of [N, {height}, {width}, {channels}] is wanted")
    assert isinstance(shape, list)
    if shape[0] > most:
        raise Refused(413, f"{shape[0]} pictures, over {most}, the most of one request")
    count = math.prod(shape)
    size = _parameters(tensor).get("binary_data_size")
    if size is not None:
        if type(size) is not int or size != count or len(rest) != count or "data" in tensor:
            raise Refused(
                400, f"{PIXELS}: {count:,} bytes are wanted; binary_data_size is {str(size)[:20]}, {len(rest):,} came"
            )
        return np.frombuffer(rest, np.uint8).reshape(shape)
    if rest or not isinstance(tensor.get("data"), list):
        raise Refused(
            400, f"{PIXELS}: data is wanted, a list of numbers; or binary_data_size, and bytes behind the JSON"
        )
    try:
        found = np.array(tensor["data"])
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise Refused(400, f"{PIXELS}: data is no tensor of numbers") from None
    if found.dtype.kind not in "iu" or found.size != count or found.min() < 0 or found.max() > 255:
        raise Refused(400, f"{PIXELS}: {count:,} whole numbers from 0 to 255 are wanted")
    if found.ndim != 1 and list(found.shape) != shape:
        raise Refused(400, f"{PIXELS}: data has the shape {list(found.shape)}, and the tensor is said to have {shape}")
    return found.astype(np.uint8).reshape(shape)


def _outputs(served: Served, said: dict[str, Any], *, binary: bool) -> tuple[tuple[str, bool], ...]:
    """Return which outputs are wanted, all of them where none is named, and which as bytes. Errors: Refused (400)."""
    known = [one["name"] for one in metadata(served)["outputs"]]
    wanted = said.get("outputs")
    if wanted is None:
        return tuple((name, binary) for name in known)
    if not isinstance(wanted, list) or not all(isinstance(one, dict) for one in wanted) or len(wanted) > len(known):
        raise Refused(400, f"outputs: a list of objects is wanted, of the names {', '.join(known)}")
    found = []
    for one in wanted:
        if one.get("name") not in known:
            raise Refused(400, f"outputs: there is no {str(one.get('name'))[:40]!r}; there are {', '.join(known)}")
        found.append((str(one["name"]), _parameters(one).get("binary_data", binary) is True))
    return tuple(found)


def written(served: Served, asked: Asked, answers: Sequence[Answer]) -> tuple[bytes, int | None]:
    """Return the body of the answers, and how long its JSON is where bytes follow it."""
    outputs, behind = [], []
    for name, binary in asked.outputs:
        tensor: dict[str, Any] = {"name": name}
        if name == ANSWER:
            texts = [json.dumps(as_json(one, Wanted(), ())) for one in answers]
            tensor |= {"datatype": "BYTES", "shape": [len(texts)]}
            content = b"".join(struct.pack("<I", len(text)) + text.encode() for text in texts)
            plain: Any = texts
        else:
            values = np.stack([one.outputs[name] for one in answers]).astype("<f4")
            tensor |= {"datatype": "FP32", "shape": list(values.shape)}
            content = values.tobytes() if binary else b""
            plain = None if binary else [value if math.isfinite(value) else None for value in values.ravel().tolist()]
        if binary:
            tensor["parameters"] = {"binary_data_size": len(content)}
            behind.append(content)
        else:
            tensor["data"] = plain
        outputs.append(tensor)
    head: dict[str, Any] = {"model_name": served.name, "model_version": str(served.version), "outputs": outputs}
    if asked.identity:
        head["id"] = asked.identity
    said = json.dumps(head).encode()
    return b"".join([said, *behind]), len(said) if behind else None
