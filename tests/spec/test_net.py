"""Nets are values: composed, normalised, named, unchangeable."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from striate.errors import DescribeError
from striate.spec import (
    Add,
    AuxHead,
    Conv,
    Dense,
    Flatten,
    Identity,
    LeakyReLU,
    MaxPool,
    Named,
    Net,
    Rbf,
    ReLU,
    Repeat,
    Row,
    Shape,
    Tanh,
    add,
    concat,
    multiply,
    parse,
    repeat,
    row,
    side,
)
from striate.spec.paths import Scope, walk


def test_functions_and_operators_say_the_same() -> None:
    a, b, c = ReLU(), Tanh(), Conv(4, 1)
    assert row(a, b, c) == a >> b >> c == a >> (b >> c) == Row((a, Row((b, c))))
    assert row(a) is a
    assert add(a, b, c) == a + b + c == Add((a, b + c))
    assert concat(a, b) == a | b
    assert multiply(a, b) == a * b
    assert repeat(3, a) == 3 * a == Repeat(a, 3)
    assert a.name("x") == Named(a, "x")
    assert side(a, weight=0.5) == AuxHead(a, weight=0.5)


def test_fields_have_one_form() -> None:
    assert Conv(6, 5) == Conv(6, (5, 5), stride=[1, 1]) == Conv(out=6, kernel=5)  # type: ignore[arg-type]
    assert MaxPool(2) == MaxPool(2, stride=2)
    assert MaxPool(2) != MaxPool(2, stride=1)
    assert LeakyReLU(0) == LeakyReLU(0.0)
    assert str(LeakyReLU(-0.0)) == str(LeakyReLU(0.0))
    assert Conv(2, 1, connections=[[1, 0], [2]]) == Conv(2, 1, connections=((0, 1), (2,)))  # type: ignore[arg-type]
    assert ReLU() == ReLU() != Tanh()
    assert len({Conv(6, 5), Conv(6, (5, 5)), Conv(6, 5, padding=2)}) == 2


@pytest.mark.parametrize("net", [ReLU(), Conv(6, 5), ReLU() >> Tanh()])
def test_nets_do_not_change(net: Net) -> None:
    with pytest.raises(FrozenInstanceError):
        net.anything = 1  # type: ignore[attr-defined]
    for field in ("out", "nets"):
        with pytest.raises(FrozenInstanceError):
            setattr(net, field, getattr(net, field, None))
        with pytest.raises(FrozenInstanceError):
            delattr(net, field)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Conv(0, 3), "conv: out must be a whole number of 1 or more, not 0"),
        (lambda: Conv(True, 3), "out must be"),
        (lambda: Conv(6, 3.0), "kernel must be"),
        (lambda: Conv(6, (3, 3, 3)), "kernel must be"),
        (lambda: Conv(6, 3, padding=-1), "padding must be a whole number from 0"),
        (lambda: Conv(6, 3, padding="valid"), '"same"'),
        (lambda: Conv(6, 3, padding="same", stride=2), "padding 1 is the plain number"),
        (lambda: Conv(6, 3, padding=((0, 1), 1)), r"\(\(above, below\), \(left, right\)\)"),
        (lambda: Conv(6, 3, padding=((0, 1), (0, -1))), "padding must be a whole number from 0"),
        (lambda: Conv(6, 3, bias=1), "bias must be True or False"),
        (lambda: Conv(1, 3, connections=((0, 0),)), "different input channels"),
        (lambda: Conv(2, 3, connections=((0,), (1,)), groups=2), "not both"),
        (lambda: MaxPool(3, padding=2), "at most half the kernel 3"),
        (lambda: Dense("ten"), "out must be"),
        (lambda: Row((ReLU(),)), "two nets or more"),
        (lambda: Row((ReLU(), ReLU)), "is not a net"),
        (lambda: Repeat(ReLU(), 0), "count must be"),
        (lambda: ReLU().name("1st"), "cannot name a part"),
        (lambda: side(ReLU() >> side(Tanh())), "side heads of its own"),
        (lambda: Shape(0), "channels of a shape"),
        (lambda: Shape(1, 28), "both sides or neither"),
        (lambda: Shape.parse("1x28x28x3"), "is not a shape"),
        (lambda: Shape.parse("large"), "is not a shape"),
    ],
)
def test_values_that_cannot_be(make: object, message: str) -> None:
    with pytest.raises(DescribeError, match=message):
        make()  # type: ignore[operator]


def test_shapes() -> None:
    assert Shape.parse("3x32x48") == Shape(3, 32, 48)
    assert Shape.parse("3×32") == Shape(3, 32, 32)
    assert Shape.parse("120") == Shape(120)
    assert list(Shape(3, 2, 1)) == [3, 2, 1]
    assert (Shape(120).is_map, Shape(120).size, Shape(3, 4, 5).elements) == (False, (1, 1), 60)


def test_paths() -> None:
    block = Conv(8, 3, padding=1).name("main") + Identity() >> ReLU()
    net = (
        (Conv(8, 3) >> ReLU()).name("stem")
        >> (2 * block).name("stage1")
        >> 2 * Conv(8, 1)
        >> 1 * Conv(8, 1)
        >> Conv(4, 1).name("conv1")
        >> Conv(4, 1)
        >> side(Flatten() >> Dense(2))
        >> side((Flatten() >> Dense(2)).name("aux"))
        >> ReLU()
        >> Conv(4, 1)
    )
    paths = [path for path, _ in net.parts()]
    assert paths == [
        "stem.conv1",
        "stem.relu1",
        "stage1.1.main",
        "stage1.1.branch1.identity1",
        "stage1.1.relu1",
        "stage1.2.main",
        "stage1.2.branch1.identity1",
        "stage1.2.relu1",
        "1.conv1",
        "2.conv1",
        "3.conv1",  # the next repeat of the same scope goes on counting
        "conv1",
        "conv2",  # conv1 is taken by a name
        "side1.flatten1",
        "side1.dense1",
        "aux.flatten1",
        "aux.dense1",
        "relu1",
        "conv3",
    ]
    assert len(set(paths)) == len(paths)
    assert [row.path for row in net.on(3, 9, 9).rows if "add" not in row.path] == paths
    assert [path for path, _ in walk(net, Scope("", net), sides=False)] == [
        path for path in paths if "side" not in path and "aux" not in path
    ]


def test_two_parts_of_one_name() -> None:
    net = ReLU().name("a") >> (Tanh().name("a") + ReLU())
    with pytest.raises(DescribeError, match="both named 'a'"):
        list(net.parts())
    with pytest.raises(DescribeError, match="both named 'a'"):
        net.on(1, 3, 3)
    assert list((ReLU().name("a") >> (Tanh().name("a") >> ReLU()).name("b")).parts())


def test_classes() -> None:
    net = parse("side (flatten >> dense) >> flatten >> dense 5 >> dense >> rbf")
    assert net.is_open
    closed = net.with_classes(7)
    assert not closed.is_open
    assert str(closed) == "side (flatten >> dense 7) >> flatten >> dense 5 >> dense 7 >> rbf 7"
    assert closed.with_classes(3) == closed
    assert net.on(1, 2, 2, classes=3).output == Shape(3)
    with pytest.raises(DescribeError, match="out must be"):
        net.with_classes(0)


def test_head() -> None:
    path, layer = parse("flatten >> dense 5 >> relu >> last: dense >> side (dense 2)").head()
    assert (path, layer) == ("last", Dense())
    assert parse("flatten >> rbf 3").head()[1] == Rbf(3)
    with pytest.raises(DescribeError, match="no dense layer"):
        ReLU().head()


def test_a_convolution_that_answers() -> None:
    net = parse("conv 8 3 >> side (conv classes 1x1) >> relu >> last: conv classes 1x1 >> globalavgpool >> flatten")
    assert net.is_open
    assert net.head() == ("last", Conv(None, 1))
    assert str(net.with_classes(4)).count("conv 4 1x1") == 2
    survey = net.on(3, 9, 9, classes=4)
    assert (survey.output, survey.parameters) == (Shape(4), 8 * 27 + 8 + 2 * (8 * 4 + 4))
    assert Conv(None, 3, groups=2).on(4, 9, 9, classes=6).parameters == 6 * 2 * 9 + 6
    assert parse("conv 8 3 >> globalavgpool >> flatten >> dense 2").head()[0] == "dense1"  # a dense layer goes before
    for text in ("conv 4 3 | conv 4 3", "conv 8 3 pad 1 >> conv 8 1 + identity"):  # no branch answers alone
        with pytest.raises(DescribeError, match="no dense layer"):
            parse(text).head()


def test_nets_as_large_as_a_slip_of_the_keyboard_are_refused_at_once() -> None:
    with pytest.raises(DescribeError, match="too large"):
        parse("9999 * (9999 * (9999 * relu))").on(1, 3, 3)
    with pytest.raises(DescribeError, match="too large"):
        parse("4 * upsample 60000").on(1, 3, 3)
