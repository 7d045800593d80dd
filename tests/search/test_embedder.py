"""What makes vectors: the network's own map, averaged, along directions that its last layer knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models import HOW, drawn, model_file

from striate.errors import ModelError
from striate.search.embedder import Embedder, class_directions, main_directions
from striate.verbs.embedder import open_embedder

NET = "conv 8 3x3 pad 1 >> relu >> maxpool 2 >> conv 6 3x3 pad 1 >> relu >> globalavgpool >> flatten >> dense"
DENSE = "conv 4 3x3 pad 1 >> relu >> maxpool 4 >> flatten >> dense 10 >> relu >> dense"


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)


def test_the_vector_of_a_picture_is_the_networks_own_embedding(tmp_path: Path) -> None:
    embedder = open_embedder(model_file(tmp_path / "m.safetensors", NET))
    assert embedder.shape == (6, 6, 8) and embedder.directed
    model = drawn(NET).eval()
    pixels = picture()
    with torch.no_grad():
        _, theirs = model.embed(model.normalise(torch.from_numpy(pixels[None]).permute(0, 3, 1, 2)))
    np.testing.assert_allclose(embedder.vector(embedder.maps(pixels)), theirs[0].numpy(), atol=2e-3)


def test_behind_a_dense_layer_it_is_the_vector_that_the_last_layer_reads(tmp_path: Path) -> None:
    embedder = open_embedder(model_file(tmp_path / "m.safetensors", DENSE))
    assert embedder.shape == (10, 1, 1)
    model = drawn(DENSE).eval()
    with torch.no_grad():
        _, theirs = model.embed(model.normalise(torch.from_numpy(picture()[None]).permute(0, 3, 1, 2)))
    np.testing.assert_allclose(embedder.vector(embedder.maps(picture())), theirs[0].numpy(), atol=2e-3)


def test_what_is_said_of_it_is_enough_to_open_it_and_a_change_is_seen(tmp_path: Path) -> None:
    made = open_embedder(model_file(tmp_path / "m.safetensors", NET))
    again = Embedder.of(made.facts(), made.graph, made.projection)
    assert again.digest == made.digest and again.preprocess == HOW
    with pytest.raises(ModelError, match="anew"):
        Embedder.of(made.facts(), made.graph, made.projection * 2)
    with pytest.raises(ModelError, match="not said whole"):
        Embedder.of({"digest": "x"}, made.graph, made.projection)


def test_a_net_with_one_layer_that_learns_has_nothing_to_make_vectors_of(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="one layer that learns"):
        open_embedder(model_file(tmp_path / "m.safetensors", "flatten >> dense"))


def test_directions_of_a_last_layer_are_orthonormal_and_hold_its_weights() -> None:
    weights = np.random.default_rng(0).normal(size=(70, 100))
    found = class_directions(weights)
    assert found is not None and found.shape == (100, 69)
    np.testing.assert_allclose(found.T @ found, np.eye(69), atol=1e-5)
    about = weights - weights.mean(axis=0)
    np.testing.assert_allclose(about @ found @ found.T, about, atol=1e-4)
    assert class_directions(weights[:64]) is None


def test_main_directions_are_no_more_than_there_are() -> None:
    flat = np.outer(np.arange(30.0), [1, 2, 2])
    found = main_directions(flat)
    np.testing.assert_allclose(found, [[1 / 3], [2 / 3], [2 / 3]], atol=1e-6)
