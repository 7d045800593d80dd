"""Copies are told by content, sorted by what they mean, and named."""

from __future__ import annotations

from striate.data.copies import find_copies
from striate.data.labels.marks import BoxMarks, MaskMarks
from striate.data.sources.items import Item

ITEMS = (
    Item("train/cats/1.jpg", 0, "train"),
    Item("train/cats/2.jpg", 0, "train"),
    Item("train/dogs/3.jpg", 1, "train"),
    Item("test/cats/4.jpg", 0, "test"),
    Item("test/cats/5.jpg", 0, "test"),
    Item("train/dogs/6.jpg", 1, "train"),
    Item("train/unlabelled.jpg", -1, "train"),
)


def test_kinds_of_copies() -> None:
    found = find_copies(ITEMS, [b"a", b"a", b"b", b"b", b"c", b"d", b"a"])
    assert (found.within, found.contradicting, found.crossing) == (((0, 1),), ((2, 3),), ((2, 3),))
    assert found.counts() == {"groups": 2, "pictures": 4, "within_class": 1, "across_classes": 1, "across_split": 1}
    assert found.to_dict(ITEMS)["keys"] == [
        ["train/dogs/3.jpg", "test/cats/4.jpg"], ["train/cats/1.jpg", "train/cats/2.jpg"],
    ]  # fmt: skip
    first, second, third = found.lines(ITEMS, ("cats", "dogs"))
    assert first == (
        "1 picture stands in several classes, of which one at most is right: train/dogs/3.jpg = test/cats/4.jpg;"
        " correct or remove them"
    )
    assert second.startswith("1 picture stands in several parts of the source's own split: train/dogs/3.jpg = test/")
    assert third.startswith("1 picture is a copy of another in the same class: train/cats/1.jpg = train/cats/2.jpg;")


def test_many_copies_are_counted_and_the_first_named() -> None:
    items = [Item(f"{number}.jpg", number % 2) for number in range(10)]
    found = find_copies(items, [bytes([number // 2]) for number in range(10)])
    (line,) = found.lines(items, ("x", "y"))
    assert line.startswith("5 pictures stand in several classes") and "0.jpg (x) = 1.jpg (y); 2.jpg (x)" in line
    assert "; and 2 more; correct" in line


def test_no_copies_no_words() -> None:
    found = find_copies(ITEMS, [bytes([number]) for number in range(7)])
    assert found.groups == () and found.lines(ITEMS, ("cats", "dogs")) == ()


def test_copies_of_what_has_numbers_are_told_by_them() -> None:
    items = [Item("1.jpg", (1.5,)), Item("2.jpg", (2.5,)), Item("3.jpg", (1.5,)), Item("4.jpg", (1.5,))]
    first, second = find_copies(items, [b"a", b"a", b"b", b"b"]).lines(items, ("angle",), "number")
    assert first.startswith("1 picture stands under different numbers, of which one at most is right: 1.jpg")
    assert second.startswith("1 picture is a copy of another under the same numbers: 3.jpg = 4.jpg")


def test_copies_that_are_marked_are_told_as_such() -> None:
    """Boxes that differ by a pixel do not contradict each other; masks are alike where their pixels are."""
    boxes = [
        Item(f"{at}.jpg", BoxMarks((60, 80), ((1.0, 2.0, 9.0, right),), (0,))) for at, right in enumerate((8, 7, 8, 8))
    ]
    first, second = find_copies(boxes, [b"a", b"a", b"b", b"b"]).lines(boxes, ("raccoon",))
    assert first == "1 picture is there again with other marks: 0.jpg = 1.jpg; mend them, or remove all but one"
    assert second.startswith("1 picture is a copy of another with the same marks: 2.jpg = 3.jpg;")
    masks = [Item(f"{at}.jpg", MaskMarks(f"masks/{at}.png", stamp)) for at, stamp in enumerate("xxxy")]
    found = find_copies(masks, [b"a", b"a", b"b", b"b"])
    assert (found.within, found.contradicting) == (((0, 1),), ((2, 3),))
