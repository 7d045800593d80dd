"""One number, term by term: what is shown adds up to what the network computed, for every layer and whole nets."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from striate import nets
from striate.errors import DescribeError
from striate.interpret.arithmetic.contributions import number
from striate.interpret.arithmetic.dot import CONTRIBUTIONS, dot
from striate.interpret.torch_probe import TorchProbe
from striate.spec import Layer, Shape, parse
from striate.spec.layers import LAYERS

PICTURE = np.random.default_rng(1).integers(0, 256, (24, 30, 3), dtype=np.uint8)
# Between them every layer, with every option that changes a number.
NETS = [
    "conv 6 3x2 stride 2x1 pad 1x0 >> batchnorm >> relu >> conv 8 3 groups 2 pad same no bias >> groupnorm 4 >> gelu "
    ">> conv 4 2x3 dilation 2x1 pad same >> silu >> maxpool 3 stride 2 pad 1 ceil >> leakyrelu 0.2",
    "conv 5 3 >> tanh >> convtranspose 6 3x2 stride 2 pad 1 outpad 1x0 >> relu6 >> minpool 2 >> sigmoid "
    ">> crop 1 >> avgpool 3 stride 2 pad 1 ceil >> lrn 4 alpha 0.5 beta 0.6 k 2 >> hardswish >> adaptiveavgpool 3x2 "
    ">> flatten >> dropout 0.3 >> dense 7 >> batchnorm >> softmax",
    "conv 4 3 pad 1 >> convtranspose 4 3 dilation 2 groups 2 no bias >> avgpool 2x3 pad 1 no count >> layernorm "
    ">> layerscale 0.3 >> hardsigmoid >> upsample 2 mode bilinear >> upsample 2x1 >> spatialdropout 0.5 >> subsample 2 "
    ">> scaledtanh >> softmax >> globalmaxpool >> identity >> flatten >> layernorm >> rbf 3",
    "conv 4 3 stride 2 pad 0:1 >> conv 4 3 pad 1 >> ((conv 6 3 pad 1 >> droppath 0.2) | padchannels 7 | identity) "
    ">> (conv 9 1 * (globalavgpool >> conv 9 1)) >> globalminpool",
    "conv 6 3 pad 1 >> batchnorm no affine >> groupnorm 2 no affine >> (identity + conv 6 3 pad 1 + identity) "
    ">> (identity * globalavgpool >> sigmoid) >> globalavgpool >> flatten >> layernorm no affine >> dense 3 no bias",
]


def probe(text: str) -> TorchProbe:
    return shaken(TorchProbe.untrained(parse(text), Shape(3, 12, 13), PICTURE))


def shaken(made: TorchProbe) -> TorchProbe:
    """Give every number of the model a value that is nothing special."""
    drawn = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, value in made.model.state_dict().items():
            if value.is_floating_point() and not name.startswith("input."):
                noise = torch.rand(value.shape, generator=drawn)
                value.add_(0.5 * noise if value.dim() < 2 else 0.1 * (noise - 0.5))
    return made


def check(made: TorchProbe, part: str, *, places: int = 4) -> None:
    shape, drawn = made.shape(part), np.random.default_rng(5)
    asked: list[tuple[int, tuple[int, int] | None]] = []
    for _ in range(places):
        channel = int(drawn.integers(shape.channels))
        asked.append((channel, (int(drawn.integers(shape.size[0])), int(drawn.integers(shape.size[1])))))
    if places > 1:  # and the corners
        asked += [(shape.channels - 1, (0, 0)), (0, (shape.size[0] - 1, shape.size[1] - 1))]
    for channel, at in asked:
        found = dot(made, part, channel, at if shape.is_map else None)
        tapped = made.tap([part])[part]
        value = float(tapped[channel, at[0], at[1]] if shape.is_map and at else tapped[channel])
        for made_number in (found.made, *found.then):
            contributions = made_number.contributions
            assert abs(contributions.result - made_number.network) <= 1e-5 * max(
                contributions.size, abs(made_number.network)
            ), part
        assert found.made.network == value
        contributions = found.contributions
        if contributions.weights is not None:
            np.testing.assert_allclose(
                contributions.terms.sum() + (contributions.bias or 0), contributions.result, rtol=1e-9, atol=1e-12
            )
    strongest = dot(made, part)
    largest = float(made.tap([part])[part].max())
    assert strongest.made.network == pytest.approx(largest)
    assert abs(strongest.contributions.result - largest) <= 1e-5 * max(abs(largest), 0.1), (
        "to 1e-5 of the number itself"
    )


@pytest.mark.parametrize("text", NETS)
def test_every_layer(text: str) -> None:
    made = probe(text)
    for row in made.survey.rows:
        check(made, row.path)


def test_no_layer_is_left_out() -> None:
    assert set(CONTRIBUTIONS) == set(LAYERS.values())
    used = {type(net) for text in NETS for net in probe(text).survey.layers if isinstance(net, Layer)}
    assert used == set(LAYERS.values()), {kind.keyword for kind in set(LAYERS.values()) - used}


def test_the_table_of_connections() -> None:
    made = shaken(TorchProbe.untrained(nets.resolve("lenet5_1998"), Shape(1, 32, 32), PICTURE, classes=10))
    for row in made.survey.rows:
        check(made, row.path, places=2)


@pytest.mark.parametrize("name", ["resnet20", "googlenet", "mobilenet_v3_small", "densenet121", "convnext_tiny"])
def test_nets_of_the_catalogue(name: str) -> None:
    made = shaken(TorchProbe.untrained(nets.resolve(name), Shape(3, 64, 64), PICTURE, classes=5))
    rows = made.survey.rows
    for row in dict(zip(map(type, made.survey.layers), rows, strict=True)).values():  # the last of each kind
        check(made, row.path, places=1)


def test_by_hand() -> None:
    pixels = np.array([[0, 51, 0], [0, 255, 0], [0, 51, 102]], np.uint8)
    made = TorchProbe.untrained(parse("conv 1 2 >> batchnorm >> relu >> maxpool 2"), Shape(1, 3, 3), pixels)
    with torch.no_grad():
        made.model.get_parameter("conv1.weight").copy_(torch.tensor([[[[1.0, 2], [3, 4]]]]))
        made.model.get_parameter("conv1.bias").fill_(0.5)
        made.model.get_buffer("batchnorm1.running_mean").fill_(1.0)
        made.model.get_buffer("batchnorm1.running_var").fill_(4.0)
    found = dot(made, "conv1", 0, (0, 0))
    np.testing.assert_allclose(found.contributions.values, [0, 0.2, 0, 1], atol=1e-7)
    np.testing.assert_allclose(found.contributions.terms, [0, 0.4, 0, 4], atol=1e-6)
    assert found.contributions.result == pytest.approx(4.9)
    assert [made.part for made in found.then] == ["batchnorm1", "relu1"]
    assert found.then[0].contributions.result == pytest.approx((4.9 - 1) / (4 + 1e-5) ** 0.5)
    assert found.seen.box == (0, 0, 2, 2)
    pooled = dot(made, "maxpool1", 0, (0, 0))
    assert tuple(pooled.contributions.places[pooled.contributions.winner]) == (0, 0, 0)  # type: ignore[index]
    assert "largest of 4" in pooled.contributions.formula


def test_it_chooses_the_first_convolution_and_the_strongest_place() -> None:
    made = probe("batchnorm >> conv 4 3 >> relu")
    found = dot(made)
    values = made.tap(["conv1"])["conv1"]
    assert found.at is not None
    assert (found.made.part, values[found.channel, found.at[0], found.at[1]]) == ("conv1", values.max())
    held = dot(made, "conv1", 2)
    assert held.channel == 2 and held.at is not None
    assert values[2][held.at] == values[2].max()
    json.dumps(found.to_dict())


def test_what_is_not_there_is_said() -> None:
    made = probe("conv 4 3 >> relu >> flatten >> dense 3")
    with pytest.raises(DescribeError, match="near it: conv1"):
        dot(made, "conv")
    with pytest.raises(DescribeError, match="conv1 has no channel 4: it has 4, from 0 to 3"):
        dot(made, "conv1", 4)
    with pytest.raises(DescribeError, match="no place 10,0: its map is 10 high and 11 wide"):
        dot(made, "conv1", 0, (10, 0))
    with pytest.raises(DescribeError, match="flat vector of 3"):
        dot(made, "dense1", 0, (0, 0))
    with pytest.raises(DescribeError, match="nothing made it"):
        dot(made, "input")


def test_numbers_read_well() -> None:
    shown = [number(value) for value in (0.0, -0.0, 1.0, 123456.0, 0.1 + 0.2, -1e-9)]
    assert shown == ["0", "0", "1", "123456", "0.3", "-1e-09"]
