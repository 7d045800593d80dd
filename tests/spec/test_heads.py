"""A new head: what stays, what goes, what cannot be replaced; the stages of the nets of the catalogue."""

from __future__ import annotations

import pytest

from striate import nets
from striate.errors import DescribeError
from striate.spec import Net, parse
from striate.spec.heads import with_new_head
from striate.spec.stages import stages

NETS = {name: entry for name, entry in nets.CATALOG.items() if not name.startswith("unet")}


@pytest.mark.parametrize("name", NETS)
def test_everything_before_the_head_keeps_its_path(name: str) -> None:
    entry = NETS[name]
    old = entry.function(entry.classes)
    new = with_new_head(old)
    assert new.is_open and not new.with_classes(7).is_open
    survey = new.with_classes(7).on(entry.input, fit="floor")
    assert str(survey.output) == "7" and not any(row.auxiliary for row in survey.rows)
    head = new.head()[0]
    before = {row.path: row for row in old.on(entry.input, fit="floor").rows}
    for row in survey.rows:
        if row.parameters and row.path != head:
            assert (before[row.path].layer, before[row.path].parameters) == (row.layer, row.parameters)


@pytest.mark.parametrize("name", NETS)
def test_stages_are_all_parts_in_order(name: str) -> None:
    entry = NETS[name]
    survey = with_new_head(entry.function(entry.classes)).with_classes(7).on(entry.input, fit="floor")
    found = stages(survey)
    assert [path for stage in found for path in stage] == [row.path for row in survey.rows]
    assert 2 <= len(found) <= 8
    learning = {row.path for row in survey.rows if row.parameters}
    assert all(learning.intersection(stage) for stage in found)
    assert learning.intersection(found[-1]) == {with_new_head(entry.function(7)).head()[0]}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("conv 4 3x3 >> flatten >> dense 9", "conv 4 3x3 >> flatten >> dense"),
        ("conv 4 3x3 >> flatten >> dense 9 >> softmax", "conv 4 3x3 >> flatten >> dense >> softmax"),
        ("conv 4 3x3 >> flatten >> answer: dense 9", "conv 4 3x3 >> flatten >> answer: dense"),
        ("conv 4 3x3 >> flatten >> rbf 9", "conv 4 3x3 >> flatten >> dense"),
        (
            "conv 4 3x3 >> relu >> conv 9 1x1 >> relu >> globalavgpool >> flatten",
            "conv 4 3x3 >> relu >> globalavgpool >> flatten >> dense",
        ),
        (
            "conv 4 3x3 >> end: (dropout 0.5 >> conv 9 1x1) >> globalavgpool >> flatten",
            "conv 4 3x3 >> end: (dropout 0.5 >> globalavgpool >> flatten >> dense)",
        ),
        (
            "conv 4 3x3 >> side (globalavgpool >> flatten >> dense 9) >> flatten >> dense 9",
            "conv 4 3x3 >> flatten >> dense",
        ),
    ],
)
def test_heads(old: str, new: str) -> None:
    assert with_new_head(parse(old)) == parse(new)


@pytest.mark.parametrize("net", ["flatten >> 2 * dense 9", "flatten >> (dense 9 + dense 9)", "relu >> maxpool 2"])
def test_heads_that_cannot_be_replaced(net: str) -> None:
    with pytest.raises(DescribeError, match=r"cannot be replaced|neither a dense layer"):
        with_new_head(parse(net))


def test_a_net_is_not_changed() -> None:
    net: Net = nets.CATALOG["googlenet"].function(10)
    text = str(net)
    with_new_head(net)
    assert str(net) == text
