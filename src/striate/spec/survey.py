"""A net on an input shape: what every part makes of it and what it costs, or why it cannot be."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any

from striate.errors import DescribeError
from striate.spec.field import Field
from striate.spec.layer import Layer
from striate.spec.net import Net
from striate.spec.patches import Patches, Unseen, unseen
from striate.spec.shape import Shape
from striate.spec.trace import Step, Stuck, Trace

FLOAT_BYTES = 4  # of an activation in float32


@dataclass(frozen=True, slots=True)
class Part:
    """One row of a survey: a layer at work, or the join of branches.

    ``memory_bytes`` is the output of one picture in float32, as training keeps it. ``unseen`` is what this part by
    itself passes over in its own input (another branch may see it); None where it looks at everything. A ``frozen``
    part keeps the weights it starts from. Of a part that is somebody's own code ``macs`` is None: not known.
    """

    path: str
    layer: str
    output: Shape | None  # None: neither a map nor a flat vector
    parameters: int
    fixed: int
    macs: int | None
    memory_bytes: int
    field: Field | None
    unseen: Unseen | None
    auxiliary: bool
    frozen: bool = False

    @property
    def shape(self) -> Shape:
        """The output's shape. Raises `DescribeError` for what is neither a map nor a flat vector."""
        if self.output is None:
            raise DescribeError(f"{self.path} ({self.layer}) puts out neither a map nor a flat vector")
        return self.output

    def to_dict(self) -> dict[str, Any]:
        """The row as plain lists and numbers."""
        return {
            "path": self.path,
            "layer": self.layer,
            "output": list(self.output) if self.output else None,
            "parameters": self.parameters,
            "fixed": self.fixed,
            "macs": self.macs,
            "memory_bytes": self.memory_bytes,
            "field": self.field.to_dict() if self.field else None,
            "unseen": self.unseen.to_dict() if self.unseen else None,
            "aside": self.auxiliary,
            "frozen": self.frozen,
        }


