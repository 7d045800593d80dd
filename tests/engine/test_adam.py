"""Adam and AdamW against torch's own, to the bit, and what they spare a run."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

from striate.engine.adam import Adam


def _stepped(optimiser: object, weights: list[nn.Parameter], frozen: nn.Parameter) -> list[Tensor]:
    generator = torch.Generator().manual_seed(3)
    for number in range(5):
        for group in optimiser.param_groups:  # type: ignore[attr-defined]
            group["lr"] = 0.01 * (number + 1)
        for weight in weights:
            weight.grad = torch.randn(weight.shape, generator=generator)
        optimiser.step()  # type: ignore[attr-defined]
        optimiser.zero_grad()  # type: ignore[attr-defined]
    assert all(weight.grad is None for weight in weights)
    return [weight.detach() for weight in (*weights, frozen)]


@pytest.mark.parametrize("decoupled", [False, True])
def test_steps_are_torchs_to_the_bit(decoupled: bool) -> None:
    def begun() -> tuple[list[nn.Parameter], nn.Parameter, list[dict[str, object]]]:
        generator = torch.Generator().manual_seed(2)
        first, second, still = (
            nn.Parameter(torch.randn(size, generator=generator)) for size in ((6, 3, 3, 3), (6,), (2,))
        )
        groups = [{"params": [first], "weight_decay": 0.1}, {"params": [second, still], "weight_decay": 0.0}]
        return [first, second], still, groups

    weights, still, groups = begun()
    torchs = torch.optim.AdamW if decoupled else torch.optim.Adam
    wanted = _stepped(torchs(groups, lr=0.1, betas=(0.8, 0.99), eps=1e-6, fused=True), weights, still)
    weights, still, groups = begun()
    ours = Adam(groups, lr=0.1, betas=(0.8, 0.99), eps=1e-6, decoupled=decoupled)
    found = _stepped(ours, weights, still)
    for mine, other in zip(found, wanted, strict=True):
        assert torch.equal(mine, other)
    assert float(ours.state[weights[0]]["step"]) == 5 and still not in ours.state


def test_a_step_imports_no_compiler() -> None:
    code = (
        "import sys, torch; from striate.engine.adam import Adam; w = torch.ones(2, requires_grad=True);"
        "o = Adam([{'params': [w], 'weight_decay': 0.1}], lr=0.1, decoupled=True); w.sum().backward(); o.step();"
        "print([name for name in ('torch._dynamo', 'torch._inductor', 'sympy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
