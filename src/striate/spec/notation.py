"""Text to net: reading the notation people write on a whiteboard.

::

    net     = row { "|" row }                     side by side, channels one after the other
    row     = sum { ">>" sum }                    one after the other
    sum     = product { "+" product }             side by side, added
    product = part { "*" part }                   side by side, multiplied
    part    = COUNT "*" part                      that many copies in a row
            | NAME ":" part                       a part under a name
            | "side" [WEIGHT] part                a side head
            | "(" net ")"
            | KEYWORD { value } { option }        a layer: "conv 64 7x7 stride 2 pad 3 no bias"

Signs bind as they do in Python. Spaces and line ends mean nothing, ``#`` begins a comment. The values of a layer
come in the order of its fields; a kernel is ``7x7`` (height x width) or ``7``, an uneven padding ``0:1``
(before:behind) or ``0:1x1:2``; ``classes`` stands for the number of outputs that is still open (``conv classes 1x1``;
``dense`` by itself is open too); options are words with a value (``stride 2``), flags (``ceil``) or their opposite
(``no bias``).
`striate.spec.writing` writes what this reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, NamedTuple

from striate.errors import DescribeError, NotationError
from striate.spec.branches import Add, Concat, Multiply
from striate.spec.layers import LAYERS, Layer
from striate.spec.net import DEEPEST, AuxHead, Named, Net, Repeat, Row, Several
from striate.spec.values import KINDS

OPEN = "classes"  # in place of a number: as many as there are classes
WORDS = {"padding": "pad", "output_padding": "outpad", "count_padding": "count"}  # field -> shorter word
_SIGNS: dict[str, type[Several]] = {"*": Multiply, "+": Add, ">>": Row, "|": Concat}  # tightest first
_DEEPEST = 2 * DEEPEST + 2  # parentheses, names and counts within each other: a named part takes two
_SHOWN = 40  # characters of a word that an error shows
_TOKEN = (  # compiled when first needed
    r"(?P<space>(?:\s|\#[^\n]*)+)"
    r"|(?P<uneven>\d+:\d+(?:[x×X]\d+:\d+)?)(?![\w.:])"
    r"|(?P<pair>\d+[x×X]\d+)(?![\w.])"
    r"|(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.])"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>>>|[+|*():,])"
)


class Option(NamedTuple):
    """A field of a layer as the notation has it."""

    field: str
    word: str
    kind: str
    by_word: bool
    default: Any  # MISSING where there is none


@cache
def options(keyword: str) -> tuple[Option, ...]:
    """The fields of a layer in the order of the text."""
    return tuple(
        Option(field.name, WORDS.get(field.name, field.name), str(field.type), bool(field.kw_only), field.default)
        for field in fields(LAYERS[keyword])
    )


def parse(text: str) -> Net:
    """Read the ``text`` of a net. Errors: NotationError, which points at the column, where it does not read.

    >>> parse("conv 6 5x5 pad 2 >> tanh >> avgpool 2")
    Conv(6, 5, padding=2) >> Tanh() >> AvgPool(2)
    """
    from striate.spec.code import refuse_code

    refuse_code(text)
    return _Reader(text).read()


class _Token(NamedTuple):
    type: str  # uneven, pair, number, word, sign or end
    text: str
    column: int

    def __str__(self) -> str:
        return "the end" if self.type == "end" else repr(_short(self.text))


def _short(text: str) -> str:
    """A word of the text as an error shows it."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _tokens(text: str) -> list[_Token]:
    token = re.compile(_TOKEN)
    tokens, column = [], 0
    while column < len(text):
        match = token.match(text, column)
        if match is None:
            stray = re.match(r"[\w.×-]+|.", text[column:])
            shown = _short(stray.group() if stray else text[column])
            raise NotationError(f"{shown!r} is neither a number, a size like 3x3, a word nor a sign", text, column)
        if match.lastgroup != "space":
            tokens.append(_Token(str(match.lastgroup), match.group(), column))
        column = match.end()
    return [*tokens, _Token("end", "", len(text.rstrip()))]


