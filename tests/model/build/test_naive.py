"""Each layer's module against loops written down from its definition, in numpy, one output value at a time."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from striate import spec
from striate.model.build.layer_modules import TABLE, module_for

Array = NDArray[np.float64]


def naive_convolution(
    picture: Array,
    weight: Array,
    bias: Array | None,
    stride: tuple[int, int],
    sides: tuple[int, int, int, int],
    dilation: tuple[int, int],
    groups: int,
) -> Array:
    """(C, H, W), (O, C/groups, kh, kw) -> (O, H', W')."""
    left, right, top, bottom = sides
    _, height, width = picture.shape
    outputs, per_group, kh, kw = weight.shape
    rows = (height + top + bottom - (kh - 1) * dilation[0] - 1) // stride[0] + 1
    columns = (width + left + right - (kw - 1) * dilation[1] - 1) // stride[1] + 1
    result = np.zeros((outputs, rows, columns))
    for o, i, j in itertools.product(range(outputs), range(rows), range(columns)):
        total = 0.0 if bias is None else float(bias[o])
        for c, u, v in itertools.product(range(per_group), range(kh), range(kw)):
            y, x = i * stride[0] + u * dilation[0] - top, j * stride[1] + v * dilation[1] - left
            if 0 <= y < height and 0 <= x < width:
                total += weight[o, c, u, v] * picture[o // (outputs // groups) * per_group + c, y, x]
        result[o, i, j] = total
    return result


def naive_pool(
    picture: Array,
    kind: str,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    sides: tuple[int, int, int, int],
    ceil: bool,
    count_padding: bool,
) -> Array:
    """(C, H, W) -> (C, H', W'); ceil as in torch: a last window must begin inside the picture or left padding."""
    left, right, top, bottom = sides
    channels, height, width = picture.shape

    def positions(size: int, window: int, step: int, before: int, after: int) -> int:
        count = 0
        while True:
            begin = count * step - before
            whole = begin + window <= size + after
            hanging = ceil and begin < size and begin + window - step < size + after
            if not (whole or hanging):
                return count
            count += 1

    rows = positions(height, kernel[0], stride[0], top, bottom)
    columns = positions(width, kernel[1], stride[1], left, right)
    result = np.zeros((channels, rows, columns))
    for c, i, j in itertools.product(range(channels), range(rows), range(columns)):
        seen, padded = [], 0
        for u, v in itertools.product(range(kernel[0]), range(kernel[1])):
            y, x = i * stride[0] + u - top, j * stride[1] + v - left
            if 0 <= y < height and 0 <= x < width:
                seen.append(picture[c, y, x])
            elif y < height + bottom and x < width + right:
                padded += 1
        if kind == "max":
            result[c, i, j] = max(seen)
        elif kind == "min":
            result[c, i, j] = min(seen)
        else:
            result[c, i, j] = sum(seen) / (len(seen) + (padded if count_padding else 0))
    return result


def naive_response_norm(picture: Array, size: int, alpha: float, beta: float, k: float) -> Array:
    """Krizhevsky et al. 2012, section 3.3, for odd ``size``: j from max(0, i - n/2) to min(N - 1, i + n/2)."""
    channels, height, width = picture.shape
    result = np.zeros_like(picture)
    for i, y, x in itertools.product(range(channels), range(height), range(width)):
        total = 0.0
        for j in range(max(0, i - size // 2), min(channels - 1, i + size // 2) + 1):
            total += picture[j, y, x] ** 2
        result[i, y, x] = picture[i, y, x] / (k + alpha * total) ** beta
    return result


def naive_transposed(
    picture: Array, weight: Array, bias: Array, stride: int, padding: int, dilation: int, groups: int, extra: int
) -> Array:
    """Scatter: every input value adds its kernel, scaled, to the output. weight (C, O/groups, k, k)."""
    channels, height, width = picture.shape
    _, per_group, kernel, _ = weight.shape
    outputs = per_group * groups
    rows = (height - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1
    columns = (width - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1
    result = np.zeros((outputs, rows, columns)) + bias[:, None, None]
    for c, y, x in itertools.product(range(channels), range(height), range(width)):
        for o, u, v in itertools.product(range(per_group), range(kernel), range(kernel)):
            i, j = y * stride + u * dilation - padding, x * stride + v * dilation - padding
            if 0 <= i < rows and 0 <= j < columns:
                result[c // (channels // groups) * per_group + o, i, j] += picture[c, y, x] * weight[c, o, u, v]
    return result


def same_sides(height: int, width: int, span: tuple[int, int], stride: tuple[int, int]) -> tuple[int, int, int, int]:
    """TensorFlow's rule: ceil(size / stride) positions; the odd pixel of padding at the end."""
    ends = []
    for size, window, step in ((width, span[1], stride[1]), (height, span[0], stride[0])):
        total = max((math.ceil(size / step) - 1) * step + window - size, 0)
        ends += [total // 2, total - total // 2]
    return (ends[0], ends[1], ends[2], ends[3])


def torch_of(layer: spec.Net, picture: Array, **tensors: Array) -> Array:
    """What the built module of one layer makes of one picture, in float64, with these weights."""
    module = module_for(layer, spec.Shape(*picture.shape)).double().eval()
    state = module.state_dict()
    assert set(state) == set(tensors)
    module.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()})
    with torch.no_grad():
        result: Array = module(torch.from_numpy(picture)[None])[0].numpy()
    return result


