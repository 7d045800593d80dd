"""The losses of tags against torch's own, by hand, and by finite differences."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from striate.tasks.tag_loss import asymmetric, cross_entropy, positive_weights_balanced


def drawn(n: int = 7, tags: int = 3, *, scale: float = 3.0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return scale * torch.randn(n, tags, generator=generator), (torch.rand(n, tags, generator=generator) < 0.4).long()


def test_cross_entropy_is_torchs_summed_over_tags():
    logits, targets = drawn()
    weights = torch.tensor([1.0, 3.0, 0.5])
    expected = functional.binary_cross_entropy_with_logits(
        logits, targets.float(), pos_weight=weights, reduction="none"
    )
    torch.testing.assert_close(cross_entropy(logits, targets, positive_weights=weights), expected.sum(1).mean())
    halves = (cross_entropy(logits[:3], targets[:3]) * 3 + cross_entropy(logits[3:], targets[3:]) * 4) / 7
    torch.testing.assert_close(cross_entropy(logits, targets), halves)
    aims = torch.where(targets > 0, 0.95, 0.05)
    expected = functional.binary_cross_entropy_with_logits(logits, aims, reduction="none").sum(1).mean()
    torch.testing.assert_close(cross_entropy(logits, targets, smoothing=0.1), expected)


def test_asymmetric_with_nothing_asymmetric_is_the_cross_entropy():
    logits, targets = drawn(scale=30.0)
    plain = asymmetric(logits, targets, gamma_positive=0, gamma_negative=0, margin=0)
    torch.testing.assert_close(plain, cross_entropy(logits, targets))


def test_asymmetric_is_what_the_paper_writes():
    p_there, p_missing = 0.7, 0.4
    logits = torch.logit(torch.tensor([[p_there, p_missing]]))
    found = asymmetric(logits, torch.tensor([[1, 0]]), gamma_positive=1.0, gamma_negative=4.0, margin=0.05)
    moved = torch.tensor(p_missing - 0.05)
    expected = -(1 - p_there) * torch.log(torch.tensor(p_there)) - moved**4 * torch.log(1 - moved)
    torch.testing.assert_close(found, expected)
    easy = torch.logit(torch.tensor([[0.04]])).requires_grad_()
    asymmetric(easy, torch.tensor([[0]])).backward()
    assert easy.grad is not None
    assert easy.grad.item() == 0.0  # below the margin nothing is learnt


@pytest.mark.parametrize("margin", [0.0, 0.05])
def test_its_gradient_is_that_of_finite_differences(margin):
    logits, targets = drawn()
    logits.requires_grad_()
    asymmetric(logits, targets, gamma_positive=1.0, margin=margin).backward()
    step, wide = 1e-3, logits.detach()
    for row, tag in ((0, 0), (3, 1), (6, 2)):
        there, back = wide.clone(), wide.clone()
        there[row, tag] += step
        back[row, tag] -= step
        pair = [asymmetric(one, targets, gamma_positive=1.0, margin=margin).item() for one in (there, back)]
        assert logits.grad[row, tag].item() == pytest.approx((pair[0] - pair[1]) / (2 * step), abs=2e-3)


def test_it_stays_finite_where_answers_are_certain_and_wrong():
    logits = torch.tensor([[200.0, -200.0]], requires_grad=True)
    loss = asymmetric(logits, torch.tensor([[0, 1]]))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0, 1] < 0  # a tag that is missed is drawn up


def test_balanced_weights_make_positives_count_as_much_as_negatives():
    weights = positive_weights_balanced([[1, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]])
    assert weights.tolist() == [3.0, 1.0, 1.0]
    assert weights.dtype == torch.float32
