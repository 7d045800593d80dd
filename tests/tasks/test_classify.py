"""The loss against PyTorch's own, weights against scikit-learn, and the way from logits to answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional

from striate.errors import StriateError
from striate.model.build.model import Outputs
from striate.tasks import classify
from striate.tasks.ood import fit_ood


def batch(n=12, k=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, k, generator=generator), torch.randint(0, k, (n,), generator=generator)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_is_cross_entropy(smoothing):
    logits, targets = batch()
    expected = functional.cross_entropy(logits, targets, label_smoothing=smoothing)
    torch.testing.assert_close(classify.loss(Outputs(logits, ()), targets, label_smoothing=smoothing), expected)


def test_smoothing_by_hand():
    logits, targets = torch.tensor([[2.0, 0.0]]), torch.tensor([0])
    log_p = torch.log_softmax(logits, dim=1)[0]
    expected = -(0.95 * log_p[0] + 0.05 * log_p[1])
    torch.testing.assert_close(classify.loss(Outputs(logits, ()), targets, label_smoothing=0.1), expected)


def test_side_heads_are_weighed_in():
    (main, targets), (side, _), (other, _) = batch(), batch(seed=1), batch(seed=2)
    found = classify.loss(Outputs(main, ((side, 0.3), (other, 0.5))), targets)
    parts = [functional.cross_entropy(logits, targets) for logits in (main, side, other)]
    torch.testing.assert_close(found, parts[0] + 0.3 * parts[1] + 0.5 * parts[2])


def test_parts_of_a_batch_add_up_with_class_weights():
    logits, targets = batch(n=12)
    weights = torch.tensor([0.5, 1.0, 2.0, 3.0])
    whole = classify.loss(Outputs(logits, ()), targets, class_weights=weights, label_smoothing=0.1)
    parts = [
        classify.loss(Outputs(logits[s], ()), targets[s], class_weights=weights, label_smoothing=0.1) * len(targets[s])
        for s in (slice(0, 5), slice(5, 12))
    ]
    torch.testing.assert_close(sum(parts) / 12, whole)
    by_hand = (functional.cross_entropy(logits, targets, reduction="none") * weights[targets]).mean()
    torch.testing.assert_close(classify.loss(Outputs(logits, ()), targets, class_weights=weights), by_hand)


def test_half_precision_is_summed_in_single():
    logits, targets = batch()
    found = classify.loss(Outputs(logits.bfloat16(), ()), targets)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, functional.cross_entropy(logits.bfloat16().float(), targets))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=50))
def test_balanced_weights_equal_scikit_learn(targets):
    found = classify.class_weights_balanced(targets, 6).numpy()
    present = np.unique(targets)
    np.testing.assert_allclose(found[present], compute_class_weight("balanced", classes=present, y=targets), rtol=1e-6)
    assert found[np.setdiff1d(np.arange(6), present)].sum() == 0
    assert found[targets].mean() == pytest.approx(1.0, rel=1e-5)


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.float32, np.float64]), st.sampled_from([1.0, 1e4]))
@settings(max_examples=30)
def test_decode_gives_calibrated_probabilities(seed, dtype, scale):
    logits = (np.random.default_rng(seed).normal(size=(5, 3)) * scale).astype(dtype)
    answers = classify.decode(logits, ("a", "b", "c"), temperature=2.0)
    expected = torch.softmax(torch.from_numpy(logits).double() / 2.0, dim=1).numpy()
    np.testing.assert_allclose([answer.probabilities for answer in answers], expected, atol=1e-12)
    assert all(not answer.unknown and answer.ood_score is None for answer in answers)


def test_decode_names_the_unknown():
    generator = np.random.default_rng(0)
    middles = np.eye(2, 8) * 10
    targets = np.arange(200) % 2
    embeddings = middles[targets] + generator.normal(size=(200, 8))
    logits = embeddings[:, :2]
    unknown = fit_ood(embeddings[:100], targets[:100], embeddings[100:], logits[100:])
    strange = np.zeros((1, 8)) + 9 * np.eye(8)[5]
    answers = classify.decode(
        np.vstack([logits[:1], strange[:, :2]]),
        ("cat", "dog"),
        embeddings=np.vstack([embeddings[:1], strange]),
        unknown=unknown,
    )
    assert not answers[0].unknown
    assert answers[0].best == "cat"
    assert str(answers[1]).startswith("none of these (closest: ")
    assert answers[1].ood_score > unknown.threshold > answers[0].ood_score
    assert [answer.to_dict()["threshold"] for answer in answers] == [unknown.threshold] * 2


def test_decode_refuses_the_wrong_number_of_classes():
    with pytest.raises(StriateError, match="3 columns but there are 2 classes"):
        classify.decode([[0.0, 1.0, 2.0]], ("a", "b"))
    assert classify.decode(np.zeros((0, 2)), ("a", "b")) == []


def test_measure_is_accuracy():
    assert classify.measure([[2.0, 0.0], [2.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0, 1, 1, 0]) == {"accuracy": 0.75}