def numbers(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 1)])
@pytest.mark.parametrize("padding", [(0, 0), (2, 1)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 3)])
@pytest.mark.parametrize("kernel", [(3, 2), (1, 4)])
def test_convolution(
    kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int], dilation: tuple[int, int], groups: int
) -> None:
    picture, weight, bias = numbers(4, 8, 9), numbers(6, 4 // groups, *kernel, seed=1), numbers(6, seed=2)
    layer = spec.Conv(6, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)
    sides = (padding[1], padding[1], padding[0], padding[0])
    expected = naive_convolution(picture, weight, bias, stride, sides, dilation, groups)
    np.testing.assert_allclose(torch_of(layer, picture, weight=weight, bias=bias), expected, atol=1e-12)


@pytest.mark.parametrize("dilation", [1, 3])
@pytest.mark.parametrize("kernel", [(1, 2), (3, 3), (4, 5), (6, 2)])
def test_same_keeps_the_size_and_pads_the_odd_one_behind(kernel: tuple[int, int], dilation: int) -> None:
    picture, weight = numbers(2, 7, 10), numbers(3, 2, *kernel, seed=1)
    layer = spec.Conv(3, kernel, padding="same", dilation=dilation, bias=False)
    span = (dilation * (kernel[0] - 1) + 1, dilation * (kernel[1] - 1) + 1)
    sides = same_sides(7, 10, span, (1, 1))
    expected = naive_convolution(picture, weight, None, (1, 1), sides, (dilation, dilation), 1)
    got = torch_of(layer, picture, weight=weight)
    assert got.shape == (3, 7, 10)
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_same_is_what_torch_calls_same() -> None:
    picture, weight = torch.randn(1, 2, 7, 10), torch.randn(3, 2, 4, 2)
    layer = spec.Conv(3, (4, 2), padding="same", bias=False)
    expected = torch.nn.functional.conv2d(picture, weight, padding="same")
    got = torch_of(layer, picture[0].double().numpy(), weight=weight.double().numpy())
    np.testing.assert_allclose(got, expected[0].numpy(), atol=1e-5)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("kernel", "size"), [((3, 3), (8, 10)), ((5, 5), (8, 10)), ((3, 5), (6, 4))])
