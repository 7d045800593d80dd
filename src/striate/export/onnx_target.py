"""The target `onnx`: one file that ONNX Runtime answers by, in whatever language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray

from striate.errors import ExportError
from striate.runs.onnx_file import session

if TYPE_CHECKING:
    from striate.export.deployed import Deployment
    from striate.export.parity import Asker


def write_onnx(deployment: Deployment, place: Path) -> list[Path]:
    """Write the graph at a place; its metadata hold the names of the labels, and what each output is in words."""
    proto = onnx.load_from_string(deployment.content())
    labels = deployment.predictor.labels
    told = {
        "task": deployment.predictor.task.name,
        "names": json.dumps(list(labels.names), ensure_ascii=False),
        "outputs": json.dumps({name: one.means for name, one in deployment.outputs.items()}, ensure_ascii=False),
    }
    for name, value in told.items():
        proto.metadata_props.add(key=name, value=value)
    place.write_bytes(proto.SerializeToString(deterministic=True))
    return [place]


def open_onnx(place: Path) -> Asker:
    """Return what asks a file. Errors: ModelError where ONNX Runtime refuses it."""
    asked = session(place, many=False)
    names = [one.name for one in asked.get_outputs()]

    def ask(pixels: NDArray[np.uint8]) -> Mapping[str, NDArray[Any]]:
        try:
            return dict(zip(names, asked.run(names, {"pixels": np.ascontiguousarray(pixels)}), strict=True))
        except Exception as error:  # its errors have no common class of their own
            raise ExportError(f"ONNX Runtime cannot compute it: {str(error).splitlines()[0][:200]}") from None

    return ask
