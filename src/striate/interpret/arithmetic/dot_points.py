"""How layers that change values place by place make one number: activations, norms, scales, joins. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import erf, exp, sqrt, tanh
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate import spec
from striate.interpret.arithmetic.contributions import Contributions, Map, Numbers, Place, cells, number, plus, taken

Weights = Mapping[str, NDArray[Any]]


def _sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))


def _relu6(x: float) -> float:
    return min(max(x, 0.0), 6.0)


# layer: (what it does to x, the same in signs)
FUNCTIONS: dict[type[spec.Layer], tuple[Callable[[float, Any], float], str]] = {
    spec.ReLU: (lambda x, _: max(x, 0.0), "max(x, 0)"),
    spec.ReLU6: (lambda x, _: _relu6(x), "min(max(x, 0), 6)"),
    spec.LeakyReLU: (lambda x, layer: x if x > 0 else layer.slope * x, "x, or x times the slope where it is below 0"),
    spec.Tanh: (lambda x, _: tanh(x), "tanh(x)"),
    spec.ScaledTanh: (lambda x, _: 1.7159 * tanh(2 * x / 3), "1.7159 tanh(2x/3)"),
    spec.Sigmoid: (lambda x, _: _sigmoid(x), "1 / (1 + exp(-x))"),
    spec.GELU: (lambda x, _: x * 0.5 * (1 + erf(x / sqrt(2))), "x times the share of the normal distribution below x"),
    spec.SiLU: (lambda x, _: x * _sigmoid(x), "x / (1 + exp(-x))"),
    spec.HardSigmoid: (lambda x, _: _relu6(x + 3) / 6, "min(max(x + 3, 0), 6) / 6"),
    spec.HardSwish: (lambda x, _: x * _relu6(x + 3) / 6, "x times min(max(x + 3, 0), 6) / 6"),
}
SAME = {
    spec.Identity: "what comes in goes out",
    spec.Dropout: "nothing: dropout works in training only",
    spec.SpatialDropout: "nothing: dropout works in training only",
    spec.DropPath: "nothing: a path is dropped in training only",
}


def activation(layer: spec.Layer, weights: Weights, given: Map, at: Place) -> Contributions:
    """One function on the value at the place."""
    function, signs = FUNCTIONS[type(layer)]
    value = float(given[at])
    result = function(value, layer)
    return _one(given, at, signs, f"x = {number(value)} gives {number(result)}", result, abs(result))


def same(layer: spec.Layer, weights: Weights, given: Map, at: Place) -> Contributions:
    """The value as it is."""
    return taken(given, at, SAME[type(layer)])


def softmax(layer: spec.Layer, weights: Weights, given: Map, at: Place) -> Contributions:
    """The exp of the value over the sum of exp of all channels at the place."""
    values, places, _ = cells(given, range(len(given)), [at[1]], [at[2]])
    powers = np.exp(values - values.max())  # the largest is taken off all: the same shares, no overflow
    total = float(powers.sum())
    result = float(powers[at[0]]) / total
    top = f"exp({number(values[at[0]])} {plus(-float(values.max()))})"
    return Contributions(
        "exp of the value over the sum of exp of every channel here (the largest taken off each first)",
        f"{top} / {number(total)} = {number(result)}",
        result,
        values,
        places,
        terms=powers / total,
        winner=at[0],
        size=result,
    )


def batch_norm(layer: spec.BatchNorm, weights: Weights, given: Map, at: Place) -> Contributions:
    """The value, less the mean of training, over its spread; times a weight, plus a bias."""
    middle, spread = (float(weights[f"running_{name}"][at[0]]) for name in ("mean", "var"))
    rule = "the value less the mean that training saw, over the square root of its variance"
    return _normed(given, at, middle, spread, layer.eps, weights, layer.affine, rule)


def group_norm(layer: spec.GroupNorm, weights: Weights, given: Map, at: Place) -> Contributions:
    """The same with the mean and the variance of the group of channels in this picture."""
    each = len(given) // layer.groups
    group = given[at[0] // each * each :][:each].astype(np.float64)
    rule = (
        f"the value less the mean of its group of {each} channels in this picture, over the square root of its variance"
    )
    return _normed(given, at, float(group.mean()), float(group.var()), layer.eps, weights, layer.affine, rule)


def layer_norm(layer: spec.LayerNorm, weights: Weights, given: Map, at: Place) -> Contributions:
    """The same with the mean and the variance of all channels at this place."""
    here = given[:, at[1], at[2]].astype(np.float64)
    rule = "the value less the mean of all channels here, over the square root of their variance"
    return _normed(given, at, float(here.mean()), float(here.var()), layer.eps, weights, layer.affine, rule)


def _normed(
    given: Map, at: Place, middle: float, spread: float, eps: float, weights: Weights, affine: bool, rule: str
) -> Contributions:
    value, root = float(given[at]), sqrt(spread + eps)
    result, size = (value - middle) / root, (abs(value) + abs(middle)) / root
    said = f"({number(value)} {plus(-middle) if middle else '- 0'}) / sqrt({number(spread)} + {eps:g})"
    if affine:
        factor, bias = float(weights["weight"][at[0]]), float(weights["bias"][at[0]])
        result, size = result * factor + bias, size * abs(factor) + abs(bias)
        said += f" * {number(factor)} {plus(bias)}"
        rule += "; times the channel's weight, plus its bias"
    return _one(given, at, rule, f"{said} = {number(result)}", result, size)


def local_response_norm(layer: spec.LocalResponseNorm, weights: Weights, given: Map, at: Place) -> Contributions:
    """The value over a power of the sum of squares of the channels around its own."""
    first = at[0] - layer.size // 2
    near = [channel for channel in range(first, first + layer.size) if 0 <= channel < len(given)]
    values, places, _ = cells(given, near, [at[1]], [at[2]])
    squares, value = values**2, float(given[at])
    total = float(squares.sum())
    result = value * (layer.k + layer.alpha / layer.size * total) ** -layer.beta
    base = f"{layer.k:g} + {layer.alpha:g}/{layer.size} * {number(total)}"
    return Contributions(
        "the value over a power of the sum of squares of the channels beside its own",
        f"{number(value)} / ({base})^{layer.beta:g} = {number(result)}",
        result,
        values,
        places,
        terms=squares,
        winner=near.index(at[0]),
        size=abs(result),
    )


def layer_scale(layer: spec.LayerScale, weights: Weights, given: Map, at: Place) -> Contributions:
    """The value times the channel's factor."""
    value, factor = float(given[at]), float(weights["weight"][at[0]])
    said = f"{number(value)} * {number(factor)} = {number(value * factor)}"
    return _one(given, at, "the value times the channel's factor", said, value * factor, abs(value * factor))


