"""The target `torch`: an exported program (torch.export), which torch loads without the code that made it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import ExportError

if TYPE_CHECKING:
    from torch.export import ExportedProgram

    from striate.export.deployed import Deployment
    from striate.export.parity import Asker

MOST = 1 << 16  # pictures at once


def write_torch(deployment: Deployment, place: Path) -> list[Path]:
    """Write the program at a place; any number of pictures may be given it. Errors: ExportError."""
    import torch

    made = program(deployment)
    made.example_inputs = None  # which would be pickled; nothing else in the file is
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(made, place)
    return [place]


def program(deployment: Deployment, *, many: bool = True, real: bool = False) -> ExportedProgram:
    """Return the exported program of a model, for ``many`` pictures at once or for one.

    ``real``: pixels are given as float32, from 0 to 255, where a target knows no uint8.
    Errors: ExportError with what torch says where it cannot follow the model, as some people's own code.
    """
    import torch

    from striate.export.torch_deployed import Answers

    _, *sides = deployment.input
    pixels = torch.zeros(2 if many else 1, *(int(side) for side in sides), dtype=torch.float32 if real else torch.uint8)
    free = ({0: torch.export.Dim("N", min=1, max=MOST)},) if many else None
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.export.export(Answers(deployment), (pixels,), dynamic_shapes=free, strict=False)
    except Exception as error:  # whatever somebody's code and torch make of each other
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ExportError(f"torch.export cannot follow {deployment.predictor.facts.net[:80]}: {first[:200]}") from None


def open_torch(place: Path) -> Asker:
    """Return what asks a file."""
    import torch

    asked = torch.export.load(place).module()

    def ask(pixels: NDArray[np.uint8]) -> Mapping[str, NDArray[Any]]:
        with torch.no_grad():
            said = asked(torch.from_numpy(np.ascontiguousarray(pixels)))
        return {name: value.numpy() for name, value in said.items()}

    return ask
