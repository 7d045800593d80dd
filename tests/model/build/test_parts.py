"""A model part by part: until one, one by one, and what each reads; the same numbers, and little is held."""

from __future__ import annotations

import weakref

import pytest
import torch

from striate.errors import DescribeError
from striate.model.build.model import Model, build
from striate.spec import Shape, parse

NET = (
    "conv 4 3x3 pad 1 >> relu >> ((conv 4 3x3 pad 1 >> batchnorm) + identity) >> "
    "side 0.3 (globalavgpool >> flatten >> dense 2) >> (conv 2 1x1 | conv 3 3x3 pad 1) >> globalavgpool >> flatten"
    " >> dense 2"
)


def _model() -> tuple[Model, torch.Tensor]:
    return build(parse(NET), Shape(3, 9, 8)).eval(), torch.rand(2, 3, 9, 8, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_until_a_part_is_what_it_puts_out_in_the_whole() -> None:
    model, inputs = _model()
    _, whole = model.forward_with(inputs, model.taps())
    for tap in model.taps():
        assert torch.equal(model.until(inputs, tap), whole[tap]), tap
    assert model.until(torch.rand(1, 3, 5, 6), "relu1").shape == (1, 4, 5, 6)  # any size that fits
    with pytest.raises(DescribeError, match="no part 'relu9'; near it: relu1"):
        model.until(inputs, "relu9")


@torch.no_grad()
def test_part_by_part_is_the_whole_without_its_sides() -> None:
    model, inputs = _model()
    rows = [row.path for row in model.net.on(model.shape).rows if not row.auxiliary]
    _, whole = model.forward_with(inputs, rows)
    found = dict(model.each(inputs))
    assert list(found) == rows
    assert all(torch.equal(found[path], whole[path]) for path in rows)


@torch.no_grad()
def test_what_no_later_part_reads_is_let_go_of_however_many_parts_there_are() -> None:
    model = build(
        parse("conv 4 3x3 pad 1 >> " + "30 * (conv 4 3x3 pad 1 >> relu) >> flatten >> dense 2"), Shape(3, 8, 8)
    )
    alive: list[weakref.ref[torch.Tensor]] = []
    most = 0
    for _, value in model.eval().each(torch.rand(1, 3, 8, 8)):
        alive.append(weakref.ref(value))
        del value  # and at once: nothing waits for the garbage collector
        most = max(most, sum(ref() is not None for ref in alive))
    assert len(alive) == 63 and most <= 3  # a part, what it reads, and what that is a view of


def test_a_part_names_what_it_reads() -> None:
    model, _ = _model()
    assert model.source("conv1") == "input" and model.source("relu1") == "conv1"
    assert model.source("input") == "input"
