"""How a window walks: the pixels of each step are those of the gradient, and the drawings hold every step."""

from __future__ import annotations

import io
import re
from itertools import product
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image

from striate.errors import DescribeError, FitError, ShapeError
from striate.interpret.arithmetic.walk import walk
from striate.model.build.model import build
from striate.render.html import walk_page
from striate.render.html.walk_page import formulas, said
from striate.render.png import walk_png
from striate.render.svg import walk_svg
from striate.render.text import walk_text
from striate.spec import AvgPool, Conv, ConvTranspose, MaxPool, Shape
from striate.spec.windowed import Windowed
from striate.verbs.walk import parse_pair, walk_of

LAYERS = [
    Conv(1, 3, stride=2, padding=1),
    Conv(1, (2, 3), stride=(1, 2), padding=(0, 1), dilation=(2, 1)),
    Conv(1, 4, padding="same"),
    Conv(1, 3, stride=3),
    ConvTranspose(1, 3, stride=2, padding=1),
    ConvTranspose(1, (3, 2), stride=(2, 1), padding=(2, 0), output_padding=(1, 0)),
    ConvTranspose(1, 3, dilation=2, padding=1),
    AvgPool(3, stride=2, padding=1, ceil=True),
]


@pytest.mark.parametrize("layer", LAYERS, ids=str)
@pytest.mark.parametrize("size", [(7, 7), (6, 5)])
def test_each_step_sees_what_the_gradient_says(layer: Windowed, size: tuple[int, int]) -> None:
    found = walk(layer, *size)
    model = build(layer, Shape(1, *size))
    for parameter in model.parameters():
        torch.nn.init.uniform_(parameter, 0.5, 1.0)
    inputs = torch.rand(1, 1, *size, requires_grad=True)
    outputs = model(inputs)[0, 0]
    assert outputs.shape == (found.height.outputs, found.width.outputs)
    union = np.zeros(size, bool)
    for row, column in found.places():
        (gradient,) = torch.autograd.grad(outputs[row, column], inputs, retain_graph=True)
        wanted = {(int(y), int(x)) for y, x in np.argwhere(gradient[0, 0].numpy() != 0)}
        seen = {
            (y, x) for y in found.height.seen(row) for x in found.width.seen(column) if y is not None and x is not None
        }
        assert seen == wanted
        for y, x in seen:
            union[y, x] = True
    assert set(found.unseen) == {(int(y), int(x)) for y, x in np.argwhere(~union)}


def test_a_transposed_walk_is_a_plain_one_over_zeros_between() -> None:
    layer = ConvTranspose(1, 3, stride=2, padding=1, bias=False)
    found, values = walk(layer, 3, 4), np.arange(12.0).reshape(3, 4)
    spread = np.array(
        [[0 if y is None or x is None else values[y, x] for x in found.width.slots] for y in found.height.slots]
    )
    weights = np.random.default_rng(0).random((3, 3))
    made = torch.nn.functional.conv_transpose2d(torch.tensor(values)[None, None], torch.tensor(weights)[None, None], stride=2, padding=1)[0, 0].numpy()  # fmt: skip  # noqa: E501
    turned = weights[::-1, ::-1]
    for row, column in found.places():
        under = spread[np.ix_(found.height.under(row), found.width.under(column))]
        assert (under * turned).sum() == pytest.approx(made[row, column])


def test_the_papers_figure() -> None:
    found = walk_of((5, 5), 3, stride=2, padding=1)  # Dumoulin and Visin 2016, figure 2.6
    assert (found.height.slots, found.height.starts) == ((None, 0, 1, 2, 3, 4, None), (0, 2, 4))
    assert found.height.formula == "(5 - 3 + 2*1)/2 + 1 = 3" and not found.refused
    lost = walk_of((7, 7), 3, stride=3)
    assert "never sees row 6 and column 6" in lost.refused and len(lost.unseen) == 13


@pytest.mark.parametrize("pool", ["max", "min", "avg"])
@pytest.mark.parametrize("ceil", [False, True])
def test_a_pooling_makes_of_the_pixels_it_sees_what_torch_makes(pool: str, ceil: bool) -> None:
    make = {"max": np.max, "min": np.min, "avg": np.mean}[pool]
    for size, kernel, stride, padding in product([(5, 5), (6, 7)], [2, 3, (3, 2)], [None, 1, 2, 3], [0, 1]):
        found = walk_of(size, kernel, stride=stride, padding=padding, pool=pool, ceil=ceil)
        values = np.random.default_rng(3).normal(size=size)
        given = torch.tensor(values)[None, None] * (-1 if pool == "min" else 1)
        how = {"kernel_size": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil}
        if pool == "avg":
            wanted = torch.nn.functional.avg_pool2d(given, **how, count_include_pad=False)[0, 0].numpy()
        else:
            wanted = torch.nn.functional.max_pool2d(given, **how)[0, 0].numpy() * (-1 if pool == "min" else 1)
        assert wanted.shape == (found.height.outputs, found.width.outputs)
        for row, column in found.places():
            rows, columns = ([i for i in seen if i is not None] for seen in (found.height.seen(row), found.width.seen(column)))  # fmt: skip  # noqa: E501
            assert make(values[np.ix_(rows, columns)]) == pytest.approx(wanted[row, column])
        said = formulas(found)[0]
        exact = (size[0] - (kernel if isinstance(kernel, int) else kernel[0]) + 2 * padding) / ((stride or kernel) if isinstance(stride or kernel, int) else kernel[0]) + 1  # type: ignore[operator,index]  # fmt: skip  # noqa: E501
        assert said.endswith(f" {found.height.outputs}") and ("rounded up" in said) == (ceil and exact % 1 > 0)


