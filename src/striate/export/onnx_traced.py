"""Somebody's own code as an ONNX graph: what it did with one batch, followed by torch. Imports torch."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from striate.errors import ExportError
from striate.tasks.task import EMBEDDING

if TYPE_CHECKING:
    from striate.model.build.model import Model

OPSET = 18


class _Asked(nn.Module):
    """``pixels`` (N, H, W, C) uint8 -> its output and embedding, as our own graphs do."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Ask the model."""
        return self.model.embed(self.model.normalise(pixels.permute(0, 3, 1, 2)))


def traced(model: Model, output: str) -> bytes:
    """Return the graph of a model that only its code can be, serialised: the way that one batch took through it.

    ``output`` is what its main output is called. A way that depends on what is in a picture is lost: compare its
    answers on real pictures before it is used. Raises ExportError with what torch says where it cannot be followed.
    """
    if isinstance(getattr(model, "module", None), torch.jit.ScriptModule):
        raise ExportError(
            f"{model.net} is a ScriptModule, which torch's exporter does not follow; export the module it was made from"
        )
    shape = model.shape
    height, width = shape.size
    content = io.BytesIO()
    try:
        with warnings.catch_warnings(), _quiet():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _Asked(_with_plain_weights(model)).eval(),
                (torch.zeros(2, height, width, shape.channels, dtype=torch.uint8),),
                content,  # type: ignore[arg-type]  # a path is what is promised; the older exporter takes a buffer
                input_names=["pixels"],
                output_names=[output, EMBEDDING],
                dynamic_axes={name: {0: "N"} for name in ("pixels", output, EMBEDDING)},
                opset_version=OPSET,
                dynamo=False,
            )
    except Exception as error:  # whatever somebody's code and torch's tracer make of each other
        raise ExportError(f"{model.net} cannot be followed by torch's exporter: {str(error).splitlines()[0]}") from None
    return content.getvalue()


def _with_plain_weights(model: Model) -> Model:
    """Return a copy whose weights are what a parametrisation makes of others, as they are: the graph needs no more."""
    copied = copy.deepcopy(model).eval()
    for part in copied.modules():
        if parametrize.is_parametrized(part):
            # Not torch's remove_parametrizations: it changes the class, which the copy shares with the original.
            made = {name: getattr(part, name).detach().clone() for name in part.parametrizations}  # type: ignore[union-attr]
            part.__class__ = parametrize.type_before_parametrizations(part)
            del part._modules["parametrizations"]
            for name, value in made.items():
                part.register_parameter(name, nn.Parameter(value))
        for number, hook in list(part._forward_pre_hooks.items()):  # the older kind of weight and spectral norm
            if isinstance(hook, WeightNorm | SpectralNorm):
                with torch.no_grad():
                    hook.remove(part)
                del part._forward_pre_hooks[number]
    return copied


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter from printing the whole graph where it fails: what it says is in its error.

    It turns its own log on, whatever it was (torch 2.12's ``setup_onnx_logging``), so the log itself is taken away.
    """
    said = getattr(torch._C, "_jit_onnx_log", None)
    if said is None:
        yield
        return
    torch._C._jit_onnx_log = lambda *_: None
    try:
        yield
    finally:
        torch._C._jit_onnx_log = said
