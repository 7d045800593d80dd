"""How layers with a window, and those that move or weigh whole vectors, make one number. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate import spec
from striate.interpret.arithmetic.contributions import (
    Contributions,
    Map,
    Numbers,
    Place,
    cells,
    number,
    plus,
    taken,
    weighted,
)
from striate.spec.values import as_pair
from striate.spec.window import Slide, Window

Weights = Mapping[str, NDArray[Any]]


def conv(layer: spec.Conv, weights: Weights, given: Map, at: Place) -> Contributions:
    """A weighted sum over the window, in the channels of the output's group or of its row of the table."""
    out, row, column = at
    rows, columns = (_taps(window, place) for window, place in zip(layer.windows, (row, column), strict=True))
    bias = float(weights["bias"][out]) if layer.bias else None
    if layer.connections is not None:
        channels = list(layer.connections[out])
        begin = sum(map(len, layer.connections[:out]))
        return weighted(given, channels, rows, columns, weights["weight"][begin : begin + len(channels)], bias)
    each, group = len(given) // layer.groups, out // (layer.outputs() // layer.groups)
    return weighted(given, range(group * each, (group + 1) * each), rows, columns, weights["weight"][out], bias)


def conv_transpose(layer: spec.ConvTranspose, weights: Weights, given: Map, at: Place) -> Contributions:
    """Every input whose spread reaches this output, times the weight with which it does."""
    out, *place = at
    picked = [
        _reaching(
            output,
            side,
            *(as_pair(field)[axis] for field in (layer.kernel, layer.stride, layer.padding, layer.dilation)),
        )
        for axis, (output, side) in enumerate(zip(place, given.shape[1:], strict=True))
    ]
    (rows, down), (columns, across) = picked
    each, many = len(given) // layer.groups, layer.out // layer.groups
    group, within = divmod(out, many)
    channels = range(group * each, (group + 1) * each)
    used = weights["weight"][channels.start : channels.stop, within][:, down][:, :, across]
    bias = float(weights["bias"][out]) if layer.bias else None
    rule = "the values that spread to this place, times the weights with which they do, added up"
    return weighted(given, channels, rows, columns, used, bias, rule)


