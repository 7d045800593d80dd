"""A network asked without torch: the values, the terms and the refusals are those of torch, for every layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.interpret.arithmetic.test_dot import NETS, PICTURE, probe, shaken

from striate import nets
from striate.errors import DescribeError, ModelError
from striate.export.onnx_parts import compute
from striate.interpret.arithmetic.dot import dot
from striate.interpret.onnx_probe import OnnxProbe
from striate.interpret.torch_probe import TorchProbe
from striate.spec import Shape
from striate.spec.wiring import wired


def quick(made: TorchProbe, arrays: Mapping[str, NDArray[Any]] | None = None) -> OnnxProbe:
    """The same network with the same picture, its numbers as arrays."""
    given = arrays or {name: value.numpy() for name, value in made.model.state_dict().items()}
    wiring = wired(made.survey.net, made.survey.input)
    return OnnxProbe(
        name=made.name,
        names=made.names,
        preprocess=made.preprocess,
        original=made.original,
        pixels=made.pixels,
        frame=made.frame,
        trained=made.trained,
        surveyed=made.survey,
        wiring=wiring,
        arrays=given,
        compute=lambda pixels, parts: compute(wiring, made.survey.input, given, pixels, parts),
    )


def check(made: TorchProbe, *, every: bool) -> None:
    """Hold the values of all parts, and the accounts of some numbers, against torch's to 1e-5."""
    fast = quick(made)
    assert fast.taps() == made.taps()
    rows = [row.path for row in made.survey.rows]
    wanted, found = made.tap(["input", *rows]), fast.tap(["input", *rows])
    for path, value in wanted.items():
        assert found[path].dtype == np.float32 and found[path].shape == value.shape
        largest = float(np.abs(value).max())
        np.testing.assert_allclose(found[path], value, rtol=1e-5, atol=1e-5 * max(largest, 1e-3), err_msg=path)
    drawn = np.random.default_rng(7)
    kinds = dict(zip(map(type, made.survey.layers), rows, strict=True))  # the last of each kind
    for path in rows if every else kinds.values():
        assert fast.reads(path) == made.reads(path)
        shape = made.shape(path)
        channel, *at = (int(drawn.integers(size)) for size in (shape.channels, *shape.size))
        slow, asked = (dot(each, path, channel, (at[0], at[1]) if shape.is_map else None) for each in (made, fast))
        for one, other in zip((slow.made, *slow.then), (asked.made, *asked.then), strict=True):
            contributions, size = other.contributions, max(other.contributions.size, abs(other.network), 1e-6)
            assert abs(contributions.result - other.network) <= 1e-5 * size, (other.part, other.off)
            size = max(size, float(np.abs(wanted[one.part]).max()))  # of all roundings before it
            assert abs(other.network - one.network) <= 1e-5 * size, other.part
            assert abs(contributions.result - one.contributions.result) <= 1e-5 * size, other.part
            np.testing.assert_array_equal(contributions.places, one.contributions.places)
            if one.contributions.weights is not None:
                np.testing.assert_array_equal(contributions.weights, one.contributions.weights, "the net's very own")
        assert (asked.given, asked.seen, asked.place) == (slow.given, slow.seen, slow.place)


@pytest.mark.parametrize("text", NETS)
def test_every_layer(text: str) -> None:
    check(probe(text), every=True)


def test_the_table_of_connections() -> None:
    check(
        shaken(TorchProbe.untrained(nets.resolve("lenet5_1998"), Shape(1, 32, 32), PICTURE, classes=10)),
        every=True,
    )


@pytest.mark.parametrize("name", ["resnet20", "googlenet", "mobilenet_v3_small", "densenet121"])
def test_nets_of_the_catalogue(name: str) -> None:
    check(shaken(TorchProbe.untrained(nets.resolve(name), Shape(3, 64, 64), PICTURE, classes=5)), every=False)


def test_only_what_is_needed_is_computed() -> None:
    made = probe("conv 4 3 >> relu >> conv 5 3 >> flatten >> dense 3")
    arrays = {name: value.numpy() for name, value in made.model.state_dict().items()}
    broken = {**arrays, "dense1.weight": np.full_like(arrays["dense1.weight"].T, np.nan)}  # of a shape that cannot be
    fast = quick(made, broken)
    assert dot(fast, "conv2").made.off <= 1e-5
    with pytest.raises(ModelError, match="ONNX Runtime"):
        dot(fast, "dense1")


def test_weights_of_another_net_are_refused() -> None:
    made = probe("conv 4 3 >> batchnorm >> relu")
    arrays = {name: value.numpy() for name, value in made.model.state_dict().items()}
    with pytest.raises(ModelError, match=r"conv9\.weight is of no part"):
        quick(made, {**arrays, "conv9.weight": np.zeros(3, np.float32)})
    with pytest.raises(ModelError, match="conv1 has 1 numbers, and the net 112"):
        quick(made, {name: value for name, value in arrays.items() if name != "conv1.bias"} | {"conv1.weight": np.zeros(1, np.float32)})  # fmt: skip  # noqa: E501


def test_refusals_are_those_of_torch() -> None:
    made = probe("conv 4 3 >> relu >> flatten >> dense 3")
    for asked in (("conv",), ("conv1", 4), ("conv1", 0, (10, 0)), ("dense1", 0, (0, 0)), ("input",)):
        with pytest.raises(DescribeError) as wanted:
            dot(made, *asked)  # type: ignore[arg-type]
        with pytest.raises(DescribeError) as found:
            dot(quick(made), *asked)  # type: ignore[arg-type]
        assert str(found.value) == str(wanted.value)


def test_nothing_is_folded() -> None:
    made = probe("conv 4 3 >> batchnorm >> relu")
    with torch.no_grad():
        made.model.get_parameter("batchnorm1.weight").fill_(1e3)
    np.testing.assert_allclose(quick(made).tap(["conv1"])["conv1"], made.tap(["conv1"])["conv1"], rtol=1e-5, atol=1e-6)