@dataclass(frozen=True, eq=False)
class Survey:
    """A net on an input: one `Part` a row, and the totals. It prints as the table.

    ``parameters`` are trained, ``fixed`` numbers are not (`Rbf`); running statistics of batch norm are neither.
    ``macs`` are the multiply-accumulates of convolutions and dense layers for one picture; biases, norms, pooling
    and activations are not counted, and a window's taps in the padding are, as is usual. Side heads count in all
    totals; their rows say ``aside``. ``field`` is the receptive field of the output; ``unseen`` what of the picture
    reaches no output (None, unless it was surveyed with ``fit="floor"``). Of a network that only its own code can be
    (`striate.spec.code`) the rows are what was seen of it, ``why`` says why no more is known, and the MACs are those
    that are known.

        >>> from striate.spec import Conv, MaxPool, ReLU
        >>> survey = (Conv(6, 5) >> ReLU() >> MaxPool(2)).on(1, 28, 28)
        >>> survey.parameters, survey.macs, str(survey.output), survey.field.size
        (156, 86400, '6x12x12', (6, 6))
    """

    net: Net
    input: Shape
    output: Shape | None  # None on the survey of a net that failed, which an error carries
    rows: tuple[Part, ...]
    unseen: Unseen | None
    _trace: Trace | None
    why: str | None = None

    @property
    def parameters(self) -> int:
        """Numbers that are trained."""
        return sum(row.parameters for row in self.rows)

    @property
    def fixed(self) -> int:
        """Numbers that belong to the net but are never trained."""
        return sum(row.fixed for row in self.rows)

    @property
    def frozen(self) -> int:
        """Numbers among the `parameters` that keep the values they start from; see `with_frozen`."""
        return sum(row.parameters for row in self.rows if row.frozen)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one picture."""
        return sum(row.macs or 0 for row in self.rows)

    @property
    def memory_bytes(self) -> int:
        """The outputs of all parts for one picture in float32."""
        return sum(row.memory_bytes for row in self.rows)

    @property
    def field(self) -> Field | None:
        """The receptive field of the output; None when the input is a flat vector."""
        return next((row.field for row in reversed(self.rows) if not row.auxiliary), None)

    @property
    def layers(self) -> tuple[Net, ...]:
        """The layer or the join that each row is of; none for somebody's code."""
        return () if self._trace is None else tuple(step.net for step in self._trace.done[: len(self.rows)])

    @property
    def given(self) -> tuple[Shape, ...]:
        """The shape that flows into each of the `layers`.

        >>> from striate.spec import Conv, Flatten
        >>> (Conv(6, 5) >> Flatten()).on(1, 28, 28).given[1].size
        (24, 24)
        """
        return () if self._trace is None else tuple(step.given for step in self._trace.done[: len(self.rows)])

    def footprint(self, part: str, row: int = 0, column: int = 0) -> frozenset[tuple[int, int]]:
        """Return the pixels of the picture that one position (``row``, ``column``) of the output of a ``part`` can see.

        Unlike `field` it knows the edges of the picture and the holes of dilated windows. Raises `DescribeError`
        when there is no such part or position.

            >>> from striate.spec import Conv
            >>> sorted(Conv(1, (1, 2), dilation=2).on(1, 4, 5).footprint("conv1", 0, 1))
            [(0, 1), (0, 3)]
        """
        return frozenset(pixel for patch in self._seen(part, row, column) for pixel in patch.pixels())

    def bounds(self, part: str, row: int = 0, column: int = 0) -> tuple[range, range]:
        """Return the rows and columns within which the `footprint` of (``row``, ``column``) of a ``part`` lies, if any.

        >>> from striate.spec import Conv
        >>> Conv(1, (1, 2), dilation=2).on(1, 4, 5).bounds("conv1", 0, 1)
        (range(0, 1), range(1, 4))
        """
        patches = self._seen(part, row, column)
        rows, columns = (reduce(or_, chosen, 0) for chosen in zip(*patches, strict=True)) if patches else (0, 0)
        return _hull(rows), _hull(columns)

    def _seen(self, part: str, row: int, column: int) -> Patches:
        found = next((known for known in self.rows if known.path == part), None)
        if found is None:
            raise DescribeError(f"there is no part {part!r} in this net")
        if self._trace is None:
            raise DescribeError(f"which pixels {part} sees is not known: {self.why}")
        assert found.output is not None
        height, width = found.output.size
        if not (0 <= row < height and 0 <= column < width):
            raise DescribeError(f"{part} gives {found.output}: it has no position {row}, {column}")
        return self._trace.footprint(part, row, column) or ()

    def with_frozen(self, paths: Collection[str]) -> Survey:
        """Return the same survey with the parts at ``paths`` marked as frozen: their weights are kept as they are.

        >>> from striate.spec import Conv, Dense, Flatten
        >>> (Conv(6, 5) >> Flatten() >> Dense(2)).on(1, 8, 8).with_frozen(["conv1"]).frozen
        156
        """
        return replace(self, rows=tuple(replace(row, frozen=row.path in paths) for row in self.rows))

    def table(self, width: int | None = None) -> str:
        """Return the rows as text, ``width`` columns wide (80 to 120: the terminal's), repeats alike folded."""
        from striate.spec.summary import text_table

        return text_table(self, width)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain lists and numbers, ready for JSON."""
        return {
            "net": str(self.net),
            "input": list(self.input),
            "output": list(self.output) if self.output else None,
            "parameters": self.parameters,
            "fixed": self.fixed,
            "frozen": self.frozen,
            "macs": self.macs,
            "memory_bytes": self.memory_bytes,
            "field": self.field.to_dict() if self.field else None,
            "unseen": self.unseen.to_dict() if self.unseen else None,
            "rows": [row.to_dict() for row in self.rows],
        }

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        return self.table()

    def _repr_html_(self) -> str:
        from striate.spec.summary import html_table

        return html_table(self)


def survey(net: Net, shape: Shape, *, classes: int | None = None, fit: str = "exact") -> Survey:
    """What ``net.on(...)`` does; see there."""
    if fit not in ("exact", "floor"):
        raise DescribeError(f'fit must be "exact" or "floor", not {fit!r}')
    if classes is not None:
        net = net.with_classes(classes)
    trace = Trace(net, shape)
    try:
        trace.run()
    except Stuck as stuck:
        from striate.spec.remedy import refuse_part

        raise refuse_part(trace, stuck, fit=fit, survey=_survey(trace, trace.done)) from None
    lost = trace.lost()
    if lost and fit == "exact":
        from striate.spec.remedy import refuse_loss

        raise refuse_loss(trace, lost, survey=lambda last: _survey(trace, trace.done[: trace.done.index(last) + 1]))
    return _survey(trace, trace.done, trace.output, unseen(lost, shape.size))


def _hull(chosen: int) -> range:
    """From the first member of a set to the last."""
    return range((chosen & -chosen).bit_length() - 1, chosen.bit_length()) if chosen else range(0)


def _survey(trace: Trace, steps: list[Step], output: Shape | None = None, lost: Unseen | None = None) -> Survey:
    return Survey(trace.net, trace.input, output, tuple(_parts(trace, steps)), lost, trace)


def _parts(trace: Trace, steps: list[Step]) -> Iterator[Part]:
    """The rows; what depends on the layer and its input alone is worked out once, as repeats ask it often."""
    known: dict[tuple[int, Shape], tuple[str, int, int, int, Unseen | None]] = {}
    for step in steps:
        key = id(step.net), step.given
        if key not in known:
            known[key] = _row(trace, step)
        text, parameters, fixed, macs, passed_over = known[key]
        yield Part(
            step.path,
            text,
            step.shape,
            parameters,
            fixed,
            macs,
            FLOAT_BYTES * step.shape.elements,
            step.field if trace.input.is_map else None,
            passed_over,
            step.auxiliary,
        )


def _row(trace: Trace, step: Step) -> tuple[str, int, int, int, Unseen | None]:
    layer, given = step.net, step.given
    if not isinstance(layer, Layer):
        return layer.keyword, 0, 0, 0, None
    return (
        str(layer),
        layer.parameters(given),
        layer.fixed(given),
        layer.macs(given),
        unseen(trace.passed_over(step), given.size),
    )
