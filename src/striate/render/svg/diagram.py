"""The block structure of a net as a drawing: SVG that reads in light and dark, needs nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from striate.render.blocks import KINDS, SMALL, Block, Box, Column, Fork, Frame, blocks
from striate.render.html.environment import escaped
from striate.spec.net import Net
from striate.spec.shape import Shape

WIDTH = 720  # pixels, with the margin; what is wider has its lines broken
MARK = "drawn by striate describe"  # by which a file is known to be one of ours
CHARACTER, LINE = 6.65, 15.0  # of the 11-pixel monospaced text
_MARGIN, _GAP, _DROP, _PAD, _HEAD, _WIRE = 16.0, 12.0, 16.0, 8.0, 20.0, 18.0
_BREAKS = (40, 34, 26, 20, 16, 13, 11, 9)  # characters a line, tried in this order
_COLOURS = {  # light fill, light edge, dark fill, dark edge
    "convolution": ("#dbe8fb", "#2563c9", "#1c2f4d", "#7fb0ff"),
    "pooling": ("#d9f0e3", "#14804a", "#163a29", "#67d39b"),
    "dense": ("#fbe6d3", "#c25a00", "#452c14", "#ffab5e"),
    "resizing": ("#ece3f8", "#7a3fc4", "#34244b", "#c39cff"),
    SMALL: ("#eceef0", "#7b838c", "#2a2f35", "#8d959e"),
    "join": ("#ffffff", "#1c1f23", "#16181b", "#e8e9ea"),
}


@dataclass(frozen=True)
class Rect:
    """A box, a join or a frame on the page, in pixels; ``lines`` of text, the last ``quiet`` of them quieter."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...] = ()
    text: str = ""
    quiet: int = 0
    bold: int = 0


@dataclass
class Drawing:
    """What is drawn: its extent left and right of the trunk (at x = 0), its height, rectangles, wires."""

    left: float = 0.0
    right: float = 0.0
    height: float = 0.0
    rects: list[Rect] = field(default_factory=list)
    wires: list[tuple[tuple[float, float], ...]] = field(default_factory=list)

    def put(self, other: Drawing, x: float, y: float) -> None:
        """Add another drawing, its trunk at ``x`` and its top at ``y``."""
        self.rects += [replace(rect, x=rect.x + x, y=rect.y + y) for rect in other.rects]
        self.wires += [tuple((px + x, py + y) for px, py in wire) for wire in other.wires]
        self.left, self.right = max(self.left, other.left - x), max(self.right, other.right + x)
        self.height = max(self.height, y + other.height)


def diagram(net: Net, shape: Shape, *, title: str) -> str:
    """Return a net on an input of ``shape`` as the text of an SVG file; ``title`` names it.

    Example: ``Path("lenet5.svg").write_text(diagram(lenet5(), Shape(1, 28, 28), title="LeNet-5"))``
    """
    survey = net.on(shape, fit="floor")
    drawing = draw(net, shape)
    kinds = [kind for kind in (*KINDS, SMALL) if any(rect.kind == kind for rect in drawing.rects)]
    heading = f"{title} on {shape}: {survey.parameters:,} parameters, {survey.macs:,} multiply-accumulates"
    legend_width = sum(34 + CHARACTER * len(kind) for kind in kinds)
    width = max(drawing.left + drawing.right, CHARACTER * len(heading) + 10, legend_width) + 2 * _MARGIN
    trunk = (width + drawing.left - drawing.right) / 2
    top = 3 * _MARGIN + 2 * LINE
    page = Drawing()
    page.put(drawing, trunk, top)
    body = [f'<text class="bold" x="{_MARGIN:.0f}" y="{_MARGIN + 10:.0f}">{escaped(heading)}</text>']
    x = _MARGIN
    for kind in kinds:
        body.append(f'<rect class="{_class(kind)}" x="{x:.0f}" y="{_MARGIN + 22:.0f}" width="14" height="14" rx="3"/>')
        body.append(f'<text x="{x + 20:.0f}" y="{_MARGIN + 33:.0f}">{escaped(kind)}</text>')
        x += 34 + CHARACTER * len(kind)
    body += ['<polyline points="' + " ".join(f"{px:.1f},{py:.1f}" for px, py in wire) + '"/>' for wire in page.wires]
    frames_first = sorted(page.rects, key=lambda rect: not rect.kind.startswith("frame"))
    body += [_rect(rect) for rect in frames_first]
    height = top + drawing.height + _MARGIN
    outline = ", ".join(rect.lines[0] for rect in drawing.rects if rect.kind.startswith("frame") and rect.lines)
    told = f"{heading}. From the top: {outline}." if outline else heading
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-labelledby="t d">\n<!-- {MARK} -->\n'
        f'<title id="t">{escaped(title)}</title><desc id="d">{escaped(told)}</desc>\n<style>{_style()}</style>\n'
        f'<rect class="page" width="100%" height="100%"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def is_ours(data: bytes) -> bool:
    """Return whether the first bytes of a file are a diagram that we drew."""
    return data.startswith(b"<svg") and MARK.encode() in data


