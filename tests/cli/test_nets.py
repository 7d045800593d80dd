"""``striate nets``: every net of the catalogue once, with the numbers of its survey, in a table that fits."""

from __future__ import annotations

import json

import pytest
from tests.cli.stage import Place

from striate.cli.nets import table
from striate.nets import CATALOG
from striate.verbs.nets import list_nets


def test_the_numbers_are_the_surveys() -> None:
    listed = {net.name: net for net in list_nets()}
    assert list(listed) == list(CATALOG)
    for name in ("lenet5", "lenet5_1998", "small", "resnet"):
        survey = CATALOG[name].function(CATALOG[name].classes).on(CATALOG[name].input)
        assert (listed[name].parameters, listed[name].macs) == (survey.parameters, survey.macs)
    assert listed["lenet5"].field is not None
    assert listed["lenet5"].field.size == (16, 16)


def test_receptive_fields_are_those_that_papers_quote() -> None:
    """Araujo, Norris and Sim, Distill 2019, the table of receptive fields."""
    quoted = {"alexnet": 195, "vgg16": 212, "inception_v3": 1311}
    fields = {net.name: net.field for net in list_nets()}
    for name in quoted.keys() & fields.keys():
        field = fields[name]
        assert field is not None
        assert field.size == (quoted[name], quoted[name]), name


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_table_fits_and_names_every_net_and_paper(width: int) -> None:
    lines = list(table(list_nets(), width))
    assert max(map(len, lines)) <= width
    names = [line.split()[0] for line in lines[1:] if line.startswith("  ")]
    assert sorted(names) == sorted(CATALOG)
    papers = {line.partition(",")[0].partition("…")[0] for line in lines if not line.startswith("  ")}
    assert papers == {entry.paper.partition(",")[0] for entry in CATALOG.values()}


def test_words_narrow_the_list_and_json_holds_it_all(place: Place) -> None:
    answer = place("nets", "lecun", "1998").done().out
    assert answer == (
        "  net            input  parameters   MACs  field  published accuracy\n"
        "LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998\n"
        "  lenet5       1x28x28      61,706  417 k     16\n"
        "  lenet5_1998  1x32x32      60,000  327 k     16\n"
    )
    rows = json.loads(place("nets", "LeNet-5", "--json").done().out)
    assert [(row["name"], row["year"], row["input"]) for row in rows] == [
        ("lenet5", 1998, [1, 28, 28]),
        ("lenet5_1998", 1998, [1, 32, 32]),
    ]
    place("nets", "lenet", "no-such-word").refused("'lenet' and 'no-such-word'", "lists all")
