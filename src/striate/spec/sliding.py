"""A classifier of crops as a net that slides over a larger picture: the same numbers, a map of scores.

What was flattened is convolved instead: `flatten >> dense` on a CxHxW map is a convolution with an HxW window, the
dense layers behind it are 1x1 convolutions, and global pooling is pooling with a window of the crop's map, stride 1.
LeCun et al. 1998, section VII (space displacement networks); Sermanet et al. 2014 (OverFeat), section 3.5; Long,
Shelhamer and Darrell 2015, section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from striate.errors import ShapeError
from striate.spec.branches import Branches, Concat
from striate.spec.layers import (
    GELU,
    AdaptiveAvgPool,
    AvgPool,
    BatchNorm,
    Conv,
    Crop,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    GlobalMinPool,
    GroupNorm,
    HardSigmoid,
    HardSwish,
    Identity,
    Layer,
    LayerNorm,
    LayerScale,
    LeakyReLU,
    LocalResponseNorm,
    MaxPool,
    MinPool,
    PadChannels,
    Rbf,
    ReLU,
    ReLU6,
    ScaledTanh,
    Sigmoid,
    SiLU,
    Softmax,
    Subsample,
    Tanh,
)
from striate.spec.net import AuxHead, Named, Net, Repeat, Row
from striate.spec.paths import Scope
from striate.spec.shape import Shape
from striate.spec.window import Slide
from striate.spec.windowed import GlobalPool, Pool

_RECTIFIERS = (ReLU, ReLU6, LeakyReLU, GELU, SiLU, HardSwish)
_EACH_NUMBER = (*_RECTIFIERS, Tanh, ScaledTanh, Sigmoid, HardSigmoid, Identity, Dropout)
_EACH_POSITION = (BatchNorm, LayerNorm, LayerScale, LocalResponseNorm, PadChannels, Softmax, Rbf)
_WINDOWED = (Conv, Pool, Subsample, Crop)
_POOLS: dict[type[Net], type[Pool]] = {
    GlobalAvgPool: AvgPool,
    AdaptiveAvgPool: AvgPool,
    GlobalMaxPool: MaxPool,
    GlobalMinPool: MinPool,
}


@dataclass(frozen=True)
class Sliding:
    """A net that slides: ``net`` gives one position on an input of shape ``crop``, and more on a larger one.

    ``stride`` (height, width) is how many pixels the crop moves from one position to the next. ``padded`` are the
    paths of the parts that pad a crop's edge, where the larger picture has pixels instead: with any, a score is near
    its crop's own and not equal to it.
    """

    net: Net
    crop: Shape
    stride: tuple[int, int]
    padded: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """True when every position is exactly what its crop alone would get (up to rounding)."""
        return not self.padded

    def fitting(self, height: int, width: int) -> tuple[int, int]:
        """The largest size up to this one, in pixels, that the crop tiles in whole strides; at least the crop's."""
        sides = zip((height, width), self.crop.size, self.stride, strict=True)
        tall, wide = (side + max(0, given - side) // stride * stride for given, side, stride in sides)
        return tall, wide

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom (pixels, the last two exclusive) of the crop that a position answers for."""
        top, left = row * self.stride[0], column * self.stride[1]
        return left, top, left + self.crop.size[1], top + self.crop.size[0]


def slide(net: Net, crop: Shape) -> Sliding:
    """What a classifier of pictures of shape `crop` is as a net that slides; side heads are left out.

    Every part with weights keeps its path, and a dense layer's weights are the convolution's, reshaped: (O, C*H*W) to
    (O, C, H, W). Raises `DescribeError` for a net that cannot be on `crop`, and `ShapeError` naming the part that
    no convolution can stand for, and why.

        >>> from striate.spec import AvgPool, Conv, Dense, Flatten, Softmax
        >>> sliding = slide(Conv(6, 5) >> AvgPool(2) >> Flatten() >> Dense(10) >> Softmax(), Shape(1, 28, 28))
        >>> print(sliding.net)
        conv 6 5x5 >> avgpool 2x2 >> dense1: conv 10 12x12 >> softmax
        >>> sliding.exact, sliding.stride, str(sliding.net.on(1, 28, 40).output)
        (True, (2, 2), '10x1x7')
    """
    net.on(crop, fit="floor")  # refuses in its own words what cannot be on the crop at all
    if not crop.is_map:
        raise ShapeError(f"a net slides over a picture, and {crop} is a flat vector")
    slider = _Slider()
    parts, end = slider.follow(net, Scope("", net), _At(crop, (1, 1), flat=False))
    if end.map.size != (1, 1):
        what = "flattens a map and gives it to no dense layer" if end.flat else "gives a map, and no class scores"
        raise ShapeError(f"this net {what}: only a classifier slides (it ends in {end.map} on a crop of {crop})")
    return Sliding(_in_a_row(parts), crop, end.stride, tuple(slider.padded))


@dataclass(frozen=True)
class _At:
    """Where in a net: the map on one crop, its stride in pixels, and whether the net has it as one flat vector."""

    map: Shape
    stride: tuple[int, int]
    flat: bool

    @property
    def given(self) -> Shape:
        return Shape(self.map.elements) if self.flat else self.map


class _Slider:
    """Follows a net part by part, as `Trace` does, and says what each part becomes."""

    def __init__(self) -> None:
        self.padded: list[str] = []

    def follow(self, net: Net, scope: Scope, at: _At) -> tuple[list[Net], _At]:
        """The nets in a row that stand for a net, and where they lead."""
        if isinstance(net, Row):
            row: list[Net] = []
            for part in net.nets:
                some, at = self.follow(part, scope, at)
                row += some
            return row, at
        if isinstance(net, AuxHead):
            return [], at
        if isinstance(net, Repeat):
            return self._repeat(net, scope, at)
        if isinstance(net, Branches):
            return self._branches(net, scope, at)
        if isinstance(net, Named):
            path = scope.named(net.label)
            if isinstance(net.net, Layer):
                made, at = self._layer(net.net, path, at)
                return [one.name(net.label) for one in made], at
            parts, at = self.follow(net.net, Scope(path, net.net), at)
            # A layer alone would go by the name of the part: it stays one of several.
            alone = len(parts) == 1 and isinstance(parts[0], Layer)
            return [_in_a_row([*parts, Identity()] if alone else parts).name(net.label)] if parts else [], at
        assert isinstance(net, Layer)
        path = scope.next(net.keyword)
        made, at = self._layer(net, path, at)
        return [one.name(path.rpartition(".")[2]) for one in made] if isinstance(net, Dense) else made, at

    def _repeat(self, net: Repeat, scope: Scope, at: _At) -> tuple[list[Net], _At]:
        bodies = []
        for _ in range(net.count):
            inner = scope.open("", net.net)
            parts, at = self.follow(net.net, inner, at)
            bodies.append(_within(net.net, parts))
            if bodies[-1] != bodies[0]:
                raise _cannot(inner.prefix, net, "its copies become different convolutions; write the repeat out")
        return [Repeat(bodies[0], net.count)], at

    def _branches(self, net: Branches, scope: Scope, at: _At) -> tuple[list[Net], _At]:
        made, ends = [], []
        for branch in net.nets:
            parts, end = self.follow(branch, scope.open("branch", branch), at)
            made.append(_within(branch, parts))
            ends.append(end)
        path, first = scope.next(net.keyword), ends[0]
        if any(end.stride != first.stride for end in ends):
            steps = " and ".join(sorted({"x".join(map(str, end.stride)) for end in ends}))
            raise _cannot(path, net, f"its branches step by {steps} pixels, and meet on the crop alone")
        if any(end.map.size != first.map.size for end in ends):
            raise _cannot(
                path, net, "it spreads what pooled a whole crop over its map, and a larger map belongs to many crops"
            )
        if first.flat and first.map.size != (1, 1) and isinstance(net, Concat):
            raise _cannot(path, net, f"it joins maps that are flattened already ({first.map}); flatten after it")
        joined = net.join([end.map for end in ends], [path] * len(ends))
        return [net.with_inside(tuple(made))], replace(first, map=joined)

    def _layer(self, layer: Layer, path: str, at: _At) -> tuple[list[Net], _At]:
        waiting = at.flat and at.map.size != (1, 1)  # flattened, and no dense layer has taken it yet
        if isinstance(layer, Flatten):
            return [], replace(at, flat=True)
        if isinstance(layer, _EACH_NUMBER):
            return [layer], at
        if isinstance(layer, Dense):
            out = layer.shape(at.given).channels
            return [Conv(out, at.map.size, bias=layer.bias)], replace(at, map=Shape(out, 1, 1))
        if waiting and isinstance(layer, _EACH_POSITION):
            raise _cannot(path, layer, f"it works on the flattened map ({at.map}) as a whole, not on its positions")
        if isinstance(layer, _EACH_POSITION):
            return [layer], replace(at, map=layer.shape(at.map))
        if isinstance(layer, GlobalPool | AdaptiveAvgPool):
            size, after = at.map.size, layer.shape(at.map)
            if size == after.size:
                return [], at
            if after.size != (1, 1):
                raise _cannot(path, layer, f"its bins grow with the map; on {at.map} they are not one a position")
            return [_POOLS[type(layer)](size, stride=1)], replace(at, map=after)
        if isinstance(layer, _WINDOWED):
            return [self._windowed(layer, path, at.map)], _moved(layer, at)
        if isinstance(layer, GroupNorm):
            raise _cannot(path, layer, "its statistics are a whole crop's, and a larger map belongs to many crops")
        raise _cannot(path, layer, "no layer that slides gives its numbers")

    def _windowed(self, layer: Conv | Pool | Subsample | Crop, path: str, given: Shape) -> Net:
        windows = [window for window in layer.windows if isinstance(window, Slide)]
        hangs = any(
            window.outputs(side) != replace(window, ceil=False).outputs(side)
            for window, side in zip(windows, given.size, strict=True)
        )
        if hangs or any(window.before > 0 or window.after > 0 for window in windows):
            self.padded.append(path)
        elif isinstance(layer, Pool) and layer.ceil:
            return replace(layer, ceil=False)  # on the crop no window hangs over the edge, so none may on the picture
        return layer


def _moved(layer: Layer, at: _At) -> _At:
    assert layer.windows is not None
    height, width = (window.step for window in layer.windows)
    return replace(at, map=layer.shape(at.map), stride=(at.stride[0] * int(height), at.stride[1] * int(width)))


def _within(before: Net, parts: Sequence[Net]) -> Net:
    """What stands for a branch or for the body of a repeat, so that the paths within it stay what they were."""
    after = _in_a_row(parts)
    return Row((after, Identity())) if isinstance(after, Named) and not isinstance(before, Named) else after


def _in_a_row(parts: Sequence[Net]) -> Net:
    return Row(tuple(parts)) if len(parts) > 1 else parts[0] if parts else Identity()


def _cannot(path: str, net: Net, why: str) -> ShapeError:
    what = net.keyword if net.inside() else str(net)
    return ShapeError(f"{path} ({what}) cannot slide over a larger picture: {why}")
