"""What every layer answers. The layers themselves are in `windowed` and `layers`."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from striate.errors import ShapeError
from striate.spec.net import Net, node
from striate.spec.shape import Shape
from striate.spec.values import Classes
from striate.spec.window import Window


@node
class Layer(Net):
    """One layer; as it stands here, one that changes no shape and has nothing to learn. (Abstract.)"""

    def shape(self, given: Shape) -> Shape:
        """The output's shape on one input of shape `given`. Raises `ShapeError` or `FitError` saying why not."""
        return given

    def parameters(self, given: Shape) -> int:
        """How many numbers are trained."""
        return 0

    def fixed(self, given: Shape) -> int:
        """How many numbers belong to the layer but are never trained."""
        return 0

    def macs(self, given: Shape) -> int:
        """Multiply-accumulates for one picture: those of convolutions and dense layers; biases are not counted."""
        return 0

    @property
    def windows(self) -> tuple[Window, Window] | None:
        """What an output position sees of the input, for height and width; None: its own position alone."""
        return None


@node
class Head(Layer):
    """A layer that can answer for the classes; with `out` None it waits to hear how many there are. (Abstract.)"""

    out: Classes

    def as_head(self, classes: int) -> Self:
        """The same layer with that many outputs."""
        return replace(self, out=classes)

    def outputs(self) -> int:
        """How many outputs it has. Raises `ShapeError` while nobody said how many classes there are."""
        if self.out is None:
            raise ShapeError(f"{self} has as many outputs as there are classes, and nobody said how many")
        return self.out


def require_map(layer: Layer, given: Shape) -> tuple[int, int, int]:
    """Channels, height and width of a map. Raises `ShapeError` for a flat vector."""
    if given.height is None or given.width is None:
        raise ShapeError(
            f"{layer.keyword} takes a map of channels x height x width, but is given the flat vector {given}: "
            "put it before flatten"
        )
    return given.channels, given.height, given.width
