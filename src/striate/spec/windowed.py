# ruff: noqa: D102  (what an overriding method answers is said once, at its base)
"""The layers with a window: convolution, pooling, resizing."""

from __future__ import annotations

from dataclasses import KW_ONLY
from math import gcd
from typing import ClassVar

from striate.errors import DescribeError, FitError, ShapeError
from striate.spec.layer import Head, Layer, require_map
from striate.spec.net import node
from striate.spec.shape import Shape
from striate.spec.values import Classes, Count, Flag, Margin, Mode, Padding, Size, Stride, Table, as_pair, is_uneven
from striate.spec.window import Bins, Slide, Spread, Stretch, Whole, Window


@node
class Windowed(Layer):
    """A layer with a window on a map. (Abstract.)"""

    @property
    def windows(self) -> tuple[Window, Window]:
        raise NotImplementedError

    def sizes(self, given: Shape) -> tuple[int, int]:
        """Height and width of the output. Raises `FitError` where the window does not fit."""
        _, *sides = require_map(self, given)
        height, width = (window.outputs(side) for window, side in zip(self.windows, sides, strict=True))
        for axis, window, side, out in zip(("high", "wide"), self.windows, sides, (height, width), strict=True):
            if out < 1 and isinstance(window, Slide) and not isinstance(self, Crop):
                raise FitError(
                    f"a window {window.span} {axis} does not fit into an input {side} {axis}: {window.formula(side)}"
                )
            if out < 1:
                taken = "margin" if isinstance(self, Crop) else "padding"
                raise FitError(f"the {taken} leaves nothing of an input {side} {axis}: {window.formula(side)}")
        return height, width

    def shape(self, given: Shape) -> Shape:
        return Shape(given.channels, *self.sizes(given))


