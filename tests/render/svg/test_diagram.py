"""The drawing of a net: every part once, nothing over anything else, narrow, well-formed, no scripts and no network."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from xml.etree import ElementTree

import pytest

from striate.nets import CATALOG
from striate.render.blocks import Box, Column, Fork, Frame, blocks
from striate.render.svg.diagram import CHARACTER, LINE, WIDTH, Rect, broken, diagram, draw
from striate.spec import Net, Shape, parse
from striate.spec.net import AuxHead, Named

DRAWN = sorted(CATALOG)


def shown(name: str) -> tuple[Net, Shape]:
    entry = CATALOG[name]
    return entry.function(entry.classes), entry.input


def within(inner: Rect, outer: Rect) -> bool:
    return (
        outer.x <= inner.x + 0.01
        and outer.y <= inner.y + 0.01
        and inner.x + inner.width <= outer.x + outer.width + 0.01
        and inner.y + inner.height <= outer.y + outer.height + 0.01
    )


def apart(one: Rect, other: Rect) -> bool:
    return (
        one.x + one.width <= other.x + 0.01
        or other.x + other.width <= one.x + 0.01
        or one.y + one.height <= other.y + 0.01
        or other.y + other.height <= one.y + 0.01
    )


@pytest.mark.parametrize("name", DRAWN)
def test_nothing_lies_over_anything_else_and_all_text_is_in_its_box(name: str) -> None:
    drawing = draw(*shown(name))
    assert drawing.left + drawing.right <= WIDTH
    for rect in drawing.rects:
        assert -drawing.left <= rect.x + 0.01
        assert rect.x + rect.width <= drawing.right + 0.01
        assert rect.y >= 0
        assert rect.y + rect.height <= drawing.height + 0.01
        if not rect.kind.startswith("frame"):
            assert CHARACTER * max(map(len, rect.lines)) <= rect.width
            assert LINE * len(rect.lines) <= rect.height
        else:
            assert CHARACTER * max(map(len, rect.lines)) <= rect.width - 8, rect
    for one, other in itertools.combinations(drawing.rects, 2):
        frames = [each for each in (one, other) if each.kind.startswith("frame")]
        assert apart(one, other) or any(
            within(other if frame is one else one, frame)
            # beneath the frame's own title
            and (other if frame is one else one).y >= frame.y + LINE * len(frame.lines)
            for frame in frames
        ), (one, other)


@pytest.mark.parametrize("name", DRAWN)
def test_every_name_stands_once_and_repeats_are_folded(name: str) -> None:
    net, shape = shown(name)
    texts = [
        word
        for rect in draw(net, shape).rects
        for line in (rect.lines[: rect.bold] if rect.kind != "label" else rect.lines)
        for word in re.split(r"[ ,]+", line)
    ]

    def names(part: Net) -> list[str]:
        own = [part.label] if isinstance(part, Named) else []
        return own + [label for inner in part.inside() for label in names(inner)]

    found, wanted = Counter(texts), Counter(names(net))
    assert set(wanted) <= set(found)
    tops = [part.label for part in net.inside() if isinstance(part, Named)]
    assert all(found[label] == 1 for label in tops if wanted[label] == 1)
    assert all(found[label] <= wanted[label] for label in wanted)


def test_layers_are_grouped_with_what_works_on_them_at_once() -> None:
    net = parse(
        "batchnorm >> relu >> conv 4 3 pad 1 no bias >> batchnorm >> relu >> part: 3 * (conv 4 1 + identity >> relu) "
        ">> 1 * (dropout) >> 1 * (dropout 0.2) >> side 0.5 (aux: (globalavgpool >> flatten >> dense 2)) "
        ">> globalmaxpool >> flatten >> last: dense 2"
    )
    first, part, one, other, aside, pool, last = blocks(net, Shape(4, 8, 8)).blocks
    assert isinstance(first, Box)
    assert first.lines == ("batchnorm · relu", "conv 4 3x3 pad 1", "batchnorm · relu")
    assert "no bias" in first.text
    assert isinstance(part, Frame)
    assert (part.title, part.times, str(part.shape)) == ("part", 3, "4x8x8")
    (fork,) = part.body.blocks
    assert isinstance(fork, Fork)
    assert fork.branches[1] == Column(())
    assert fork.after == ("relu",)
    assert isinstance(one, Frame)
    assert isinstance(other, Frame)
    assert isinstance(aside, Frame)
    assert (aside.title, aside.auxiliary) == ("aux", True)
    assert isinstance(pool, Box)
    assert pool.lines == ("globalmaxpool", "flatten")
    assert isinstance(last, Box)
    assert last.title == "last"
    alike = blocks(parse("1 * (conv 4 1) >> 2 * (conv 4 1) >> a: (relu >> conv 2 1) >> b: (relu >> conv 2 1)"), Shape(4, 8, 8))  # fmt: skip  # noqa: E501
    assert next((block.title, block.times) for block in alike.blocks if isinstance(block, Frame)) == ("", 3)


@pytest.mark.parametrize("name", DRAWN)
def test_the_file_is_well_formed_and_needs_nothing(name: str) -> None:
    text = diagram(*shown(name), title=name)
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("role") == "img"
    assert float(root.get("width", "0")) <= WIDTH + 1
    title, described = root[0], root[1]
    assert title.text == name
    assert described.text is not None
    assert "parameters" in described.text
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"<script|href|url\(|@import|on\w+=", text)
    assert re.findall(r"https?://\S+?\"", text) == ['http://www.w3.org/2000/svg"']


def test_lines_are_broken_between_words() -> None:
    assert broken("conv 64 7x7 stride 2 pad 3", 12) == ("conv 64 7x7", "stride 2 pad", "3")
    assert broken("localresponsenorm 5", 4) == ("localresponsenorm", "5")


def test_side_heads_are_dashed_and_beside_the_trunk() -> None:
    net = parse("conv 4 3 pad 1 >> side (flatten >> dense 3) >> flatten >> dense 3")
    assert any(isinstance(part, AuxHead) for part in net.inside())
    drawing = draw(net, Shape(1, 8, 8))
    (aside,) = [rect for rect in drawing.rects if rect.kind == "frame aside"]
    assert aside.lines[0].startswith("side head")
    assert aside.x > 0, "to the right of the trunk"


def test_a_title_that_no_xml_may_hold_is_readable() -> None:
    drawn = diagram(parse("conv 2 3x3 >> relu"), Shape(1, 8, 8), title="a\x07<b>\u202e&")
    assert "a\ufffd<b>\ufffd&" in "".join(ElementTree.fromstring(drawn).itertext())
