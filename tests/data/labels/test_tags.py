"""How tags are written: the marks that set them apart, lists, brackets, and what looks like tags and is none."""

from __future__ import annotations

import numpy as np
import pytest

from striate.data.labels.tags import parts, separator, separator_said, tag_table, told


@pytest.mark.parametrize(
    ("labels", "column", "mark"),
    [
        (["sea|sunset", "sea", "sunset"], "label", "|"),
        (["sea;sunset", "sea", "sunset"], "label", ";"),
        (["sea, sunset", "sea", "sunset"], "label", ","),
        (["sea sunset", "sea", "sunset"], "tags", " "),
        (["sea sunset", "sea", "sunset"], "label", None),  # a name with a space
        (["tench, Tinca tinca", "cock", "hen, Gallus"], "label", None),  # no part comes back
        (["cat", "dog"], "tags", None),
        (["['sea', 'sunset']", "['sea']", "['sunset']"], "label", ","),
        ([], "tags", None),
    ],
)
def test_what_sets_tags_apart(labels, column, mark):
    assert separator(labels, column=column) == mark


def test_where_a_person_says_that_they_are_tags_any_mark_is_one():
    assert separator_said(["tench, Tinca tinca", "cock"]) == ","
    assert separator_said(["cat", "new york"]) is None
    assert separator_said(["a|b, c", "b"]) == "|"


def test_parts_of_a_label():
    assert parts("sea | sunset|| sea ", "|") == ("sea", "sunset")
    assert parts("", "|") == ()
    assert parts("new york", None) == ("new york",)
    assert parts("['sea', \"sunset\"]", ",") == ("sea", "sunset")
    assert parts("[]", ",") == ()


def test_a_table_of_tags():
    table = tag_table([("sea", "sunset"), (), ("desert",), ("sea",)], tags=("snow",))
    assert table.tags == ("desert", "sea", "snow", "sunset")
    np.testing.assert_array_equal(table.there.sum(axis=0), [1, 2, 0, 1])
    assert table.of(0) == ("sea", "sunset")
    assert (table.without, table.several) == (1, 1)
    line = told(table, shown="sea|sunset", what="a.csv: the column 'labels'")
    assert "1 of 4 pictures have two or more, such as 'sea|sunset'; 4 tags in all): task tag; --task classify" in line
