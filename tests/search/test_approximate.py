"""The approximate index finds what it says it finds, is kept with its index, and gives way to the exact answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from striate.search import approximate
from striate.search.approximate import RECALL, keep, kept, linked
from striate.search.nearest import directions, middle, nearest

pytestmark = pytest.mark.skipif(not approximate.installed(), reason="usearch is not installed")


def vectors(count: int, width: int = 32) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (1 + rng.normal(size=(count, width))).astype(np.float16)


def test_it_looks_as_far_as_it_must_and_says_what_it_finds() -> None:
    given = vectors(4000)
    centre = middle(given)
    graph = linked(given, centre)
    assert graph.recall.value >= RECALL and graph.recall.low <= graph.recall.value <= graph.recall.high
    asked = directions(vectors(4200)[4000:], centre)  # none that recall was measured with
    exact, said = nearest(given, asked, 10, centre=centre), graph.nearest(asked, 10)
    found = np.mean([len(set(one) & set(other)) for one, other in zip(said.rows, exact.rows, strict=True)]) / 10
    assert found >= RECALL - 0.03
    assert np.median(np.abs(said.cosine[:, 0] - exact.cosine[:, 0])) < 0.002, "where it finds them, by the same cosine"
    assert f"finds {100 * graph.recall.value:.1f} in 100 ({100 * graph.recall.low:.1f} to " in graph.words()


def test_a_setting_that_finds_too_little_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approximate, "LINKS", 4)
    monkeypatch.setattr(approximate, "BUILT", 8)
    monkeypatch.setattr(approximate, "LOOKED", (10, 20, 4096))
    given = vectors(4000)
    graph = linked(given, middle(given))
    assert graph.looks == 4096 and graph.recall.value > 0.5


def test_it_is_kept_and_what_does_not_belong_is_not_taken(tmp_path: Path) -> None:
    given = vectors(500)
    centre = middle(given)
    graph = linked(given, centre)
    keep(graph, tmp_path, "abcd")
    again = kept(tmp_path, "abcd", 500)
    assert again is not None and (again.looks, again.recall) == (graph.looks, graph.recall)
    asked = directions(given[:5], centre)
    assert (again.nearest(asked, 5).rows == graph.nearest(asked, 5).rows).all()
    assert kept(tmp_path, "other", 500) is None and kept(tmp_path, "abcd", 501) is None
    (tmp_path / "graph-abcd.json").write_text("{}")
    assert kept(tmp_path, "abcd", 500) is None


def test_onnx_runtime_can_still_be_imported_afterwards() -> None:
    code = "import numpy as np; from striate.search.approximate import linked;"
    code += " linked(np.eye(16, dtype=np.float16), np.zeros(16, np.float32)); import onnxruntime, torch"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
