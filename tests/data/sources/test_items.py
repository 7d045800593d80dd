"""What an item says of itself."""

from __future__ import annotations

import pytest

from striate.data.sources.items import Item, Target


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (1, "sand"),
        (None, ""),
        ((1.0, 0.0), "sea"),
        ((0.0, 0.0), "nothing"),
        ((0.0, 2.5), "sea 0, sand 2.5"),
    ],
)
def test_a_label_in_words(target: Target, words: str) -> None:
    assert Item("a.png", target).said(("sea", "sand")) == words


def test_a_number_of_0_is_a_number() -> None:
    assert Item("a.png", (0.0,)).said(("angle",)) == "angle 0"
