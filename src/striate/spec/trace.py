"""A net at work on a shape: which layer is given what, forwards; and what reaches what, in both directions."""

from __future__ import annotations

from dataclasses import dataclass

from striate.errors import DescribeError
from striate.spec.branches import Branches
from striate.spec.field import PIXEL, Field, union
from striate.spec.layer import Layer
from striate.spec.net import AuxHead, Named, Net, Repeat, Row
from striate.spec.patches import Patch, Patches, missing, together, whole
from striate.spec.paths import Scope
from striate.spec.shape import Shape
from striate.spec.window import Window

MOST_PARTS = 100_000  # more than any network; beyond it, counts were multiplied by mistake


@dataclass(slots=True, eq=False)
class Step:
    """One part at work: a layer, a join of branches, or the tap of a side head."""

    path: str
    net: Net
    where: tuple[int, ...]  # which child of which child it is in the tree of the net
    given: Shape
    shape: Shape
    field: Field
    auxiliary: bool  # within a side head
    branches: tuple[list[Step], ...] = ()


class Stuck(Exception):  # noqa: N818  (never a person's: `survey` makes an error of it)
    """A part refused what it was given."""

    def __init__(self, path: str, net: Net, where: tuple[int, ...], given: Shape, error: DescribeError) -> None:
        super().__init__(str(error))
        self.path, self.net, self.where, self.given, self.error = path, net, where, given, error


