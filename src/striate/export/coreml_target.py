"""The target `coreml`: a package for Apple's Core ML, converted and no more: it cannot be asked on Linux.

Tried: coremltools 9.0 beside torch 2.13.0 for CPUs, on Linux, which converts all tasks; it says that it was tested with
torch 2.7 at most. Core ML knows neither uint8 pixels (given as float32 from 0 to 255) nor yes and no (numbers there).
"""

from __future__ import annotations

import io
import logging
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from striate.errors import ExportError
from striate.export.torch_target import program

if TYPE_CHECKING:
    from striate.export.deployed import Deployment

SPARE = "executorch_debug_handle_mapping.json"  # which the converter leaves, and nothing reads


def write_coreml(deployment: Deployment, place: Path) -> list[Path]:
    """Write the package, a folder, at a place; it takes one picture at a time. Errors: ExportError with the reason."""
    made, before = program(deployment, many=False, real=True), logging.root.manager.disable
    logging.disable(logging.WARNING)  # of versions that it was not tested with
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            import coremltools

            converted = coremltools.convert(
                made.run_decompositions({}),
                convert_to="mlprogram",
                minimum_deployment_target=coremltools.target.iOS17,
                compute_precision=coremltools.precision.FLOAT32,
                outputs=[coremltools.TensorType(name=name) for name in deployment.outputs],
            )
            converted.save(str(place))
    except Exception as error:  # of many kinds, none of its own
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ExportError(f"coremltools cannot convert this model: {first[:200]}") from None
    finally:
        logging.disable(before)
    (place / SPARE).unlink(missing_ok=True)
    return [place]
