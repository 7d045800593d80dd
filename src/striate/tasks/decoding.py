"""Decoding: what a task makes of its network's output, as steps of an ONNX graph, for programs without this one.

Plain values: `striate.export` writes them behind a network, as operators of ONNX or of torch. No torch, no onnx.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FLOAT, DOUBLE, WHOLE, BYTE, YES = "float32", "float64", "int64", "uint8", "bool"
REAL_CODE, DOUBLE_CODE, WHOLE_CODE, BYTE_CODE, YES_CODE = 1, 11, 7, 2, 9  # as ONNX numbers these
MANY: Final = "D"
"""How long the outputs are called whose length depends on what is found."""
RAW: Final = "decode.raw"
"""What the network's own output is called for the steps."""
EMBEDDED: Final = "decode.embedding"
"""And what its embedding is called."""


@dataclass(frozen=True)
class Step:
    """One operator of ONNX: what it reads, what it puts out, and its attributes."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Out:
    """An output: its ``type``, its ``sizes``, what it ``means`` in words, and what its first side counts.

    ``sizes`` are those of what is said of each thing; ``per`` "N" where that is a picture, `MANY` where it is something
    found. A size that is a text is one that depends on the picture.
    """

    type: str
    sizes: tuple[int | str, ...]
    means: str
    per: str = "N"


@dataclass(frozen=True)
class CropNames:
    """What a graph that takes pictures of any size calls the numbers of its crop: float64, no sides each.

    Row y of the input lies at ``top + y * down`` of the picture, which is ``height`` x ``width``.
    """

    top: str
    left: str
    down: str
    across: str
    height: str
    width: str


@dataclass(frozen=True)
class Frame:
    """What a decoding is told of the graph it stands in.

    ``size`` is (height, width) of the network's input and ``output`` the sizes of its output for one picture. ``crop``
    has the names of where the input lies in the picture, of a graph that takes pictures of any size; None: pictures
    have the size of the input. ``whole``: data-dependent steps may be used, such as dropping boxes.
    """

    size: tuple[int, int]
    output: tuple[int, ...]
    crop: CropNames | None = None
    whole: bool = True


@dataclass(frozen=True)
class Compared:
    """What a graph says of one picture held against the answer: whether it is the ``same``, and how far ``apart``.

    The latter by name; ``loose`` are those of them that decide nothing by themselves, whose tolerance is ten times that
    of the others.
    """

    same: bool
    apart: Mapping[str, float]
    loose: frozenset[str] = frozenset()


@dataclass
class Decoding:
    """Steps that read the network's output ``raw``, the constants that they read, and what they put out.

    ``prefix`` begins the names of the steps.
    """

    outputs: Mapping[str, Out]
    steps: list[Step] = field(default_factory=list)
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)
    prefix: str = "decode"

    def __call__(self, operator: str, *inputs: str | NDArray[Any], into: str = "", **attributes: Any) -> str:
        """Add a step of one output and return what that is called; arrays among ``inputs`` become constants."""
        return self.several(operator, *inputs, into=into, **attributes)[0]

    def several(
        self, operator: str, *inputs: str | NDArray[Any], names: int = 1, into: str = "", **attributes: Any
    ) -> tuple[str, ...]:
        """Add a step of so many outputs and return their ``names``."""
        read = tuple(one if isinstance(one, str) else self._constant(one) for one in inputs)
        name = into or f"{self.prefix}.{operator.lower()}.{len(self.steps)}"
        outputs = (name, *(f"{name}.{number}" for number in range(1, names)))
        self.steps.append(Step(operator, read, outputs, attributes))
        return outputs

    def _constant(self, value: NDArray[Any]) -> str:
        name = f"{self.prefix}.constant.{len(self.constants)}"
        self.constants[name] = value
        return name

    def double(self, value: str) -> str:
        """Return a value in float64."""
        return self("Cast", value, to=DOUBLE_CODE)

    def real(self, value: str, into: str = "") -> str:
        """Return a value in float32."""
        return self("Cast", value, into=into, to=REAL_CODE)


def whole(*values: int) -> NDArray[np.int64]:
    """Return whole numbers as a constant of a graph (K,)."""
    return np.array(values, np.int64)


def real(values: Any) -> NDArray[np.float32]:
    """Return numbers as a float32 constant of a graph."""
    return np.asarray(values, np.float32)


def double(values: Any) -> NDArray[np.float64]:
    """Return numbers as a float64 constant of a graph."""
    return np.asarray(values, np.float64)


def far(found: Any, wanted: Any) -> float:
    """Return the largest difference of two arrays, over the largest value or 1; where both are infinite there is none.

    Example: ``far([1.0, 2.0], [1.0, 2.5])`` is 0.2.
    """
    mine, theirs = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    if mine.shape != theirs.shape:
        return float("inf")
    known = np.isfinite(theirs)
    if not np.array_equal(mine[~known], theirs[~known]):
        return float("inf")
    if not known.any():
        return 0.0
    return float(np.abs(mine[known] - theirs[known]).max() / max(1.0, np.abs(theirs[known]).max()))
