"""The modules of residual branches in training: what is dropped, what is decayed, where it begins."""

from __future__ import annotations

import pytest
import torch

from striate.engine.device import draw_seed, seeded
from striate.model.build.model import build, decayed
from striate.spec import (
    Conv,
    Dense,
    DropPath,
    Flatten,
    GlobalAvgPool,
    Identity,
    LayerNorm,
    LayerScale,
    PadChannels,
    Shape,
)

SHAPE = Shape(3, 6, 6)
BLOCK = (Conv(3, 3, padding=1) >> LayerNorm() >> LayerScale(1e-6) >> DropPath(0.25)).name("body") + Identity()
NET = BLOCK >> PadChannels(8) >> GlobalAvgPool() >> Flatten() >> LayerNorm() >> LayerScale() >> Dense(4)


def test_a_path_is_dropped_for_a_whole_picture_and_the_others_grow() -> None:
    model = build(DropPath(0.25), Shape(2, 3, 3)).train()
    torch.manual_seed(0)
    out = model(torch.ones(4000, 2, 3, 3))
    kept = out[:, 0, 0, 0] != 0
    assert torch.equal(out, kept.view(-1, 1, 1, 1) * torch.full_like(out, 4 / 3))
    assert float(kept.float().mean()) == pytest.approx(0.75, abs=0.03)  # four standard deviations
    assert float(out.mean()) == pytest.approx(1, abs=0.04)
    flat = build(DropPath(0.5), Shape(5)).train()(torch.ones(100, 5))
    assert set(flat.sum(1).tolist()) == {0.0, 10.0}


def test_in_evaluation_and_at_zero_nothing_is_dropped_and_nothing_drawn() -> None:
    pictures = torch.ones(8, 2, 3, 3)
    before = torch.random.get_rng_state()
    assert torch.equal(build(DropPath(0.9), Shape(2, 3, 3)).eval()(pictures), pictures)
    assert torch.equal(build(DropPath(0.0), Shape(2, 3, 3)).train()(pictures), pictures)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_draw_is_that_of_the_step() -> None:
    model = build(DropPath(0.5), SHAPE).train()
    pictures = torch.ones(64, *SHAPE)

    def at(step: int) -> torch.Tensor:
        with seeded(torch.device("cpu"), draw_seed(3, "dropout", epoch=1, step=step)):
            return model(pictures)

    assert torch.equal(at(5), at(5))
    assert not torch.equal(at(5), at(6))


def test_scales_and_norms_are_not_decayed_and_begin_where_they_are_told() -> None:
    model = build(NET, SHAPE, seed=4)
    with_decay, without = decayed(model)
    assert set(with_decay) == {"body.conv1.weight", "dense1.weight"}
    assert {"body.layerscale1.weight", "body.layernorm1.weight", "layernorm1.bias", "layerscale1.weight"} < set(without)
    state = model.state_dict()
    assert state["body.layerscale1.weight"].tolist() == pytest.approx([1e-6] * 3)
    assert state["layerscale1.weight"].tolist() == [1] * 8
    assert state["body.layernorm1.weight"].tolist() == [1] * 3
    assert not state["body.layernorm1.bias"].any()


def test_a_block_begins_as_the_identity() -> None:
    model = build(BLOCK, SHAPE).train()
    pictures = torch.randn(4, *SHAPE)
    torch.testing.assert_close(model(pictures), pictures, atol=1e-4, rtol=0)


def test_gradients_reach_everything_that_is_trained() -> None:
    model = build(NET, SHAPE).train()
    model(torch.randn(16, *SHAPE)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name
