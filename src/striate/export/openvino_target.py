"""The target `openvino`: OpenVINO's own form, a ``.xml`` and the ``.bin`` beside it, converted from our ONNX graph."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import ExportError

if TYPE_CHECKING:
    from striate.export.deployed import Deployment
    from striate.export.parity import Asker


def write_openvino(deployment: Deployment, place: Path) -> list[Path]:
    """Write the graph at a place, and its weights beside it, in float32. Errors: ExportError with OpenVINO's reason."""
    openvino = _openvino()
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder, "graph.onnx")
        graph.write_bytes(deployment.content())
        try:
            converted = openvino.Core().read_model(graph)  # not `convert_model`, which tells OpenVINO's makers
        except Exception as error:  # its errors have no common class of their own
            raise ExportError(
                f"OpenVINO cannot convert the graph: {str(error).strip().splitlines()[-1][:200]}"
            ) from None
        openvino.save_model(converted, place, compress_to_fp16=False)
    return [place, place.with_suffix(".bin")]


def open_openvino(place: Path) -> Asker:
    """Return what asks a file, on the CPU and in float32."""
    openvino = _openvino()
    asked = openvino.Core().compile_model(place, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    names = [name for one in asked.outputs for name in one.get_names()]

    def ask(pixels: NDArray[np.uint8]) -> Mapping[str, NDArray[Any]]:
        try:
            said = asked(np.ascontiguousarray(pixels))
        except Exception as error:  # its errors have no common class of their own
            raise ExportError(f"OpenVINO cannot compute it: {str(error).strip().splitlines()[-1][:200]}") from None
        return {name: np.array(said[name]) for name in names}  # which it overwrites the next time

    return ask


def _openvino() -> Any:
    """Return the package. Errors: ExportError where it is there and cannot be imported."""
    try:
        import openvino
    except Exception as error:  # a broken installation raises more than ImportError
        raise ExportError(f"openvino cannot be imported ({error}): pip install 'striate[openvino]'") from None
    return openvino