def _one(given: Map, at: Place, rule: str, formula: str, result: float, size: float) -> Contributions:
    value = np.array([float(given[at])])
    return Contributions(rule, formula, result, value, np.array([at]), terms=np.array([result]), size=size)


def join(net: spec.Net, given: Sequence[Map], at: Place) -> Contributions:
    """Return how a join made one number: the sum or the product of its branches', or the one branch's it is."""
    if isinstance(net, spec.Concat):
        channel = at[0]
        for source, values in enumerate(given):
            if channel < len(values):
                rule = f"branch {source + 1} of {len(given)} puts out this channel: its channel {channel}"
                return taken(values, (channel, *at[1:]), rule, source)
            channel -= len(values)
    places = [at if values.shape[1:] != (1, 1) else (at[0], 0, 0) for values in given]
    numbers: Numbers = np.array([float(values[place]) for values, place in zip(given, places, strict=True)])
    product = isinstance(net, spec.Multiply)
    result = float(numbers.prod() if product else numbers.sum())
    sign = " * " if product else " + "
    shown = [f"({number(value)})" if value < 0 else number(value) for value in numbers]
    return Contributions(
        "the branches' values multiplied" if product else "the branches' values added up",
        f"{sign.join(shown)} = {number(result)}",
        result,
        numbers,
        np.array(places),
        terms=numbers,
        source=np.arange(len(given)),
        size=abs(result) if product else float(np.abs(numbers).sum()),
    )
