"""Why a model says so, without torch: by how much an output falls where the picture is covered (occlusion).

Zeiler and Fergus 2014, section 4.2, as `striate.interpret.attribution.occlusion` has it, asked of ONNX Runtime. Other
methods take gradients, and so torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import ceil
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.pictures.crop_transform import CropTransform
from striate.web.server.admission import Refused
from striate.web.server.batching import Answer
from striate.web.server.models import Served

WINDOWS: Final = 8  # across the picture; they overlap by half


@dataclass(frozen=True)
class Windows:
    """Square windows over ``height`` x ``width`` pixels: ``rows`` x ``columns`` of ``side`` pixels, ``stride`` apart.

    The last of a row may reach beyond the edge.
    """

    height: int
    width: int
    side: int
    stride: int
    rows: int
    columns: int

    @classmethod
    def over(cls, height: int, width: int) -> Windows:
        """Return those of an input. Example: ``Windows.over(64, 64).rows`` is 15."""
        side = ceil(min(height, width) / WINDOWS)
        stride = max(1, side // 2)
        rows, columns = (ceil(max(each - side, 0) / stride) + 1 for each in (height, width))
        return cls(height, width, side, stride, rows, columns)

    def __len__(self) -> int:
        return self.rows * self.columns

    def covered(self, pixels: NDArray[np.uint8], begin: int, number: int) -> NDArray[np.uint8]:
        """Return pixels (H, W, C) once for each of some windows, painted there in the picture's mean colour."""
        corners = list(product(range(self.rows), range(self.columns)))[begin : begin + number]
        found = np.repeat(pixels[None], len(corners), axis=0)
        colour = np.rint(pixels.mean((0, 1))).astype(np.uint8)
        for one, (row, column) in zip(found, corners, strict=True):
            top, left = row * self.stride, column * self.stride
            one[top : top + self.side, left : left + self.side] = colour
        return found


def column_of(served: Served, answer: Answer, name: str | None) -> int:
    """Return which output is asked about: the one of a ``name``, else the largest.

    Errors: Refused: 501 for answers that are more than a number a name; 400 for a name that there is not.
    """
    predictor = served.predictor
    output, names = answer.outputs[predictor.task.output], predictor.labels.names
    if predictor.task.placed or output.shape != (len(names),):
        raise Refused(
            501,
            f"{served.name} answers with more than a number for each name, and why takes torch then: striate look"
            " PICTURE --run RUN",
        )
    if name is None:
        return int(output.argmax())
    if name not in names:
        raise Refused(400, f"of={name[:40]}: there are {', '.join(names)[:200]}")
    return names.index(name)


def said(
    served: Served, column: int, value: float, falls: NDArray[np.float32], windows: Windows, crop: CropTransform
) -> dict[str, Any]:
    """Return what was found, ready for JSON; ``falls`` are of the windows, row by row."""
    left, top, right, bottom = np.asarray(crop.boxes_back([[0, 0, windows.width, windows.height]]))[0].tolist()
    return {
        "of": served.predictor.labels.names[column],
        "method": "occlusion",
        "output": round(value, 5),
        "input": {"height": windows.height, "width": windows.width},
        "in_picture": [round(float(side), 2) for side in (left, top, right, bottom)],
        "window": windows.side,
        "stride": windows.stride,
        "falls": [[round(float(fall), 5) for fall in row] for row in falls.reshape(windows.rows, windows.columns)],
    }
