"""The copies in a report: each group of equal pictures beside each other, with their classes."""

from __future__ import annotations

import numpy as np

from striate.data.copies import Copies, find_copies
from striate.data.labels.marks import BoxMarks
from striate.data.sources.items import Item
from striate.render.html.copies import copies_body

ITEMS = tuple(Item(f"{name}/<{number}>.png", target) for number in range(20) for target, name in enumerate("ab"))
PIXELS = np.zeros((len(ITEMS), 8, 8, 3), np.uint8)


def test_groups_are_shown_with_their_classes_and_escaped() -> None:
    found = find_copies(ITEMS, [bytes([index // 2]) for index in range(len(ITEMS))])
    body = copies_body(found, ITEMS, ("a", "b"), PIXELS)
    assert "20 pictures are there under several labels" in body and "The first 12 are shown." in body
    assert body.count("<img") == 24 and "<bdi>a</bdi>: <bdi>a/&lt;0&gt;.png</bdi>" in body and "<0>" not in body


def test_nothing_where_there_are_none() -> None:
    assert copies_body(Copies(), ITEMS, ("a", "b"), PIXELS) == ""


def test_what_is_marked_otherwise_is_not_called_wrong() -> None:
    boxes = [BoxMarks((8, 8), ((1.0, 2.0, 6.0, right),), (0,)) for right in (7.0, 7.0, 7.0, 6.0)]
    items = tuple(Item(f"{number}.png", one) for number, one in enumerate(boxes))
    body = copies_body(find_copies(items, [b"a", b"a", b"b", b"b"]), items, ("a",), PIXELS)
    assert "1 picture is there with other marks" in body and "1 picture is there again with the same marks" in body
    assert "at most is right" not in body
