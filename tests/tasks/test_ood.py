"""None of these: better than the largest softmax on held-out digits, sensible with few pictures, repeatable."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from striate.errors import ModelError, StriateError
from striate.tasks import ood as room
from striate.tasks import sketch
from striate.tasks.calibrate import fit_temperature
from striate.tasks.contrast import contrast
from striate.tasks.ood import OODDetector, fit_ood


def clusters(per_class, *, width=16, classes=3, spread=1.0, seed=0):
    """Embeddings about one direction a class, with logits that tell the classes apart."""
    generator = np.random.default_rng(seed)
    targets = np.repeat(np.arange(classes), per_class)
    embeddings = np.eye(classes, width)[targets] * 8 + spread * generator.normal(size=(len(targets), width))
    return embeddings, embeddings[:, :classes], targets


def test_tells_gaussians_in_another_direction_apart():
    train, _, targets = clusters(200, seed=1)
    val, test = clusters(100, seed=2), clusters(200, seed=3)
    fitted = fit_ood(train, targets, val[0], val[1])
    generator = np.random.default_rng(4)
    # Between two known ones, but far along a direction none of them has.
    middle = (np.eye(16)[0] + np.eye(16)[1]) * 5 + np.eye(16)[9] * 8
    strange = middle + generator.normal(size=(300, 16))
    found = contrast(fitted, test[:2], (strange, strange[:, :3]))
    assert found.auroc.value > 0.999
    assert found.found > 0.95
    assert found.kept > 0.95


@pytest.mark.parametrize("per_class", [20, 60, 200])
def test_known_pictures_are_kept_at_the_share_asked_for(per_class):
    kept = []
    for seed in range(10):
        train, _, targets = clusters(100, seed=3 * seed)
        val, test = clusters(per_class, seed=3 * seed + 1), clusters(300, seed=3 * seed + 2)
        fitted = fit_ood(train, targets, *val[:2], known_kept=0.95)
        assert not fitted.is_unknown(fitted.score(*val[:2])).mean() > 0.05
        kept.append(1 - fitted.is_unknown(fitted.score(*test[:2])).mean())
    assert 0.935 <= np.mean(kept) <= 0.975


def digits_with_one_held_out(held_out, seed):
    """A small net on the digits but one: embeddings and logits of train, val, test and the one held out."""
    pictures, labels = load_digits(return_X_y=True)
    inputs = torch.from_numpy(pictures.reshape(-1, 1, 8, 8).astype(np.float32) / 8 - 1)
    known = np.flatnonzero(labels != held_out)
    order = np.random.default_rng(seed).permutation(known)
    train, val, test = order[:900], order[900:1200], order[1200:]
    targets = torch.from_numpy(labels - (labels > held_out))
    torch.manual_seed(seed)
    body = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(512, 48), nn.ReLU(),
    )  # fmt: skip
    head = nn.Linear(48, 9)
    optimiser = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=3e-3)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(8):
        for rows in torch.from_numpy(train)[torch.randperm(len(train), generator=generator)].split(32):
            optimiser.zero_grad()
            nn.functional.cross_entropy(head(body(inputs[rows])), targets[rows], label_smoothing=0.1).backward()
            optimiser.step()
    with torch.no_grad():
        embeddings = body(inputs)
        logits = head(embeddings).numpy()
    embeddings = embeddings.numpy()
    strange = np.flatnonzero(labels == held_out)
    return [(embeddings[part], logits[part], targets[part].numpy()) for part in (train, val, test, strange)]


def test_a_digit_held_out_is_told_apart_better_than_by_the_largest_softmax():
    gains = []
    for held_out in (4, 8, 1, 9):
        train, val, test, strange = digits_with_one_held_out(held_out, seed=held_out)
        temperature = fit_temperature(val[1], val[2])
        fitted = fit_ood(train[0], train[2], val[0], val[1], temperature=temperature)
        found = contrast(fitted, test[:2], strange[:2])
        assert found.auroc.value > found.softmax_auroc.value, held_out
        assert found.kept > 0.93
        gains.append(found.auroc.value - found.softmax_auroc.value)
    assert np.mean(gains) > 0.01


@pytest.mark.parametrize("val_count", [1, 2, 5])
@pytest.mark.parametrize("width", [4, 1600])
def test_few_pictures_answer_rather_than_refuse(val_count, width):
    # Ten a class, more numbers than pictures, a validation split of almost nothing.
    train, _, targets = clusters(10, width=width, seed=5, spread=0.3)
    val, test = clusters(10, width=width, seed=6, spread=0.3), clusters(30, width=width, seed=7, spread=0.3)
    fitted = fit_ood(train, targets, val[0][:val_count], val[1][:val_count])
    scores = fitted.score(*test[:2])
    assert np.isfinite(scores).all()
    assert fitted.threshold is not None
    same_class = scores[:30] if val_count < 10 else scores
    assert fitted.is_unknown(same_class).mean() <= 0.1
    assert fitted.pictures == val_count


def test_no_validation_picture_calls_nothing_unknown():
    train, logits, targets = clusters(10)
    fitted = fit_ood(train, targets, train[:0], logits[:0])
    assert fitted.threshold is None
    assert not fitted.is_unknown(fitted.score(train * -1, logits)).any()
    json.dumps(fitted.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("embeddings", "logits"),
    [
        (np.ones((30, 4)), np.zeros((30, 2))),  # all the same
        (np.zeros((30, 4)), np.zeros((30, 2))),  # a dead layer
        (np.random.default_rng(0).random((30, 4)) * 1e-30, np.zeros((30, 2))),
        (np.random.default_rng(0).random((30, 4)) * 1e30, np.zeros((30, 2)) + 1e4),
        (np.random.default_rng(0).random((30, 4)), np.random.default_rng(1).normal(size=(30, 2)) * 1e4),
        (np.random.default_rng(0).random((30, 4)), np.zeros((30, 1))),  # one class
        (np.random.default_rng(0).random((1, 4)), np.zeros((1, 3))),
    ],
)
def test_odd_embeddings_give_finite_scores(embeddings, logits):
    fitted = fit_ood(embeddings, np.zeros(len(embeddings), dtype=int), embeddings, logits)
    assert np.isfinite(fitted.score(embeddings, logits)).all()
    assert np.isfinite(fitted.threshold)


def test_same_from_the_file_and_same_every_time():
    train, _, targets = clusters(50, width=600)
    val = clusters(20, width=600, seed=1)
    fitted = fit_ood(train, targets, *val[:2], temperature=1.7)
    tensors = {**fitted.to_tensors(), "conv1.weight": np.zeros(3)}
    assert all(name.startswith("unknown.") for name in fitted.to_tensors())
    back = OODDetector.from_tensors(tensors, json.loads(json.dumps(fitted.to_dict(), allow_nan=False)))
    np.testing.assert_array_equal(back.score(*val[:2]), fitted.score(*val[:2]))
    assert (back.threshold, back.temperature) == (fitted.threshold, 1.7)
    again = fit_ood(train, targets, *val[:2], temperature=1.7)
    np.testing.assert_array_equal(again.stored, fitted.stored)
    assert again.threshold == fitted.threshold


def test_stays_small():
    generator = np.random.default_rng(0)
    wide = generator.normal(size=(3000, 2000)).astype(np.float32)
    fitted = fit_ood(wide, np.arange(3000) % 10, wide[:50], wide[:50, :10])
    assert fitted.stored.shape == (2000, 512)
    assert sum(array.nbytes for array in fitted.to_tensors().values()) <= 2_100_000


def test_folding_keeps_angles():
    generator = np.random.default_rng(1)
    wide = generator.normal(size=(40, 3000)).astype(np.float32)
    wide[20:] = wide[:20] + 0.5 * generator.normal(size=(20, 3000))
    exact = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    folded = room.unit(wide)
    assert folded.shape == (40, 512)
    assert np.abs(folded @ folded.T - exact @ exact.T).max() < 0.2
    # The hash must never change, or stored embeddings lose their meaning. SplitMix64 from 0 begins, as published, with
    # 0xE220A8397B1DCDAF: place 0x1AF = 431, and the top bit says plus.
    one = np.zeros((1, 600), dtype=np.float32)
    one[0, [0, 1, 599]] = (1, 2, 4)
    assert {int(i): float(v) for i, v in enumerate(sketch.folded(one)[0]) if v} == {431: 1.0, 500: -2.0, 245: -4.0}


def test_stored_ones_are_spread_over_classes(monkeypatch):
    monkeypatch.setattr(sketch, "STORED", 50)
    targets = np.repeat([0, 1, 2], [500, 8, 100])
    chosen = sketch.spread_evenly(targets)
    assert len(chosen) == 50
    assert len(set(chosen.tolist())) == 50
    assert np.bincount(targets[chosen]).tolist() == [21, 8, 21]
    assert sketch.spread_evenly(targets[chosen]).tolist() == list(range(50))  # so those alone need be asked
    assert len(sketch.spread_evenly(np.arange(100))) == 100


def test_distance_is_the_mean_of_the_five_nearest():
    generator = np.random.default_rng(2)
    stored = room.unit(generator.normal(size=(40, 6)).astype(np.float32)).astype(np.float16)
    units = room.unit(generator.normal(size=(9, 6)).astype(np.float32))
    for unit, found in zip(units, room.log_distance(units, stored), strict=True):
        naive = sorted(1 - float(np.dot(unit.astype(float), other.astype(float))) for other in stored)[:5]
        assert found == pytest.approx(np.log(np.mean(naive) + 1e-6), abs=1e-4)


def test_indecision_is_the_generalised_entropy():
    logits = np.random.default_rng(3).normal(size=(20, 5)) * 3
    p = np.exp(logits / 1.5) / np.exp(logits / 1.5).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(room._log_indecision(logits, 1.5), np.log(((p * (1 - p)) ** 0.3).sum(axis=1)), rtol=1e-9)


def test_refusals():
    train, logits, targets = clusters(10)
    fitted = fit_ood(train, targets, train, logits)
    with pytest.raises(StriateError, match="5 numbers wide but were 16"):
        fitted.score(train[:, :5], logits)
    with pytest.raises(StriateError, match="30 embeddings but 2"):
        fitted.score(train, logits[:2])
    with pytest.raises(StriateError, match="NaN"):
        fitted.score(np.full((1, 16), np.nan), logits[:1])
    with pytest.raises(StriateError, match="known_kept"):
        fit_ood(train, targets, train, logits, known_kept=0.0)
    with pytest.raises(StriateError, match="no training pictures"):
        fit_ood(train[:0], targets[:0], train, logits)
    for tensors, facts in (
        ({}, fitted.to_dict()),
        (fitted.to_tensors(), {}),
        (fitted.to_tensors(), {**fitted.to_dict(), "width": 7}),
        ({"unknown.stored": np.zeros(3)}, fitted.to_dict()),
    ):
        with pytest.raises(ModelError, match="none of these"):
            OODDetector.from_tensors(tensors, facts)


def test_a_stored_picture_is_scored_by_the_others():
    rng = np.random.default_rng(4)
    train, logits = rng.normal(size=(60, 16)), rng.normal(size=(60, 3))
    fitted = fit_ood(train, np.arange(60) % 3, rng.normal(size=(40, 16)), rng.normal(size=(40, 3)))
    without = replace(fitted, stored=fitted.stored[1:])
    assert np.isclose(fitted.score(train[:1], logits[:1], stored=True), without.score(train[:1], logits[:1]))
    assert fitted.score(train[:1], logits[:1]) < fitted.score(train[:1], logits[:1], stored=True)
    alone = replace(fitted, stored=fitted.stored[:1])
    assert np.isfinite(alone.score(train[:1], logits[:1], stored=True))
