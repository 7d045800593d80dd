"""What labels are taken for where nobody says: each case is a list that people have."""

from __future__ import annotations

import pytest

from striate.data.labels.label_kinds import guess
from striate.data.labels.numbers import NUMBERS
from striate.data.labels.tags import TAGS
from striate.data.sources.items import CLASSES

CASES = {
    "counts, each another": ([str(number) for number in range(20)], "count", NUMBERS),
    "with one that is not there": ([*map(str, range(19)), "nan"], "count", NUMBERS),
    "with an infinite one": ([*map(str, range(19)), "inf"], "count", NUMBERS),
    "digits": ([str(number % 10) for number in range(40)], "digit", CLASSES),
    "numbers of classes": ([str(number) for number in range(10)], "label", CLASSES),
    "a yes and a no": (["1", "0", "1", "0", "0"], "target", CLASSES),
    "parts of tags that never come back": (["a|b", "c", "a|b", "c"], "tags", TAGS),
    "names with a bar": (["a|b", "c", "a|b", "c"], "species", CLASSES),
    "names with a comma": (["tench, Tinca tinca", "cock", "tench, Tinca tinca"], "labels", CLASSES),
}


@pytest.mark.parametrize("case", CASES)
def test_what_labels_are_taken_for(case: str) -> None:
    labels, column, kind = CASES[case]
    assert guess(labels, what="a.csv", column=column).kind == kind
