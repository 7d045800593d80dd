"""The cross-validated head: answers by heads that have not seen the picture, choices not made on it, the same bits."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import pytest
import torch
from tests.objectives import of_classes

from striate.data.folds import fold
from striate.engine.head import DECAYS, HeadTraining, watch_head
from striate.engine.head_folds import HeadAnswers, cross_validated
from striate.engine.heads import Problem, along
from striate.errors import DivergedError


def drawn(pictures: int = 60, width: int = 8, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, classes, pictures)
    return (rng.normal(size=(classes, width))[targets] + rng.normal(size=(pictures, width))).astype(np.float32), targets


def digests(pictures: int) -> list[bytes]:
    return [number.to_bytes(8, "little") for number in range(pictures)]


def read(events: Generator[tuple[int, int], None, HeadAnswers]) -> tuple[list[tuple[int, int]], HeadAnswers]:
    seen = []
    while True:
        try:
            seen.append(next(events))
        except StopIteration as end:
            return seen, end.value


def test_a_picture_changes_no_answer_about_itself_but_by_its_features() -> None:
    """Its label may be anything: neither the heads that answer for it nor the choice of their decay know it."""
    features, targets = drawn()
    folds = fold(targets, digests(60), range(60), seed=0, count=4, draws=2)
    assert folds is not None
    before = read(cross_validated(features, of_classes(targets, 3), folds, epochs=48))[1].output
    held = set(folds.held(0, 1)) | set(folds.held(1, 2))
    row = int(next(iter(set(folds.held(0, 1)) & set(folds.held(1, 2)))))
    changed = targets.copy()
    changed[row] = (changed[row] + 1) % 3
    after = read(cross_validated(features, of_classes(changed, 3), folds, epochs=48))[1].output
    assert (before[row] == after[row]).all()
    others = [other for other in range(60) if other not in held]
    assert (before[others] != after[others]).any(axis=1).all()


def test_an_answer_is_the_mean_of_the_heads_that_are_kept() -> None:
    features, targets = drawn()
    folds = fold(targets, digests(60), range(60), seed=0, count=5, draws=3)
    assert folds is not None
    seen, answers = read(cross_validated(features, of_classes(targets, 3), folds, epochs=48))
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1)) and seen[-1][0] <= seen[-1][1]
    for row in range(60):
        mine = [
            features[row] @ answers.weights[draw, folds.places[draw, row]].T
            + answers.biases[draw, folds.places[draw, row]]
            for draw in range(3)
        ]
        np.testing.assert_allclose(answers.output[row], np.mean(mine, axis=0), rtol=1e-4, atol=1e-4)
    assert answers.path == DECAYS[: len(answers.path)]


def test_noise_is_answered_as_noise() -> None:
    """With more features than pictures the training pictures are all right; those not seen are right by chance."""
    rng = np.random.default_rng(3)
    features, targets = rng.normal(size=(120, 200)).astype(np.float32), np.arange(120) % 2
    folds = fold(targets, digests(120), range(120), seed=0, count=5)
    assert folds is not None
    logits = read(cross_validated(features, of_classes(targets, 2), folds, epochs=48))[1].output
    training = HeadTraining(features, of_classes(targets, 2), range(120), (), epochs=48)
    list(watch_head(training))
    assert (training.outputs(np.arange(120))["logits"].argmax(1) == targets).all()
    assert 0.3 < (logits.argmax(1) == targets).mean() < 0.7


def test_the_head_that_is_kept_ends_at_the_decay_chosen() -> None:
    features, targets = drawn()
    path = DECAYS[:4]
    kept = HeadTraining(features, of_classes(targets, 3), range(60), (), epochs=100, path=path)
    last = list(watch_head(kept))[-1]
    assert kept.done and kept.best_decay == last.weight_decay == path[-1]
    assert torch.equal(kept.best, kept.weight)


def test_the_only_picture_of_a_class_is_not_answered_for() -> None:
    features, targets = drawn(classes=2)
    targets[7] = 2
    folds = fold(targets, digests(60), range(60), seed=0, count=5)
    assert folds is not None
    answers = read(cross_validated(features, of_classes(targets, 3), folds, epochs=48))[1]
    assert len(answers.output) == 59 and 7 not in folds.measured


def test_many_heads_end_where_each_alone_does() -> None:
    features, targets = drawn(pictures=90, classes=4)
    sees = np.random.default_rng(1).random((6, 90)) < 0.7
    ends = list(along(Problem(features, targets, targets, sees, of_classes(targets, 4)), DECAYS[:5], epochs=400))
    for head in range(6):
        rows = np.flatnonzero(sees[head])
        for step in range(5):
            alone = HeadTraining(features, of_classes(targets, 4), rows, (), epochs=400, path=DECAYS[: step + 1])
            list(watch_head(alone))
            weight, bias = alone.dense()
            ours = ends[step][0][head], ends[step][1][head]
            theirs = torch.from_numpy(features) @ weight.T + bias
            torch.testing.assert_close(torch.from_numpy(features) @ ours[0].T + ours[1], theirs, atol=0.05, rtol=0.02)


def test_balanced_heads_weigh_classes_by_the_pictures_that_each_sees() -> None:
    """Of a class that is rare where a head looks, not of one that is rare in all: as that head alone would."""
    features, targets = drawn(pictures=90, classes=2)
    sees = np.ones((2, 90), bool)
    sees[0, np.flatnonzero(targets == 0)[3:]] = False  # the first head sees three pictures of a class, the other all
    balanced = of_classes(targets, 2, class_weights="balanced")
    (weights, biases), *_ = list(along(Problem(features, targets, targets, sees, balanced), (0.01,), epochs=400))
    for head in range(2):
        rows = np.flatnonzero(sees[head])
        counts = np.bincount(targets[rows])
        alone = HeadTraining(features, balanced, rows, (), epochs=400, decay=0.01)
        assert alone.weights is not None
        np.testing.assert_allclose(alone.weights.numpy(), len(rows) / (2 * counts), rtol=1e-6)
        list(watch_head(alone))
        weight, bias = alone.dense()
        theirs = torch.from_numpy(features) @ weight.T + bias
        torch.testing.assert_close(
            torch.from_numpy(features) @ weights[head].T + biases[head], theirs, atol=0.05, rtol=0.02
        )


def test_heads_solved_in_parts_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    features, targets = drawn()
    folds = fold(targets, digests(60), range(60), seed=0, count=5, draws=2)
    assert folds is not None
    together = read(cross_validated(features, of_classes(targets, 3), folds, epochs=48))[1]
    monkeypatch.setattr("striate.engine.heads.AT_ONCE", 3 * 9 * 4)
    parts = read(cross_validated(features, of_classes(targets, 3), folds, epochs=48))[1]
    np.testing.assert_allclose(parts.output, together.output, atol=1e-3)
    assert parts.path == together.path


def test_features_that_are_not_finite_are_refused() -> None:
    features, targets = drawn()
    features[3, 2] = np.inf
    folds = fold(targets, digests(60), range(60), seed=0, count=5)
    assert folds is not None
    with pytest.raises(DivergedError, match="not finite"):
        read(cross_validated(features, of_classes(targets, 3), folds, epochs=48))
