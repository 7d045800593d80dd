"""The built model as torch wants to use it: channels-last, export, compile, copies, states."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from striate.model.build.model import Model, build
from striate.spec import (
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    DropPath,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    GlobalMinPool,
    GroupNorm,
    HardSwish,
    Identity,
    LayerNorm,
    LayerScale,
    LocalResponseNorm,
    MaxPool,
    MinPool,
    Net,
    PadChannels,
    ReLU,
    ReLU6,
    Shape,
    Sigmoid,
    Subsample,
    side,
)

SHAPE = Shape(3, 12, 10)
NET = (
    (2 * ((Conv(3, 3, padding=1, bias=False) >> BatchNorm() >> ReLU()) + Identity())).name("stage1")
    >> side(GlobalAvgPool() >> Flatten() >> Dense(5), weight=0.5)
    >> (Identity() * (GlobalAvgPool() >> Conv(3, 1) >> Sigmoid()) | Conv(3, 3, padding=1, groups=3))
    >> MaxPool(2)
    >> Flatten()
    >> Dense(5)
)
VARIED = (
    Conv(8, 4, padding="same")
    >> LocalResponseNorm()
    >> (MaxPool(3, stride=2, ceil=True) | MinPool(2) | AvgPool(2))
    >> Conv(6, 3, connections=[[0, 1], [5], [7, 8, 9], [23], [0], [11, 12]])
    >> Subsample((2, 1))
    >> GroupNorm(3)
    >> (LayerNorm() >> Conv(12, 1) >> HardSwish() >> LayerScale(0.1) >> DropPath(0.2) | ReLU6() >> PadChannels(9))
    >> Flatten()
    >> Dense(4)
)


@pytest.fixture
def model() -> Model:
    return build(NET, SHAPE, seed=7)


def pictures(count: int = 2) -> Tensor:
    return torch.randn(count, *SHAPE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("net", [NET, VARIED])
def test_channels_last_is_the_same_and_stays(net: Net) -> None:
    model = build(net, SHAPE).eval()
    inputs = pictures()
    expected = model(inputs)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    logits, seen = model.forward_with(inputs.contiguous(memory_format=torch.channels_last), model.taps())
    torch.testing.assert_close(logits, expected)
    for path, value in seen.items():
        if value.dim() == 4 and min(value.shape[1:]) > 1:
            assert value.is_contiguous(memory_format=torch.channels_last), path


@pytest.mark.parametrize("net", [NET, VARIED])
def test_export(net: Net) -> None:
    model = build(net, SHAPE).eval()
    exported = torch.export.export(model, (pictures(),), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.testing.assert_close(exported.module()(pictures(5)), model(pictures(5)))
    assert set(exported.state_dict) == {name for name, _ in model.named_parameters()} | {
        name for name, _ in model.named_buffers() if name in exported.state_dict
    }


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["eager", "inductor"])
def test_compile(model: Model, backend: str) -> None:
    model.eval()
    compiled = torch.compile(model, backend=backend, fullgraph=True)
    torch.testing.assert_close(compiled(pictures()), model(pictures()), rtol=1e-4, atol=1e-5)
    model.train()
    main, sides = torch.compile(model.outputs, backend=backend, fullgraph=True)(pictures())
    assert main.shape == sides[0][0].shape == (2, 5)


@pytest.mark.slow
def test_compiled_in_bfloat16_it_learns_the_same() -> None:
    """Inductor's own amax has no gradient there."""
    net = Conv(8, 3, padding=1) >> ReLU() >> (GlobalMaxPool() | GlobalMinPool()) >> Flatten() >> Dense(5)
    model = build(net, SHAPE, seed=3).train()
    gradients = []
    for outputs in (model.outputs, torch.compile(model.outputs)):
        model.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            main, _ = outputs(pictures(16))
        torch.nn.functional.cross_entropy(main.float(), torch.arange(16) % 5).backward()
        gradients.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    for plain, compiled in zip(*gradients, strict=True):
        assert compiled.isfinite().all()
        assert (plain - compiled).norm() < 0.1 * plain.norm()
    torch._dynamo.reset()


def test_compile_sees_one_graph(model: Model) -> None:
    assert torch._dynamo.explain(model.eval())(pictures()).graph_break_count == 0
    torch._dynamo.reset()


def test_a_copy_is_a_model_of_its_own(model: Model) -> None:
    model.eval()
    copied = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.zero_()
    assert not copied(pictures()).any()
    assert model(pictures()).any()


def test_a_state_goes_out_and_comes_in(model: Model) -> None:
    other = build(NET, SHAPE, seed=99).eval()
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(pictures()), model.eval()(pictures()))
