"""Labels that were exchanged are doubted, each with its evidence, and no label is where nothing can be told."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from striate.search.checks.labels import doubtful_labels
from striate.search.examined import Examined
from striate.search.measured import MEASURED
from striate.verbs import doubts as module
from striate.verbs.workspace import HERE

COUNT = 120


def examined(labels: np.ndarray) -> Examined:
    paths = tuple(f"{row:03}.png" for row in range(COUNT))
    digests = tuple(row.to_bytes(16, "big") for row in range(COUNT))
    return Examined("photos", paths, np.zeros(COUNT, MEASURED), np.ones(COUNT, np.int64), digests, labels, ("a", "b"))


def doubted(monkeypatch: pytest.MonkeyPatch, vectors: np.ndarray, labels: np.ndarray) -> tuple[Any, str]:
    index = SimpleNamespace(paths=examined(labels).paths, vectors=vectors.astype(np.float16))
    monkeypatch.setattr(module, "index", lambda *_, **__: SimpleNamespace(index=index))
    return module.doubts(Path("photos"), examined(labels), HERE)


def test_exchanged_labels_come_first_with_their_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    true = np.arange(COUNT) % 2
    vectors = rng.normal(size=(COUNT, 16)) + 3 * (2 * true[:, None] - 1) * (np.arange(16) < 4)
    said, wrong = true.copy(), [4, 37, 90]
    said[wrong] = 1 - said[wrong]
    found, why = doubted(monkeypatch, vectors, said)
    assert {one.row for one in found[:3]} == set(wrong) and "agree with 9" in why
    assert all(one.label == said[one.row] and one.said == true[one.row] for one in found[:3])
    assert all(one.probability > 0.5 and one.alike >= 8 for one in found[:3])
    (finding,) = doubtful_labels(Examined(**{**vars(examined(said)), "doubts": found[:1]}))
    assert "1 label is worth a look" in finding.said and "labelled " in finding.cases[0].said


def test_nothing_is_doubted_where_classes_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).normal(size=(COUNT, 16))
    found, why = doubted(monkeypatch, noise, np.arange(COUNT) % 2)
    assert found == () and "does not tell these classes apart" in why


def test_a_handful_of_pictures_is_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.full(COUNT, -1)
    labels[:12] = np.arange(12) % 2
    found, why = doubted(monkeypatch, np.eye(COUNT), labels)
    assert found == () and "two classes of 10" in why