@node
class Conv(Windowed, Head):
    """Convolution: every output position is the same weighted sum over its window, one set of weights a channel.

    ``out`` None ("conv classes 1x1") means as many channels as there are classes: a head of its own, on a map.
    ``padding="same"`` keeps height and width (stride 1 only); an odd row goes below and to the right, as in PyTorch.
    ``padding=((0, 1), (0, 1))`` is uneven: ((above, below), (left, right)), here what TensorFlow's "same" is for a
    kernel of 3 that moves 2 on an even map.
    `connections` lists, for each output channel, the input channels it sees (table I of LeCun et al. 1998).
    """

    keyword: ClassVar[str] = "conv"
    out: Classes
    kernel: Size
    _: KW_ONLY
    stride: Size = 1
    padding: Padding = 0
    dilation: Size = 1
    groups: Count = 1
    bias: Flag = True
    connections: Table = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.padding == "same" and self.stride != (1, 1):
            reach = tuple(dilation * (kernel - 1) // 2 for dilation, kernel in zip(*self._taps, strict=True))
            raise DescribeError(
                f"conv: padding 'same' keeps the size and so needs stride 1, not {self.stride}; "
                f"padding {reach[0] if reach[0] == reach[1] else reach} is the plain number for this kernel"
            )
        if self.connections is not None and len(self.connections) != self.out:
            raise DescribeError(
                f"conv: connections needs one list of input channels for each of the {self.out or 'unknown'} outputs, "
                f"not {len(self.connections)}"
            )
        if self.connections is not None and self.groups != 1:
            raise DescribeError(f"conv: give connections or groups {self.groups}, not both")

    @property
    def _taps(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return as_pair(self.dilation), as_pair(self.kernel)

    @property
    def windows(self) -> tuple[Window, Window]:
        return self._window(0), self._window(1)

    def _window(self, axis: int) -> Slide:
        dilation, kernel = (pair[axis] for pair in self._taps)
        if self.padding == "same":
            total = dilation * (kernel - 1)
            before, after = total // 2, total - total // 2
        elif is_uneven(self.padding):
            before, after = self.padding[axis]
        else:
            before = after = as_pair(self.padding)[axis]
        return Slide(kernel, as_pair(self.stride)[axis], before, after, dilation)

    def shape(self, given: Shape) -> Shape:
        size, out = self.sizes(given), self.outputs()
        _require_groups(given.channels, out, self.groups)
        if self.connections is not None:
            missing = max(max(row) for row in self.connections)
            if missing >= given.channels:
                raise ShapeError(
                    f"connections name input channel {missing}, but the input has {given.channels} "
                    f"(0 to {given.channels - 1})"
                )
        return Shape(out, *size)

    def _weights(self, channels: int) -> int:
        taps = as_pair(self.kernel)[0] * as_pair(self.kernel)[1]
        if self.connections is not None:
            return taps * sum(map(len, self.connections))
        return taps * self.outputs() * (channels // self.groups)

    def parameters(self, given: Shape) -> int:
        return self._weights(given.channels) + self.outputs() * self.bias

    def macs(self, given: Shape) -> int:
        height, width = self.sizes(given)
        return self._weights(given.channels) * height * width


@node
class ConvTranspose(Windowed):
    """Transposed convolution: every input position spreads the same weights over its window of the output."""

    keyword: ClassVar[str] = "convtranspose"
    out: Count
    kernel: Size
    _: KW_ONLY
    stride: Size = 1
    padding: Margin = 0
    output_padding: Margin = 0
    dilation: Size = 1
    groups: Count = 1
    bias: Flag = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for extra, stride, dilation in zip(
            *map(as_pair, (self.output_padding, self.stride, self.dilation)), strict=True
        ):
            if extra >= max(stride, dilation):
                raise DescribeError(
                    f"convtranspose: output_padding {extra} must be smaller than the stride {stride} "
                    f"or the dilation {dilation}"
                )

    @property
    def windows(self) -> tuple[Window, Window]:
        fields = (self.kernel, self.stride, self.padding, self.output_padding, self.dilation)
        height, width = zip(*map(as_pair, fields), strict=True)
        return Spread(*height), Spread(*width)

    def shape(self, given: Shape) -> Shape:
        size = self.sizes(given)
        _require_groups(given.channels, self.out, self.groups)
        return Shape(self.out, *size)

    def _weights(self, channels: int) -> int:
        return as_pair(self.kernel)[0] * as_pair(self.kernel)[1] * channels * (self.out // self.groups)

    def parameters(self, given: Shape) -> int:
        return self._weights(given.channels) + self.out * self.bias

    def macs(self, given: Shape) -> int:
        return self._weights(given.channels) * given.size[0] * given.size[1]


def _require_groups(channels: int, out: int, groups: int) -> None:
    if channels % groups or out % groups:
        common = gcd(channels, out)
        divisors = ", ".join(str(number) for number in range(1, common + 1) if common % number == 0)
        raise ShapeError(
            f"{groups} groups must divide both the {channels} channels of the input and the {out} of the output; "
            f"what divides both: {divisors}"
        )


@node
class Pool(Windowed):
    """A window that slides over each channel by itself; stride None is the kernel. (Abstract.)

    With `ceil` a last window may hang over the edge, if it begins inside the map or the padding before it (PyTorch).
    """

    kernel: Size
    _: KW_ONLY
    stride: Stride = None
    padding: Margin = 0
    ceil: Flag = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stride is None:
            self._set("stride", self.kernel)
        for padding, kernel in zip(as_pair(self.padding), as_pair(self.kernel), strict=True):
            if 2 * padding > kernel:
                raise DescribeError(
                    f"{self.keyword}: padding {padding} must be at most half the kernel {kernel}, "
                    "or a window would see nothing but padding"
                )

    @property
    def windows(self) -> tuple[Window, Window]:
        height, width = zip(*map(as_pair, (self.kernel, self.stride, self.padding)), strict=True)
        return self._window(*height), self._window(*width)

    def _window(self, kernel: int, stride: int, padding: int) -> Slide:
        return Slide(kernel, stride, padding, padding, ceil=self.ceil)


class MaxPool(Pool):
    """The largest value of each window; padding never wins."""

    keyword: ClassVar[str] = "maxpool"


class MinPool(Pool):
    """The smallest value of each window; padding never wins."""

    keyword: ClassVar[str] = "minpool"


@node
class AvgPool(Pool):
    """The mean of each window; zeros of the padding count in it unless `count_padding` is False."""

    keyword: ClassVar[str] = "avgpool"
    _: KW_ONLY
    count_padding: Flag = True


@node
class Subsample(Windowed):
    """LeNet-5's subsampling: the mean of each window times one trained coefficient a channel, plus one bias.

    LeCun et al. 1998, section II.B. (The paper adds the four inputs; the mean differs by a factor the coefficient
    takes up.) Windows do not overlap: the stride is the kernel.
    """

    keyword: ClassVar[str] = "subsample"
    kernel: Size

    @property
    def windows(self) -> tuple[Window, Window]:
        height, width = as_pair(self.kernel)
        return Slide(height, height), Slide(width, width)

    def parameters(self, given: Shape) -> int:
        return 2 * given.channels


@node
class Upsample(Windowed):
    """A map `factor` times as high and wide: every position repeated ("nearest") or in between ("bilinear").

    Bilinear places pixels by their centres (PyTorch's ``align_corners=False``).
    """

    keyword: ClassVar[str] = "upsample"
    factor: Size
    _: KW_ONLY
    mode: Mode = "nearest"

    @property
    def windows(self) -> tuple[Window, Window]:
        height, width = as_pair(self.factor)
        return Stretch(height, self.mode == "bilinear"), Stretch(width, self.mode == "bilinear")


@node
class AdaptiveAvgPool(Windowed):
    """The mean of each of `size` rows and columns of bins that share the map as evenly as whole positions can.

    Bin i of k on n positions goes from floor(i*n/k) to ceil((i + 1)*n/k), as in PyTorch: neighbours overlap where k
    does not divide n, and a map smaller than the bins is repeated.
    """

    keyword: ClassVar[str] = "adaptiveavgpool"
    size: Size

    @property
    def windows(self) -> tuple[Window, Window]:
        height, width = (Whole() if bins == 1 else Bins(bins) for bins in as_pair(self.size))
        return height, width


@node
class Crop(Windowed):
    """The map without `margin` rows and columns at each edge (the skips of U-Net, Ronneberger et al. 2015)."""

    keyword: ClassVar[str] = "crop"
    margin: Size

    @property
    def windows(self) -> tuple[Window, Window]:
        height, width = (Slide(1, before=-margin, after=-margin) for margin in as_pair(self.margin))
        return height, width


class GlobalPool(Windowed):
    """One value for each whole channel: a map of 1x1. (Abstract.)"""

    @property
    def windows(self) -> tuple[Window, Window]:
        return Whole(), Whole()


class GlobalMaxPool(GlobalPool):
    """The largest value of each channel, as a 1x1 map."""

    keyword: ClassVar[str] = "globalmaxpool"


class GlobalAvgPool(GlobalPool):
    """The mean of each channel, as a 1x1 map."""

    keyword: ClassVar[str] = "globalavgpool"


class GlobalMinPool(GlobalPool):
    """The smallest value of each channel, as a 1x1 map."""

    keyword: ClassVar[str] = "globalminpool"


class Flatten(Layer):
    """A map as one flat vector: channel by channel, row by row."""

    keyword: ClassVar[str] = "flatten"

    def shape(self, given: Shape) -> Shape:
        return Shape(given.elements)

    @property
    def windows(self) -> tuple[Window, Window]:
        return Whole(), Whole()
