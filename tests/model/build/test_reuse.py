"""Writing over what nothing needs any more: the same outputs and gradients to the bit, in less memory."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from striate import nets
from striate.model.build.model import Model, build
from striate.spec import Add, BatchNorm, Conv, Dense, Flatten, GlobalAvgPool, Identity, Net, ReLU, Shape

TAIL = GlobalAvgPool() >> Flatten() >> Dense(3)
BRANCH = Conv(8, 3, padding=1, bias=False) >> BatchNorm()
NETS: dict[str, Net] = {
    "one after the other": Conv(8, 3) >> ReLU() >> BRANCH >> ReLU() >> Flatten() >> Dense(6) >> ReLU() >> Dense(3),
    "a residual": BRANCH >> ReLU() >> ((BRANCH >> ReLU() >> BRANCH) + Identity()) >> ReLU() >> TAIL,
    "two branches": Conv(8, 3) >> ReLU() >> (BRANCH + BRANCH) >> ReLU() >> TAIL,
    # The convolution needs the batch norm's output for its gradient, though the ReLU is the last that reads it.
    "read twice": BRANCH >> (Conv(8, 3, padding=1) | ReLU()) >> TAIL,
    "twice the same": BRANCH >> (Identity() + Identity()) >> ReLU() >> TAIL,
    "twice the same and another": BRANCH >> ReLU() >> Add([Identity(), Identity(), BRANCH]) >> ReLU() >> TAIL,
    "three branches": BRANCH >> ReLU() >> Add([BRANCH, BRANCH, Identity()]) >> ReLU() >> TAIL,
    "resnet20": nets.resolve("resnet20"),
    "googlenet, both side heads": nets.resolve("googlenet"),
    "mobilenet": nets.resolve("mobilenet_v2"),
}


def gradients(model: Model, inputs: Tensor, *, reuse: bool) -> list[Tensor]:
    """Return the outputs and the gradient of every weight, with the same dropout every time."""
    torch.manual_seed(0)
    values = model._full.run(inputs, reuse=reuse)
    found = [values[model._full.output], *(values[value] for value, _ in model._sides)]
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    return [*found, *torch.autograd.grad(sum(each.square().sum() for each in found), weights, allow_unused=True)]


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("training", [True, False])
def test_nothing_changes(name: str, training: bool) -> None:
    shape = Shape(3, 224, 224) if name.startswith("googlenet") else Shape(3, 32, 32)
    model = build(NETS[name].with_classes(3) if name[0] in "gmr" else NETS[name], shape, seed=0).train(training)
    inputs = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1)).requires_grad_()
    state = {key: value.clone() for key, value in model.state_dict().items()}
    plain = gradients(model, inputs, reuse=False)
    model.load_state_dict(state)
    written = gradients(model, inputs, reuse=True)
    for one, other in zip(plain, written, strict=True):
        assert (one is None) == (other is None)
        assert one is None or torch.equal(one, other)
    if not training:
        with torch.no_grad():
            assert torch.equal(model._full.run(inputs, reuse=True)[model._full.output], plain[0])


def test_a_sum_of_two_precisions_is_as_precise_as_the_better() -> None:
    """Under autocast a convolution answers in bfloat16; added to the input in float32 the sum is float32."""
    branch = Conv(3, 3, padding=1, bias=False) >> BatchNorm()
    model = build((branch + Identity()) >> TAIL, Shape(3, 8, 8), seed=0).train()
    inputs = torch.randn(2, 3, 8, 8)
    added = model._value("add1")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        plain, written = (model._main.run(inputs, keep={added}, reuse=reuse)[added] for reuse in (False, True))
    assert written.dtype == torch.float32 and torch.equal(written, plain)


def test_what_is_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every ReLU behind a convolution, norm or dense layer; but not where somebody listens or wants to have it."""
    model = build(NETS["one after the other"], Shape(3, 32, 32), seed=0).train()
    inputs, over = torch.randn(2, 3, 32, 32), 0
    plainly = torch.relu_

    def counted(value: Tensor) -> Tensor:
        nonlocal over
        over += 1
        return plainly(value)

    monkeypatch.setattr(torch, "relu_", counted)
    model.outputs(inputs)
    assert over == 3
    over, seen = 0, list[Tensor]()
    hook = model.get_submodule("conv1").register_forward_hook(lambda module, given, output: seen.append(output))
    model.outputs(inputs)
    hook.remove()
    assert over == 2 and seen[0].min() < 0
    over, conv = 0, model._value("conv1")
    assert model._main.run(inputs, keep={conv}, reuse=True)[conv].min() < 0 and over == 2
    over = 0
    _, taps = model.forward_with(inputs, ["conv1"])
    model(inputs)
    assert over == 0 and taps["conv1"].min() < 0
    with torch.no_grad():
        model.embed(inputs)
    assert over == 3