def test_uneven_padding_is_what_tensorflow_calls_same_at_stride_2(
    kernel: tuple[int, int], size: tuple[int, int], groups: int
) -> None:
    picture, weight = numbers(2, *size), numbers(4, 2 // groups, *kernel, seed=1)
    left, right, top, bottom = same_sides(*size, kernel, (2, 2))
    layer = spec.Conv(4, kernel, stride=2, padding=((top, bottom), (left, right)), groups=groups, bias=False)
    assert str(layer).endswith(f"pad {top}:{bottom} groups {groups} no bias".replace(" groups 1", "")) or top != left
    expected = naive_convolution(picture, weight, None, (2, 2), (left, right, top, bottom), (1, 1), groups)
    got = torch_of(layer, picture, weight=weight)
    assert got.shape == (4, size[0] // 2, size[1] // 2)
    np.testing.assert_allclose(got, expected, atol=1e-12)


@pytest.mark.parametrize(("stride", "padding", "dilation", "groups", "extra"), [
    (1, 0, 1, 1, 0), (2, 1, 1, 1, 1), (3, 0, 2, 2, 2), (1, 2, 2, 2, 1), (4, 0, 1, 1, 0),
])  # fmt: skip
def test_transposed_convolution(stride: int, padding: int, dilation: int, groups: int, extra: int) -> None:
    picture, weight, bias = numbers(4, 3, 5), numbers(4, 6 // groups, 3, 3, seed=1), numbers(6, seed=2)
    layer = spec.ConvTranspose(
        6, 3, stride=stride, padding=padding, output_padding=extra, dilation=dilation, groups=groups
    )
    expected = naive_transposed(picture, weight, bias, stride, padding, dilation, groups, extra)
    np.testing.assert_allclose(torch_of(layer, picture, weight=weight, bias=bias), expected, atol=1e-12)


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [((2, 2), (2, 2), (0, 0)), ((3, 2), (2, 3), (1, 1)), ((3, 3), (2, 2), (0, 1)), ((1, 4), (3, 2), (0, 2))],
)
def test_pooling(kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int], ceil: bool) -> None:
    sides = (padding[1], padding[1], padding[0], padding[0])
    for size in itertools.product((5, 6, 7, 8), (4, 7, 8)):
        picture = numbers(2, *size)
        for kind, layer in (("max", spec.MaxPool), ("min", spec.MinPool)):
            got = torch_of(layer(kernel, stride=stride, padding=padding, ceil=ceil), picture)
            np.testing.assert_array_equal(got, naive_pool(picture, kind, kernel, stride, sides, ceil, True))
        for count in (False, True):
            average = spec.AvgPool(kernel, stride=stride, padding=padding, ceil=ceil, count_padding=count)
            expected = naive_pool(picture, "average", kernel, stride, sides, ceil, count)
            np.testing.assert_allclose(torch_of(average, picture), expected, atol=1e-12)


@pytest.mark.parametrize("bins", [(1, 1), (2, 3), (3, 7), (6, 6), (9, 4)])
def test_adaptive_pooling_is_the_mean_of_each_bin(bins: tuple[int, int]) -> None:
    picture = numbers(2, 6, 7)
    ends = [
        [(math.floor(i * side / count), math.ceil((i + 1) * side / count)) for i in range(count)]
        for side, count in zip((6, 7), bins, strict=True)
    ]
    expected = [[[each[a:b, c:d].mean() for c, d in ends[1]] for a, b in ends[0]] for each in picture]
    np.testing.assert_allclose(torch_of(spec.AdaptiveAvgPool(bins), picture), expected, atol=1e-12)


def test_cropping_leaves_out_the_edges() -> None:
    picture = numbers(2, 6, 7)
    np.testing.assert_array_equal(torch_of(spec.Crop((1, 2)), picture), picture[:, 1:5, 2:5])


def test_global_pooling_is_one_value_a_map() -> None:
    picture = numbers(3, 4, 5)
    for layer, reduce in (
        (spec.GlobalMaxPool(), np.max),
        (spec.GlobalMinPool(), np.min),
        (spec.GlobalAvgPool(), np.mean),
    ):
        got = torch_of(layer, picture)
        assert got.shape == (3, 1, 1)
        np.testing.assert_allclose(got[:, 0, 0], reduce(picture, axis=(1, 2)), atol=1e-15)


@pytest.mark.parametrize("size", [1, 3, 5, 9])
def test_local_response_norm_is_the_papers_with_alpha_over_size(size: int) -> None:
    picture = 3 * numbers(7, 2, 3)
    layer = spec.LocalResponseNorm(size, alpha=0.4, beta=0.75, k=2.0)
    expected = naive_response_norm(picture, size, 0.4 / size, 0.75, 2.0)
    np.testing.assert_allclose(torch_of(layer, picture), expected, atol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 4, 5])
