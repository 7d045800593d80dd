"""Somebody's own code as an ONNX graph: what it did with one batch, followed by torch. Imports torch."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from striate.errors import ExportError

if TYPE_CHECKING:
    from striate.model.build import Model

OPSET = 18


class _Asked(nn.Module):
    """``pixels`` (N, H, W, C) uint8 -> logits and embedding, as our own graphs do."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Ask the model."""
        return self.model.embed(self.model.normalise(pixels.permute(0, 3, 1, 2)))


def traced(model: Model) -> bytes:
    """Return the graph of a model that only its code can be, serialised: the way that one batch took through it.

    A way that depends on what is in a picture is lost: compare its answers on real pictures before it is used. Raises
    ExportError with what torch says where it cannot be followed.
    """
    shape = model.shape
    height, width = shape.size
    content = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _Asked(model).eval(),
                (torch.zeros(2, height, width, shape.channels, dtype=torch.uint8),),
                content,  # type: ignore[arg-type]  # a path is what is promised; the older exporter takes a buffer
                input_names=["pixels"],
                output_names=["logits", "embedding"],
                dynamic_axes={name: {0: "N"} for name in ("pixels", "logits", "embedding")},
                opset_version=OPSET,
                dynamo=False,
            )
    except Exception as error:  # whatever somebody's code and torch's tracer make of each other
        raise ExportError(f"{model.net} cannot be followed by torch's exporter: {str(error).splitlines()[0]}") from None
    return content.getvalue()