def _reaching(
    output: int, side: int, kernel: int, stride: int, padding: int, dilation: int
) -> tuple[list[int], list[int]]:
    """Return the inputs that reach an output along one axis, and through which tap."""
    pairs = [
        (place // stride, tap)
        for tap in range(kernel)
        if (place := output + padding - tap * dilation) % stride == 0 and 0 <= place // stride < side
    ]
    return [place for place, _ in pairs], [tap for _, tap in pairs]


def _taps(window: Window, place: int) -> list[int]:
    """Return the inputs that an output of a sliding window sees; below 0 or beyond the last: padding."""
    assert isinstance(window, Slide)
    return [place * window.stride - window.before + tap * window.dilation for tap in range(window.kernel)]


def extreme(layer: spec.Layer, weights: Weights, given: Map, at: Place) -> Contributions:
    """Which cell of the window is the largest (or the smallest); padding never is."""
    least = isinstance(layer, spec.MinPool | spec.GlobalMinPool)
    rows, columns = _window(layer, given, at)
    values, places, outside = cells(given, [at[0]], rows, columns)
    candidates = np.where(outside, np.inf if least else -np.inf, values)
    winner = int(candidates.argmin() if least else candidates.argmax())
    channel, row, column = (int(part) for part in places[winner])
    word = "smallest" if least else "largest"
    return Contributions(
        f"the {word} value of the window comes through, the others count for nothing",
        f"the {word} of {int((~outside).sum()):,} is {number(values[winner])}, at {row},{column} of channel {channel}",
        float(values[winner]),
        values,
        places,
        terms=values,
        window=(1, len(rows), len(columns)),
        winner=winner,
        padding=outside,
        size=abs(float(values[winner])),
    )


def mean(layer: spec.Layer, weights: Weights, given: Map, at: Place) -> Contributions:
    """The mean of the window; for LeNet's subsampling times its coefficient, plus its bias."""
    rows, columns = _window(layer, given, at)
    values, places, outside = cells(given, [at[0]], rows, columns)
    count = _counted(layer, given, at, int((~outside).sum())) if isinstance(layer, spec.AvgPool) else len(values)
    total = float(values.sum())
    average, bias = total / count, None
    factor = 1.0
    said = f"{number(total)} / {count:,} = {number(average)}"
    rule = "the mean of the window"
    if isinstance(layer, spec.Subsample):
        factor, bias = float(weights["weight"][at[0]]), float(weights["bias"][at[0]])
        result = average * factor + bias
        said = f"{number(total)} / {count:,} * {number(factor)} {plus(bias)} = {number(result)}"
        rule = "the mean of the window, times the channel's coefficient, plus its bias"
    terms = values * (factor / count)
    return Contributions(
        rule,
        said,
        average * factor + (bias or 0.0),
        values,
        places,
        np.full(len(values), factor / count),
        terms,
        bias,
        (1, len(rows), len(columns)),
        padding=outside,
        size=float(np.abs(terms).sum()) + abs(bias or 0.0),
    )


def _window(layer: spec.Layer, given: Map, at: Place) -> tuple[list[int], list[int]]:
    """Return the rows and the columns that a pooling window covers."""
    sides = given.shape[1:]
    if isinstance(layer, spec.AdaptiveAvgPool):
        bins = zip(at[1:], as_pair(layer.size), sides, strict=True)
        rows, columns = (list(range(place * n // k, -(-(place + 1) * n // k))) for place, k, n in bins)
    elif isinstance(layer, spec.GlobalMaxPool | spec.GlobalAvgPool | spec.GlobalMinPool):
        rows, columns = (list(range(side)) for side in sides)
    else:
        assert layer.windows is not None
        rows, columns = (_taps(window, place) for window, place in zip(layer.windows, at[1:], strict=True))
    return rows, columns


def _counted(layer: spec.AvgPool, given: Map, at: Place, inside: int) -> int:
    """Return by how many an average is divided: padding counts, what hangs over beyond it does not (PyTorch)."""
    if not layer.count_padding:
        return inside
    count = 1
    for window, place, side in zip(layer.windows, at[1:], given.shape[1:], strict=True):
        assert isinstance(window, Slide)
        begin = place * window.stride - window.before
        count *= min(begin + window.kernel, side + window.before) - begin
    return count


def upsample(layer: spec.Upsample, weights: Weights, given: Map, at: Place) -> Contributions:
    """The value repeated here, or the four around this place, the nearer ones counting more."""
    channel, *place = at
    if layer.mode == "nearest":
        row, column = (where // factor for where, factor in zip(place, as_pair(layer.factor), strict=True))
        return taken(given, (channel, row, column), "the value of the nearest place, repeated")
    axes: list[tuple[list[int], Numbers]] = []
    for where, factor, side in zip(place, as_pair(layer.factor), given.shape[1:], strict=True):
        centre = max((where + 0.5) / factor - 0.5, 0.0)
        first = floor(centre)
        second, share = min(first + 1, side - 1), centre - first
        axes.append(
            ([first, second], np.array([1 - share, share]))
            if ceil(centre) > first and second > first
            else ([first], np.ones(1))
        )
    (rows, down), (columns, across) = axes
    shares = np.outer(down, across)[None]
    rule = "the values around this place times how near they are, added up"
    return weighted(given, [channel], rows, columns, shares, None, rule)


def dense(layer: spec.Dense, weights: Weights, given: Map, at: Place) -> Contributions:
    """A weighted sum of the whole vector."""
    bias = float(weights["bias"][at[0]]) if layer.bias else None
    factors = weights["weight"][at[0]].reshape(-1, 1, 1)
    return weighted(
        given, range(len(given)), [0], [0], factors, bias, "every value of the vector times its weight, added up"
    )


def rbf(layer: spec.Rbf, weights: Weights, given: Map, at: Place) -> Contributions:
    """Minus the squared distance to the class's prototype."""
    out, row, column = at
    values, places, _ = cells(given, range(len(given)), [row], [column])
    prototype = weights["prototypes"][out].astype(np.float64)
    terms = -((values - prototype) ** 2)
    total = float(terms.sum())
    return Contributions(
        "minus the squares of what lies between each value and the class's prototype, added up",
        f"minus {len(terms):,} squares that add up to {number(-total)}",
        total,
        values,
        places,
        prototype,
        terms,
        size=-total,
    )


def crop(layer: spec.Crop, weights: Weights, given: Map, at: Place) -> Contributions:
    """The value that lies a margin further in."""
    down, across = as_pair(layer.margin)
    return taken(given, (at[0], at[1] + down, at[2] + across), "the value at this place of the larger map")


def flatten(layer: spec.Flatten, weights: Weights, given: Map, at: Place) -> Contributions:
    """The value whose turn it is: channel by channel, row by row."""
    channel, row, column = (int(part) for part in np.unravel_index(at[0], given.shape))
    return taken(
        given, (channel, row, column), f"the value at {row},{column} of channel {channel}, in a row with the others"
    )


def pad_channels(layer: spec.PadChannels, weights: Weights, given: Map, at: Place) -> Contributions:
    """The channel of the input, or one of the channels of zeros before and behind."""
    before = (layer.out - len(given)) // 2
    if 0 <= at[0] - before < len(given):
        return taken(given, (at[0] - before, *at[1:]), f"channel {at[0] - before} of the input")
    return Contributions("one of the channels of zeros that fill the map up", "0", 0.0)
