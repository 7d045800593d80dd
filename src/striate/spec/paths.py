"""Where a part is in a net: dotted paths such as ``stage1.2.conv1``, one name for a layer, its weights and its tap."""

from __future__ import annotations

from collections.abc import Iterator

from striate.errors import DescribeError
from striate.spec.branches import Branches
from striate.spec.layer import Head
from striate.spec.layers import FlatHead
from striate.spec.net import AuxHead, Named, Net, Repeat, Row


class Scope:
    """The names within one part: hands out each once, and numbers what has no name of its own.

    A running number steps over a name that a person gave: beside a part named ``conv1`` the first unnamed
    convolution is ``conv2``.
    """

    def __init__(self, prefix: str, net: Net) -> None:
        self.prefix = prefix
        self._counts: dict[str, int] = {}
        self._given: set[str] = set()
        for name in _given_names(net):
            if name in self._given:
                where = f" within {prefix!r}" if prefix else ""
                raise DescribeError(f"two parts{where} are both named {name!r}: give each a name of its own")
            self._given.add(name)

    def named(self, name: str) -> str:
        """The path of a part under its own name."""
        return f"{self.prefix}.{name}" if self.prefix else name

    def next(self, word: str) -> str:
        """The path of the next part that has no name: the word (empty for a repeat) and its running number."""
        while True:
            self._counts[word] = number = self._counts.get(word, 0) + 1
            name = f"{word}{number}"
            if name not in self._given:
                return self.named(name)

    def open(self, word: str, net: Net) -> Scope:
        """The scope of a repetition, branch or side head. A named branch needs none: its name is in this scope."""
        return self if word and isinstance(net, Named) else Scope(self.next(word), net)


def _given_names(net: Net) -> Iterator[str]:
    """The names people gave to parts of one scope, not looking into the scopes within it."""
    if isinstance(net, Named):
        yield net.label
    elif isinstance(net, Row):
        for part in net.nets:
            yield from _given_names(part)
    elif isinstance(net, Branches | AuxHead):
        yield from (part.label for part in net.inside() if isinstance(part, Named))


def walk(net: Net, scope: Scope, *, sides: bool = True, joins: bool = True) -> Iterator[tuple[str, Net]]:
    """Every layer with its path, in the order they work; those in side heads if `sides`, in branches if `joins`."""
    if isinstance(net, Row):
        for part in net.nets:
            yield from walk(part, scope, sides=sides, joins=joins)
    elif isinstance(net, Repeat):
        for _ in range(net.count):
            yield from walk(net.net, scope.open("", net.net), sides=sides, joins=joins)
    elif isinstance(net, Named):
        path = scope.named(net.label)
        if net.net.inside():
            yield from walk(net.net, Scope(path, net.net), sides=sides, joins=joins)
        else:
            yield path, net.net
    elif isinstance(net, Branches):
        for branch in net.nets:
            inner = scope.open("branch", branch)  # opened in any case: it takes its number
            if joins:
                yield from walk(branch, inner, sides=sides)
    elif isinstance(net, AuxHead):
        if sides:
            yield from walk(net.net, scope.open("side", net.net), sides=sides)
    else:
        yield scope.next(net.keyword), net


def answering(net: Net) -> tuple[str, Head]:
    """What `Net.head` does; see there."""
    heads = [(path, part) for path, part in walk(net, Scope("", net), sides=False) if isinstance(part, Head)]
    dense = [(path, part) for path, part in heads if isinstance(part, FlatHead)]
    if dense:
        return dense[-1]
    alone = {path for path, _ in walk(net, Scope("", net), sides=False, joins=False)}
    if not heads or heads[-1][0] not in alone:
        raise DescribeError("this net has no dense layer to answer for classes: end it with flatten >> dense")
    return heads[-1]
