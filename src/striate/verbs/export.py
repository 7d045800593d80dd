"""Export: a model as an ONNX file, in float32 or int8, measured before it is written. Prints nothing."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from striate.data.pictures.preprocess import Preprocess
from striate.errors import ExportError
from striate.model.files import tensorfile
from striate.model.files.weights import state_prefix
from striate.runs import durable
from striate.runs.onnx_file import ask, session
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.runs.seal import beside, graph_digest
from striate.tasks.assessment import Cost
from striate.tasks.table import BY_ITSELF, TASKS
from striate.tasks.task import EMBEDDING, Task
from striate.verbs.prepared import Prepared, subset
from striate.verbs.reopen import reopen_data
from striate.verbs.workspace import HERE, Workspace

if TYPE_CHECKING:
    from striate.export.onnx import Parity
    from striate.model.build.model import Model

CALIBRATED = 256  # training pictures that show an int8 graph what values occur
MOST_LOST = 0.01  # of accuracy, beyond which an int8 graph is refused


@dataclass(frozen=True)
class Exported:
    """An ONNX file and what was measured before it was written: ``parity``, or for int8 the ``cost``.

    ``outputs`` are what it puts out, by name, in words.
    """

    path: Path
    measured: Parity | Cost
    outputs: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        size = self.path.stat().st_size
        return {"path": str(self.path), "bytes": size, **self.measured.to_dict(), "outputs": dict(self.outputs)}


def export(
    run: str = "last",
    *,
    model: Path | None = None,
    output: Path | None = None,
    int8: bool = False,
    workspace: Workspace = HERE,
) -> Exported:
    """Write the ONNX file of a run's model, beside it or at ``output``, once its answers are known to be the same.

    They are compared on the run's validation pictures, or its training pictures where it has none; of a ``model``
    file without a run, on photographs of scikit-learn's. ``int8`` is calibrated on the run's training pictures and
    measured on the former.
    What answers by itself, in other programs, is `striate.verbs.deploy.deploy`.
    Errors: ExportError where the answers differ, or int8 loses more than a hundredth of the pictures; nothing is
    written then.

    Example: ``print(export("last").measured)``
    """
    from striate.export.onnx import export_onnx

    if model is not None:
        if int8:
            raise ExportError("int8 is calibrated and measured on a run's own pictures; name a run, not a model file")
        file = model
        predictor = Predictor.open(file)
        pixels = photographs(predictor.preprocess)
        parity = export_onnx(predictor.model, file, pixels, output=output)
        return Exported(output or beside(file), parity, _means(predictor))
    opened = RunDirectory.open(run, workspace.runs_dir)
    predictor = Predictor.open(opened.model_path)
    prepared = reopen_data(opened, workspace=workspace)
    if int8:
        path = output or beside(opened.model_path, int8=True)
        return Exported(path, quantise(predictor, prepared, path), _means(predictor))
    pixels = prepared.store.pixels[subset(judging(prepared), 32, seed=0)]
    parity = export_onnx(predictor.model, opened.model_path, pixels, output=output)
    return Exported(output or beside(opened.model_path), parity, _means(predictor))


def _means(predictor: Predictor) -> dict[str, str]:
    """Return what the outputs of a model's file are."""
    means = predictor.task.means(predictor.labels, predictor.learnt)
    return {**means, EMBEDDING: "(N, D): what flows into the last layer, for whoever compares pictures"}


def graph_for(model: Model, task: Task = TASKS[BY_ITSELF]) -> tuple[bytes | None, str | None]:
    """Return the graph of a model and its digest, for the model file to say which graph is its own; None for none."""
    try:
        from striate.export.onnx import graph_bytes

        content = graph_bytes(copy.deepcopy(model).cpu().eval(), task)
    except Exception:  # `export_beside` meets it again, and says what it is
        return None, None
    return content, graph_digest(content)


def export_beside(model: Model, file: Path, pixels: np.ndarray, content: bytes | None = None) -> str:
    """Write the ONNX file beside a model file; return why it could not be, in a sentence, or nothing."""
    try:
        from striate.export.onnx import export_onnx

        export_onnx(model, file, pixels, content=content)
    except ExportError as error:
        return f"{beside(file).name} was not written, and torch will answer: {error}"
    except ImportError as error:
        return f"{beside(file).name} was not written, and torch will answer: {error}; pip install onnx onnxruntime"
    return ""


def quantise(predictor: Predictor, prepared: Prepared, output: Path) -> Cost:
    """Write a run's model in int8, if it loses no more than `MOST_LOST` of the validation pictures."""
    from striate.export.int8 import quantised
    from striate.export.onnx import finished, graph_bytes

    task, judges = predictor.task, np.array(judging(prepared), np.int64)
    pixels, targets = prepared.store.pixels[judges], prepared.targets[judges]
    content = graph_bytes(predictor.model.cpu(), task)
    shown = subset(prepared.split.train, CALIBRATED, seed=prepared.config.seed)
    small = quantised(content, prepared.store.pixels[shown], careful=task.placed)
    before, after = (ask(session(graph, many=True), pixels) for graph in (content, small))
    trained = not prepared.split.val
    cost = task.cost(
        before,
        after,
        targets,
        predictor.labels,
        predictor.learnt,
        trained=trained,
        known=trained or prepared.config.tune == "head",  # over a frozen trunk validation pictures are known too
    )
    if cost.lost > MOST_LOST:
        raise ExportError(f"{cost}: more than {100 * MOST_LOST:g} in 100 would be lost, so it was not written")
    assert predictor.path is not None  # it is a run's
    header = tensorfile.read_header(predictor.path)
    arrays = tensorfile.read_arrays(predictor.path, header, state_prefix(predictor.facts))
    durable.write(output, finished(small, header, arrays, cost.to_dict()))
    return cost


def photographs(preprocess: Preprocess) -> np.ndarray:
    """Return parts of the two photographs that come with scikit-learn, (N, H, W, C), for models without a run.

    As many as answers are compared on.
    """
    from importlib.resources import files

    from striate.data.pictures.image import decode
    from striate.export.onnx import compared

    each = -(-compared(preprocess.height, preprocess.width) // 2)

    parts = []
    for name in ("china.jpg", "flower.jpg"):
        picture = decode(files("sklearn").joinpath("datasets", "images", name).read_bytes())
        parts += [picture[place // 4 :: 4, place % 4 :: 4] for place in range(each)]
    return np.stack([preprocess.pixels(np.ascontiguousarray(part)) for part in parts])


def judging(prepared: Prepared) -> tuple[int, ...]:
    """Return the validation pictures, or the training pictures of a run that has none."""
    return prepared.split.val or prepared.split.train
