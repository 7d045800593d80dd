"""Side heads: they teach the trunk with their weight, and are gone wherever a trained net is used."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from striate.model.build.model import Model, Outputs, build
from striate.spec import parse
from striate.spec.shape import Shape
from striate.tasks import classify

TRUNK = "conv 4 3x3 pad 1 >> relu"
HEAD = "side 0.3 (globalavgpool >> flatten >> dense 7 >> relu >> dense)"
REST = "conv 5 3x3 >> relu >> globalavgpool >> flatten >> dense"
SHAPE = Shape(2, 6, 6)


def model(text: str) -> Model:
    return build(parse(text), SHAPE, classes=3, seed=4)


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(5, 2, 6, 6, generator=generator), torch.tensor([0, 1, 2, 2, 0])


def test_the_trunk_learns_from_main_and_three_tenths_of_the_side_head(batch):
    """The gradient of the whole, against those of the two heads taken one by one and added by hand."""
    inputs, targets = batch
    whole = model(f"{TRUNK} >> {HEAD} >> {REST}").train()

    def gradient(loss: torch.Tensor) -> dict[str, torch.Tensor]:
        whole.zero_grad(set_to_none=True)
        loss.backward()
        return {name: p.grad.clone() for name, p in whole.named_parameters() if p.grad is not None}

    found = gradient(classify.loss(whole.outputs(inputs), targets))
    main = gradient(functional.cross_entropy(whole.outputs(inputs).main, targets))
    side = gradient(functional.cross_entropy(whole.outputs(inputs).sides[0][0], targets))
    assert set(main) == {n for n in found if not n.startswith("side1")}
    assert set(side) == {"conv1.weight", "conv1.bias", *(n for n in found if n.startswith("side1"))}
    assert float(side["conv1.weight"].norm()) > 0.0
    for name, gradients in found.items():
        parts = (main.get(name, torch.zeros(())), 0.3 * side.get(name, torch.zeros(())))
        torch.testing.assert_close(gradients, parts[0] + parts[1], rtol=1e-4, atol=1e-7)


def test_losses_add_up_to_the_loss(batch):
    inputs, targets = batch
    outputs = model(f"{TRUNK} >> {HEAD} >> {REST}").train().outputs(inputs)
    parts = classify.losses(outputs, targets, label_smoothing=0.1)
    assert torch.equal(classify.loss(outputs, targets, label_smoothing=0.1), parts[0] + parts[1])
    by_hand = functional.cross_entropy(outputs.sides[0][0], targets, label_smoothing=0.1)
    assert float(parts[1].detach()) == pytest.approx(0.3 * float(by_hand.detach()), rel=1e-6)
    assert len(classify.losses(Outputs(outputs.main, ()), targets)) == 1


def test_in_evaluation_a_net_is_the_one_without_side_heads(batch):
    inputs, targets = batch
    whole, bare = model(f"{TRUNK} >> {HEAD} >> {REST}").eval(), model(f"{TRUNK} >> {REST}").eval()
    bare.load_state_dict({name: t for name, t in whole.state_dict().items() if not name.startswith("side1")})
    assert torch.equal(whole(inputs), bare(inputs))
    for mine, theirs in zip(whole.embed(inputs), bare.embed(inputs), strict=True):
        assert torch.equal(mine, theirs)
    outputs = whole.outputs(inputs)
    assert outputs.sides == ()
    assert torch.equal(classify.loss(outputs, targets), classify.loss(bare.outputs(inputs), targets))


def test_the_survey_tells_the_cost_of_the_heads_apart():
    whole = parse(f"{TRUNK} >> {HEAD} >> {REST}").on(SHAPE, classes=3)
    bare = parse(f"{TRUNK} >> {REST}").on(SHAPE, classes=3)
    aside = [row for row in whole.rows if row.auxiliary]
    assert whole.macs - sum(row.macs for row in aside) == bare.macs
    assert whole.parameters - sum(row.parameters for row in aside) == bare.parameters
    assert sum(row.parameters for row in aside) == (4 * 7 + 7) + (7 * 3 + 3)


def test_what_runs_in_inference_is_the_main_way_alone(batch):
    """Counted: the modules that are called."""
    whole = model(f"{TRUNK} >> {HEAD} >> {REST}").eval()
    called: list[str] = []
    for name, module in whole.named_modules():
        module.register_forward_hook(lambda *_, name=name: called.append(name))
    whole(batch[0])
    whole.embed(batch[0])
    assert called and not [name for name in called if name.startswith("side1")]
    assert np.isfinite(whole(batch[0]).detach().numpy()).all()
