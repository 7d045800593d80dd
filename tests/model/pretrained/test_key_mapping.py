"""Somebody else's names in ours: what the lines of a naming say, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from striate.errors import ModelError
from striate.model.pretrained.key_mapping import arrange, renamed

NAMES = {
    "conv1": "stem.conv",
    "layer{s}.{b}.conv{i}": "stage{s}.{b+1}.conv{i}",
    "layer{s}.{b}.gamma": "stage{s}.{b+1}.scale.weight",
    "inception{n}{K}": "mixed{n}{K}",
    "aux": None,
}


def test_numbers_words_whole_entries_and_dropped_ones() -> None:
    names = ["conv1.weight", "layer2.0.conv3.bias", "layer1.9.gamma", "inception3a.weight", "aux.weight", "other.bias"]
    assert list(renamed(dict.fromkeys(names), NAMES).values()) == [
        "stem.conv.weight",
        "stage2.1.conv3.bias",
        "stage1.10.scale.weight",
        "mixed3a.weight",
        None,
        None,
    ]


def test_arranges_and_takes_away_sides_of_one() -> None:
    entries = {
        "conv1.weight": np.zeros((2, 3)),
        "layer1.0.gamma": np.arange(4.0).reshape(4, 1, 1),
        "aux.bias": np.ones(1),
    }
    shapes = {"stem.conv.weight": (2, 3), "stage1.1.scale.weight": (4,), "stem.norm.num_batches_tracked": ()}
    arranged = arrange(entries, shapes, [{"x": "y"}, NAMES], what="it")
    assert set(arranged) == {"stem.conv.weight", "stage1.1.scale.weight"}
    assert arranged["stage1.1.scale.weight"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({}, r"no entry for stem.conv.weight"),
        ({"conv1.weight": np.zeros((2, 3)), "other.weight": np.zeros(1)}, r"no place for other.weight"),
        ({"conv1.weight": np.zeros((3, 3))}, r"conv1.weight is \(3, 3\), and the net has \(2, 3\)"),
    ],
)
def test_what_does_not_fit_is_named(entries: dict[str, np.ndarray], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        arrange(entries, {"stem.conv.weight": (2, 3)}, [NAMES], what="file")
