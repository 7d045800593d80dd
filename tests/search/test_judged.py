"""Findings that were judged do not come back; one that lost some of its cases says so."""

from __future__ import annotations

import numpy as np

from striate.data.labels.mending import DROP, GROUP, IGNORE, RELABEL, Entry, Mending, Named
from striate.search.examined import Case, Doubt, Examined, Finding, NearCopies, Unreadable
from striate.search.judged import unjudged
from striate.search.measured import MEASURED


def finding(kind: str, *cases: tuple[str, ...]) -> Finding:
    return Finding(kind, "doubtful", "some pictures are so", "", "", tuple(Case(case) for case in cases), share=0.5)


def mending(*entries: tuple[str, tuple[str, ...], str]) -> Mending:
    return Mending(tuple(Entry(kind, tuple(map(Named, paths)), word) for kind, paths, word in entries))


def test_what_was_judged_is_left_out_by_kind_and_pictures() -> None:
    dark = finding("dark", ("a",), ("b",), ("c",), ("d",))
    decided = mending((IGNORE, ("a",), "dark"), (IGNORE, ("b",), "bright"), (DROP, ("c",), ""))
    (left,) = unjudged([dark], decided)
    assert [case.paths for case in left.cases] == [("b",), ("c",), ("d",)]
    assert left.said == "some pictures are so (1 of 4 judged before)" and left.share == 0.375
    assert unjudged([finding("dark", ("a",))], decided) == ()
    assert unjudged([dark], Mending()) == (dark,)


def test_a_group_that_has_grown_comes_back() -> None:
    decided = mending((IGNORE, ("a", "b"), "equal-across-classes"))
    assert unjudged([finding("equal-across-classes", ("a", "b"))], decided) == ()
    grown = finding("equal-across-classes", ("a", "b", "c"))
    assert unjudged([grown], decided) == (grown,)


def test_a_label_that_was_given_is_doubted_no_more_and_a_group_that_was_named_is_known() -> None:
    decided = mending((RELABEL, ("a",), "cats"), (GROUP, ("b", "c", "d"), ""))
    assert unjudged([finding("label", ("a",))], decided) == ()
    assert unjudged([finding("near-copies", ("b", "c")), finding("equal-copies", ("c", "d"))], decided) == ()
    crossing = finding("near-across-parts", ("b", "c"))
    assert unjudged([crossing, finding("dark", ("a",))], decided) == (crossing, finding("dark", ("a",)))


def test_what_is_about_the_whole_folder_is_ignored_without_pictures() -> None:
    whole, of_some = finding("shortcut-size"), finding("dark", ("a",))
    assert unjudged([whole, of_some], mending((IGNORE, (), "shortcut-size"))) == (of_some,)


def test_pictures_that_were_dropped_are_in_no_group_and_no_doubt() -> None:
    examined = Examined(
        "photos",
        ("a", "b", "c", "d"),
        np.zeros(4, MEASURED),
        np.arange(4),
        (b"1", b"2", b"3", b"4"),
        np.array([0, 1, 0, 1]),
        ("cats", "dogs"),
        ("train", "train", "test", "test"),
        (Unreadable("e", "no picture", digest=b"5"), Unreadable("f", "cannot be read")),
        (NearCopies((0, 1, 3)), NearCopies((1, 2))),
        (Doubt(1, 1, 0, 0.9, 5), Doubt(3, 1, 0, 0.8, 5)),
    )
    assert examined.digest_of("b") == "32" and examined.digest_of("e") == "35"
    assert examined.digest_of("f") is None and examined.digest_of("none") is None
    left = examined.without({"b", "e"})
    assert left.paths == ("a", "c", "d") and left.labels.tolist() == [0, 0, 1] and left.parts[2] == "test"
    assert [one.path for one in left.unreadable] == ["f"] and left.sizes.tolist() == [0, 2, 3]
    assert left.near == (NearCopies((0, 2)),) and left.doubts == (Doubt(2, 1, 0, 0.8, 5),)
    assert left.digest_of("b") is None and examined.without(()) is examined
