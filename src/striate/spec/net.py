# ruff: noqa: D102  (what an overriding method answers is said once, at its base)
"""Nets composed of nets: in a row, side by side, repeated, named; a tree of frozen values, each of them a `Net`.

In Python the operators bind as they do for numbers, and the text notation binds the same way, tightest first:
``*`` (multiply, repeat), ``+`` (add), ``>>`` (row), ``|`` (concat).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, FrozenInstanceError, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

from striate.errors import DescribeError
from striate.spec.shape import Shape
from striate.spec.values import KINDS, Count, Positive

if TYPE_CHECKING:
    from striate.spec.branches import Add, Concat, Multiply
    from striate.spec.layer import Head
    from striate.spec.survey import Survey

DEEPEST = 50  # compositions within each other; text of such a net still reads back
LARGEST_REPEAT = 10_000  # more than any network; a larger number is a slip of the keyboard
_Class = TypeVar("_Class", bound=type)


@dataclass_transform(frozen_default=True, eq_default=False)
def node(cls: _Class) -> _Class:
    """Make a class of the tree: a frozen dataclass that checks its fields, compares and prints as a `Net` does.

    `Net` itself does the freezing: two methods less for `dataclass` to compile, which makes the import of all the
    layers 6 ms quicker.
    """
    return dataclass(eq=False, repr=False)(cls)  # type: ignore[return-value]


@node
class Net:
    """A network: one layer, or several composed. Values: frozen, hashable, equal when they say the same.

    >>> from striate.spec import Conv, Dense, Flatten, Identity, ReLU
    >>> block = Conv(8, 3, padding=1) >> ReLU()
    >>> net = 2 * (block + Identity()) >> Flatten() >> Dense(10)
    >>> print(net)
    2 * ((conv 8 3x3 pad 1 >> relu) + identity) >> flatten >> dense 10
    """

    keyword: ClassVar[str]  # the word of the text notation
    depth: ClassVar[int] = 0  # how many compositions are within each other; a composition sets its own

    def __post_init__(self) -> None:
        for field in fields(self):
            kind = KINDS.get(str(field.type))
            if kind is not None:
                value = getattr(self, field.name)
                try:
                    self._set(field.name, kind.check(value))
                except ValueError as error:
                    raise DescribeError(f"{self.keyword}: {field.name} must be {error}, not {value!r}") from None

    def _set(self, name: str, value: object) -> None:
        """Bring a field into its one canonical form, while the value is being made and nobody else holds it."""
        object.__setattr__(self, name, value)

    def _set_depth(self) -> None:
        depth = 1 + max(net.depth for net in self.inside())
        if depth > DEEPEST:
            raise DescribeError(f"more than {DEEPEST} compositions within each other")
        self._set("depth", depth)

    def __setattr__(self, name: str, value: object) -> None:
        if name in self.__dict__ or name not in self.__dataclass_fields__:  # each field once, while it is being made
            raise FrozenInstanceError(f"a net does not change: make a new {type(self).__name__}")
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"a net does not change: make a new {type(self).__name__}")

    # -- composing ---------------------------------------------------------------------------------------------

    def __rshift__(self, after: Net) -> Row:
        """One net, then another: ``Conv(6, 5) >> ReLU()``."""
        return Row((self, after)) if isinstance(after, Net) else NotImplemented

    def __add__(self, other: Net) -> Add:
        """Both nets on the same input, their outputs added: ``block + Identity()``."""
        from striate.spec.branches import Add

        return Add((self, other)) if isinstance(other, Net) else NotImplemented

    def __or__(self, other: Net) -> Concat:
        """Both nets on the same input, their channels one after the other."""
        from striate.spec.branches import Concat

        return Concat((self, other)) if isinstance(other, Net) else NotImplemented

    def __mul__(self, other: Net) -> Multiply:
        """Both nets on the same input, their outputs multiplied (a 1x1 map is spread over a larger one)."""
        from striate.spec.branches import Multiply

        return Multiply((self, other)) if isinstance(other, Net) else NotImplemented

    def __rmul__(self, count: int) -> Repeat:
        """``3 * net``: three copies in a row, each with weights of its own."""
        return Repeat(self, count) if isinstance(count, int) else NotImplemented

    def name(self, name: str) -> Named:
        """The net as a named part: its weights, taps and rows of the table begin with the name."""
        return Named(self, name)

    # -- asking ------------------------------------------------------------------------------------------------

    def inside(self) -> tuple[Net, ...]:
        """The nets this one is composed of; none for a layer."""
        return ()

    def with_inside(self, inside: tuple[Net, ...]) -> Net:
        """The same composition of other nets, as many as `inside` gives."""
        if inside:
            raise ValueError(f"{self.keyword} is not composed of nets")
        return self

    def layers(self) -> Iterator[Net]:
        """Every layer as it is written: the body of a repeat once, side heads too."""
        if not self.inside():
            yield self
        for net in self.inside():
            yield from net.layers()

    def change(self, function: Callable[[Net], Net]) -> Net:
        """The same net with every layer replaced by what `function` makes of it."""
        if not self.inside():
            return function(self)
        return self.with_inside(tuple(net.change(function) for net in self.inside()))

    def parts(self) -> Iterator[tuple[str, Net]]:
        """Every layer with its dotted path, in the order they work; the path names weights and taps too.

        A named part gives its name, a repeat its running number from 1, an unnamed branch ``branch1``, ``branch2``
        ..., an unnamed side head ``side1`` ..., and an unnamed layer its keyword with a running number in its scope.
        Raises `DescribeError` when two parts would have one name.

            >>> from striate.spec import Conv, Identity
            >>> [path for path, _ in (Conv(8, 3).name("stem") >> 2 * (Conv(8, 1) + Identity())).parts()]
            ['stem', '1.branch1.conv1', '1.branch2.identity1', '2.branch1.conv1', '2.branch2.identity1']
        """
        from striate.spec.paths import Scope, walk

        return walk(self, Scope("", self))

    def head(self) -> tuple[str, Head]:
        """Path and layer of what answers for the classes: the last dense layer (or `Rbf`) outside side heads.

        Without one, the last convolution, unless it is one branch of several. Raises `DescribeError` when there is
        none.

            >>> from striate.spec import parse
            >>> parse("conv 8 3 >> relu >> conv classes 1x1 >> globalavgpool >> flatten").head()
            ('conv2', Conv(None, 1))
        """
        from striate.spec.paths import answering

        return answering(self)

    @property
    def is_open(self) -> bool:
        """True while a layer waits for the number of classes, as ``Dense()`` does."""
        from striate.spec.layer import Head

        return any(isinstance(layer, Head) and layer.out is None for layer in self.layers())

    def with_classes(self, classes: int) -> Net:
        """The net with that many outputs wherever it said "as many as there are classes".

        >>> from striate.spec import Dense, Flatten
        >>> print((Flatten() >> Dense()).with_classes(10))
        flatten >> dense 10
        """
        from striate.spec.layer import Head

        return self.change(
            lambda layer: layer.as_head(classes) if isinstance(layer, Head) and layer.out is None else layer
        )

    def on(
        self,
        channels: int | Shape,
        height: int | None = None,
        width: int | None = None,
        *,
        classes: int | None = None,
        fit: str = "exact",
    ) -> Survey:
        """What the net is on an input of this shape (channels, height, width in pixels): its `Survey`.

        ``fit="exact"`` refuses a net that never sees part of the picture; ``fit="floor"`` accepts it and the Survey
        shows what is unseen. Raises `ShapeError` or `FitError` naming the part, the numbers and what would do; the
        error's ``survey`` holds the rows up to that part.

            >>> from striate.spec import Conv
            >>> str(Conv(10, 5, padding=2).on(3, 32, 32).output)
            '10x32x32'
        """
        from striate.spec.survey import survey

        shape = channels if isinstance(channels, Shape) else Shape(channels, height, width)
        return survey(self, shape, classes=classes, fit=fit)

    def as_convolutional(self, channels: int | Shape, height: int | None = None, width: int | None = None) -> Net:
        """The classifier of pictures of this shape as a net that slides over larger ones and gives a map of scores.

        ``striate.spec.sliding.slide`` says also where its windows lie, and whether each score is exactly its crop's.
        Raises `DescribeError` naming the part that no convolution can stand for, and why.

            >>> from striate.spec import Conv, Dense, Flatten, MaxPool
            >>> print((Conv(6, 5) >> MaxPool(2) >> Flatten() >> Dense(10)).as_convolutional(1, 28, 28))
            conv 6 5x5 >> maxpool 2x2 >> dense1: conv 10 12x12
        """
        from striate.spec.sliding import slide

        return slide(self, channels if isinstance(channels, Shape) else Shape(channels, height, width)).net

    # -- being a value -----------------------------------------------------------------------------------------

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self is other or (isinstance(other, Net) and self._values() == other._values())

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __str__(self) -> str:
        from striate.spec.writing import write

        return write(self)

    def __repr__(self) -> str:
        from striate.spec.writing import write_python

        return write_python(self)


@node
class Several(Net):
    """Several nets composed: two or more, those of the same composition opened. (Abstract.)"""

    nets: tuple[Net, ...]

    def __post_init__(self) -> None:
        flat: list[Net] = []
        for net in self.nets:
            flat.extend(net.inside() if type(_net(self, net)) is type(self) else (net,))
        if len(flat) < 2:
            raise DescribeError(f"{self.keyword} takes two nets or more, not {len(flat)}")
        self._set("nets", tuple(flat))
        self._set_depth()

    def inside(self) -> tuple[Net, ...]:
        return self.nets

    def with_inside(self, inside: tuple[Net, ...]) -> Net:
        return replace(self, nets=inside)


class Row(Several):
    """Nets one after the other. A row within a row is one longer row, so a net has one way to be written."""

    keyword: ClassVar[str] = "row"


@node
class Single(Net):
    """A net within something. (Abstract.)"""

    net: Net

    def __post_init__(self) -> None:
        super().__post_init__()
        _net(self, self.net)
        self._set_depth()

    def inside(self) -> tuple[Net, ...]:
        return (self.net,)

    def with_inside(self, inside: tuple[Net, ...]) -> Net:
        (net,) = inside
        return replace(self, net=net)


@node
class Repeat(Single):
    """`count` copies of a net in a row, each with weights of its own."""

    keyword: ClassVar[str] = "repeat"
    count: Count

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.count > LARGEST_REPEAT:
            raise DescribeError(f"repeat: count {self.count:,} is too large: at most {LARGEST_REPEAT:,}")


@node
class Named(Single):
    """A net under a name: letters, digits and ``_``, not beginning with a digit; ``input`` is the picture itself."""

    keyword: ClassVar[str] = "named"
    label: str

    def __post_init__(self) -> None:
        super().__post_init__()
        plain = isinstance(self.label, str) and self.label.isascii() and self.label.isidentifier()
        if not plain or self.label == "input":
            reason = (
                "it is the picture itself" if self.label == "input" else "use letters, digits and _, a letter first"
            )
            raise DescribeError(f"{self.label!r} cannot name a part: {reason}")


@node
class AuxHead(Single):
    """A head to the side of a row: it learns from the value at its place, which passes on unchanged.

    In training its loss counts with `weight`; in prediction it vanishes (GoogLeNet, Szegedy et al. 2015, section 5).
    """

    keyword: ClassVar[str] = "side"
    _: KW_ONLY
    weight: Positive = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        if _holds_side(self.net):
            raise DescribeError("side: a side head cannot have side heads of its own")


def _net(owner: Net, value: object) -> Net:
    if not isinstance(value, Net):
        raise DescribeError(f"{owner.keyword}: {value!r} is not a net")
    return value


def _holds_side(net: Net) -> bool:
    return isinstance(net, AuxHead) or any(map(_holds_side, net.inside()))
