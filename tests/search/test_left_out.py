"""Answers in parts, by how many they were, and labels that are most spoken against."""

from __future__ import annotations

import numpy as np
import pytest

from striate.search import left_out
from striate.search.kernel_answers import seen


def folder(count: int = 150) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    labels = np.arange(count) % 3
    raw = rng.random((count, 24)) + 0.35 * (labels[:, None] == np.arange(24) % 3)
    return seen(raw.astype(np.float16), (24,)), labels


def test_parts_deal_every_class_evenly() -> None:
    _, labels = folder()
    place = left_out.dealt(labels, 4, 0)
    counts = np.array([np.bincount(labels[place == part], minlength=3) for part in range(4)])
    assert counts.min() >= 12 and counts.max() <= 13


def test_many_pictures_are_answered_for_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, labels = folder()
    whole = left_out.answers(vectors, labels, 3, np.arange(150))
    monkeypatch.setattr(left_out, "MOST", 60)
    told: list[tuple[int, int]] = []
    parts = left_out.answers(vectors, labels, 3, np.arange(150), progress=lambda *far: told.append(far))
    assert told == [(1, 3), (2, 3), (3, 3)]
    for said in (whole, parts):
        assert np.allclose(said.sum(axis=1), 1, atol=1e-5) and (said.argmax(axis=1) == labels).mean() > 0.7
    assert np.abs(whole - parts).max() > 0.01


def test_a_curve_rises_with_what_it_was_learnt_from() -> None:
    vectors, labels = folder()
    found = left_out.curve_answers(vectors, labels, 3, np.arange(150))
    assert found is not None
    numbers, right = found
    assert numbers.tolist() == [19, 38, 75, 150] and right.shape == (4, 150)
    assert 0.33 < right[0].mean() < right[3].mean()
    assert left_out.curve_answers(vectors[:40], labels[:40], 3, np.arange(40)) is None


def test_copies_do_not_count_as_near() -> None:
    vectors, labels = folder()
    vectors[10], groups = vectors[0], np.arange(150)
    assert left_out.neighbours(vectors, labels, 3, groups)[1][0, 0] == 10
    groups[10] = 0
    assert 10 not in left_out.neighbours(vectors, labels, 3, groups)[1][0]


def test_exchanged_labels_are_spoken_against_most() -> None:
    vectors, labels = folder()
    said = labels.copy()
    said[[3, 50, 101]] = (said[[3, 50, 101]] + 1) % 3
    given = left_out.answers(vectors, said, 3, np.arange(150))
    shares, _ = left_out.neighbours(vectors, said, 3, np.arange(150))
    score = left_out.against(given, shares, said)
    assert {3, 50, 101} <= set(np.argsort(-score)[:6].tolist())