def draw(net: Net, shape: Shape) -> Drawing:
    """Return a net on an input as rectangles and wires, at most `WIDTH` wide where its texts can be broken so far."""
    entry = _texted(Rect("join", 0, 0, 0, 0, (f"input {shape}",), "input"))
    return _wired([entry, *(_fitted(block, WIDTH - 2 * _MARGIN) for block in blocks(net, shape).blocks)])


def _wired(parts: Sequence[Drawing]) -> Drawing:
    """Drawings one under the other with a wire between; none: the room of a wire."""
    drawing = Drawing() if parts else Drawing(_WIRE / 2, _WIRE / 2)
    for index, part in enumerate(parts):
        if index:
            drawing.wires.append(((0, drawing.height), (0, drawing.height + _DROP)))
        drawing.put(part, 0, drawing.height + (_DROP if index else 0))
    return drawing


def _fitted(block: Block, room: float) -> Drawing:
    """A block with its lines broken no more than it must."""
    for characters in _BREAKS:
        drawing = _block(block, room, characters)
        if drawing.left + drawing.right <= room:
            break
    return drawing


def _block(block: Block, room: float, characters: int) -> Drawing:
    if isinstance(block, Box):
        title = broken(block.title, characters) if block.title else ()
        lines = tuple(line for text in block.lines for line in broken(text, characters))
        shape = broken(str(block.shape), characters)
        named = f"{block.title}: {block.text}" if block.title else block.text
        return _texted(Rect(block.kind, 0, 0, 0, 0, (*title, *lines, *shape), named, quiet=len(shape), bold=len(title)))
    return _fork(block, room, characters) if isinstance(block, Fork) else _frame(block, room, characters)


def _texted(rect: Rect) -> Drawing:
    """A rectangle around its lines, its middle on the trunk."""
    width = CHARACTER * max(map(len, rect.lines)) + 2 * _PAD
    height = LINE * len(rect.lines) + 8
    return Drawing(width / 2, width / 2, height, [replace(rect, x=-width / 2, width=width, height=height)])


def _frame(frame: Frame, room: float, characters: int) -> Drawing:
    inner = _inner(frame.body, room - 2 * _PAD, characters)
    if frame.times == 1 and not frame.title and not frame.auxiliary:
        return inner
    name = frame.title or ("side head" if frame.auxiliary else "")
    said = " ".join(filter(None, (name, f"× {frame.times}" if frame.times > 1 else "")))
    # Over the wire, in two lines where one would widen the frame.
    titles: tuple[str, ...] = (f"{said} → {frame.shape}",)
    if CHARACTER * len(titles[0]) > max(inner.left + inner.right, CHARACTER * 2 * characters):
        titles = (*broken(said, 2 * characters), f"→ {frame.shape}")
    head = LINE * len(titles) + 6
    left, right = inner.left + _PAD, inner.right + _PAD
    wanted = CHARACTER * max(map(len, titles)) + 2 * _PAD
    if left + right < wanted:
        spare = (wanted - left - right) / 2
        left, right = left + spare, right + spare
    drawing = Drawing(left, right)
    drawing.put(inner, 0, head + 4)
    drawing.height = head + inner.height + 4 + _PAD
    kind = "frame aside" if frame.auxiliary else "frame"
    drawing.rects.append(
        Rect(kind, -left, 0, left + right, drawing.height, titles, f"{said}: {frame.shape}", bold=len(titles))
    )
    drawing.wires.append(((0, drawing.height - _PAD), (0, drawing.height)))
    if not frame.auxiliary:
        return drawing
    # To the side: the trunk goes on at the left of it.
    aside = Drawing(_WIRE / 2)
    aside.put(drawing, left + _WIRE, 6)
    aside.height = drawing.height + 6
    aside.wires = [wire for wire in aside.wires if wire[-1][1] < aside.height]
    aside.wires += [((0, 0), (0, aside.height)), ((0, 3), (left + _WIRE, 3), (left + _WIRE, 6))]
    return aside


def _inner(column: Column, room: float, characters: int) -> Drawing:
    """A column whose lines are broken as those around it are."""
    return _wired([_block(block, room, characters) for block in column.blocks])


