"""Features of a frozen net: the bits depend on no thread count, ONNX and torch agree, and torch steps in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.items import ArraySource, Item
from striate.data.store.store import open_store
from striate.model.build.model import build
from striate.spec import parse
from striate.spec.shape import Shape
from striate.tasks.table import TASKS
from striate.verbs import trunk

NET = parse("conv 8 3x3 stride 2 pad 1 no bias >> batchnorm >> relu6 >> globalavgpool >> flatten >> dense 3")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any, Any]:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path))
    pixels = np.random.default_rng(0).integers(0, 256, (37, 16, 16, 3), np.uint8)
    items = tuple(Item(f"train:{n}", n % 3) for n in range(37))
    rows = np.stack([np.zeros(37, np.int64), np.arange(37)], axis=1)
    source = ArraySource("a", "a", ("x", "y", "z"), items, blocks=(pixels,), rows=rows, origins=("a",))
    preprocess = Preprocess(16, 16, 3, mean=(0.5,) * 3, std=(0.25,) * 3)
    stored = open_store(source, preprocess)
    prepared = SimpleNamespace(source=stored.source, store=stored.store, preprocess=preprocess, task=TASKS["classify"])
    model = build(NET, Shape(3, 16, 16), preprocess=preprocess, seed=0).eval()
    return prepared, SimpleNamespace(digest="0" * 64, words="it"), model


def features(made: tuple[Any, Any, Any], threads: int, digest: str = "0") -> Any:
    prepared, start, model = made
    changed = SimpleNamespace(**{**vars(start), "digest": digest * 64})
    return trunk.trunk_features(prepared, changed, model, torch.device("cpu"), threads)


def test_the_bits_depend_on_no_thread_count(made: tuple[Any, Any, Any]) -> None:
    first = features(made, 1)
    assert first.computed == 37
    assert features(made, 2).computed == 0  # found: threads are not among what decides the bits
    again = features(made, 3, digest="1")
    assert again.computed == 37 and np.array_equal(first.values, again.values)


def test_they_are_what_torch_makes(made: tuple[Any, Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    by_onnx = features(made, 2).values.copy()
    monkeypatch.setattr("striate.verbs.export.graph_for", lambda model: (None, None))
    by_torch = features(made, 2, digest="2")
    assert by_torch.computed == 37
    np.testing.assert_allclose(by_onnx, by_torch.values, rtol=1e-5, atol=1e-6)
    assert features(made, 2, digest="2").computed == 0


def test_a_graph_that_is_refused_leaves_it_to_torch(
    made: tuple[Any, Any, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("striate.verbs.export.graph_for", lambda model: (b"not a graph", ""))
    assert features(made, 1).computed == 37
    assert not list((tmp_path / "store").glob(".building*")) and not list((tmp_path / "store").glob("building*"))


def test_torch_is_asked_by_how_large_pictures_are(made: tuple[Any, Any, Any]) -> None:
    prepared, start, model = made
    small = replace(prepared.preprocess, resize="pad")
    other = SimpleNamespace(**{**vars(prepared), "preprocess": small})
    assert trunk.trunk_features(other, start, model, torch.device("cpu"), 1).computed == 37  # another rule, made anew
