"""Decoding: what a task makes of its network's output, as steps of an ONNX graph, for programs without this one.

Plain values: `striate.export.onnx_decoded` writes them behind a network's own graph. No torch, no onnx.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from numpy.typing import NDArray

FLOAT, WHOLE = "float32", "int64"
MANY: Final = "D"
"""How long the outputs are called whose length depends on what is found."""


@dataclass(frozen=True)
class Step:
    """One operator of ONNX: what it reads, what it puts out, and its attributes."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Out:
    """An output: its ``type``, the sizes of what is said of each thing, and what it ``means`` in words."""

    type: str
    sizes: tuple[int, ...]
    means: str


@dataclass
class Decoding:
    """Steps that read the network's output ``raw``, the constants that they read, and what they put out."""

    outputs: Mapping[str, Out]
    steps: list[Step] = field(default_factory=list)
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)

    def __call__(self, operator: str, *inputs: str | NDArray[Any], into: str = "", **attributes: Any) -> str:
        """Add a step of one output and return what that is called; arrays among ``inputs`` become constants."""
        return self.several(operator, *inputs, into=into, **attributes)[0]

    def several(
        self, operator: str, *inputs: str | NDArray[Any], names: int = 1, into: str = "", **attributes: Any
    ) -> tuple[str, ...]:
        """Add a step of so many outputs and return their ``names``."""
        read = tuple(one if isinstance(one, str) else self._constant(one) for one in inputs)
        name = into or f"decode.{operator.lower()}.{len(self.steps)}"
        outputs = (name, *(f"{name}.{number}" for number in range(1, names)))
        self.steps.append(Step(operator, read, outputs, attributes))
        return outputs

    def _constant(self, value: NDArray[Any]) -> str:
        name = f"decode.constant.{len(self.constants)}"
        self.constants[name] = value
        return name


RAW: Final = "decode.raw"
"""What the network's own output is called for the steps."""
