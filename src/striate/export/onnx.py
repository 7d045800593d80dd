"""A model as `model.onnx`: written only where its answers on real pictures matched torch's. Imports torch and onnx."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.store.store import Store
from striate.engine.infer import infer
from striate.errors import ExportError, ModelError
from striate.model.files import tensorfile
from striate.model.files.weights import KEY
from striate.runs import durable, onnx_file, seal
from striate.runs.onnx_file import ask, digest_of, session
from striate.runs.seal import beside, sealed
from striate.spec.code import Code
from striate.tasks.ood import PREFIX
from striate.words import counted

if TYPE_CHECKING:
    from striate.model.build.model import Model

TOLERANCE: Final = 1e-4  # of the largest logit, or of 1 where that is larger; the same for embeddings
PICTURES: Final = 32  # that are compared: enough for both graphs of ONNX Runtime, and for more than one batch

Answers = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class Parity:
    """How far a graph's answers lie from torch's, on ``pictures`` pictures.

    ``logits`` and ``embedding``: the largest difference over the largest value, or over 1 where that is larger.
    ``same_class``: how many pictures got the same class.
    """

    pictures: int
    logits: float
    embedding: float
    same_class: int
    tolerance: float = TOLERANCE

    def __str__(self) -> str:
        return (
            f"{self.same_class} of {counted(self.pictures, 'picture')} get torch's class; logits differ by at most "
            f"{self.logits:.1e} of the largest, embeddings by {self.embedding:.1e} (allowed: {self.tolerance:.0e})"
        )


def export_onnx(
    model: Model, file: Path, pixels: NDArray[np.uint8], *, output: Path | None = None, content: bytes | None = None
) -> Parity:
    """Write the ONNX file of a model file, beside it or at ``output``; return how far its answers lie from torch's.

    ``model`` is what ``file`` holds, ``pixels`` (N, H, W, C) are real pictures as `Preprocess` prepares them;
    ``content`` is its graph (`graph_bytes`) where that was made before.
    Raises ExportError where the answers differ by more than `TOLERANCE` (nothing is written then), DiskError.

    Example: ``export_onnx(predictor.model, run.model_path, pixels)``
    """
    header = tensorfile.read_header(file)
    model = copy.deepcopy(model).cpu().eval()
    content = graph_bytes(model) if content is None else content
    parity = compare(model, content, pixels[:PICTURES])
    if parity.same_class < parity.pictures or not max(parity.logits, parity.embedding) <= TOLERANCE:
        raise ExportError(f"the ONNX graph of {file} does not answer as torch does: {parity}; it was not written")
    arrays = tensorfile.read_arrays(file, header, PREFIX)
    durable.write(output or beside(file), finished(content, header, arrays, asdict(parity)))
    return parity


def graph_bytes(model: Model) -> bytes:
    """Return the graph of a model (on the CPU), serialised, without metadata."""
    from striate.export.onnx_walk import graph_of

    if isinstance(model.net, Code):
        from striate.export.onnx_traced import traced

        return traced(model)
    tensors = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    proto = graph_of(
        model.net,
        model.shape,
        tensors,
        embedding_part=model.embedding_part,
        scale=tensors["input.scale"],
        offset=tensors["input.offset"],
    )
    content: bytes = proto.SerializeToString(deterministic=True)
    return content


def finished(
    content: bytes, header: tensorfile.Header, arrays: Mapping[str, NDArray[Any]], parity: Mapping[str, Any]
) -> bytes:
    """Return a serialised graph with its metadata and its seal: the whole file. The same graph gives the same bytes."""
    import onnx
    import onnxruntime

    proto = onnx.load_from_string(content)
    del proto.metadata_props[:]
    measured = {**parity, "onnxruntime": onnxruntime.__version__}
    for key, value in (
        (KEY, header.metadata[KEY]),
        (onnx_file.MODEL, header.metadata[tensorfile.CHECKSUM]),
        (onnx_file.ARRAYS, digest_of(arrays)),
        (onnx_file.PARITY, json.dumps(measured)),
        (seal.SEAL, seal.ZEROS),
    ):
        proto.metadata_props.add(key=key, value=value)
    return sealed(proto.SerializeToString(deterministic=True))


def compare(model: Model, content: bytes, pixels: NDArray[np.uint8]) -> Parity:
    """Return how far a graph's answers lie from the model's, both of them on the CPU."""
    if not len(pixels):
        raise ExportError("there are no pictures to compare answers on; an ONNX file is written only where they match")
    wanted = infer(model, Store(pixels, ()), np.arange(len(pixels)), device="cpu")
    try:
        seen = [ask(session(content, many=many), pixels) for many in (False, True)]
    except ModelError as error:
        raise ExportError(str(error)) from None
    return Parity(
        pictures=len(pixels),
        logits=max(_apart(logits, wanted[0]) for logits, _ in seen),
        embedding=max(_apart(embedding, wanted[1]) for _, embedding in seen),
        same_class=min(int((logits.argmax(1) == wanted[0].argmax(1)).sum()) for logits, _ in seen),
    )


def _apart(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Return the largest difference, over the largest value or 1, to two figures; NaN where there is one."""
    if found.shape != wanted.shape:
        return float("inf")
    apart = np.abs(found - wanted).max() / max(1.0, float(np.abs(wanted).max()))
    return float(f"{apart:.1e}")
