"""The target `executorch`: a program for PyTorch's runtime on phones and boards, for XNNPACK where that computes it.

Tried: executorch 1.5.1 beside torch 2.13.0 for CPUs, on Linux. Its package asks for no torch of its own, so that none
is replaced; it brings torchao and coremltools.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import ExportError
from striate.export.torch_target import program

if TYPE_CHECKING:
    from striate.export.deployed import Deployment
    from striate.export.parity import Asker

NAMES = "executorch.names"
"""The method of the program that says the names of its outputs, in their order, as JSON."""


def write_executorch(deployment: Deployment, place: Path) -> list[Path]:
    """Write the program at a place; it takes one picture at a time. Errors: ExportError with ExecuTorch's reason."""
    made = program(deployment, many=False)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
            from executorch.exir import to_edge_transform_and_lower

            told = {NAMES: json.dumps(list(deployment.outputs))}
            lowered = to_edge_transform_and_lower(made, partitioner=[XnnpackPartitioner()], constant_methods=told)
            content = lowered.to_executorch().buffer
    except Exception as error:  # of many kinds, none of its own
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ExportError(f"ExecuTorch cannot take this model: {first[:200]}") from None
    place.write_bytes(content)
    return [place]


def open_executorch(place: Path) -> Asker:
    """Return what asks a file, by the runtime that comes with the package. Errors: ExportError."""
    import torch

    try:
        from executorch.runtime import Runtime

        opened = Runtime.get().load_program(place)
        (names,) = opened.load_method(NAMES).execute([])
        asked = opened.load_method("forward")
    except Exception as error:  # a broken installation raises more than ImportError
        raise ExportError(f"ExecuTorch cannot open what it wrote: {str(error).strip()[:200]}") from None
    outputs = json.loads(names)

    def ask(pixels: NDArray[np.uint8]) -> Mapping[str, NDArray[Any]]:
        said = asked.execute([torch.from_numpy(np.ascontiguousarray(pixels))])
        return {name: value.numpy() for name, value in zip(outputs, said, strict=True)}

    return ask
