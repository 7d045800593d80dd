"""A number and its noun: one picture, two pictures, none."""

from __future__ import annotations

import pytest

from striate.words import counted, figure, plural, readable_size


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


def test_readable_sizes() -> None:
    sizes = {0: "0 bytes", 999: "999 bytes", 1000: "1.0 kB", 17_400_000: "17 MB", 2_600_000_000: "2.6 GB"}
    assert {size: readable_size(size) for size in sizes} == sizes


def test_figures_have_no_exponent() -> None:
    assert [figure(value, 4) for value in (22374.0, -9999.6, 8172.4, 1.5, 0.0)] == [
        "22,374", "-10,000", "8172", "1.5", "0"
    ]  # fmt: skip
    assert figure(2280.4) == "2,280" and figure(0.79912) == "0.799"
