"""Schedules against torch's own, optimisers against torch's own, averages against the formula."""

from __future__ import annotations

import pytest
import torch
from tests.configs import config
from torch import nn
from torch.optim import lr_scheduler

from striate.engine.momentum import Momentum
from striate.engine.optimise import average, clip, optimiser, schedule
from striate.errors import RecipeError


def torchs(make_scheduler, steps: int) -> list[float]:
    """The factors that a torch scheduler gives to a learning rate of 1."""
    sgd = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make_scheduler(sgd)
    factors = []
    for _ in range(steps):
        factors.append(sgd.param_groups[0]["lr"])
        sgd.step()
        scheduler.step()
    return factors


def ours(steps: int, **fields: object) -> list[float]:
    factor = schedule(config(**fields), steps)
    return [factor(step) for step in range(steps)]


@pytest.mark.parametrize("steps", [1, 2, 7, 100])
@pytest.mark.parametrize("final", [0.0, 0.1])
def test_cosine_is_torchs(steps, final):
    expected = torchs(lambda sgd: lr_scheduler.CosineAnnealingLR(sgd, T_max=steps, eta_min=final), steps)
    assert ours(steps, schedule="cosine", warmup=0.0, final_rate=final) == pytest.approx(expected, abs=1e-12)


def test_cosine_after_a_warm_up_is_torchs():
    def both(sgd: torch.optim.Optimizer) -> lr_scheduler.LRScheduler:
        rise = lr_scheduler.LinearLR(sgd, start_factor=1 / 20, end_factor=1.0, total_iters=19)
        fall = lr_scheduler.CosineAnnealingLR(sgd, T_max=80)
        return lr_scheduler.SequentialLR(sgd, [rise, fall], milestones=[20])

    expected = torchs(both, 100)
    assert ours(100, schedule="cosine", warmup=0.2) == pytest.approx(expected, abs=1e-12)


def test_one_cycle_rises_and_falls_in_straight_lines_as_torchs_do():
    def both(sgd: torch.optim.Optimizer) -> lr_scheduler.LRScheduler:
        rise = lr_scheduler.LinearLR(sgd, start_factor=1 / 10, end_factor=1.0, total_iters=9)
        fall = lr_scheduler.LinearLR(sgd, start_factor=1.0, end_factor=0.05, total_iters=30)
        return lr_scheduler.SequentialLR(sgd, [rise, fall], milestones=[10])

    expected = torchs(both, 40)
    assert ours(40, schedule="one-cycle", warmup=0.25, final_rate=0.05) == pytest.approx(expected, abs=1e-12)


def test_steps_fall_at_the_milestones_as_torchs_do():
    expected = torchs(lambda sgd: lr_scheduler.MultiStepLR(sgd, [50, 75], gamma=0.1), 100)
    assert ours(100, schedule="step", warmup=0.0) == pytest.approx(expected, abs=1e-12)


def test_exponential_counts_epochs_as_torchs_does():
    """11 steps an epoch, which does not divide 1 evenly; times 0.94 every second epoch."""
    expected = torchs(lambda sgd: lr_scheduler.StepLR(sgd, step_size=22, gamma=0.94), 77)
    fields = {"schedule": "exponential", "gamma": 0.94, "every": 2, "warmup": 0.0}
    assert ours(77, epochs=7, **fields) == pytest.approx(expected, abs=1e-12)
    for a_epoch in (3, 7, 49, 351):  # falls on the very step, whatever is left of the division
        longer = ours(5 * a_epoch, epochs=5, **(fields | {"every": 1}))
        assert [sum(f == pytest.approx(0.94**n) for f in longer) for n in range(5)] == [a_epoch] * 5


def test_constant_after_its_warm_up():
    assert ours(8, schedule="constant", warmup=0.5) == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("name", ["constant", "step", "exponential", "cosine", "one-cycle"])
@pytest.mark.parametrize("steps", [1, 2, 3, 11])
def test_every_step_of_every_length_has_a_rate_above_nothing(name, steps):
    assert all(0 < factor <= 1 for factor in ours(steps, schedule=name, warmup=0.9, epochs=1))


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 2))


