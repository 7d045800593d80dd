"""What would do instead: the refusal of a net, and changes to it that were tried and work."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain, islice
from math import gcd
from operator import or_

from striate.errors import DescribeError, FitError
from striate.spec.branches import Add, Branches
from striate.spec.layer import Head, Layer
from striate.spec.layers import Conv, ConvTranspose, FlatHead, Flatten, GlobalAvgPool, GroupNorm, Identity, PadChannels
from striate.spec.net import Net
from striate.spec.notation import options
from striate.spec.patches import Patches, unseen, whole
from striate.spec.shape import Shape
from striate.spec.survey import Survey
from striate.spec.trace import Step, Stuck, Trace
from striate.spec.values import KINDS, Padding, as_pair, is_uneven
from striate.spec.window import Slide, everything, positions
from striate.spec.windowed import Pool, Windowed

_EFFORT = 4_000  # layers worked through in search of one proposal
_LARGEST = 1_000  # layers of a net for which proposals are sought: more than any published; each try walks all of them


@dataclass(frozen=True)
class Proposal:
    """A change that works: ``proposal.net.on(proposal.input, fit=proposal.fit)`` does not raise.

    ``text`` says what changed: ``input 1x9x9``, ``pad 1``, ``fit="floor"``.
    """

    text: str
    net: Net
    input: Shape
    fit: str = "exact"

    def works(self) -> bool:
        """Whether the net fits now."""
        trace = Trace(self.net, self.input)
        try:
            trace.run()
        except (Stuck, DescribeError):
            return False
        return self.fit == "floor" or not trace.lost()


def refuse_part(trace: Trace, stuck: Stuck, *, fit: str, survey: Survey) -> DescribeError:
    """The error for a part that cannot take what it is given."""
    part = stuck.net
    proposals: Iterable[Proposal]
    if isinstance(stuck.error, FitError):
        proposals = [*_inputs(trace, fit), *_windows(trace, stuck.where, part, fit)]
    else:
        proposals = _shapes(trace, stuck, fit)
    return _error(type(stuck.error), f"{_called(stuck.path, part)}: {stuck.error}", proposals, survey)


def refuse_loss(trace: Trace, lost: Patches, *, survey: Callable[[Step], Survey]) -> FitError:
    """The error for a net that never sees part of its picture."""
    step = _first_to_lose(trace, lost)
    assert isinstance(step.net, Windowed)
    what, own = unseen(lost, trace.input.size), unseen(trace.passed_over(step), step.given.size)
    reasons = []
    for window, side in zip(step.net.windows, step.given.size, strict=True):
        if window.seen(side, everything(window.outputs(side))) == everything(side):
            continue
        if not isinstance(window, Slide):
            why = f"its padding cuts off all that they reach ({window.formula(side)})"
        elif window.before < 0:
            why = f"it cuts off the edges ({window.formula(side)})"
        elif (side - window.span + window.before + window.after) % window.stride:
            why = f"{window.formula(side)} is not whole"
        else:
            why = f"{window.formula(side)} is whole, but its windows leave holes"
        if why not in reasons:
            reasons.append(why)
    loss = f"{_called(step.path, step.net)} never sees {own} of its {step.given} input: {', and '.join(reasons)}"
    if own == what and step.given.size == trace.input.size:
        loss += ", and no other path leads from there to the output"
    else:
        later = "" if step is _last_to_lose(trace, lost) else "with what later parts pass over, "
        loss += f". No other path leads from there to the output; {later}the {trace.input} picture loses {what}"
    proposals = [
        *_inputs(trace, "exact"),
        *_windows(trace, step.where, step.net, "exact"),
        Proposal('fit="floor" to accept the loss', trace.net, trace.input, "floor"),
    ]
    error = _error(FitError, loss, proposals, survey(step))
    assert isinstance(error, FitError)
    return error


def _first_to_lose(trace: Trace, lost: Patches) -> Step:
    """The earliest of the parts at which something of the picture stops."""
    return min(_losers(trace, lost), key=trace.done.index)


def _last_to_lose(trace: Trace, lost: Patches) -> Step:
    return max(_losers(trace, lost), key=trace.done.index)


def _losers(trace: Trace, lost: Patches) -> Iterator[Step]:
    """The part at which each of some lost positions stops: the corners of every patch of them."""
    for patch in lost[:16]:
        rows, columns = positions(patch.rows), positions(patch.columns)
        for row, column in {(rows[0], columns[0]), (rows[-1], columns[-1])}:
            yield trace.where_lost(row, column)


def _called(path: str, part: Net) -> str:
    return f"{path} ({part})" if isinstance(part, Layer) else path


def _error(kind: type[DescribeError], reason: str, proposals: Iterable[Proposal], survey: Survey) -> DescribeError:
    found = tuple(proposals)
    *texts, last = [proposal.text for proposal in found] or [""]
    fits = f"\nWhat fits: {', '.join(texts)}{' or ' if texts else ''}{last}." if found else ""
    error = kind(f"{reason}.{fits}")
    error.survey, error.proposals = survey, found
    return error


# -- windows: other input sizes, padding, stride ---------------------------------------------------------------------


def _inputs(trace: Trace, fit: str) -> Iterator[Proposal]:
    """The nearest smaller and the nearest larger input; a square one stays square."""
    shape = trace.input
    if shape.height is None or shape.width is None:
        return
    far = _tries(trace)
    if not far:
        return
    for direction in (-1, 1):
        if shape.height == shape.width:
            begin = shape.height - 1 if direction < 0 else max(shape.height + 1, _large_enough(trace))
            sides = [begin + direction * by for by in range(far)]
            sizes = list(zip(sides, sides, strict=True))
        else:
            height, width = (_nearest_side(trace, axis, direction, far, fit) for axis in (0, 1))
            sizes = [(height or shape.height, width or shape.width)]
        inputs = (Shape(shape.channels, *size) for size in sizes if 2 * min(size) >= min(shape.size))
        yield from _working(
            trace, (Proposal(f"input {other}", trace.net, other, fit) for other in inputs if other != shape)
        )


def _large_enough(trace: Trace) -> int:
    """The smallest side, from the one of this square input on, of which no window is too large for what it is given."""
    begin, _ = trace.input.size

    def too_small(side: int) -> bool:
        try:
            Trace(trace.net, Shape(trace.input.channels, side, side)).run()
        except Stuck as stuck:
            return isinstance(stuck.error, FitError)
        return False

    larger = range(begin, 16 * begin)
    found = bisect_left(larger, True, key=lambda side: not too_small(side)) if too_small(begin) else 0
    return larger[found] if found < len(larger) else begin


def _nearest_side(trace: Trace, axis: int, direction: int, far: int, fit: str) -> int | None:
    """The nearest height (axis 0) or width (1), this one first, at which nothing goes wrong along this axis."""
    sides = list(trace.input.size)
    for _ in range(far + 1):
        if sides[axis] < 1:
            return None
        if not _wrong_along(axis, Trace(trace.net, Shape(trace.input.channels, *sides)), fit):
            return sides[axis]
        sides[axis] += direction
    return None


def _wrong_along(axis: int, trace: Trace, fit: str) -> bool:
    try:
        trace.run()
    except Stuck as stuck:
        if isinstance(stuck.net, Windowed):
            return stuck.net.windows[axis].outputs(stuck.given.size[axis]) < 1
        return True
    seen = reduce(or_, (patch[axis] for patch in trace.seen()), 0)
    return fit == "exact" and seen != whole(trace.input.size)[axis]


def _windows(trace: Trace, where: tuple[int, ...], layer: Net, fit: str) -> Iterator[Proposal]:
    """The nearest padding, strides and, where it is too large, kernel of one layer; for pooling also `ceil`."""
    if not isinstance(layer, Windowed):
        return
    have = {name: as_pair(value) for name, value in _fields(layer) if value != "same" and not is_uneven(value)}
    if "padding" in have:
        reach = max(have["kernel"]) * max(have.get("dilation", (1, 1)))
        yield from _working(trace, _changed(trace, (where, layer), "padding", _around(have["padding"], 0, reach), fit))
    if isinstance(layer, Pool) and not layer.ceil:
        yield from _working(trace, _changed(trace, (where, layer), "ceil", [True], fit))
    if "stride" in have:
        most = 2 * max(have["stride"]) + 1
        for smaller in (True, False):
            strides = [
                pair for pair in _around(have["stride"], 1, most) if (sum(pair) < sum(have["stride"])) == smaller
            ]
            yield from _working(trace, _changed(trace, (where, layer), "stride", strides, fit))
    if "kernel" in have and not isinstance(layer, ConvTranspose):
        kernels = [pair for pair in _around(have["kernel"], 1, max(have["kernel"])) if sum(pair) < sum(have["kernel"])]
        if isinstance(layer, Pool) and layer.stride == layer.kernel:
            kernels = []  # its stride is already among the proposals
        yield from _working(trace, _changed(trace, (where, layer), "kernel", kernels, fit))


def _fields(layer: Windowed) -> Iterator[tuple[str, Padding]]:
    for name in ("kernel", "padding", "stride", "dilation"):
        if hasattr(layer, name):
            yield name, getattr(layer, name)


def _around(pair: tuple[int, int], least: int, most: int) -> list[tuple[int, int]]:
    """Pairs near this one, nearest first: both sides changed alike, then one of them alone."""
    height, width = pair
    by = range(1, most + 1)  # one after the other, and no more than are taken: a window of 65,536 has as many
    both = ((height + step, width + step) for size in by for step in (size, -size))
    single = (one for size in by for step in (size, -size) for one in ((height + step, width), (height, width + step)))
    return list(islice((each for each in chain(both, single) if all(least <= side <= most for side in each)), 24))


def _changed(
    trace: Trace, part: tuple[tuple[int, ...], Layer], field: str, values: Iterable[object], fit: str, of: str = ""
) -> Iterator[Proposal]:
    """One proposal for each value of a field that the layer accepts; `of` names the part where it is another one."""
    where, layer = part
    option = next(option for option in options(layer.keyword) if option.field == field)
    for value in values:
        try:
            other = replace(layer, **{field: value})
        except DescribeError:
            continue
        written = KINDS[option.kind].write(getattr(other, field))
        word = option.word if option.kind == "Flag" else f"{option.word} {written}"
        yield Proposal(f"{of} with {word}" if of else word, _replaced(trace.net, where, other), trace.input, fit)


def _working(trace: Trace, proposals: Iterable[Proposal], count: int = 1) -> Iterator[Proposal]:
    """The first that work when tried, as many as `count`."""
    return islice((proposal for proposal in islice(proposals, _tries(trace)) if proposal.works()), count)


def _tries(trace: Trace) -> int:
    """How many changes of a net to try in search of one that works: fewer the larger the net, of a huge one none."""
    if len(trace.done) > _LARGEST:
        return 0
    return max(40, min(80, _EFFORT // max(1, len(trace.done))))


def _replaced(net: Net, where: tuple[int, ...], new: Net) -> Net:
    if not where:
        return new
    index, *rest = where
    inside = net.inside()
    return net.with_inside((*inside[:index], _replaced(inside[index], tuple(rest), new), *inside[index + 1 :]))


# -- shapes that do not go together ----------------------------------------------------------------------------------


def _shapes(trace: Trace, stuck: Stuck, fit: str) -> Iterator[Proposal]:
    part, given = stuck.net, stuck.given

    def instead(new: Net, text: str | None = None) -> Proposal:
        return Proposal(text or f"{new} in place of {part}", _replaced(trace.net, stuck.where, new), trace.input, fit)

    if isinstance(part, FlatHead) or (isinstance(part, Head) and part.out is None):
        before = (Flatten(), GlobalAvgPool() >> Flatten()) if given.is_map and isinstance(part, FlatHead) else ()
        candidates = [instead(net >> part, f"{net} before it") for net in before]
        if part.out is None:
            candidates = [
                Proposal(f"{one.text}, and classes=10", one.net.with_classes(10), one.input, fit) for one in candidates
            ] or [Proposal(f"classes=10, or {part.as_head(10)}", trace.net.with_classes(10), trace.input, fit)]
        yield from _working(trace, candidates, 2)
    elif isinstance(part, Conv | ConvTranspose) and part.groups > 1 and given.is_map:
        common = gcd(given.channels, part.out or 1)
        groups = sorted((n for n in range(1, common + 1) if common % n == 0), key=lambda n: abs(n - part.groups))
        yield from _working(trace, (instead(replace(part, groups=n), f"groups {n}") for n in groups), 2)
    elif isinstance(part, GroupNorm):
        groups = [n for n in range(1, given.channels + 1) if given.channels % n == 0]
        groups.sort(key=lambda n: abs(n - part.groups))
        yield from _working(trace, (instead(replace(part, groups=n), f"groups {n}") for n in groups), 2)
    elif isinstance(part, PadChannels):
        yield from _working(trace, [instead(PadChannels(given.channels))])
    elif isinstance(part, Branches):
        yield from _working(trace, _joinable(trace, stuck, part, fit), 3)
    elif not given.is_map:
        for step in reversed(trace.done):
            if isinstance(step.net, Flatten):
                without = _replaced(trace.net, step.where, Identity())
                yield from _working(
                    trace, [Proposal(f"identity in place of {step.path} (flatten)", without, trace.input, fit)]
                )
                break


def _joinable(trace: Trace, stuck: Stuck, join: Branches, fit: str) -> Iterator[Proposal]:
    """Other inputs, and changes within the branches, that bring their shapes together."""
    depth = len(stuck.where)
    ends: dict[int, Step] = {}  # the last step of each branch of this very join
    for step in trace.done:
        if step.where[:depth] == stuck.where and len(step.where) > depth and step.given is not None:
            ends[step.where[depth]] = step
    shapes = [step.shape for step in ends.values()]
    if len({shape.size for shape in shapes}) > 1:
        yield from _inputs(trace, fit)
    for step in ends.values():
        others = [shape for shape in shapes if shape != step.shape]
        if isinstance(step.net, Identity) and isinstance(join, Add) and step.shape.is_map and step.shape.height:
            for other in others:
                # The projection shortcut of He et al. 2016, section 3.3.
                stride = tuple(-(-a // b) for a, b in zip(step.shape.size, other.size, strict=True))
                shortcut = Conv(other.channels, 1, stride=(stride[0], stride[1]))
                yield _in_place(trace, step, shortcut, fit)
    for step in reversed(trace.done):
        if step.where[:depth] != stuck.where or not isinstance(step.net, Windowed):
            continue
        if isinstance(step.net, Conv) and isinstance(join, Add):
            for shape in shapes:
                if shape.channels != step.net.out:
                    yield from _changed(trace, (step.where, step.net), "out", [shape.channels], fit, step.path)
        for name, value in _fields(step.net):
            if name in ("padding", "stride") and value != "same" and not is_uneven(value):
                yield from islice(
                    _changed(
                        trace,
                        (step.where, step.net),
                        name,
                        _around(as_pair(value), name == "stride", 8),
                        fit,
                        step.path,
                    ),
                    16,
                )


def _in_place(trace: Trace, step: Step, new: Net, fit: str) -> Proposal:
    return Proposal(f"{new} in place of {step.path}", _replaced(trace.net, step.where, new), trace.input, fit)
