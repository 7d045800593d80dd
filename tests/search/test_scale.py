"""How alike is alike: quantiles of random pairs, and how near a neighbour is."""

from __future__ import annotations

import numpy as np

from striate.search.scale import Scale


def test_random_directions_are_at_zero_and_copies_have_a_neighbour() -> None:
    vectors = np.random.default_rng(1).normal(size=(500, 64)).astype(np.float16)
    scale = Scale.of(np.concatenate([vectors, vectors]))
    half, most, rare, rarest = scale.pairs
    assert abs(half) < 0.01 and 0.1 < most < 0.25 and most < rare < rarest
    assert scale.neighbour is not None and scale.neighbour > 0.999
    lonely = Scale.of(vectors)
    assert lonely.neighbour is not None and lonely.neighbour < 0.5
    assert Scale.from_dict(scale.to_dict()) == scale


def test_words_say_how_rare_and_nothing_of_few() -> None:
    scale = Scale((0.0, 0.1, 0.3, 0.5), 0.2)
    assert scale.words(0.6) == "more alike than 99.9 % of random pairs"
    assert scale.words(-0.1) == "no more alike than half of all pairs"
    assert Scale.of(np.ones((3, 2))).words(0.9) == ""