TORCHS = {
    "sgd": lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True, foreach=False),
    "rmsprop": lambda groups: torch.optim.RMSprop(groups, lr=0.1, momentum=0.9, foreach=False),
    "adam": lambda groups: torch.optim.Adam(groups, lr=0.1, betas=(0.8, 0.99), foreach=False, fused=False),
    "adamw": lambda groups: torch.optim.AdamW(groups, lr=0.1, betas=(0.8, 0.99), foreach=False, fused=False),
}


@pytest.mark.parametrize("name", list(TORCHS))
def test_optimisers_are_torchs_with_decay_on_weights_only(name):
    """Against torch's plainest form of each, with the groups written by hand."""
    recipe = config(optimiser=name, learning_rate=0.1, weight_decay=0.05, betas=(0.8, 0.99))
    mine, theirs = net().to(memory_format=torch.channels_last), net()
    ours = optimiser(mine, recipe)
    conv, norm, dense = theirs[0], theirs[1], theirs[3]
    reference = TORCHS[name](
        [
            {"params": [conv.weight, dense.weight], "weight_decay": 0.05},
            {"params": [conv.bias, norm.weight, norm.bias, dense.bias], "weight_decay": 0.0},
        ]
    )
    for step in range(5):
        random = torch.Generator().manual_seed(step)
        for p, q in zip(mine.parameters(), theirs.parameters(), strict=True):
            q.grad = torch.randn(q.shape, generator=random)
            p.grad = torch.empty_like(p).copy_(q.grad)
        ours.step()
        reference.step()
    for p, q in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p, q.to(p), rtol=1e-5, atol=1e-6)


def test_rmsprop_of_the_paper_and_the_eps_of_adam():
    paper = optimiser(net(), config(optimiser="rmsprop", learning_rate=0.045, alpha=0.9, eps=1.0))
    assert (paper.defaults["alpha"], paper.defaults["eps"]) == (0.9, 1.0)
    assert optimiser(net(), config(optimiser="adamw", learning_rate=0.1, eps=1e-3)).defaults["eps"] == 1e-3
    usual = optimiser(net(), config(optimiser="rmsprop", learning_rate=0.1)).defaults
    torchs = torch.optim.RMSprop(net().parameters(), lr=0.1, momentum=0.9).defaults
    assert {**usual, "foreach": None} == torchs


def test_sgd_has_the_momentum_of_the_recipe():
    made = optimiser(net(), config(optimiser="sgd", learning_rate=0.1, momentum=0.3, nesterov=False))
    assert isinstance(made, Momentum) and (made.momentum, made.nesterov) == (0.3, False)
    usual = optimiser(net(), config(optimiser="muon", learning_rate=0.1))
    assert isinstance(usual, Momentum) and (usual.momentum, usual.nesterov) == (0.9, True)


def test_a_net_without_parameters_is_named():
    with pytest.raises(RecipeError, match="no parameters to train"):
        optimiser(nn.ReLU(), config(optimiser="sgd", learning_rate=0.1))


def test_averages_follow_the_formula():
    live, averaged = torch.tensor([1.0], dtype=torch.float64), torch.tensor([0.0], dtype=torch.float64)
    expected = 0.0
    for update in range(200):
        live += 0.5
        average([averaged], [live], decay=0.9, updates=update)
        decay = min(0.9, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * float(live)
        assert float(averaged) == pytest.approx(expected, rel=1e-12)


def test_clipping_is_by_the_norm_of_all_gradients_together():
    first, second = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1))
    first.grad, second.grad = torch.tensor([3.0, 0.0]), torch.tensor([4.0])
    assert float(clip([first, second], 1.0)) == 5.0
    torch.testing.assert_close(first.grad, torch.tensor([0.6, 0.0]))
    torch.testing.assert_close(second.grad, torch.tensor([0.8]))
    assert float(clip([first, second], 10.0)) == pytest.approx(1.0)
    torch.testing.assert_close(second.grad, torch.tensor([0.8]))
