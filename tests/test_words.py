"""A number and its noun: one picture, two pictures, none."""

from __future__ import annotations

import pytest

from striate.words import counted, plural


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (1, "picture", "1 picture"),
        (0, "picture", "0 pictures"),
        (2, "class", "2 classes"),
        (1, "class", "1 class"),
        (1200, "validation picture", "1,200 validation pictures"),
        (3, "copy", "3 copies"),
        (9, "patch", "9 patches"),
    ],
)
def test_a_number_has_its_noun(number: int, noun: str, said: str) -> None:
    assert counted(number, noun) == said


def test_small_verbs_follow() -> None:
    assert [plural(number, "is") for number in (0, 1, 2)] == ["are", "is", "are"]
    assert plural(1, "has") == "has" and plural(5, "was") == "were"
