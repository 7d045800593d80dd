"""Losses of numbers equal PyTorch's and scikit-learn's, their slopes are derivatives, each learns what it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_pinball_loss

from striate.errors import StriateError
from striate.tasks.number_loss import BETA, LOSSES, NumberLoss


def drawn(rows: int = 64, width: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(rows, width, generator=generator, dtype=torch.float64),
        torch.randn(rows, width, generator=generator, dtype=torch.float64),
    )


def test_values_equal_pytorchs_and_scikit_learns():
    outputs, targets = drawn()
    smooth = torch.nn.functional.smooth_l1_loss(outputs, targets, beta=BETA)
    assert NumberLoss().of(outputs, targets).mean().item() == pytest.approx(smooth.item())
    squared = 0.5 * torch.nn.functional.mse_loss(outputs, targets)
    assert NumberLoss("squared").of(outputs, targets).mean().item() == pytest.approx(squared.item())
    mine = NumberLoss("quantile", 0.9).of(outputs, targets).mean().item()
    assert mine == pytest.approx(mean_pinball_loss(targets.ravel(), outputs.ravel(), alpha=0.9), abs=0.006)  # rounded


@pytest.mark.parametrize("loss", [NumberLoss(kind, quantile) for kind in LOSSES for quantile in (0.2, 0.9)], ids=str)
def test_slopes_are_the_derivatives(loss):
    outputs, targets = drawn()
    outputs.requires_grad_()
    values, slopes = loss.with_slopes(outputs, targets)
    (derivative,) = torch.autograd.grad(values.sum(), outputs)
    assert torch.allclose(slopes, derivative)
    assert values.shape == (64,)


def test_many_heads_at_once_are_the_same_as_one_by_one():
    outputs, targets = drawn()
    both = NumberLoss().with_slopes(torch.stack([outputs, 2 * outputs]), targets)
    alone = NumberLoss().with_slopes(2 * outputs, targets)
    assert torch.equal(both[0][1], alone[0])
    assert torch.equal(both[1][1], alone[1])


def test_each_is_least_where_it_says():
    targets = torch.from_numpy(np.random.default_rng(0).exponential(size=(2001, 1)))
    tried = torch.linspace(0, 4, 401, dtype=torch.float64)

    def least(loss: NumberLoss) -> float:
        return float(tried[torch.stack([loss.of(value.expand(2001, 1), targets).mean() for value in tried]).argmin()])

    assert least(NumberLoss("squared")) == pytest.approx(float(targets.mean()), abs=0.02)
    assert least(NumberLoss("quantile")) == pytest.approx(float(targets.median()), abs=0.02)
    assert least(NumberLoss("quantile", 0.9)) == pytest.approx(float(targets.quantile(0.9)), abs=0.03)
    assert float(targets.median()) < least(NumberLoss()) < float(targets.mean())


def test_names():
    assert NumberLoss.named(None) == NumberLoss("smooth-l1")
    assert NumberLoss.named("squared") == NumberLoss("squared")
    assert NumberLoss.named("quantile") == NumberLoss("quantile", 0.5)
    for text in ("quantile 0.9", "quantile:0.9", "quantile=0.9"):
        assert NumberLoss.named(text) == NumberLoss("quantile", 0.9)
    for text in ("huber", "quantile 1.5", "quantile x", ""):
        with pytest.raises(StriateError, match="smooth-l1, squared, quantile"):
            NumberLoss.named(text)