def test_a_pooling_says_how_it_rounds_and_what_is_never_seen() -> None:
    down, up = (walk_of((5, 5), 2, pool="max", ceil=ceil) for ceil in (False, True))
    assert down.height.formula == "(5 - 2 + 2*0)/2 + 1 = 2.5, rounded down: 2" and len(down.unseen) == 9
    assert "maxpool1 (maxpool 2x2) never sees row 4 and column 4" in down.refused and "ceil" in down.refused
    assert up.height.formula == "(5 - 2 + 2*0)/2 + 1 = 2.5, rounded up: 3" and not up.unseen and not up.refused
    assert said(up) == "A 2x2 max pooling with stride 2, padding 0, rounded up makes 3x3 of 5x5."
    assert walk_svg.legend(down) == "crossed: never seen" and "never the largest" in walk_svg.legend(up)
    assert walk_of((4, 4), 2, stride=3, padding=1, pool="avg", ceil=True).height.formula.endswith(
        "= 2.33, rounded up: 3, less the last, which would begin outside: 2"
    )
    page = walk_page.answer(down)
    assert page.question == "How does this pooling walk?" and 'data-steps="4"' in page.drawn[0]
    assert "weights" not in page.hides
    assert "hang" in walk_svg.legend(walk_of((5, 5), 2, pool="avg", ceil=True))


def test_what_cannot_walk_is_refused() -> None:
    with pytest.raises(FitError, match="does not fit"):
        walk_of((2, 2), 3)
    with pytest.raises(ShapeError, match="98 x 98 = 9,604 steps"):
        walk_of((100, 100), 3)
    with pytest.raises(DescribeError, match="output padding is for transposed"):
        walk_of((5, 5), 3, output_padding=1)
    with pytest.raises(DescribeError, match='"same" is for a convolution'):
        walk_of((5, 5), 3, transposed=True, padding="same")
    with pytest.raises(DescribeError, match='"same" is for a convolution; a pooling'):
        walk_of((5, 5), 3, pool="max", padding="same")
    with pytest.raises(DescribeError, match="dilation and transposed are for convolutions"):
        walk_of((5, 5), 3, pool="max", dilation=2)
    with pytest.raises(DescribeError, match="only a pooling can be rounded up"):
        walk_of((5, 5), 3, ceil=True)
    with pytest.raises(DescribeError, match="no pooling is called 'mean'; there are max, min, avg"):
        walk_of((5, 5), 3, pool="mean")
    with pytest.raises(DescribeError, match="padding 2 must be at most half the kernel 3"):
        walk_of((5, 5), 3, pool="min", padding=2)
    for text in ("3y", "0", "3x", "1x2x3", "-1"):
        with pytest.raises(DescribeError, match="--kernel"):
            parse_pair(text, "--kernel", least=1)
    assert parse_pair("3X2", "--kernel") == (3, 2)


def test_the_drawing_is_svg_that_holds_every_step() -> None:
    found = walk_of((5, 4), 3, stride=2, padding=1)
    text = walk_svg.svg(found, alt="a <b> & c", alone=True)
    root = ElementTree.fromstring(text)
    assert walk_svg.is_ours(text.encode()) and root.attrib["aria-label"] == "a <b> & c"
    moves = re.findall(r'type="translate" calcMode="discrete" values="([^"]*)"', text)
    assert [len(each.split(";")) for each in moves] == [6, 6]
    assert moves[1].split(";")[-1] == "60 120", "the window ends two columns and four rows on, at 30 a cell"
    assert "<script" not in text and "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_with_numbers_each_step_says_its_sum() -> None:
    picture, grid = np.array([[1.0, 2, 0], [0, 255, 3]]), np.array([[1.0, -2], [0, 3]])
    found = walk_of((2, 3), 2)
    made = np.array([[1 - 4 + 3 * 255.0, 2 + 9]])
    text = walk_svg.svg(found, alt="", values=picture, weights=grid, outputs=made)
    assert "1·1 + 2·(-2) + 255·3 = 762" in text and "2·1 + 0·(-2) + 3·3 = 11" in text


def test_characters_show_window_padding_and_what_is_lost() -> None:
    frames = list(walk_text.frames(walk(Conv(1, 2, stride=2, padding=0), 3, 3)))
    assert frames == ["step 1 of 1: output 0,0\n[#][#] x      O\n[#][#] x\n x  x  x"]
    assert "[.][.][.]" in next(walk_text.frames(walk(Conv(1, 3, padding=1), 3, 3)))


def test_the_strip_is_a_png_with_words() -> None:
    data = walk_png.strip(walk(MaxPool(2, stride=1), 4, 4), ["in words"])
    assert walk_png.is_ours(data) and b"in words" in data
    image = Image.open(io.BytesIO(data))
    assert image.width <= 1250 and len(image.getcolors(100_000) or []) > 5
