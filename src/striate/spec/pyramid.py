"""A pyramid on a trunk: a net that answers for a whole picture becomes one that answers at every place of it.

The maps of the trunk at strides 4, 8, 16 and 32 are found by what its parts put out, not by their names. From the
coarsest to the finest each is brought to one width and added to the enlarged one below it (Lin et al., "Feature Pyramid
Networks", 2017, section 3), so that every place knows what is there and what is around it. What is made is a net like
any other: it reads, prints, and is surveyed part by part. What is new in it goes by names of its own (`trunk_path`),
and all else is the trunk's, whose weights belong there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from math import ceil, floor

from striate.errors import DescribeError
from striate.spec.activations import ReLU
from striate.spec.branches import Add, Concat
from striate.spec.composing import row
from striate.spec.layers import Dense
from striate.spec.net import Named, Net, Row
from striate.spec.norms import GroupNorm
from striate.spec.shape import Shape
from striate.spec.survey import Survey
from striate.spec.windowed import Conv, Flatten, GlobalPool, Upsample

FINEST = 2  # finer maps of a trunk are of no use to a pyramid, and cost most
FINEST_LEARNT = 8  # maps of a trunk before coarser ones stay as they came
COARSEST = 32  # pixels of the picture that a cell of the coarsest map stands for
GROUPS = 8  # of the norms: a batch of a few pictures has no good statistics
_DEEPER = re.compile(r"(?:(?:deeper|coarser)\d+\.)+")
_NEW = re.compile(r"(?:lateral|enlarge|tower|half|answer|level|flat)\d+(?:\.|$)")


def on_map(net: Net, shape: Shape, *, stride: int, width: int, mixed: Sequence[int] = ()) -> Net:
    """Return a net that puts out one map at a ``stride``, as many numbers a place as there will be classes.

    ``net`` is a trunk with or without its head, ``shape`` its input, ``width`` the channels of the pyramid. ``mixed``
    are the strides at which a 3x3 convolution looks around; where there are none, it is that of the answer, which costs
    four times what one at the next coarser stride does. What has looked around has a norm, and so has then what it is
    added to: maps of a trunk are of any size, and would drown it.

    Errors: DescribeError for a trunk that has no map of that stride, or sides that do not halve evenly.

        >>> from striate.nets import resolve
        >>> str(on_map(resolve("resnet"), Shape(3, 64, 96), stride=4, width=32).on(3, 64, 96, classes=5).output)
        '5x16x24'
    """
    body = _fused(net, shape, stride, width, mixed)
    tower = _tower(width, stride, 1) if not mixed else row(GroupNorm(GROUPS), ReLU()).name(f"tower{stride}")
    return row(body, tower, Conv(None, 1).name(f"answer{stride}"))


def on_levels(net: Net, shape: Shape, *, strides: Sequence[int], width: int, depth: int = 2) -> Net:
    """Return a net that puts out one vector: the answers of every place of maps at several ``strides``, finest first.

    Each level has a tower of ``depth`` convolutions and an answer of its own, as many numbers a place as there will be
    classes; the coarser ones are made out of the finest (Liu et al., "Path Aggregation Network", 2018, section 3.1).
    ``strides`` double from one to the next. Arguments and errors else as of `on_map`.

        >>> from striate.nets import resolve
        >>> net = on_levels(resolve("resnet"), Shape(3, 64, 64), strides=(8, 16, 32), width=32)
        >>> net.on(3, 64, 64, classes=7).output.channels == 7 * (8 * 8 + 4 * 4 + 2 * 2)
        True
    """
    first, *_ = strides
    if any(b != 2 * a for a, b in pairwise(strides)):
        raise DescribeError(f"strides {list(strides)}: each must be twice the one before")
    levels: Net | None = None
    for stride in reversed(strides):
        own = row(_tower(width, stride, depth), Conv(None, 1).name(f"answer{stride}"), Flatten().name(f"flat{stride}"))
        coarser = None if levels is None else row(_block(width, stride=2).name(f"half{stride}"), levels)
        levels = own if coarser is None else Concat((own.name(f"level{stride}"), coarser.name(f"coarser{stride}")))
    assert levels is not None
    return row(_fused(net, shape, first, width), levels)


def trunk_of(net: Net) -> Net:
    """Return the trunk alone of a net with a pyramid, without a head: its parts in their order.

    >>> from striate.nets import resolve
    >>> net = resolve("resnet")
    >>> trunk_of(on_map(net, Shape(3, 64, 96), stride=4, width=32)) == row(*net.nets[:5])
    True
    """
    return row(*_trunk_parts(net))


def _trunk_parts(net: Net) -> list[Net]:
    """Return the parts of a row that are the trunk's, and of what is coarser: behind these is all the pyramid's."""
    found: list[Net] = []
    for part in net.nets if isinstance(net, Row) else (net,):
        if isinstance(part, Row):
            inner = _trunk_parts(part)
            found += inner
            if len(inner) < len(part.nets):
                break
        elif isinstance(part, Add) and any(isinstance(one, Named) and _NEW.match(one.label) for one in part.nets):
            for one in part.nets:
                if isinstance(one, Named) and _DEEPER.match(f"{one.label}."):
                    found += _trunk_parts(one.net)
            break
        elif isinstance(part, Named) and _NEW.match(part.label):
            break
        else:
            found.append(part)
    return found


def trunk_path(path: str) -> str | None:
    """Return what a part of a net with a pyramid is called in the trunk alone; None for what the pyramid brought.

    >>> trunk_path("deeper8.deeper16.stage6.1.body.expand"), trunk_path("deeper8.lateral16"), trunk_path("stem.conv1")
    ('stage6.1.body.expand', None, 'stem.conv1')
    """
    inner = _DEEPER.sub("", path)
    return None if _NEW.match(inner) or not inner else inner


def front(survey: Survey, stride: int = FINEST_LEARNT) -> tuple[str, ...]:
    """Return the parts of a net with a pyramid that are its trunk's and lie before maps coarser than a ``stride``.

    What they see are edges and textures, which are those of all photographs, and on their large maps a step takes
    longest: where a trunk learns on, they stay.

        >>> from striate.nets import resolve
        >>> net = on_map(resolve("resnet"), Shape(3, 64, 96), stride=4, width=32)
        >>> front(net.on(3, 64, 96, classes=5), 4)[-1].partition(".")[0]
        'stage1'
    """
    found: list[str] = []
    for part in survey.rows:
        if trunk_path(part.path) is None:
            continue
        sides = zip(survey.input.size, (part.output or survey.input).size or (1, 1), strict=True)
        if max(round(side / here) for side, here in sides) > stride:
            break
        found.append(part.path)
    return tuple(found)


def trunk_names(net: Net, trunk: Net) -> dict[str, str]:
    """Return what each part of a net that is the trunk's is called there: by their order, as numbers run anew.

    Errors: DescribeError where the parts are not those of the trunk, in its order.

        >>> from striate.spec import parse
        >>> trunk = parse("conv 4 3x3 stride 2 pad 1 >> relu >> conv 8 3x3 stride 2 pad 1 >> flatten >> dense")
        >>> trunk_names(on_map(trunk, Shape(1, 8, 8), stride=2, width=8), trunk)
        {'conv1': 'conv1', 'relu1': 'relu1', 'deeper2.conv1': 'conv2'}
    """
    mine = [(path, part) for path, part in net.parts() if trunk_path(path) is not None]
    found = dict(zip((path for path, _ in mine), trunk.parts(), strict=False))
    for path, part in mine:
        if path not in found or found[path][1] != part:
            raise DescribeError(f"{path} ({part}) is not what the trunk has there; the net was not made on it")
    return {path: theirs for path, (theirs, _) in found.items()}


def size_within(height: int, width: int, longest: int) -> tuple[int, int]:
    """Return (height, width) of a picture's proportions, about ``longest`` at most, that a pyramid halves evenly.

    >>> size_within(480, 640, 320), size_within(360, 480, 480), size_within(40, 30, 320)
    ((256, 320), (352, 480), (32, 32))
    """
    scale = min(1.0, longest / max(height, width))
    high, wide = (max(COARSEST, round(side * scale / COARSEST) * COARSEST) for side in (height, width))
    return high, wide


def is_pyramid(net: Net) -> bool:
    """Whether a net was made by `on_map` or `on_levels`."""
    return any(_NEW.match(path) for path, _ in net.parts())


def laterals(paths: Sequence[str]) -> list[str]:
    """Return which of some parts are what a pyramid reads of its trunk, in their order.

    >>> laterals(["stem.conv1", "lateral8", "deeper8.lateral16", "answer8"])
    ['lateral8', 'deeper8.lateral16']
    """
    return [path for path in paths if path.rpartition(".")[2].rstrip("0123456789") == "lateral"]


def levels_of(net: Net, shape: Shape) -> dict[int, int]:
    """Return the strides at which a trunk has maps, with the channels of each.

    >>> from striate.nets import resolve
    >>> levels_of(resolve("resnet"), Shape(3, 128, 128))
    {4: 32, 8: 64, 16: 128, 32: 256}
    """
    return {stride: channels for stride, (_, channels) in _segments(net, shape).items()}


def _fused(net: Net, shape: Shape, stride: int, width: int, mixed: Sequence[int] = ()) -> Net:
    """Return the trunk with its pyramid, as a net that puts out ``width`` channels at the stride."""
    segments = _segments(net, shape)
    if stride not in segments:
        raise DescribeError(
            f"this net has no map of stride {stride}, only of {', '.join(map(str, segments))}; take one of these"
        )
    coarsest = max(segments)
    if lost := [side for side in shape.size if side % coarsest]:
        low, high = (
            "x".join(str(max(coarsest, to(side / coarsest) * coarsest)) for side in shape.size) for to in (floor, ceil)
        )
        raise DescribeError(
            f"pictures of {shape.height}x{shape.width}: {lost[0]} is no multiple of {coarsest}, the stride of the"
            f" coarsest map, and maps that are enlarged would not fit; {' or '.join(dict.fromkeys((low, high)))} fits"
            " (--size)"
        )
    coarser: Net | None = None
    for level in sorted((one for one in segments if one >= stride), reverse=True):
        parts, _ = segments[level]
        plain: Net = Conv(width, 1, bias=False) >> GroupNorm(GROUPS) if mixed else Conv(width, 1)
        lateral = plain.name(f"lateral{level}")
        if coarser is None:
            merged: Net = lateral
        else:
            below = row(coarser, Upsample(2).name(f"enlarge{level}")).name(f"deeper{level}")
            merged = Add((lateral, below))
        towers = (_tower(width, level, 1),) if level in mixed and level > stride else ()
        coarser = row(*parts, merged, *towers)
    finer = [part for level in sorted(segments) if level < stride for part in segments[level][0]]
    assert coarser is not None
    return row(*finer, coarser) if finer else coarser


def _segments(net: Net, shape: Shape) -> dict[int, tuple[tuple[Net, ...], int]]:
    """Return the parts of a trunk by the stride that they end at, and the channels there."""
    parts = list(net.nets) if isinstance(net, Row) else [net]
    found: dict[int, list[Net]] = {}
    channels: dict[int, int] = {}
    waiting: list[Net] = []
    given, last = shape, 1
    for part in parts:
        if _answers(part):
            break
        given = part.on(given, fit="floor").output or given
        if not given.is_map:
            break
        stride = max(round(side / here) for side, here in zip(shape.size, given.size, strict=True))
        if stride > COARSEST:
            break
        if stride < last:
            raise DescribeError("this net enlarges its maps again, and is no trunk for a pyramid")
        last = stride
        waiting.append(part)
        if stride >= FINEST:
            key = 1 << (stride.bit_length() - 1)
            found.setdefault(key, []).extend(waiting)
            channels[key] = given.channels
            waiting = []
    if not found:
        raise DescribeError(
            "this net has no maps of stride 2 or more before its answer, on which a pyramid could stand"
        )
    deepest = max(found)
    if len(found[deepest]) > 1 and _mixes(found[deepest][-1]):
        # What only mixes channels at the end of a trunk makes it ready for its old answer: four times as many numbers.
        dropped = found[deepest].pop()
        channels[deepest] = _channels_before(parts, dropped, shape)
    return {stride: (tuple(some), channels[stride]) for stride, some in sorted(found.items())}


def _channels_before(parts: Sequence[Net], dropped: Net, shape: Shape) -> int:
    given = shape
    for part in parts:
        if part is dropped:
            break
        given = part.on(given, fit="floor").output or given
    return given.channels


def _answers(part: Net) -> bool:
    """Whether a part begins the answer: it pools the whole map, flattens it, is dense, or waits for the classes."""
    if part.is_open:
        return True
    return any(isinstance(layer, GlobalPool | Flatten | Dense) for layer in part.layers()) and not any(
        isinstance(layer, Conv) and layer.kernel not in ((1, 1), 1) for layer in part.layers()
    )


def _mixes(part: Net) -> bool:
    """Whether a part looks at one place at a time."""
    convs = [layer for layer in part.layers() if isinstance(layer, Conv)]
    plain = all(layer.kernel in (1, (1, 1)) for layer in convs)
    return bool(convs) and plain and isinstance(part, Named) and len(convs) == 1


def _block(width: int, *, stride: int = 1) -> Net:
    return Conv(width, 3, stride=stride, padding=1, bias=False) >> GroupNorm(GROUPS) >> ReLU()


def _tower(width: int, stride: int, depth: int) -> Net:
    return row(*(_block(width) for _ in range(depth))).name(f"tower{stride}")