def test_local_response_norm_is_torchs(size: int) -> None:
    picture = numbers(6, 3, 3)
    theirs = torch.nn.LocalResponseNorm(size, alpha=0.4, beta=0.6, k=1.5)(torch.from_numpy(picture)[None])[0]
    got = torch_of(spec.LocalResponseNorm(size, alpha=0.4, beta=0.6, k=1.5), picture)
    np.testing.assert_allclose(got, theirs.numpy(), atol=1e-12)


def test_subsampling_is_the_mean_times_a_coefficient_plus_a_bias() -> None:
    picture, weight, bias = numbers(3, 5, 6), numbers(3, seed=1), numbers(3, seed=2)
    mean = naive_pool(picture, "average", (2, 3), (2, 3), (0, 0, 0, 0), False, True)
    expected = mean * weight[:, None, None] + bias[:, None, None]
    np.testing.assert_allclose(
        torch_of(spec.Subsample((2, 3)), picture, weight=weight, bias=bias), expected, atol=1e-12
    )


# Table I of LeCun et al. 1998: which of the six maps of S2 (rows) each of the sixteen maps of C3 (columns) sees.
TABLE_I = """
X...XXX..XXXX.XX
XX...XXX..XXXX.X
XXX...XXX..X.XXX
.XXX..XXXX..X.XX
..XXX..XXXX.XX.X
...XXX..XXXX.XXX
"""


def test_the_connection_table_of_c3() -> None:
    seen = np.array([[mark == "X" for mark in line] for line in TABLE_I.split()])  # (6, 16)
    table = tuple(tuple(int(source) for source in np.flatnonzero(column)) for column in seen.T)
    picture, full, bias = numbers(6, 8, 7), numbers(16, 6, 5, 5, seed=1), numbers(16, seed=2)
    weight = np.stack([full[output, source] for output, sources in enumerate(table) for source in sources])
    assert weight.size + bias.size == 1516  # the paper's own count
    masked = full * seen.T[:, :, None, None]
    expected = naive_convolution(picture, masked, bias, (1, 1), (0, 0, 0, 0), (1, 1), 1)
    got = torch_of(spec.Conv(16, 5, connections=table), picture, weight=weight, bias=bias)
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_rbf_is_minus_the_squared_distance() -> None:
    inputs, prototypes = numbers(5), numbers(3, 5, seed=1)
    expected = [-sum((inputs[j] - prototypes[k, j]) ** 2 for j in range(5)) for k in range(3)]
    np.testing.assert_allclose(torch_of(spec.Rbf(3), inputs, prototypes=prototypes), expected, atol=1e-12)


def test_activations_by_their_formulas() -> None:
    picture = numbers(4, 2, 2) * 4
    x = picture
    logistic = 1 / (1 + np.exp(-x))
    normal = np.vectorize(lambda value: 0.5 * (1 + math.erf(value / math.sqrt(2))))(x)
    for layer, expected in (
        (spec.ReLU(), np.maximum(x, 0)),
        (spec.LeakyReLU(0.2), np.where(x > 0, x, 0.2 * x)),
        (spec.Tanh(), np.tanh(x)),
        (spec.ScaledTanh(), 1.7159 * np.tanh(2 / 3 * x)),
        (spec.Sigmoid(), logistic),
        (spec.GELU(), x * normal),
        (spec.SiLU(), x * logistic),
        (spec.ReLU6(), np.minimum(np.maximum(x, 0), 6)),
        (spec.HardSigmoid(), np.clip(x + 3, 0, 6) / 6),
        (spec.HardSwish(), x * np.clip(x + 3, 0, 6) / 6),
        (spec.Softmax(), np.exp(x) / np.exp(x).sum(0)),
        (spec.Identity(), x),
        (spec.Dropout(0.5), x),
        (spec.SpatialDropout(0.5), x),
        (spec.DropPath(0.5), x),
        (spec.Flatten(), x.reshape(-1)),
        (spec.Upsample((2, 3)), x.repeat(2, 1).repeat(3, 2)),
    ):
        np.testing.assert_allclose(torch_of(layer, picture), expected, atol=1e-12, err_msg=str(type(layer)))


def test_scaled_tanh_is_one_at_one() -> None:
    got = torch_of(spec.ScaledTanh(), np.array([-1.0, 0.0, 1.0]))
    np.testing.assert_allclose(got, [-1, 0, 1], atol=1e-4)


