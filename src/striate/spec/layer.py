"""What every layer answers. The layers themselves are in `windowed` and `layers`."""

from __future__ import annotations

from striate.errors import ShapeError
from striate.spec.net import Net, node
from striate.spec.shape import Shape
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


def require_map(layer: Layer, given: Shape) -> tuple[int, int, int]:
    """Channels, height and width of a map. Raises `ShapeError` for a flat vector."""
    if given.height is None or given.width is None:
        raise ShapeError(
            f"{layer.keyword} takes a map of channels x height x width, but is given the flat vector {given}: "
            "put it before flatten"
        )
    return given.channels, given.height, given.width
