"""Text and Python say the same nets, and what does not read is pointed at."""

from __future__ import annotations

from hypothesis import given, settings
from tests.strategies import cases, layers, nets

import striate.spec as spec
from striate.spec import Net, parse

NAMES = {name: getattr(spec, name) for name in spec.__all__}


@settings(max_examples=400, deadline=None)
@given(layers())
def test_every_layer_reads_back(layer: Net) -> None:
    assert parse(str(layer)) == layer
    assert eval(repr(layer), NAMES) == layer


@settings(max_examples=400, deadline=None)
@given(nets())
def test_every_net_reads_back(net: Net) -> None:
    assert parse(str(net)) == net
    assert eval(repr(net), NAMES) == net
    assert hash(parse(str(net))) == hash(net)


@settings(max_examples=60, deadline=None)
@given(cases())
def test_every_net_that_fits_reads_back(case: tuple[Net, spec.Shape]) -> None:
    assert parse(str(case[0])) == case[0]
