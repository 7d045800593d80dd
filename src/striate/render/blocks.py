"""A net as the blocks a person would draw: layers with what follows them at once, frames, forks, repeats folded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from striate.spec.branches import Branches
from striate.spec.layer import Layer
from striate.spec.layers import (
    AdaptiveAvgPool,
    Conv,
    ConvTranspose,
    Crop,
    Dense,
    Identity,
    PadChannels,
    Rbf,
    Subsample,
    Upsample,
)
from striate.spec.net import AuxHead, Named, Net, Repeat, Row
from striate.spec.shape import Shape
from striate.spec.windowed import GlobalPool, Pool

# What begins a box of its own; all other layers (norms, activations, dropout, flatten) join the box before them.
KINDS: dict[str, tuple[type[Layer], ...]] = {
    "convolution": (Conv, ConvTranspose),
    "pooling": (Pool, GlobalPool, AdaptiveAvgPool, Subsample),
    "dense": (Dense, Rbf),
    "resizing": (Upsample, Crop, PadChannels),
}
SMALL = "norm, activation"
# What tells a reader of a picture nothing; the box's own title has the text in full.
_NOISE = re.compile(r" no bias| (eps|momentum|initial) \S+|(?<=droppath) \S+|(?<=layerscale) \S+")


@dataclass(frozen=True)
class Box:
    """A layer and those that work on its output at once. ``lines`` as they are drawn, ``text`` in full."""

    kind: str
    lines: tuple[str, ...]
    text: str
    shape: Shape
    title: str = ""
    small: bool = False  # its last line is of small layers

    @property
    def likeness(self) -> object:
        """What two boxes that look the same have in common."""
        return self.kind, self.lines, self.shape, self.title


@dataclass(frozen=True)
class Column:
    """Blocks one after the other, drawn downwards; none: what comes in goes on."""

    blocks: tuple[Block, ...]

    @property
    def likeness(self) -> object:
        """What two columns that look the same have in common."""
        return tuple(block.likeness for block in self.blocks)


@dataclass(frozen=True)
class Frame:
    """A named part, a repeat (``times``), or both; ``shape`` is what the last repetition puts out."""

    title: str
    times: int
    body: Column
    shape: Shape
    auxiliary: bool = False  # a side head

    @property
    def likeness(self) -> object:
        """What two frames that look the same have in common: not the name."""
        return self.body.likeness, self.shape, self.auxiliary, bool(self.title)


@dataclass(frozen=True)
class Fork:
    """Branches side by side and their join; ``after`` are the small layers behind it."""

    sign: str
    keyword: str
    branches: tuple[Column, ...]
    titles: tuple[str, ...]
    shape: Shape
    after: tuple[str, ...] = ()

    @property
    def likeness(self) -> object:
        """What two forks that look the same have in common."""
        return self.sign, tuple(branch.likeness for branch in self.branches), self.shape, self.after


Block: TypeAlias = "Box | Frame | Fork"


def blocks(net: Net, shape: Shape) -> Column:
    """Return a net on an input as one column of blocks; the net must be one that `Net.on` accepts.

    Example: ``blocks(parse("conv 6 5x5 >> relu"), Shape(1, 28, 28)).blocks[0].lines`` is ``("conv 6 5x5", "relu")``.
    """
    return _column(net, shape)[0]


def kind_of(layer: Net) -> str:
    """Return which kind of box a layer begins, `SMALL` where it joins the one before."""
    return next((kind for kind, types in KINDS.items() if isinstance(layer, types)), SMALL)


def _column(net: Net, shape: Shape) -> tuple[Column, Shape]:
    found: list[Block] = []
    for block, after in _blocks(net, shape):
        shape = after
        if block is not None:
            _append(found, block)
    return Column(tuple(found)), shape


def _blocks(net: Net, shape: Shape) -> Iterator[tuple[Block | None, Shape]]:
    """Yield each block of a net, and the shape behind it."""
    if isinstance(net, Row):
        for part in net.nets:
            for block, after in _blocks(part, shape):
                shape = after
                yield block, after
    elif isinstance(net, AuxHead):
        title = net.net.label if isinstance(net.net, Named) else ""
        body, after = _column(net.net.net if isinstance(net.net, Named) else net.net, shape)
        yield Frame(title, 1, body, after, auxiliary=True), shape
    elif isinstance(net, Named) and isinstance(net.net, Layer):
        after = net.net.shape(shape)
        yield _box(net.net, after, net.label), after
    elif isinstance(net, Named):
        repeat = net.net if isinstance(net.net, Repeat) else Repeat(net.net, 1)
        frame = _frame(repeat, shape, net.label)
        yield frame, frame.shape
    elif isinstance(net, Repeat):
        frame = _frame(net, shape, "")
        yield frame, frame.shape
    elif isinstance(net, Branches):
        fork = _fork(net, shape)
        yield fork, fork.shape
    else:
        assert isinstance(net, Layer)
        after = net.shape(shape)
        yield None if isinstance(net, Identity) else _box(net, after, ""), after


def _box(layer: Layer, shape: Shape, title: str) -> Box:
    kind = kind_of(layer)
    return Box(kind, (_NOISE.sub("", str(layer)),), str(layer), shape, title, kind == SMALL)


def _frame(net: Repeat, shape: Shape, title: str) -> Frame:
    body, shape = _column(net.net, shape)
    for _ in range(net.count - 1):
        _, shape = _column(net.net, shape)
    return Frame(title, net.count, body, shape)


def _fork(net: Branches, shape: Shape) -> Fork:
    columns, titles, shapes = [], [], []
    for branch in net.nets:
        # A named branch has its name above it and no frame, unless it is repeated.
        plain = isinstance(branch, Named) and not isinstance(branch.net, Repeat | Layer)
        inner = branch.net if isinstance(branch, Named) and (plain or isinstance(branch.net, Identity)) else branch
        column, after = _column(inner, shape)
        columns.append(column)
        shapes.append(after)
        titles.append(branch.label if isinstance(branch, Named) and inner is not branch else "")
    joined = net.join(shapes, [str(number) for number in range(len(shapes))])
    return Fork(net.sign, net.keyword, tuple(columns), tuple(titles), joined)


def _append(found: list[Block], block: Block) -> None:
    """Put a block behind the others, or into the last of them: small layers join it, what is alike is counted."""
    last = found[-1] if found else None
    if isinstance(block, Box) and isinstance(last, Box) and not block.title:
        small = block.kind == SMALL
        if small or (last.kind == SMALL and not last.title):
            shared = small and last.small  # small layers stand on one line
            found[-1] = Box(
                last.kind if small else block.kind,
                (*last.lines[:-1], f"{last.lines[-1]} · {block.lines[0]}") if shared else (*last.lines, *block.lines),
                f"{last.text} >> {block.text}",
                block.shape,
                last.title,
                small,
            )
            return
    if isinstance(block, Box) and isinstance(last, Fork) and block.kind == SMALL and not block.title:
        found[-1] = replace(last, after=(*last.after, *block.lines), shape=block.shape)
        return
    if isinstance(block, Frame) and isinstance(last, Frame) and block.likeness == last.likeness:
        titles = ", ".join(filter(None, (last.title, block.title)))
        found[-1] = replace(last, times=last.times + block.times, title=titles)
        return
    found.append(block)