class _Reader:
    """Walks over the tokens once, never back."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._next = 0
        self._depth = 0

    def read(self) -> Net:
        net = self._net()
        if self._token.type != "end":
            raise self._error(f"expected >>, +, *, | or the end, not {self._token}")
        return net

    # -- tokens ------------------------------------------------------------------------------------------------

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._token
        self._next += token.type != "end"
        return token

    def _is(self, text: str, *, ahead: int = 0) -> bool:
        token = self._tokens[min(self._next + ahead, len(self._tokens) - 1)]
        return token.text == text and token.type in ("sign", "word")

    def _expect(self, sign: str, why: str) -> None:
        if not self._is(sign):
            raise self._error(f"expected {sign!r} {why}, not {self._token}")
        self._take()

    def _error(self, reason: str, at: _Token | None = None) -> NotationError:
        return NotationError(reason, self._text, (at or self._token).column)

    # -- composition -------------------------------------------------------------------------------------------

    def _net(self) -> Net:
        nets, signs = [self._part()], []
        while self._token.type == "sign" and self._token.text in _SIGNS:
            signs.append(self._take().text)
            nets.append(self._part())
        return _joined(nets, signs)

    def _part(self) -> Net:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(f"more than {_DEEPEST} parentheses, names and counts within each other")
        try:
            return self._part_within()
        finally:
            self._depth -= 1

    def _part_within(self) -> Net:
        first = self._token
        if first.type == "number":
            return self._repeat()
        if self._is("("):
            self._take()
            net = self._net()
            self._expect(")", f"to close the '(' at column {first.column + 1}")
            return net
        if first.type != "word":
            raise self._error(f"expected a layer, a name or '(', not {first}")
        self._take()
        if self._is(":"):
            self._take()
            return self._made(first, lambda: Named(self._part(), first.text))
        if first.text.lower() == "side":
            weight = {"weight": self._value("Positive", "weight")} if self._token.type == "number" else {}
            head = self._part()
            return self._made(first, lambda: AuxHead(head, **weight))
        return self._layer(first)

    def _repeat(self) -> Net:
        first = self._token
        count = self._value("Count", "the number before '*'")
        self._expect("*", "after the number of copies, as in 3 * (conv 8 3x3 >> relu)")
        net = self._part()
        return self._made(first, lambda: Repeat(net, count))

    def _made(self, at: _Token, make: Callable[[], Net]) -> Net:
        """What `make` makes; what it refuses is an error of the text at this token."""
        try:
            return make()
        except NotationError:
            raise
        except DescribeError as error:
            raise self._error(str(error), at) from None

    # -- one layer ---------------------------------------------------------------------------------------------

    def _layer(self, keyword: _Token) -> Net:
        layer = LAYERS.get(keyword.text.lower())
        if layer is None:
            raise self._error(f"there is no layer {_short(keyword.text)!r}{_nearest(keyword.text, LAYERS)}", keyword)
        given: dict[str, Any] = {}
        for option in options(layer.keyword):
            if not option.by_word:
                if option.kind == "Classes" and self._token.text.lower() == OPEN:
                    self._take()
                    given[option.field] = None
                elif self._token.type in ("number", "pair"):
                    given[option.field] = self._value(option.kind, f"{option.field} of {layer.keyword}")
                elif option.default is MISSING:
                    raise self._error(f"{usage(layer)}: {option.field} is missing before {self._token}")
        if self._token.type in ("number", "pair"):
            raise self._error(f"{usage(layer)}: {self._token} is one number too many")
        while self._token.type == "word":
            self._option(layer, given)
        return self._made(keyword, lambda: layer(**given))

    def _option(self, layer: type[Layer], given: dict[str, Any]) -> None:
        first = self._take()
        negated = first.text == "no" and self._token.type == "word"
        word = self._take() if negated else first
        known = {option.word: option for option in options(layer.keyword) if option.by_word}
        known |= {option.field: option for option in known.values()}
        option = known.get(word.text.lower())
        if not known:
            raise self._error(f"expected >>, +, *, | or the end after {layer.keyword}, not {first}", first)
        if option is None or (negated and option.kind != "Flag"):
            said = f"no {_short(word.text)}" if negated else _short(word.text)
            hint = _nearest(word.text, known) if option is None else ""
            raise self._error(f"{layer.keyword} has no option {said!r}{hint or f'; {usage(layer)}'}", first)
        if option.field in given:
            raise self._error(f"{option.word!r} is given twice", first)
        if option.kind == "Flag":
            given[option.field] = not negated
        else:
            given[option.field] = self._value(option.kind, f"{option.word} of {layer.keyword}")

    def _value(self, kind: str, what: str) -> Any:
        token = self._token
        if kind == "Table":
            value: object = self._table()
        else:
            value = _value_of(token, kind)
            self._take()
        try:
            return KINDS[kind].check(value)
        except ValueError as error:
            raise self._error(f"{what} must be {error}, not {token}", token) from None

    def _table(self) -> list[list[int]]:
        self._expect("(", "and the input channels of each output channel, as in connections (0 1, 1 2)")
        rows: list[list[int]] = [[]]
        while not self._is(")"):
            token = self._take()
            if token.text == ",":
                rows.append([])
            elif token.type == "number" and token.text.isdigit() and len(token.text) < 10:
                rows[-1].append(int(token.text))
            else:
                raise self._error(f"expected an input channel, ',' or ')', not {token}", token)
        self._take()
        return rows


def _joined(nets: list[Net], signs: list[str]) -> Net:
    """Nets with signs between them as one net: the nets around each kind of sign together, tightest sign first."""
    for sign, composition in _SIGNS.items():
        runs, between = [[nets[0]]], []
        for other, net in zip(signs, nets[1:], strict=True):
            if other == sign:
                runs[-1].append(net)
            else:
                runs.append([net])
                between.append(other)
        nets = [composition(tuple(run)) if len(run) > 1 else run[0] for run in runs]
        signs = between
    return nets[0]


def _value_of(token: _Token, kind: str) -> object:
    """The plain value a token stands for; what does not fit the kind is left for its check to refuse."""
    if kind in ("Padding", "Mode"):
        word = token.text.lower()
        if token.type == "word":
            return word
    if token.type == "uneven" and kind == "Padding":
        axes = [tuple(int(side[:12]) for side in axis.split(":")) for axis in re.split("[x×X]", token.text)]
        return (axes[0], axes[-1])
    if token.type == "pair":
        height, width = re.split("[x×X]", token.text)
        return (int(height[:12]), int(width[:12]))
    if token.type == "number":
        whole = token.text.lstrip("-").isdigit()
        return float(token.text) if kind in ("Share", "Positive", "Real") or not whole else int(token.text[:12])
    return None


def usage(layer: type[Layer]) -> str:
    """Return how a layer is written, what may be left out in brackets.

    >>> usage(LAYERS["maxpool"]).split()[:2]
    ['maxpool', 'KERNEL']
    """
    shown = [layer.keyword]
    for option in options(layer.keyword):
        if option.by_word:
            shown.append(f"[{'no ' * (option.default is True)}{option.word}]")
        else:
            shown.append(option.field.upper() if option.default is MISSING else f"[{option.field.upper()}]")
    return " ".join(shown)


def _nearest(word: str, known: dict[str, Any]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(word[:_SHOWN].lower(), known, n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
