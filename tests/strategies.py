"""Hypothesis strategies that draw layers and nets, shared by the tests of every room that has nets.

* ``layers()``: any layer with any hyperparameters it accepts, small or odd. For what must hold of every value.
* ``nets()``: anything that can be composed of them. It need not fit any input.
* ``cases()``: a ``(net, shape)`` whose shapes go together; it may still lose part of its picture, so survey it with
  ``fit="floor"``. Sizes are small (at most 13 positions a side, 8 channels), so oracles may be slow and plain.
  ``cases(layers=only_linear)`` and the like choose which single layers it may draw.
* ``loose_cases()``: a ``(net, shape)`` of a few small layers that often does not fit. For refusals.

What strategies are made of is made once: Hypothesis checks each new one, which took half the time of some tests.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import strategies as st

from striate.errors import DescribeError
from striate.spec import (
    GELU,
    AdaptiveAvgPool,
    Add,
    AuxHead,
    AvgPool,
    BatchNorm,
    Concat,
    Conv,
    ConvTranspose,
    Crop,
    Dense,
    Dropout,
    DropPath,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    GlobalMinPool,
    GroupNorm,
    HardSigmoid,
    HardSwish,
    Identity,
    LayerNorm,
    LayerScale,
    LeakyReLU,
    LocalResponseNorm,
    MaxPool,
    MinPool,
    Multiply,
    Named,
    Net,
    PadChannels,
    Rbf,
    ReLU,
    ReLU6,
    Repeat,
    Row,
    ScaledTanh,
    Shape,
    Sigmoid,
    SiLU,
    Softmax,
    SpatialDropout,
    Subsample,
    Tanh,
    Upsample,
    row,
)
from striate.spec.trace import Stuck, Trace

PLAIN = (
    ReLU(), Tanh(), ScaledTanh(), Sigmoid(), GELU(), SiLU(), Identity(), LeakyReLU(),
    ReLU6(), HardSwish(), HardSigmoid(),
)  # fmt: skip
FLAT = (
    Dense(5), Dense(3, bias=False), ReLU(), BatchNorm(), Identity(), Dropout(0.25), LayerNorm(), LayerScale(0.5),
    DropPath(0.5), PadChannels(7),
)  # fmt: skip
NAMES = st.sampled_from(["stem", "stage1", "conv1", "relu", "side", "a", "_x", "Block", "no", "branch2"])


def _or_none(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def _built(make: Callable[..., Net], *args: Any, **fields: Any) -> st.SearchStrategy[Net]:
    """What `make` makes of drawn fields, leaving out fields drawn as None and what the layer itself refuses."""

    def build(drawn: tuple[tuple[Any, ...], dict[str, Any]]) -> Net | None:
        try:
            return make(*drawn[0], **{name: value for name, value in drawn[1].items() if value is not None})
        except DescribeError:
            return None

    return st.tuples(st.tuples(*args), st.fixed_dictionaries(fields)).map(build).filter(lambda net: net is not None)


@cache
def _sizes(least: int, most: int) -> st.SearchStrategy[Any]:
    side = st.integers(least, most)
    return side | st.tuples(side, side)


@cache
def _uneven(least: int, most: int) -> st.SearchStrategy[Any]:
    """Padding with a number of its own at each side; where it happens to be even, it is a plain pair."""
    sides = st.tuples(st.integers(least, most), st.integers(least, most))
    return st.tuples(sides, sides)


@st.composite
def _connections(draw: st.DrawFn) -> Net:
    table = draw(st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=4, unique=True), min_size=1, max_size=4))
    return Conv(len(table), draw(_sizes(1, 3)), connections=tuple(map(tuple, table)))


def layers() -> st.SearchStrategy[Net]:
    """Any layer that can be made."""
    count, size, margin, flag = st.integers(1, 300), _sizes(1, 12), _sizes(0, 6), st.booleans()
    share = st.floats(0, 1, exclude_max=True, allow_nan=False)
    positive = st.floats(0, 10, exclude_min=True, allow_nan=False)
    real = st.floats(allow_nan=False, allow_infinity=False)
    classes = _or_none(count)
    pool = {"stride": _or_none(size), "padding": _or_none(margin), "ceil": flag}
    return st.one_of(
        _built(lambda kernel, **fields: Conv(None, kernel, **fields), size, stride=size, groups=count, bias=flag),
        _built(
            Conv,
            count,
            size,
            stride=size,
            padding=margin | st.just("same") | _uneven(0, 6),
            dilation=size,
            groups=count,
            bias=flag,
        ),
        _connections(),
        _built(
            ConvTranspose,
            count,
            size,
            stride=size,
            padding=margin,
            output_padding=margin,
            dilation=size,
            groups=count,
            bias=flag,
        ),
        _built(MaxPool, size, **pool),
        _built(MinPool, size, **pool),
        _built(AvgPool, size, **pool, count_padding=flag),
        st.sampled_from([*PLAIN, Flatten(), Softmax(), GlobalAvgPool(), GlobalMaxPool(), GlobalMinPool()]),
        _built(AdaptiveAvgPool, size),
        _built(Crop, size),
        _built(Dense, classes, bias=flag),
        _built(Rbf, classes),
        _built(BatchNorm, eps=positive, momentum=share, affine=flag),
        _built(GroupNorm, count, eps=positive, affine=flag),
        _built(LocalResponseNorm, count, alpha=real, beta=real, k=real),
        _built(LayerNorm, eps=positive, affine=flag),
        _built(LayerScale, real),
        _built(PadChannels, count),
        _built(Dropout, share),
        _built(DropPath, share),
        _built(SpatialDropout, share),
        _built(LeakyReLU, real),
        _built(Upsample, size, mode=st.sampled_from(["nearest", "bilinear"])),
        _built(Subsample, size),
    )


def nets() -> st.SearchStrategy[Net]:
    """Any net that can be made of layers, by whichever composition; most of them make no sense on any input."""

    return st.recursive(layers(), _composed, max_leaves=12)


@st.composite
def _composed(draw: st.DrawFn, inner: st.SearchStrategy[Net]) -> Net:
    kind = draw(st.sampled_from([Row, Add, Concat, Multiply, Repeat, Named, AuxHead]))
    if kind is Repeat:
        return Repeat(draw(inner), draw(st.integers(1, 5)))
    if kind is Named:
        return Named(draw(inner), draw(NAMES))
    if kind is AuxHead:
        head = draw(inner)
        return head if _has_side(head) else AuxHead(head, weight=draw(st.just(0.3) | st.floats(0.01, 2)))
    return kind(tuple(draw(st.lists(inner, min_size=2, max_size=4))))


# -- nets that fit ---------------------------------------------------------------------------------------------------


@cache
def _convs_in_groups(groups: int) -> st.SearchStrategy[Net]:
    return _built(Conv, st.just(2 * groups), _sizes(1, 4), groups=st.just(groups), padding=_sizes(0, 2))


@cache
def _transposed_in_groups(groups: int) -> st.SearchStrategy[Net]:
    margin = _sizes(0, 2)
    return _built(
        ConvTranspose,
        st.just(groups),
        _sizes(1, 4),
        stride=_sizes(1, 3),
        padding=margin,
        output_padding=margin,
        dilation=_sizes(1, 2),
        groups=st.just(groups),
        bias=st.booleans(),
    )


@cache
def small_layers(channels: int) -> st.SearchStrategy[Net]:
    """A layer on a map of that many channels, small enough that it usually fits."""
    out, size, margin, flag = st.integers(1, 6), _sizes(1, 4), _sizes(0, 2), st.booleans()
    stride = _sizes(1, 3)
    groups = st.sampled_from([n for n in range(1, channels + 1) if channels % n == 0])
    pool = {"stride": _or_none(stride), "padding": _or_none(margin), "ceil": flag}
    connections = st.lists(
        st.lists(st.integers(0, channels - 1), min_size=1, max_size=channels, unique=True), min_size=1, max_size=4
    )
    return st.one_of(
        _built(Conv, out, size, stride=stride, padding=margin, dilation=_sizes(1, 2), bias=flag),
        _built(Conv, out, size, padding=st.just("same"), dilation=_sizes(1, 2)),
        _built(Conv, out, size, stride=stride, padding=_uneven(0, 2), dilation=_sizes(1, 2), bias=flag),
        groups.flatmap(_convs_in_groups),
        connections.map(lambda table: Conv(len(table), 2, padding=1, connections=tuple(map(tuple, table)))),
        groups.flatmap(_transposed_in_groups),
        _built(MaxPool, size, **pool),
        _built(MinPool, size, **pool),
        _built(AvgPool, size, **pool, count_padding=flag),
        _built(AdaptiveAvgPool, _sizes(1, 5)),
        _built(Crop, _sizes(1, 2)),
        _built(Subsample, _sizes(1, 3)),
        _built(Upsample, _sizes(1, 3), mode=st.sampled_from(["nearest", "bilinear"])),
        st.sampled_from([*PLAIN, Softmax(), Dropout(), SpatialDropout(), LocalResponseNorm(3), BatchNorm()]),
        groups.map(GroupNorm),
        st.sampled_from([LayerNorm(), LayerNorm(affine=False), LayerScale(0.5), DropPath(0.5)]),
        st.integers(1, channels + 3).map(PadChannels),
        st.sampled_from([GlobalAvgPool(), GlobalMaxPool(), GlobalMinPool()]),
    )


@cache
def only_linear(channels: int) -> st.SearchStrategy[Net]:
    """Like `small_layers`, without what a footprint of gradients cannot show: norms over positions, max and min."""
    hidden = (MaxPool, MinPool, GlobalMaxPool, GlobalMinPool, GroupNorm, LayerNorm, LocalResponseNorm, Softmax, Dropout)
    return small_layers(channels).filter(lambda net: not isinstance(net, hidden))


Layers = Callable[[int], st.SearchStrategy[Net]]

AFTER = st.sampled_from([None, None, Tanh(), BatchNorm()])
JOINS = st.sampled_from([Add, Concat, Multiply, Multiply])
KINDS = st.sampled_from(["layer"] * 5 + ["branches"] * 3 + ["repeat", "named", "side"])
FLAT_LAYERS = st.sampled_from(FLAT)


@cache
def _before(channels: int) -> st.SearchStrategy[Net | None]:
    return st.sampled_from([None, None, ReLU(), BatchNorm(), Conv(channels, (1, 3), padding=(0, 1))])


@st.composite
def _matching(draw: st.DrawFn, channels: int, stride: int, out: int) -> Net:
    """A branch whose output size depends on the stride alone: odd kernels, padded to the middle."""
    reach, dilation = draw(st.integers(0, 2)), draw(st.integers(1, 2))
    kernel = 2 * reach + 1
    window: Net = Conv(
        out, kernel, stride=stride, padding=reach * dilation, dilation=dilation, bias=draw(st.booleans())
    )
    if out == channels and draw(st.booleans()):
        pooled = AvgPool(kernel, stride=stride, padding=reach)
        window = draw(st.sampled_from([pooled, Identity()] if stride == 1 else [pooled]))
    before, after = draw(_before(channels)), draw(AFTER)
    return row(*(net for net in (before, window, after) if net is not None))


@st.composite
def _branches(draw: st.DrawFn, channels: int) -> Net:
    kind = draw(JOINS)
    stride, out = draw(st.integers(1, 3)), draw(st.integers(1, 4) | st.just(channels))
    if kind is Multiply and draw(st.booleans()):
        squeeze = GlobalAvgPool() >> Conv(2, 1) >> ReLU() >> Conv(channels, 1) >> Sigmoid()
        return Multiply((Identity(), squeeze))
    outs = [out if kind is not Concat else draw(st.integers(1, 4)) for _ in range(draw(st.integers(2, 3)))]
    branches = [draw(_matching(channels, stride, out)) for out in outs]
    if draw(st.integers(0, 3)) == 0:
        branches[0] = branches[0].name(draw(NAMES))
    return kind(tuple(branches))


@st.composite
def _piece(draw: st.DrawFn, shape: Shape, single: Layers, depth: int) -> Net:
    if not shape.is_map:
        return draw(FLAT_LAYERS)
    kind = draw(KINDS)
    if kind == "branches":
        return draw(_branches(shape.channels))
    if kind == "layer" or depth == 0:
        return draw(single(shape.channels))
    inner = draw(_rows(shape, single, depth - 1))
    if kind == "repeat":
        return Repeat(inner, draw(st.integers(1, 3)))
    if kind == "named":
        return Named(inner, draw(NAMES))
    return Identity() if _has_side(inner) else AuxHead(inner, weight=draw(st.sampled_from([0.3, 0.5])))


@st.composite
def _rows(draw: st.DrawFn, shape: Shape, single: Layers, depth: int) -> Net:
    pieces: list[Net] = []
    current = shape
    for _ in range(draw(st.integers(1, 4))):
        piece = draw(_piece(current, single, depth))
        trace = Trace(piece, current)
        try:
            trace.run()
            list(row(*pieces, piece).parts())
        except (Stuck, DescribeError):  # does not fit, or uses a name twice
            continue
        current = trace.output
        pieces.append(piece)
    return row(*pieces) if pieces else Identity()


@st.composite
def cases(draw: st.DrawFn, *, layers: Layers = small_layers, head: bool | None = None) -> tuple[Net, Shape]:
    """A net and an input on which ``net.on(shape, fit="floor")`` answers.

    `layers` draws the single layers for a number of channels; `head` says whether it ends in flatten and dense.
    """
    shape = Shape(draw(st.integers(1, 4)), draw(st.integers(2, 13)), draw(st.integers(2, 13)))
    net = draw(_rows(shape, layers, 2))
    if head or (head is None and draw(st.booleans())):
        trace = Trace(net, shape)
        trace.run()
        net = row(net, *([Flatten()] if trace.output.is_map else []), Dense(draw(st.integers(1, 4))))
    return net, shape


@st.composite
def loose_cases(draw: st.DrawFn) -> tuple[Net, Shape]:
    """A net of a few small layers and an input; nothing makes sure that they go together."""
    shape = Shape(draw(st.integers(1, 4)), draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    pieces = [draw(small_layers(draw(st.integers(1, 6)))) for _ in range(draw(st.integers(1, 4)))]
    if draw(st.integers(0, 4)) == 0:
        pieces.insert(draw(st.integers(0, len(pieces))), Concat((draw(st.sampled_from(pieces)), Conv(2, 3))))
    if draw(st.integers(0, 4)) == 0:
        pieces.insert(draw(st.integers(0, len(pieces))), Add((draw(st.sampled_from(pieces)), Identity())))
    if draw(st.booleans()):
        pieces += draw(st.sampled_from([[Dense(4)], [Flatten(), Dense(4)], [Flatten(), Dense()], [Conv(None, 1)]]))
    return row(*pieces), shape


def _has_side(net: Net) -> bool:
    return isinstance(net, AuxHead) or any(map(_has_side, net.inside()))
