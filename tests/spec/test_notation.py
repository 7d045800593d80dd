"""Text and Python say the same nets, and what does not read is pointed at."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from tests.strategies import cases, layers, nets

import striate.spec as spec
from striate.errors import DescribeError, NotationError
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


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("conv 6 5", "conv 6 5x5"),
        ("Conv 6 5 >> ReLU", "conv 6 5x5 >> relu"),
        ("conv 6 3x5 stride 2x1 pad 1x0 dilation 2 groups 2 no bias", None),
        ("conv 6 3x3 pad same", "conv 6 3x3 pad same"),
        ("conv 6 3x3 padding 1 bias", "conv 6 3x3 pad 1"),
        ("conv 6 3x3 stride 2 pad 0:1", None),
        ("conv 6 5 stride 2 pad 1:2x1:2 no bias", "conv 6 5x5 stride 2 pad 1:2 no bias"),
        ("conv 6 3x5 stride 2 pad 0:1X1:2", "conv 6 3x5 stride 2 pad 0:1x1:2"),
        ("conv 6 3x5 pad 1:1x2:2", "conv 6 3x5 pad 1x2"),
        ("conv 3 5x5 connections (0 1, 2, 0 2)", None),
        ("conv 3 5x5 connections (1 0, 2, 2 0)", "conv 3 5x5 connections (0 1, 2, 0 2)"),
        ("convtranspose 6 3x3 stride 2 pad 1 outpad 1", None),
        ("maxpool 2", "maxpool 2x2"),
        ("maxpool 2 stride 2", "maxpool 2x2"),
        ("maxpool 3 stride 2 pad 1 ceil", "maxpool 3x3 stride 2 pad 1 ceil"),
        ("avgpool 3x3 stride 1 pad 1 no count", None),
        ("dense", None),
        ("dense 10 no bias", None),
        ("dense classes", "dense"),
        ("conv classes 1x1", None),
        ("conv CLASSES 3 stride 2 no bias", "conv classes 3x3 stride 2 no bias"),
        ("adaptiveavgpool 6", "adaptiveavgpool 6x6"),
        ("crop 2x1", None),
        ("dropout", "dropout 0.5"),
        ("lrn 5 alpha 0.0005 k 2", "lrn 5 alpha 0.0005 k 2.0"),
        ("batchnorm eps 1e-3 momentum .01 no affine", "batchnorm eps 0.001 momentum 0.01 no affine"),
        ("leakyrelu 0.2", None),
        (
            "layernorm eps 1e-6 >> layerscale 1e-6 >> droppath 0.1",
            "layernorm eps 1e-06 >> layerscale 1e-06 >> droppath 0.1",
        ),
        ("avgpool 1x1 stride 2 >> padchannels 32", None),
        ("hardswish * hardsigmoid + relu6", None),
        ("stage1: (1 * relu >> 2 * tanh)", None),
        ("upsample 2 mode bilinear", "upsample 2x2 mode bilinear"),
        ("relu # and so on\n  >> tanh", "relu >> tanh"),
        ("(relu >> tanh) >> sigmoid", "relu >> tanh >> sigmoid"),
        ("relu + (tanh + sigmoid)", "relu + tanh + sigmoid"),
        ("relu >> tanh + sigmoid * gelu", None),
        ("(relu >> tanh) + sigmoid", None),
        ("identity | relu >> conv 4 1x1", None),
        ("3*relu", "3 * relu"),
        ("3 * 2 * relu", "3 * (2 * relu)"),
        ("2 * relu * tanh", "(2 * relu) * tanh"),
        ("stem: (conv 4 3x3 >> relu)", None),
        ("stage1: 3 * (conv 4 3x3 + identity >> relu)", None),
        ("a: relu + b: tanh", "(a: relu) + (b: tanh)"),
        ("side (globalavgpool >> flatten >> dense)", None),
        ("relu >> side 0.5 (aux: dense 3)", None),
        ("side relu", "side (relu)"),
        ("conv: relu", None),  # even a keyword can be a name
    ],
)
def test_what_people_write(text: str, same: str | None) -> None:
    assert str(parse(text)) == (same or text)


def test_signs_bind_as_in_python() -> None:
    a, b, c, d = spec.ReLU(), spec.Tanh(), spec.Sigmoid(), spec.GELU()
    assert parse("relu >> tanh + sigmoid * gelu") == a >> b + c * d
    assert parse("relu | tanh >> sigmoid + gelu") == a | b >> c + d
    assert parse("3 * relu >> tanh") == 3 * a >> b
    assert parse("3 * relu * tanh") == 3 * a * b
    assert parse("3 * (relu >> tanh)") == 3 * (a >> b)
    assert parse("stem: relu >> tanh") == a.name("stem") >> b


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("", 1, "expected a layer, a name or '(', not the end"),
        ("   ", 1, "expected a layer"),
        ("conv", 5, "out is missing before the end"),
        ("conv 8", 7, "kernel is missing before the end"),
        ("conv 8 >> relu", 8, "kernel is missing before '>>'"),
        ("relu >> covn 8 3x3", 9, "there is no layer 'covn'; did you mean 'conv'?"),
        ("conv 8 3x3 strid 2", 12, "did you mean 'stride'?"),
        ("conv 8 3x3 stride", 18, "stride of conv must be a whole number"),
        ("conv 8 3x3 stride 0", 19, "stride of conv must be a whole number"),
        ("conv 8 3x3 stride 2 stride 2", 21, "given twice"),
        ("conv 8 3x3 no stride 2", 12, "no option 'no stride'"),
        ("conv 8 3x3 no bias no bias", 20, "given twice"),
        ("conv classes", 13, "kernel is missing before the end"),
        ("maxpool classes", 9, "kernel is missing before 'classes'"),
        ("conv 8 3 3", 10, "one number too many"),
        ("conv 8.5 3", 6, "out of conv must be a whole number"),
        ("conv -8 3", 6, "out of conv must be a whole number"),
        ("conv 99999999999999999999 3", 6, "out of conv must be a whole number"),
        ("conv 8 3x", 8, "'3x' is neither"),
        ("conv 8 3x3x3", 8, "'3x3x3' is neither"),
        ("conv 8x8 3", 6, "out of conv must be a whole number"),
        ("conv 8 3 pad diff", 14, "pad of conv must be"),
        ("conv 8 3 pad 0:1:2", 15, "not ':'"),
        ("conv 8 3 pad 0:1x2", 15, "not ':'"),
        ("conv 8 3:4", 8, "kernel is missing before '3:4'"),
        ("conv 8 3 stride 0:1", 17, "stride of conv must be"),
        ("conv 8 3 pad 0:99999999", 14, "pad of conv must be"),
        ("maxpool 3 pad 0:1", 15, "pad of maxpool must be"),
        ("conv 8 3 connections 0 1", 22, "expected '('"),
        ("conv 8 3 connections (0 x)", 25, "expected an input channel"),
        ("conv 8 3 connections (0, 1)", 1, "one list of input channels for each of the 8"),
        ("conv 8 3 stride 2 pad same", 1, "needs stride 1"),
        ("maxpool 3 pad 2", 1, "at most half the kernel 3"),
        ("relu tanh", 6, "after relu"),
        ("relu 3", 6, "one number too many"),
        ("relu >>", 8, "expected a layer"),
        ("relu > tanh", 6, "'>' is neither"),
        ("relu >> >> tanh", 9, "expected a layer"),
        ("(relu", 6, "to close the '(' at column 1"),
        ("relu)", 5, "expected >>, +, *, | or the end, not ')'"),
        ("3 relu", 3, "expected '*'"),
        ("0 * relu", 1, "a whole number of 1 or more"),
        ("99999 * relu", 1, "too large"),
        ("a: ", 3, "expected a layer"),
        ("input: relu", 1, "the picture itself"),
        ("side (side (relu))", 1, "side heads of its own"),
        ("side 0 (relu)", 6, "a number above 0"),
        ("dropout 1.5", 9, "0 to 1"),
        ("dropout 1e999", 9, "0 to 1"),
        ("upsample 2 mode cubic", 17, "nearest"),
        ("relu >> ü", 9, "'ü' is neither"),
        ("(" * 200 + "relu" + ")" * 200, 103, "more than 102"),
    ],
)
def test_errors_point_at_the_column(text: str, column: int, reason: str) -> None:
    with pytest.raises(NotationError) as caught:
        parse(text)
    assert caught.value.column == column - 1
    assert reason in caught.value.reason
    shown, caret = str(caught.value).split("\n")[-2:]
    if column - 1 < len(text):
        assert shown[caret.index("^")] == text[column - 1]


def test_the_deepest_net_reads_back_and_a_deeper_one_cannot_be_made() -> None:
    for deepen in (
        lambda net: (net >> spec.ReLU()).name("x"),
        lambda net: 2 * (net + spec.Identity()),
        lambda net: net.name("x"),
        lambda net: 3 * net,
    ):
        net: Net = spec.ReLU()
        with pytest.raises(DescribeError, match="more than 50 compositions"):
            for _ in range(60):
                deepest, net = net, deepen(net)
        assert parse(str(deepest)) == deepest


def test_errors_in_later_lines_show_that_line() -> None:
    with pytest.raises(NotationError) as caught:
        parse("relu\n>> covn 8 3x3\n>> tanh")
    assert str(caught.value).split("\n")[1:] == ["  >> covn 8 3x3", "     ^"]
