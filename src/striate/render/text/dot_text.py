"""How one number was made, as text for a terminal."""

from __future__ import annotations

from striate.data.pictures.crop_transform import Box
from striate.interpret.arithmetic.contributions import number
from striate.interpret.arithmetic.dot import ROUNDING, Dot, Made
from striate.render.dot_blocks import Block, Grid, blocks

UNTRAINED = "the network is untrained, its weights are drawn: its numbers say how it works, not what it knows"


def text(found: Dot) -> str:
    """Return the account of a number: where it looks, what went in, the sum, and what the layers behind make of it."""
    lines = [heading(found), looks(found), *notes(found), ""]
    for block in blocks(found):
        lines += [*_block(block), ""]
    lines += [found.contributions.rule, f"  {found.contributions.formula}", f"  {agrees(found.made)}"]
    for made in found.then:
        lines += ["", f"then {made.part} ({made.layer}): {made.contributions.rule}", f"  {made.contributions.formula}"]
        lines.append(f"  {agrees(made)}")
    return "\n".join(lines)


def notes(found: Dot) -> list[str]:
    """Return what is to be known of the weights: that they are drawn, or were given."""
    given = found.probe.frozen.get(found.made.part)
    said = [] if given is None else [f"its weights are those of {given}: they were given, and training left them alone"]
    return said if found.probe.trained else [UNTRAINED]


def heading(found: Dot) -> str:
    """Return which number it is."""
    return f"{found.made.part} ({found.made.layer}): {found.place} is {number(found.made.network)}"


def looks(found: Dot) -> str:
    """Return which pixels it can depend on."""
    height, width = found.probe.survey.input.size
    box, unclipped = found.seen.box, found.seen.unclipped
    if not box.height or not box.width:
        return "nothing in this picture moves it" if found.seen.measured else "it sees nothing but padding"
    beyond = "" if unclipped == box else ", its window reaching beyond the edge"
    sees = "on this picture it is moved by" if found.seen.measured else "it sees"
    text = f"{sees} {_box(box)} of the {height}x{width} pixels that the network takes{beyond}"
    original = found.probe.original.shape[:2]
    if (found.probe.frame.down, found.probe.frame.across) != (1.0, 1.0):
        text += f": {_box(found.seen.picture)} of the {original[0]}x{original[1]} of the picture"
    return text


def agrees(made: Made) -> str:
    """Return what the network itself computed, and whether that is the same but for rounding."""
    if made.off <= ROUNDING:
        return f"the network computed the same: {made.network:.6g}"
    return f"the network computed {made.network:.7g}, the account gives {made.contributions.result:.7g}"


def _box(box: Box) -> str:
    last = Box(*(round(edge, 1) for edge in box))
    if all(float(edge).is_integer() for edge in last):
        top, left, bottom, right = (int(edge) for edge in last)
        return f"rows {top} to {bottom - 1} and columns {left} to {right - 1}"
    return f"{last.top:g} to {last.bottom:g} down and {last.left:g} to {last.right:g} across"


def _block(block: Block) -> list[str]:
    grids = [_grid(grid) for grid in block.grids]
    tall = max(map(len, grids), default=0)
    padded = [[line.ljust(max(map(len, grid))) for line in [*grid, *[""] * (tall - len(grid))]] for grid in grids]
    lines = ["    ".join(row).rstrip() for row in zip(*padded, strict=True)]
    return [block.title, *(f"  {line}" for line in lines), *([f"  {block.after}"] if block.after else [])]


def _grid(grid: Grid) -> list[str]:
    rows = [*([grid.heads] if grid.heads else []), *grid.cells]
    shift = 1 if grid.heads else 0
    marked = bool(grid.marked) or bool(grid.quiet)
    shown = []
    for y, row in enumerate(rows):
        cells = []
        for x, cell in enumerate(row):
            place = (y - shift, x)
            around = "[]" if place in grid.marked else "()" if place in grid.quiet else "  "
            cells.append(around[0] + cell + around[1] if marked else cell)
        shown.append(cells)
    wide = [max(len(row[x]) for row in shown) for x in range(len(shown[0]))]
    if grid.heads:
        lines = [
            "  ".join(cell.ljust(wide[x]) if x == 0 else cell.rjust(wide[x]) for x, cell in enumerate(row))
            for row in shown
        ]
    else:
        lines = [" ".join(cell.rjust(max(wide)) for cell in row) for row in shown]
    return [grid.label, *lines] if grid.label else lines
