"""The ONNX graph of every layer and of drawn nets, asked by ONNX Runtime, against the torch module built of them."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from tests.strategies import cases

from striate.export.onnx import compare, graph_bytes
from striate.export.onnx_layers import TABLE
from striate.model.build.model import Model, build
from striate.nets import CATALOG
from striate.spec import LAYERS, Net, Shape, parse

FLAT = "globalavgpool >> flatten >> "
# Each layer alone on a map of 6x9x8, and on a flat vector where that is another way.
ALONE = [
    "conv 4 3x2 stride 2x1 pad 1 dilation 1x2 groups 2",
    "conv 4 4 pad same",
    "conv 4 3x5 stride 2 pad 0:1x1:2 groups 2",
    "conv 4 3 no bias >> batchnorm",
    "conv 4 3 >> batchnorm no affine",
    "convtranspose 4 3x2 stride 2 pad 1 output_padding 1 groups 2 >> batchnorm",
    "convtranspose 4 3 dilation 2 >> layerscale 0.5",
    "convtranspose 4 2 dilation 3x2 output_padding 2x1 >> batchnorm",
    "convtranspose 4 3x2 stride 2x1 dilation 4 pad 1 output_padding 3",
    "maxpool 3 stride 2 pad 1",
    "maxpool 3 stride 2 ceil",
    "maxpool 2x3 stride 3 pad 1 ceil",
    "minpool 3 stride 2 pad 1 ceil",
    "avgpool 3 stride 2 pad 1",
    "avgpool 3 stride 2 pad 1 no count",
    "avgpool 3 stride 2 pad 1 ceil",
    "avgpool 2x3 stride 3 pad 1 ceil no count",
    "globalmaxpool",
    "globalavgpool",
    "globalminpool",
    "adaptiveavgpool 4x3",
    "adaptiveavgpool 9x8",
    "adaptiveavgpool 1",
    "adaptiveavgpool 11x20",
    "crop 2x1",
    "flatten >> dense 5 no bias",
    "flatten >> dense 5 >> batchnorm >> layerscale 0.3",
    "batchnorm",
    FLAT + "batchnorm",
    "relu >> batchnorm no affine",
    "groupnorm 3",
    FLAT + "groupnorm 3 no affine",
    "lrn",
    "lrn 4 alpha 0.5 k 2",
    "dropout 0.3 >> spatialdropout 0.2 >> droppath 0.5 >> identity >> relu",
    "leakyrelu 0.2",
    "tanh",
    "scaledtanh",
    "sigmoid",
    "gelu",
    "silu",
    "softmax",
    FLAT + "softmax",
    "upsample 2x3",
    "upsample 2x3 mode bilinear",
    "subsample 2x3",
    FLAT + "rbf 4",
    "rbf 4",
    "relu6",
    "hardsigmoid",
    "hardswish",
    "layernorm",
    FLAT + "layernorm no affine",
    "layerscale 0.5",
    FLAT + "layerscale 0.5",
    "padchannels 9",
    FLAT + "padchannels 9",
]


def unsettled(net: Net, shape: Shape, *, classes: int | None = None, seed: int = 0) -> Model:
    """A model all of whose numbers are drawn, norms and scales too, so that forgetting one would show.

    The statistics of batch norms are those of pictures, as after training: were they drawn as well, a deep net would
    blow rounding up until two orders of summing in float32 are percents apart.
    """
    model = build(net, shape, classes=classes, seed=seed).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.dtype == torch.float32 and tensor.dim() == 1 and not name.startswith("input."):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
        model.get_submodule("input").offset.copy_(torch.linspace(-1, 0.5, shape.channels))  # type: ignore[union-attr]
        norms = [(norm, norm.momentum) for norm in model.modules() if isinstance(norm, torch.nn.BatchNorm2d)]
        for norm, _ in norms:
            norm.train().momentum = 1.0
        model(model.normalise(torch.from_numpy(pictures(shape)).permute(0, 3, 1, 2)))
        for norm, momentum in norms:
            norm.eval().momentum = momentum
    return model


def pictures(shape: Shape, count: int = 9, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape.size, shape.channels), np.uint8)


def check(net: Net, shape: Shape, **how: Any) -> None:
    """Nine pictures, so that both graphs of ONNX Runtime are asked; float32 against float32, so to 1e-5.

    GoogLeNet is left unsteady by its numbers: there torch itself errs by more in float32 than that against float64, and
    the graph may err as torch does.
    """
    model, pixels = unsettled(net, shape, **how), pictures(shape)
    parity = compare(model, graph_bytes(model), pixels)
    apart = max(parity.apart.values())
    if apart <= 1e-5:
        return
    own = own_error(model, pixels)  # not a number where torch's own answers are none, of a net that was drawn
    assert apart <= 4 * own or math.isnan(own), (str(net), str(parity))


def own_error(model: Model, pixels: np.ndarray) -> float:
    """How far torch in float32 is from torch in float64, logits and embeddings, over the largest value or 1."""
    inputs = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    with torch.no_grad():
        single, double = (each.embed(each.normalise(inputs)) for each in (model, copy.deepcopy(model).double()))
    pairs = zip(single, double, strict=True)
    return max(float((a - b).abs().max() / b.abs().max().clamp(min=1)) for a, b in pairs)


@pytest.mark.parametrize("text", ALONE)
def test_a_layer_alone(text: str) -> None:
    check(parse(text), Shape(6, 9, 8))


def test_the_classic_table_of_connections() -> None:
    check(parse("conv 3 3 pad 1 connections (0 1, 5, 2 3 4) >> batchnorm"), Shape(6, 9, 8))


def test_a_branch_of_nothing_but_a_side_head() -> None:
    check(parse("conv 4 1 >> (side (globalavgpool >> flatten >> dense 2) + relu) >> batchnorm"), Shape(3, 5, 5))


def test_every_layer_has_its_line_and_was_asked() -> None:
    assert set(TABLE) == set(LAYERS.values())
    asked = {type(layer) for text in ALONE for layer in parse(text).layers()}
    assert asked == set(LAYERS.values())


@pytest.mark.parametrize("examples", [60, pytest.param(1500, marks=pytest.mark.slow)])
def test_drawn_nets(examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    @given(cases())
    def run(case: tuple[Net, Shape]) -> None:
        if case[0].on(case[1], fit="floor").memory_bytes < 300_000:
            check(*case)

    run()


SAMPLE = {"resnet18": 64, "googlenet": 64, "densenet121": 64, "mobilenet_v3_small": 64, "efficientnet_b0": 64}
# Left out: those of another depth whose dense layers take a minute, and those that are no classifiers.
HEAVY = ("unet", "vgg13", "vgg16", "vgg19", "resnet101", "resnet152", "wide_resnet101", "resnext101")


@pytest.mark.parametrize("name", [*SAMPLE, "lenet5_1998", "resnet20", "tiny"])
def test_published_nets(name: str) -> None:
    entry = CATALOG[name]
    side = SAMPLE.get(name, entry.input.height if name == "lenet5_1998" else 32)
    check(entry.function(None), Shape(entry.input.channels, side, side), classes=10)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CATALOG if not name.startswith(HEAVY)])
def test_the_catalogue(name: str) -> None:
    entry = CATALOG[name]
    side = entry.input.height if name == "inception_v3" else min(entry.input.height or 0, 96)
    check(entry.function(None), Shape(entry.input.channels, side, side), classes=10)


def test_batch_norms_are_folded() -> None:
    content = graph_bytes(unsettled(CATALOG["resnet18"].function(None), Shape(3, 64, 64), classes=10))
    operators = [node.op_type for node in onnx.load_from_string(content).graph.node]
    assert "BatchNormalization" not in operators
    assert operators.count("Conv") == 20


def test_the_graph_is_valid_onnx_and_the_same_every_time() -> None:
    net, shape = parse("conv 4 3 >> batchnorm >> relu >> flatten >> dense 3"), Shape(3, 8, 8)
    content = graph_bytes(unsettled(net, shape))
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    assert content == graph_bytes(unsettled(net, shape))


def test_a_wrong_weight_shows() -> None:
    net, shape = parse("conv 4 3 >> relu >> flatten >> dense 3"), Shape(3, 8, 8)
    other = graph_bytes(unsettled(net, shape, seed=1))
    assert compare(unsettled(net, shape), other, pictures(shape)).apart["logits"] > 1e-2
