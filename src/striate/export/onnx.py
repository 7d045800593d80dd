"""A model as `model.onnx`: written only where its answers on real pictures matched torch's. Imports torch and onnx."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.store.store import Store
from striate.engine.infer import infer
from striate.errors import ExportError, ModelError
from striate.model.files import tensorfile
from striate.model.files.weights import KEY, read_facts, state_prefix
from striate.runs import durable, onnx_file, seal
from striate.runs.onnx_file import ask, digest_of, session
from striate.runs.seal import beside, sealed
from striate.spec.code import Code
from striate.tasks.table import BY_ITSELF, TASKS, task_named
from striate.tasks.task import EMBEDDING, Task
from striate.words import counted

if TYPE_CHECKING:
    from striate.model.build.model import Model

TOLERANCE: Final = 1e-4  # of the largest number of an output, or of 1 where that is larger
PICTURES: Final = (8, 32)  # that are compared, fewest and most: enough for both graphs of ONNX Runtime
_PIXELS: Final = 2**19  # that all of them have together, between those: 10 pictures of 224 x 224


@dataclass(frozen=True)
class Parity:
    """How far a graph's answers lie from torch's, on ``pictures`` pictures.

    ``apart``: of each output by its name the largest difference over the largest value, or over 1 where that is larger.
    ``same``: how many pictures got the same answer, which is called a ``noun``: a class, a tag.
    """

    pictures: int
    apart: Mapping[str, float]
    same: int
    noun: str
    tolerance: float = TOLERANCE

    @property
    def holds(self) -> bool:
        """Whether the graph answers as torch does."""
        return self.same == self.pictures and max(self.apart.values()) <= self.tolerance

    def __str__(self) -> str:
        first, *others = self.apart.items()
        rest = "".join(f", {name} by {apart:.1e}" for name, apart in others)
        return (
            f"{self.same} of {counted(self.pictures, 'picture')} get torch's {self.noun}; {first[0]} differ by at most"
            f" {first[1]:.1e} of the largest{rest} (allowed: {self.tolerance:.0e})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON: each output's difference by its name, and ``same_class`` or what it is called."""
        told = {"pictures": self.pictures, **self.apart, f"same_{self.noun}": self.same, "tolerance": self.tolerance}
        return told


def export_onnx(
    model: Model, file: Path, pixels: NDArray[np.uint8], *, output: Path | None = None, content: bytes | None = None
) -> Parity:
    """Write the ONNX file of a model file, beside it or at ``output``; return how far its answers lie from torch's.

    ``model`` is what ``file`` holds, ``pixels`` (N, H, W, C) are real pictures as `Preprocess` prepares them;
    ``content`` is its graph (`graph_bytes`) where that was made before.
    Raises ExportError where the answers differ by more than `TOLERANCE` (nothing is written then), DiskError.

    Example: ``export_onnx(model, run.model_path, store.pixels[:4], output=Path("again.onnx")).pictures`` is 4.
    """
    header, facts = tensorfile.read_header(file), read_facts(file)
    task = task_named(facts.task)
    model = copy.deepcopy(model).cpu().eval()
    content = graph_bytes(model, task) if content is None else content
    parity = compare(model, content, pixels[: compared(*pixels.shape[1:3])], task)
    if not parity.holds:
        raise ExportError(f"the ONNX graph of {file} does not answer as torch does: {parity}; it was not written")
    arrays = tensorfile.read_arrays(file, header, state_prefix(facts))
    durable.write(output or beside(file), finished(content, header, arrays, parity.to_dict()))
    return parity


def graph_bytes(model: Model, task: Task = TASKS[BY_ITSELF]) -> bytes:
    """Return the graph of a model for a task (on the CPU), serialised, without metadata."""
    from striate.export.onnx_walk import graph_of

    if isinstance(model.net, Code):
        from striate.export.onnx_traced import traced

        return traced(model, task.output)
    tensors = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    proto = graph_of(
        model.net,
        model.shape,
        tensors,
        output=task.output,
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


def compared(height: int, width: int) -> int:
    """Return on how many pictures of a size the answers of a graph are compared with torch's.

    Example: ``compared(32, 32), compared(224, 224), compared(480, 640)`` are 32, 10 and 8.
    """
    fewest, most = PICTURES
    return max(fewest, min(most, _PIXELS // (height * width)))


def compare(model: Model, content: bytes, pixels: NDArray[np.uint8], task: Task = TASKS[BY_ITSELF]) -> Parity:
    """Return how far a graph's answers lie from the model's, both of them on the CPU."""
    if not len(pixels):
        raise ExportError("there are no pictures to compare answers on; an ONNX file is written only where they match")
    found = infer(model, Store(pixels, ()), np.arange(len(pixels)), device="cpu")
    wanted = dict(zip((task.output, EMBEDDING), found, strict=True))
    try:
        seen = [ask(session(content, many=many), pixels) for many in (False, True)]
    except ModelError as error:
        raise ExportError(str(error)) from None
    return Parity(
        pictures=len(pixels),
        apart={name: max(_apart(each[name], array) for each in seen) for name, array in wanted.items()},
        same=min(int(task.same(each, wanted).sum()) for each in seen),
        noun=task.noun,
    )


def _apart(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Return the largest difference, over the largest value or 1, to two figures; NaN where there is one."""
    if found.shape != wanted.shape:
        return float("inf")
    apart = np.abs(found - wanted).max() / max(1.0, float(np.abs(wanted).max()))
    return float(f"{apart:.1e}")
