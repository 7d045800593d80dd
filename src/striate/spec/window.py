# ruff: noqa: D102  (what an overriding method answers is said once, at its base)
"""One axis of a window: how many outputs, which inputs each of them sees, and the arithmetic in words.

Height and width never mix in a window, so everything here is about one axis of `n` positions, 0 to n - 1.
A set of positions is a whole number whose bit `i` says whether position `i` is in it: unions and shifts of
thousands of positions are then single operations.

    >>> window = Slide(kernel=3, stride=3)          # the textbook's 3x3 filter with stride 3 ...
    >>> window.outputs(7), window.formula(7)        # ... on a picture of 7x7
    (2, '(7 - 3 + 2*0)/3 + 1 = 2.33')
    >>> positions(everything(7) & ~window.seen(7, everything(2)))     # what neither output sees
    (6,)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from math import gcd
from operator import or_
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

    Steps = int | Fraction


def everything(n: int) -> int:
    """The set of all `n` positions."""
    return (1 << n) - 1


def positions(chosen: int) -> tuple[int, ...]:
    """The members of a set, in order.

    >>> positions(0b101001)
    (0, 3, 5)
    """
    return tuple(i for i, bit in enumerate(bin(chosen)[:1:-1]) if bit == "1")


def spread(chosen: int, step: int) -> int:
    """Every member `i` moved to ``i * step``."""
    return chosen if step == 1 else int(("0" * (step - 1)).join(bin(chosen)[2:]), 2)


def gather(chosen: int, step: int) -> int:
    """The inverse: every member that is a multiple of `step` moved to ``i / step``, the others dropped."""
    return chosen if step == 1 else int(bin(chosen)[:1:-1][::step][::-1], 2)


def moved(chosen: int, by: int) -> int:
    """Every member `i` moved to ``i + by``; what falls below 0 is dropped."""
    return chosen << by if by >= 0 else chosen >> -by


def taps(chosen: int, count: int, apart: int) -> int:
    """Every member `i` together with ``i + apart``, ``i + 2 * apart`` ...: `count` of them.

    >>> positions(taps(0b100001, count=3, apart=2))
    (0, 2, 4, 5, 7, 9)
    """
    done = 1
    while done < count:  # as many again each time
        more = min(done, count - done)
        chosen |= chosen << more * apart
        done += more
    return chosen


class Window:
    """What the outputs of a layer see along one axis. (Abstract.)

    ``first``, ``last`` and ``step`` bound it: output `j` sees nothing outside positions ``first + j * step`` to
    ``last + j * step``, where positions below 0 or beyond the last lie in the padding. They are whole for a window
    that slides; a layer that enlarges steps by a fraction.
    """

    first: Steps
    last: Steps
    step: Steps

    def outputs(self, n: int) -> int:
        """How many outputs there are on `n` inputs; below 1 when the window does not fit."""
        raise NotImplementedError

    def seen(self, n: int, needed: int) -> int:
        """The set of inputs that at least one of the `needed` outputs sees."""
        raise NotImplementedError

    def reached(self, n: int, given: int) -> int:
        """The set of outputs that see at least one of the `given` inputs."""
        raise NotImplementedError

    def formula(self, n: int) -> str:
        """The arithmetic of `outputs` with its numbers."""
        raise NotImplementedError

    def on(self, n: int) -> Window:
        """The same window where ``first``, ``last`` and ``step`` are known; they may depend on `n`, the inputs."""
        return self


@dataclass(frozen=True, eq=False)
class Slide(Window):
    """A window of `kernel` taps, `dilation` apart, that moves `stride` positions from output to output.

    There are (W - F + P)/S + 1 outputs, rounded down, where F is the span of the window and P all of the padding.
    With `ceil` it is rounded up, unless the last window would then begin in the padding behind (as in PyTorch).
    """

    kernel: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1
    ceil: bool = False

    @property
    def span(self) -> int:
        """From the first tap to the last, both counted."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def first(self) -> int:  # type: ignore[override]
        """Where output 0 begins."""
        return -self.before

    @property
    def last(self) -> int:  # type: ignore[override]
        """Where output 0 ends."""
        return self.span - 1 - self.before

    @property
    def step(self) -> int:  # type: ignore[override]
        """How far the window moves."""
        return self.stride

    def outputs(self, n: int) -> int:
        room = n - self.span + self.before + self.after
        if not self.ceil:
            return room // self.stride + 1
        count = -(-room // self.stride) + 1
        if (count - 1) * self.stride >= n + self.before:
            count -= 1
        return count

    def seen(self, n: int, needed: int) -> int:
        return moved(taps(spread(needed, self.stride), self.kernel, self.dilation), -self.before) & everything(n)

    def reached(self, n: int, given: int) -> int:
        starts = moved(taps(given, self.kernel, self.dilation), self.before - self.span + 1)
        return gather(starts, self.stride) & everything(self.outputs(n))

    def formula(self, n: int) -> str:
        total = abs(self.before + self.after)
        padding = f"2*{total // 2}" if self.before == self.after else f"{total}"
        sign = "-" if self.before < 0 else "+"  # below 0 it cuts off
        exact = (n - self.span + self.before + self.after) / self.stride + 1
        span = str(self.span) if self.dilation == 1 else f"({self.dilation}*({self.kernel} - 1) + 1)"
        return f"({n} - {span} {sign} {padding})/{self.stride} + 1 = {round(exact, 2):g}"


@dataclass(frozen=True, eq=False)
class Spread(Window):
    """The transpose of a `Slide`: each input reaches `kernel` outputs, `dilation` apart, `stride` from the next's.

    There are (W - 1)*S + F - 2P + extra outputs: the outputs of which a `Slide` would make these inputs.
    """

    kernel: int
    stride: int = 1
    padding: int = 0
    extra: int = 0
    dilation: int = 1

    @property
    def span(self) -> int:
        """From the first output an input reaches to the last, both counted."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def first(self) -> Steps:  # type: ignore[override]
        """Output 0 sees inputs from here, in steps of an output."""
        return _ratio(self.padding - self.span + 1, self.stride)

    @property
    def last(self) -> Steps:  # type: ignore[override]
        """Output 0 sees inputs to here."""
        return _ratio(self.padding, self.stride)

    @property
    def step(self) -> Steps:  # type: ignore[override]
        """An output is a fraction of an input wide."""
        return _ratio(1, self.stride)

    def outputs(self, n: int) -> int:
        return (n - 1) * self.stride + self.span - 2 * self.padding + self.extra

    def seen(self, n: int, needed: int) -> int:
        starts = moved(taps(needed, self.kernel, self.dilation), self.padding - self.span + 1)
        return gather(starts, self.stride) & everything(n)

    def reached(self, n: int, given: int) -> int:
        reached = moved(taps(spread(given, self.stride), self.kernel, self.dilation), -self.padding)
        return reached & everything(self.outputs(n))

    def formula(self, n: int) -> str:
        extra = f" + {self.extra}" if self.extra else ""
        return f"({n} - 1)*{self.stride} + {self.span} - 2*{self.padding}{extra} = {self.outputs(n)}"


@dataclass(frozen=True, eq=False)
class Stretch(Window):
    """Each input becomes `factor` outputs: repeated, or on the line between the centres of its neighbours."""

    factor: int
    bilinear: bool = False

    @property
    def first(self) -> Steps:  # type: ignore[override]
        """Output 0 sees inputs from here (the lowest over all positions within a period of `factor`)."""
        # Output j lies at (j + 1/2)/factor - 1/2 among the inputs and sees the whole numbers around that place.
        return _ratio(1 - self.factor - self._reach, 2 * self.factor) if self.bilinear else self.step - 1

    @property
    def last(self) -> Steps:  # type: ignore[override]
        """Output 0 sees inputs to here (the highest over all positions within a period of `factor`)."""
        return _ratio(1 - self.factor + self._reach, 2 * self.factor) if self.bilinear else 0

    @property
    def _reach(self) -> int:
        """The largest distance from an output's place to an input it sees, in units of 1/(2 factor)."""
        return 2 * self.factor - (1 if self.factor % 2 == 0 else 2)

    @property
    def step(self) -> Steps:  # type: ignore[override]
        """An output is a fraction of an input wide."""
        return _ratio(1, self.factor)

    def outputs(self, n: int) -> int:
        return n * self.factor

    def seen(self, n: int, needed: int) -> int:
        if not self.bilinear:
            return gather(taps(needed, self.factor, 1) >> (self.factor - 1), self.factor)
        return reduce(or_, (self._around(n, output) for output in positions(needed)), 0)

    def reached(self, n: int, given: int) -> int:
        if not self.bilinear:
            return taps(spread(given, self.factor), self.factor, 1)
        outputs = (output for output in range(n * self.factor) if self._around(n, output) & given)
        return reduce(or_, (1 << output for output in outputs), 0)

    def _around(self, n: int, output: int) -> int:
        place, rest = divmod(max(2 * output + 1 - self.factor, 0), 2 * self.factor)
        return 1 << place | (1 << min(place + 1, n - 1) if rest else 0)

    def formula(self, n: int) -> str:
        return f"{n}*{self.factor} = {n * self.factor}"


@dataclass(frozen=True, eq=False)
class Bins(Window):
    """All inputs shared among `count` outputs: output `i` sees floor(i*n/count) up to ceil((i + 1)*n/count)."""

    count: int
    inputs: int = 0  # once known

    def on(self, n: int) -> Window:
        return Bins(self.count, n)

    @property
    def first(self) -> Steps:  # type: ignore[override]
        """Output 0 sees inputs from here (the lowest over all outputs, in steps of an output)."""
        return _ratio(gcd(self.inputs, self.count) - self.count, self.count)

    @property
    def last(self) -> Steps:  # type: ignore[override]
        """Output 0 sees inputs to here (the highest over all outputs, in steps of an output)."""
        return _ratio(self.inputs - gcd(self.inputs, self.count), self.count)

    @property
    def step(self) -> Steps:  # type: ignore[override]
        """An output is that many inputs wide."""
        return _ratio(self.inputs, self.count)

    def outputs(self, n: int) -> int:
        return self.count

    def seen(self, n: int, needed: int) -> int:
        return reduce(or_, (self._bin(n, output) for output in positions(needed)), 0)

    def reached(self, n: int, given: int) -> int:
        outputs = (output for output in range(self.count) if self._bin(n, output) & given)
        return reduce(or_, (1 << output for output in outputs), 0)

    def _bin(self, n: int, output: int) -> int:
        begin, end = output * n // self.count, -(-(output + 1) * n // self.count)
        return everything(end - begin) << begin

    def formula(self, n: int) -> str:
        return f"{self.count}"


class Whole(Window):
    """One output that sees every input: global pooling, flattening."""

    first = last = step = 0

    def outputs(self, n: int) -> int:
        return 1

    def seen(self, n: int, needed: int) -> int:
        return everything(n) if needed else 0

    def reached(self, n: int, given: int) -> int:
        return 1 if given else 0

    def formula(self, n: int) -> str:
        return "1"


def _ratio(above: int, below: int) -> Steps:
    if above % below == 0:
        return above // below
    from fractions import Fraction  # only nets that enlarge pay for it

    return Fraction(above, below)