def _fork(fork: Fork, room: float, characters: int) -> Drawing:
    branches = [_inner(branch, room, characters) for branch in fork.branches]
    halves = [(CHARACTER * len(title) + 10) / 2 for title in fork.titles]
    extents = [(max(branch.left, half), max(branch.right, half)) for branch, half in zip(branches, halves, strict=True)]
    total = sum(left + right for left, right in extents) + _GAP * (len(branches) - 1)
    head = _DROP + (LINE if any(fork.titles) else 0)
    bottom = head + max(branch.height for branch in branches) + _DROP
    drawing, x = Drawing(), -total / 2
    for branch, title, half, (left, right) in zip(branches, fork.titles, halves, extents, strict=True):
        x += left
        drawing.put(branch, x, head)
        down = head
        if title:
            down -= LINE + 2
            drawing.rects.append(Rect("label", x - half, down, 2 * half, LINE, (title,), title, quiet=1))
            if not branch.rects:  # nothing works here: the wire goes on below the name
                drawing.wires.append(((x, down + LINE), (x, head)))
        drawing.wires.append(((0, 0), (0, 6), (x, 6), (x, down)))
        drawing.wires.append(((x, head + branch.height), (x, bottom), (0, bottom)))
        x += right + _GAP
    words, shape = " · ".join((f"{fork.sign} {fork.keyword}", *fork.after)), str(fork.shape)
    short = len(words) + len(shape) + 3 <= characters
    lines = (f"{words} → {shape}",) if short else (*broken(words, characters), shape)
    drawing.put(_texted(Rect("join", 0, 0, 0, 0, lines, fork.keyword)), 0, bottom + 6)
    drawing.wires.append(((0, bottom), (0, bottom + 6)))
    drawing.left, drawing.right = max(drawing.left, total / 2), max(drawing.right, total / 2)
    return drawing


def broken(text: str, characters: int) -> tuple[str, ...]:
    """Return a text in lines of at most ``characters``, broken between words; a longer word has a line of its own.

    >>> broken("conv 64 7x7 stride 2", 12)
    ('conv 64 7x7', 'stride 2')
    """
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}".strip()
        if len(joined) <= characters or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    return tuple(lines)


def _class(kind: str) -> str:
    return kind if kind.startswith("frame") or kind == "label" else f"k{list(_COLOURS).index(kind)}"


def _rect(rect: Rect) -> str:
    middle = rect.x + rect.width / 2
    frame = rect.kind.startswith("frame")
    lines = []
    for index, line in enumerate(rect.lines):
        style = "bold" if index < rect.bold else "quiet" if index >= len(rect.lines) - rect.quiet else ""
        x, anchor = (rect.x + _PAD, "start") if frame else (middle, "middle")
        y = rect.y + LINE * (index + 1) + (-3 if rect.kind == "label" else 0)
        halo = " halo" if frame else ""
        lines.append(
            f'<text class="{style}{halo}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escaped(line)}</text>'
        )
    radius = 10 if frame or rect.kind == "join" else 5
    return (
        f'<g><title>{escaped(rect.text)}</title><rect class="{_class(rect.kind)}" x="{rect.x:.1f}" y="{rect.y:.1f}" '
        f'width="{rect.width:.1f}" height="{rect.height:.1f}" rx="{radius}"/>{"".join(lines)}</g>'
    )


def _style() -> str:
    light = _palette("#fdfdfb", "#1c1f23", "#5d646d", "#b4b9bf", [colours[:2] for colours in _COLOURS.values()])
    dark = _palette("#16181b", "#e8e9ea", "#a0a7b0", "#4b525a", [colours[2:] for colours in _COLOURS.values()])
    return (
        "text{font:11px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace} .bold{font-weight:bold} "
        ".halo{paint-order:stroke;stroke-width:4px} polyline,.frame,.label{fill:none} "
        f".aside{{stroke-dasharray:5 4}} {light} @media (prefers-color-scheme: dark){{{dark}}}"
    )


def _palette(paper: str, ink: str, quiet: str, rule: str, kinds: Sequence[Sequence[str]]) -> str:
    rules = [f".page{{fill:{paper}}} text{{fill:{ink}}} .quiet{{fill:{quiet}}} polyline{{stroke:{quiet}}}"]
    rules += [f".frame{{stroke:{rule}}} .halo{{stroke:{paper}}}"]
    rules += [f".k{index}{{fill:{fill};stroke:{edge}}}" for index, (fill, edge) in enumerate(kinds)]
    return " ".join(rules)
