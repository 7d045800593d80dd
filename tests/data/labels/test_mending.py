"""Mending: a file of decisions read and written, what fits, what replaces what, and what is refused, in a line each."""

from __future__ import annotations

import pytest

from striate.data.labels.mending import DROP, GROUP, IGNORE, RELABEL, Entry, Mending, Named, fitted, read
from striate.errors import SourceError

ONE, TWO = "0" * 32, "1" * 32
ALL = Mending(
    (
        Entry(RELABEL, (Named("cats/a.png", ONE),), 'two "words"'),
        Entry(DROP, (Named("cats/\x7f\u202eb.png", TWO),)),
        Entry(GROUP, (Named("c.png", ONE), Named("d.png", TWO))),
        Entry(IGNORE, (Named("e.png", ONE),), "label"),
        Entry(IGNORE, (), "shortcut-size"),
    ),
    "/photos",
)


def test_what_is_written_reads_the_same_in_any_order() -> None:
    text = ALL.to_toml()
    assert set(read(text, "labels.toml").entries) == set(ALL.entries) and read(text, "").folder == "/photos"
    assert Mending(ALL.entries[::-1], "/photos").to_toml() == text
    assert ALL.said() == "1 relabelled, 1 dropped, 1 group kept together, 2 ignored" and Mending().said() == "nothing"
    assert read("", "labels.toml") == Mending()
    assert read("\ufeff" + text, "") == read(text, ""), "an editor's mark at the beginning"


def test_what_was_renamed_or_changed_since_fits_nothing() -> None:
    there = {"cats/a.png": ONE, "c.png": ONE, "d.png": ONE, "e.png": TWO}
    found = fitted(ALL, there.get)
    assert [entry.kind for entry in found.mending.entries] == [RELABEL, IGNORE] and not found.mending.of(IGNORE)[
        0
    ].pictures
    assert found.gone == ("cats/\x7f\u202eb.png",) and found.changed == ("d.png", "e.png")
    first, second = found.lines("labels.toml")
    assert first == "labels.toml: 1 relabelled, 1 ignored"
    assert "1 picture is not there" in second and "2 pictures have another content (d.png, e.png)" in second
    assert fitted(ALL, {**there, "d.png": TWO}.get).mending.together == (frozenset({"c.png", "d.png"}),)


def test_a_later_decision_about_a_label_stands_in_place_of_the_earlier() -> None:
    later = Mending((Entry(DROP, (Named("cats/a.png", TWO),)), Entry(IGNORE, (Named("e.png", ONE),), "label")))
    both = later.added_to(ALL)
    assert both.relabelled == {} and "cats/a.png" in both.dropped and both.folder == "/photos"
    assert len(both.of(IGNORE)) == 2 and len(both.of(GROUP)) == 1


def test_digests_that_nobody_wrote_are_those_of_now() -> None:
    by_hand = read('[[drop]]\npicture = "./a.png"\n[[ignore]]\nfinding = "dark"\npictures = ["b.png"]', "labels.toml")
    assert by_hand.unsaid == ("a.png", "b.png")
    known = by_hand.with_digests({"a.png": ONE}.get)
    assert known.unsaid == ("b.png",) and known.entries[0].pictures == (Named("a.png", ONE),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[drop", "is no TOML"),
        ("folder = 3", "folder is the path of a folder"),
        ("[[dorp]]\npicture = 'a'", "did you mean drop"),
        ("[drop]\npicture = 'a'", "in two brackets"),
        ("[[drop]]\npicture = 3", "picture must be text"),
        ("[[drop]]\npictures = ['a']", "did you mean picture"),
        ("[[drop]]", "at least 1 must be named"),
        ("[[same_group]]\npictures = ['a']", "at least 2 must be named"),
        ("[[same_group]]\npictures = ['a', './a']", "it names 1 picture, and at least 2"),
        ("[[relabel]]\npicture = 'a'\nto = 3", "to must be text"),
        ("[[same_group]]\npictures = ['a', 'b']\ndigests = ['00']", "2 pictures and 1 digests"),
        ("[[drop]]\npicture = '../a'", "no path below the folder"),
        ("[[drop]]\npicture = '/a'", "no path below the folder"),
        ("[[drop]]\npicture = 'a'\ndigest = 'X'", "32 hexadecimal digits"),
        ("[[relabel]]\npicture = 'a'", "to is missing"),
        ("[[ignore]]\npictures = ['a']", "finding is missing"),
        ("[[relabel]]\npicture = 'a'\nto = 'b'\n[[drop]]\npicture = 'a'", "relabelled b and to be dropped"),
        ("[[relabel]]\npicture = 'a'\nto = 'b'\n[[relabel]]\npicture = 'a'\nto = 'c'", "leave out one"),
        (f"[[drop]]\npicture = 'a'\ndigest = '{ONE}'\n[[drop]]\npicture = 'a'\ndigest = '{TWO}'", "with two digests"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(text: str, told: str) -> None:
    with pytest.raises(SourceError) as refused:
        read(text, "labels.toml")
    assert (
        told in str(refused.value) and str(refused.value).startswith("labels.toml") and "\n" not in str(refused.value)
    )
