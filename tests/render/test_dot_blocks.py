"""How a number was made, as it is read: windows in full, the largest of many, the one that won."""

from __future__ import annotations

import re

import numpy as np
import torch

from striate.interpret.arithmetic.dot import dot
from striate.interpret.torch_probe import TorchProbe
from striate.render.dot_blocks import blocks
from striate.render.html import dot_page, look_page
from striate.render.text.dot_text import text
from striate.spec import Shape, parse

PICTURE = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4


def probe(net: str, channels: int = 1) -> TorchProbe:
    return TorchProbe.untrained(parse(net), Shape(channels, 8, 8), PICTURE, seed=1)


def test_a_small_window_is_shown_in_full() -> None:
    made = probe("conv 2 3 pad 1 >> relu")
    found = dot(made, "conv1", 0, (0, 0))
    (block,) = blocks(found)
    assert [grid.label for grid in block.grids] == ["values", "weights", "products"]
    assert block.grids[0].quiet == {(0, 0), (0, 1), (0, 2), (1, 0), (2, 0)}
    shown = np.array([[float(cell) for cell in row] for row in block.grids[2].cells])
    np.testing.assert_allclose(shown.sum() + (found.contributions.bias or 0), found.made.network, atol=1e-3)
    said = text(found)
    assert "5 of them lie in the padding" in said and "then relu1 (relu): max(x, 0)" in said
    assert "reaching beyond the edge" in said


def test_of_many_the_largest_and_the_sum_of_the_rest() -> None:
    found = dot(probe("flatten >> dense 3"), "dense1", 1)
    (block,) = blocks(found)
    assert block.title == "the 8 largest of 64"
    sums = [float(row[-1]) for row in block.grids[0].cells]
    np.testing.assert_allclose(sum(sums) + (found.contributions.bias or 0), found.made.network, atol=2e-3)
    assert [abs(value) for value in sums[:-1]] == sorted((abs(value) for value in sums[:-1]), reverse=True)


def test_a_deep_window_shows_the_channel_that_gives_most() -> None:
    made = probe("conv 6 1 >> conv 2 3")
    found = dot(made, "conv2")
    window, sums = blocks(found)
    strongest = int(np.abs(found.contributions.terms.reshape(6, -1).sum(1)).argmax())
    assert window.title.startswith(f"channel {strongest} of conv1") and window.title.endswith("gives the most")
    assert sums.grids[0].cells[0][0] == str(strongest)


def test_the_winner_of_a_pool_is_marked() -> None:
    found = dot(probe("maxpool 2"), "maxpool1", 0, (1, 1))
    (block,) = blocks(found)
    assert block.grids[0].marked == {(1, 1)}
    assert "[0.4235]" in text(found)


def test_branches_by_their_paths() -> None:
    made = probe("(conv 2 1 | identity) >> ((conv 3 1) + identity)")
    (block,) = blocks(dot(made, made.survey.rows[-1].path))
    assert [row[0] for row in block.grids[0].cells] == [path for path, _ in dot(made, made.survey.rows[-1].path).given]


def test_every_layer_reads_and_the_page_needs_nothing() -> None:
    made = probe(
        "conv 4 3 pad 1 >> batchnorm >> lrn >> groupnorm 2 >> upsample 2 mode bilinear >> adaptiveavgpool 4 >> "
        "globalavgpool >> flatten >> layernorm >> dense 5 >> softmax"
    )
    with torch.no_grad():
        for row in made.survey.rows:
            found = dot(made, row.path)
            page = look_page.page("t", "q", [dot_page.answer(found, "a.png")])
            assert row.path in text(found) and row.path in page
            assert not re.search(r'(src|href)="(?!data:|#)', page) and "http" not in page