def test_bilinear_upsampling_places_pixels_by_their_centres() -> None:
    picture = numbers(1, 3, 4)

    def weights(size: int, factor: int) -> Array:
        matrix = np.zeros((size * factor, size))
        for output in range(size * factor):
            place = min(max((output + 0.5) / factor - 0.5, 0), size - 1)
            low = int(place)
            matrix[output, low] += 1 - (place - low)
            matrix[output, min(low + 1, size - 1)] += place - low
        return matrix

    expected = weights(3, 2) @ picture[0] @ weights(4, 3).T
    np.testing.assert_allclose(torch_of(spec.Upsample((2, 3), mode="bilinear"), picture)[0], expected, atol=1e-12)


def test_norms_by_their_formulas() -> None:
    batch, scale, shift = numbers(5, 4, 3, 2), numbers(4, seed=1), numbers(4, seed=2)
    module = module_for(spec.BatchNorm(eps=0.01, momentum=0.3), spec.Shape(4, 3, 2)).double()
    assert isinstance(module, torch.nn.BatchNorm2d)
    module.load_state_dict({"weight": torch.from_numpy(scale), "bias": torch.from_numpy(shift)}, strict=False)
    mean, variance = batch.mean((0, 2, 3)), batch.var((0, 2, 3))
    column = (slice(None), None, None)
    expected = (batch - mean[column]) / np.sqrt(variance[column] + 0.01) * scale[column] + shift[column]
    np.testing.assert_allclose(module(torch.from_numpy(batch)).detach().numpy(), expected, atol=1e-12)
    assert module.running_mean is not None
    np.testing.assert_allclose(module.running_mean.numpy(), 0.3 * mean, atol=1e-12)

    grouped = batch[0].reshape(2, -1)
    normed = (grouped - grouped.mean(1, keepdims=True)) / np.sqrt(grouped.var(1, keepdims=True) + 0.01)
    expected = normed.reshape(4, 3, 2) * scale[column] + shift[column]
    got = torch_of(spec.GroupNorm(2, eps=0.01), batch[0], weight=scale, bias=shift)
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_layer_norm_takes_each_position_by_itself() -> None:
    picture, scale, shift = numbers(4, 3, 2), numbers(4, seed=1), numbers(4, seed=2)
    expected = np.zeros_like(picture)
    for y, x in itertools.product(range(3), range(2)):
        channels = picture[:, y, x]
        mean = channels.sum() / 4
        variance = ((channels - mean) ** 2).sum() / 4
        expected[:, y, x] = (channels - mean) / math.sqrt(variance + 0.01) * scale + shift
    got = torch_of(spec.LayerNorm(eps=0.01), picture, weight=scale, bias=shift)
    np.testing.assert_allclose(got, expected, atol=1e-12)
    flat = torch_of(spec.LayerNorm(eps=0.01), picture[:, 1, 1], weight=scale, bias=shift)
    np.testing.assert_allclose(flat, expected[:, 1, 1], atol=1e-12)


def test_layer_scale_is_a_factor_a_channel_that_begins_where_it_is_told() -> None:
    picture, factor = numbers(3, 2, 2), numbers(3, seed=1)
    np.testing.assert_allclose(
        torch_of(spec.LayerScale(), picture, weight=factor), picture * factor[:, None, None], atol=1e-15
    )
    np.testing.assert_allclose(torch_of(spec.LayerScale(), picture[:, 0, 0], weight=factor), picture[:, 0, 0] * factor)
    module = module_for(spec.LayerScale(1e-6), spec.Shape(3, 2, 2))
    assert module.get_parameter("weight").tolist() == pytest.approx([1e-6] * 3)


def test_channels_of_zeros_before_and_behind() -> None:
    picture = numbers(2, 2, 3)
    got = torch_of(spec.PadChannels(5), picture)
    assert got.shape == (5, 2, 3)
    assert not got[0].any() and not got[3:].any()
    np.testing.assert_array_equal(got[1:3], picture)
    np.testing.assert_array_equal(torch_of(spec.PadChannels(4), picture[:, 0, 0]), [0, *picture[:, 0, 0], 0])


def test_there_is_a_module_for_every_layer() -> None:
    assert set(TABLE) == set(spec.LAYERS.values())
