"""A model file and a picture, asked without torch: its numbers are arrays. The answers of `TorchProbe`, ready sooner.

What its parts put out is computed by whatever it is given: by ONNX Runtime (`striate.export.onnx_parts`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from striate.errors import ModelError
from striate.interpret.probe import Probe
from striate.spec.survey import Survey
from striate.spec.wiring import Wiring

Compute: TypeAlias = Callable[[NDArray[np.uint8], Sequence[str]], dict[str, NDArray[np.float32]]]
_RUNNING = ("running_mean", "running_var", "num_batches_tracked")  # no parameters, so no survey counts them


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class OnnxProbe(Probe):
    """A network and one picture. ``compute`` takes pixels (H, W, C) and paths, and returns what these parts put out.

    ``arrays`` are the model file's, by name.
    """

    surveyed: Survey
    wiring: Wiring
    arrays: Mapping[str, NDArray[Any]]
    compute: Compute

    def __post_init__(self) -> None:
        """Refuse weights that are not this net's. Raises ModelError."""
        rows = {row.path: row for row in self.surveyed.rows}
        held = dict.fromkeys(rows, 0)
        for name, array in self.arrays.items():
            path, _, kind = name.rpartition(".")
            if path == "input":
                continue
            if path not in rows:
                raise ModelError(f"{name} is of no part of the net")
            held[path] += 0 if kind in _RUNNING else array.size
        for path, row in rows.items():
            if held[path] != row.parameters + row.fixed:
                raise ModelError(f"{path} has {held[path]:,} numbers, and the net {row.parameters + row.fixed:,}")

    def _survey(self) -> Survey:
        return self.surveyed

    def taps(self) -> tuple[str, ...]:  # noqa: D102
        return tuple(self.wiring.taps)

    def reads(self, path: str) -> tuple[str, ...]:  # noqa: D102
        return self.wiring.reads(path)

    def tap(self, parts: Sequence[str]) -> dict[str, NDArray[np.float32]]:  # noqa: D102
        paths = {part: self.part(part) for part in parts}
        values = self.compute(self.pixels, list(dict.fromkeys(paths.values())))
        return {part: values[path] for part, path in paths.items()}

    def tensors(self, path: str) -> dict[str, NDArray[Any]]:  # noqa: D102
        start = f"{path}."
        return {name.removeprefix(start): value for name, value in self.arrays.items() if name.startswith(start)}
