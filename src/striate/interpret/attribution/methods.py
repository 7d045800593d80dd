"""The methods by name: one line each, with what its picture shows and what it does not. Imports torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from striate.interpret.attribution.cam import Map, grad_cam, layer_cam
from striate.interpret.attribution.modified_backprop import guided_backpropagation
from striate.interpret.attribution.occlusion import occlusion
from striate.interpret.attribution.path import integrated_gradients
from striate.model.build.model import Model
from striate.tasks.question import Question


@dataclass(frozen=True)
class Method:
    """A way to evidence: ``of_map`` from a part's map (h, w), or ``of_picture`` (H, W) and what is missing of it."""

    title: str
    unit: str
    shows: str
    hides: str
    of_map: Callable[[Map], Tensor] | None = None
    of_picture: Callable[[Model, Tensor, Question], tuple[Tensor, float | None]] | None = None


def _integrated(model: Model, inputs: Tensor, question: Question) -> tuple[Tensor, float | None]:
    parts, missing = integrated_gradients(model, inputs, question)
    return parts.sum(0), missing


METHODS: dict[str, Method] = {
    "layer-cam": Method(
        "LayerCAM",
        "activation x gradient, summed over the channels",
        "places of the map whose activity raises the score, each weighted by its own gradient.",
        "how much the score would fall without them, nor detail finer than a cell of that map.",
        of_map=layer_cam,
    ),
    "grad-cam": Method(
        "Grad-CAM",
        "activation x mean gradient, summed over the channels",
        "places at which the channels that raise the score are active.",
        "what speaks against the answer, nor detail finer than a cell of that map.",
        of_map=grad_cam,
    ),
    "occlusion": Method(
        "Occlusion",
        "how much the score falls when a window there is covered",
        "how far the score falls when a window is painted in the picture's mean colour.",
        "causes that stand in two places at once: covering one leaves the other.",
        of_picture=lambda model, inputs, question: (occlusion(model, inputs, question), None),
    ),
    "integrated-gradients": Method(
        "Integrated gradients",
        "shares of the score, which sum to its rise above an even picture",
        "what each pixel adds to the score on the way from a picture of one even colour to this one.",
        "anything about pixels that have that colour; neighbouring pixels may disagree.",
        of_picture=_integrated,
    ),
    "guided-backpropagation": Method(
        "Guided backpropagation",
        "gradient above 0, score per unit of the normalised input, summed over the colours",
        "lines and textures along which signals reach the score through channels that are active.",
        "why this class: the picture is much the same for every class and for untrained weights.",
        of_picture=lambda model, inputs, question: (
            guided_backpropagation(model, inputs, question).relu().sum(0),
            None,
        ),
    ),
}
DEFAULT = "layer-cam"