class Trace:
    """A net on an input shape, step by step.

    ``run()`` fills ``steps``, the way through, where branches lie within their join; ``done``, all of them in the
    order they work; ``output`` and ``field``. It raises `Stuck` where a part refuses, and ``done`` goes up to there.
    """

    steps: list[Step]
    output: Shape
    field: Field

    def __init__(self, net: Net, shape: Shape) -> None:
        self.net, self.input = net, shape
        self.done: list[Step] = []
        self._shapes: dict[tuple[int, Shape], Shape] = {}
        self._windows: dict[int, tuple[Window, Window] | None] = {}
        self._sets: dict[tuple[int, int, int, int, bool], int] = {}

    def run(self) -> None:
        """Work through the net."""
        if (parts := layer_count(self.net)) > MOST_PARTS:
            raise DescribeError(f"a net of {parts:,} layers is too large: at most {MOST_PARTS:,}")
        scope = Scope("", self.net)
        self.steps, self.output, self.field = self._run(
            self.net, scope, (), self.input, Field(PIXEL, PIXEL), auxiliary=False
        )

    # -- forwards: shapes and fields ---------------------------------------------------------------------------

    def _run(
        self, net: Net, scope: Scope, where: tuple[int, ...], shape: Shape, field: Field, *, auxiliary: bool
    ) -> tuple[list[Step], Shape, Field]:
        steps: list[Step] = []
        if isinstance(net, Row):
            for index, part in enumerate(net.nets):
                some, shape, field = self._run(part, scope, (*where, index), shape, field, auxiliary=auxiliary)
                steps += some
        elif isinstance(net, Repeat):
            for _ in range(net.count):
                inner = scope.open("", net.net)
                some, shape, field = self._run(net.net, inner, (*where, 0), shape, field, auxiliary=auxiliary)
                steps += some
        elif isinstance(net, Named):
            path = scope.named(net.label)
            if isinstance(net.net, Layer):
                steps.append(self._layer(net.net, path, (*where, 0), shape, field, auxiliary=auxiliary))
            else:
                steps, *_ = self._run(net.net, Scope(path, net.net), (*where, 0), shape, field, auxiliary=auxiliary)
        elif isinstance(net, Branches):
            steps.append(self._branches(net, scope, where, shape, field, auxiliary=auxiliary))
        elif isinstance(net, AuxHead):
            inner = scope.open("side", net.net)
            head, *_ = self._run(net.net, inner, (*where, 0), shape, field, auxiliary=True)
            steps.append(Step(inner.prefix, net, where, shape, shape, field, True, (head,)))
        else:
            assert isinstance(net, Layer)
            steps.append(self._layer(net, scope.next(net.keyword), where, shape, field, auxiliary=auxiliary))
        return steps, steps[-1].shape, steps[-1].field

    def _layer(
        self, layer: Layer, path: str, where: tuple[int, ...], given: Shape, field: Field, *, auxiliary: bool
    ) -> Step:
        shape = self._shapes.get((id(layer), given))
        if shape is None:
            try:
                shape = layer.shape(given)
            except DescribeError as error:
                raise Stuck(path, layer, where, given, error) from None
            self._shapes[id(layer), given] = shape
        windows = self._windows_of(layer)
        if windows is not None:
            height, width = self.input.size
            rows, columns = (window.on(side) for window, side in zip(windows, given.size, strict=True))
            field = Field(field.height.through(rows, height), field.width.through(columns, width))
        step = Step(path, layer, where, given, shape, field, auxiliary)
        self.done.append(step)
        return step

    def _branches(
        self, net: Branches, scope: Scope, where: tuple[int, ...], given: Shape, field: Field, *, auxiliary: bool
    ) -> Step:
        runs, names = [], []
        for index, branch in enumerate(net.nets):
            inner = scope.open("branch", branch)
            runs.append(self._run(branch, inner, (*where, index), given, field, auxiliary=auxiliary))
            names.append(scope.named(branch.label) if isinstance(branch, Named) else inner.prefix)
        path = scope.next(net.keyword)
        try:
            shape = net.join([shape for _, shape, _ in runs], names)
        except DescribeError as error:
            raise Stuck(path, net, where, given, error) from None
        joined = (
            union(
                [
                    reach if size == sides else reach._replace(jump=0)  # a 1x1 map is the same at every position
                    for reach, size in zip(reaches, sizes, strict=True)
                ],
                positions=sides,
                side=side,
            )
            for reaches, sizes, sides, side in zip(
                zip(*(field for _, _, field in runs), strict=True),
                zip(*(shape.size for _, shape, _ in runs), strict=True),
                shape.size,
                self.input.size,
                strict=True,
            )
        )
        step = Step(path, net, where, given, shape, Field(*joined), auxiliary, tuple(steps for steps, _, _ in runs))
        self.done.append(step)
        return step

    def _windows_of(self, net: Net) -> tuple[Window, Window] | None:
        if id(net) not in self._windows:
            self._windows[id(net)] = net.windows if isinstance(net, Layer) else None
        return self._windows[id(net)]

    # -- what reaches what -------------------------------------------------------------------------------------

    def seen(self) -> Patches:
        """The positions of the input from which some path leads to the output."""
        return self._back(self.steps, (whole(self.output.size),))

    def lost(self) -> Patches:
        """The positions of the input from which no path leads to the output."""
        return missing(self.seen(), self.input.size)

    def passed_over(self, step: Step) -> Patches:
        """The positions of a layer's own input that none of its windows looks at."""
        if self._windows_of(step.net) is None:
            return ()
        return missing(self._through(step, (whole(step.shape.size),), back=True), step.given.size)

    def footprint(self, path: str, row: int, column: int) -> Patches | None:
        """The positions of the input that one position of a part's output sees; None if there is no such part."""
        return self._footprint(self.steps, path, (Patch(1 << row, 1 << column),))

    def where_lost(self, row: int, column: int) -> Step:
        """The last part at which what comes from a lost position of the input still arrives."""
        stops: list[Step] = []
        self._ahead(self.steps, (Patch(1 << row, 1 << column),), stops)
        return stops[-1]

    def _footprint(self, steps: list[Step], path: str, needed: Patches) -> Patches | None:
        for index, step in enumerate(steps):
            if step.path == path and not isinstance(step.net, AuxHead):
                return self._back(steps[: index + 1], needed)
            for branch in step.branches:
                found = self._footprint(branch, path, needed)
                if found is not None:
                    return self._back(steps[:index], found)
        return None

    def _back(self, steps: list[Step], needed: Patches) -> Patches:
        """What must be there before these steps for what is `needed` after them."""
        for step in reversed(steps):
            if isinstance(step.net, AuxHead) or not needed:
                continue
            if step.branches:
                needed = together(
                    patch
                    for branch in step.branches
                    for patch in self._back(branch, _shrunk(needed, branch[-1].shape, step.shape))
                )
            elif self._windows_of(step.net) is not None:
                needed = self._through(step, needed, back=True)
        return needed

    def _ahead(self, steps: list[Step], given: Patches, stops: list[Step]) -> Patches:
        """What these steps make of what is `given`; notes every step at which it stops."""
        for step in steps:
            if isinstance(step.net, AuxHead) or not given:
                continue
            before = given
            if step.branches:
                given = together(
                    patch
                    for branch in step.branches
                    for patch in _spread(self._ahead(branch, before, stops), branch[-1].shape, step.shape)
                )
            elif self._windows_of(step.net) is not None:
                given = self._through(step, given, back=False)
                if not given:
                    stops.append(step)
        return given

    def _through(self, step: Step, patches: Patches, *, back: bool) -> Patches:
        windows = self._windows_of(step.net)
        assert windows is not None
        return together(
            Patch(*(self._set(step, axis, chosen, windows[axis], back) for axis, chosen in enumerate(patch)))
            for patch in patches
        )

    def _set(self, step: Step, axis: int, chosen: int, window: Window, back: bool) -> int:
        """`window.seen` or `window.reached`, remembered: repeats ask the same again and again."""
        side = step.given.size[axis]
        key = id(step.net), axis, side, chosen, back
        if key not in self._sets:
            self._sets[key] = window.seen(side, chosen) if back else window.reached(side, chosen)
        return self._sets[key]


def _shrunk(needed: Patches, branch: Shape, joined: Shape) -> Patches:
    """What a join needs of a branch: of a 1x1 map that is spread over the others, its one position."""
    return needed if branch.size == joined.size else (Patch(1, 1),)


def _spread(given: Patches, branch: Shape, joined: Shape) -> Patches:
    """What a branch gives to a join: a 1x1 map reaches every position."""
    return given if branch.size == joined.size or not given else (whole(joined.size),)


def layer_count(net: Net) -> int:
    """How many layers there are, repeats written out."""
    if not net.inside():
        return 1
    return sum(map(layer_count, net.inside())) * (net.count if isinstance(net, Repeat) else 1)
