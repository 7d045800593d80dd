"""Labels that were exchanged are doubted, each with its evidence; leaks are measured; nothing is where none can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate.search.checks.labels import doubtful_labels
from striate.search.examined import Examined, NearCopies
from striate.search.measured import MEASURED
from striate.verbs import told as module
from striate.verbs.leaks import leak
from striate.verbs.pooled import Features
from striate.verbs.told import copies_of
from striate.verbs.workspace import HERE

COUNT = 120


def examined(labels: np.ndarray, near: tuple[NearCopies, ...] = ()) -> Examined:
    paths = tuple(f"{row:03}.png" for row in range(COUNT))
    digests = tuple(row.to_bytes(16, "big") for row in range(COUNT))
    rows, sizes = np.zeros(COUNT, MEASURED), np.ones(COUNT, np.int64)
    return Examined("photos", paths, rows, sizes, digests, labels, ("a", "b"), ("",) * COUNT, near=near)


def told(monkeypatch: pytest.MonkeyPatch, values: np.ndarray, labels: np.ndarray) -> tuple[Examined, Any]:
    features = Features(np.arange(COUNT), np.abs(values).astype(np.float16), (values.shape[1] // 2,) * 2)
    monkeypatch.setattr(module, "pooled", lambda *_: features)
    return module.told(Path("photos"), examined(labels), HERE)


def test_exchanged_labels_come_first_with_their_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    true = np.arange(COUNT) % 2
    values = rng.random((COUNT, 32)) + 2 * (true[:, None] == np.arange(32) % 2) * (np.arange(32) % 16 < 8)
    said, wrong = true.copy(), [4, 37, 90]
    said[wrong] = 1 - said[wrong]
    found, why = told(monkeypatch, values, said)
    assert {one.row for one in found.doubts[:3]} == set(wrong) and "agree with 9" in why[0]
    assert all(one.label == said[one.row] and one.said == true[one.row] for one in found.doubts[:3])
    assert all(one.probability > 0.5 and one.alike >= 8 for one in found.doubts[:3])
    (finding,) = doubtful_labels(found)
    assert finding.cases[0].said.startswith("labelled ")
    assert found.told is not None and found.told.curve is not None and found.told.curve.pictures[-1] == COUNT


def test_nothing_is_doubted_where_classes_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).random((COUNT, 16))
    found, why = told(monkeypatch, noise, np.arange(COUNT) % 2)
    assert found.doubts == () and "does not tell these classes apart" in why[0]


def test_a_handful_of_pictures_is_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.full(COUNT, -1)
    labels[:12] = np.arange(12) % 2
    found, why = told(monkeypatch, np.eye(COUNT), labels)
    assert found.doubts == () and "two classes of 10" in why[0]


def test_copies_of_copies_are_one_group() -> None:
    near = (NearCopies((3, 8)), NearCopies((8, 20)))
    groups = copies_of(examined(np.zeros(COUNT, np.int64), near))
    assert groups[3] == groups[8] == groups[20] and len(set(groups.tolist())) == COUNT - 2


def test_copies_across_a_split_are_worth_what_they_add() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 100)  # that nothing but a copy tells
    vectors = rng.normal(size=(100, 40))
    vectors[80:] = vectors[:20]
    labels[80:] = labels[:20]
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    groups = np.arange(100)
    groups[80:] = groups[:20]
    found = leak(vectors, labels, 2, groups, ("train",) * 80 + ("test",) * 20)
    assert found is not None and found.pictures == found.tested == 20
    assert found.apparent.value > 0.9 and found.real.value < 0.8 and found.worth.low > 0
    assert leak(vectors, labels, 2, np.arange(100), ("train",) * 80 + ("test",) * 20) is None
