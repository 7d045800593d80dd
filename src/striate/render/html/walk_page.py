"""How does a convolution or a pooling walk? The answer as a page: the animation, the arithmetic with its numbers."""

from __future__ import annotations

from striate.interpret.arithmetic.walk import Walk
from striate.render.answer import Answer
from striate.render.html.environment import html
from striate.render.svg.walk_svg import player, svg
from striate.spec import AvgPool, ConvTranspose, MaxPool, MinPool
from striate.spec.values import as_pair
from striate.words import counted, plural

_SECONDS = 0.6  # a step
_KINDS = {
    ConvTranspose: "transposed convolution",
    MaxPool: "max pooling",
    MinPool: "min pooling",
    AvgPool: "average pooling",
}


def said(walk: Walk) -> str:
    """Return in a sentence what the window makes of the map."""
    kernel, stride = (as_pair(getattr(walk.layer, name)) for name in ("kernel", "stride"))
    dilation = as_pair(getattr(walk.layer, "dilation", 1))
    padding = getattr(walk.layer, "padding", 0)
    parts = [f"stride {_short(stride)}", f"padding {padding if isinstance(padding, str) else _short(as_pair(padding))}"]
    parts += [f"dilation {_short(dilation)}"] if dilation != (1, 1) else []
    parts += ["rounded up"] if getattr(walk.layer, "ceil", False) else []
    kind = _KINDS.get(type(walk.layer), "convolution")
    height, width = walk.height, walk.width
    return (
        f"A {kernel[0]}x{kernel[1]} {kind} with {', '.join(parts)} makes {height.outputs}x{width.outputs} "
        f"of {height.pixels}x{width.pixels}."
    )


def formulas(walk: Walk) -> list[str]:
    """Return the arithmetic of the output's height and width, once where they are the same."""
    if walk.height.formula == walk.width.formula:
        return [f"height and width: {walk.height.formula}"]
    return [f"height: {walk.height.formula}", f"width: {walk.width.formula}"]


def answer(walk: Walk) -> Answer:
    """Return the answer, ready for `look_page.page`."""
    transposed, pool = isinstance(walk.layer, ConvTranspose), isinstance(walk.layer, MaxPool | MinPool | AvgPool)
    lost = (
        f" {counted(len(walk.unseen), 'pixel')} {plural(len(walk.unseen), 'is')} never seen and crossed."
        if walk.unseen
        else ""
    )
    drawing = svg(walk, alt=f"{said(walk)}{lost} {counted(walk.steps, 'step')}.", seconds=_SECONDS)
    shows = "Left what the window passes over, right what it makes, one place a step."
    if transposed:
        shows += (
            " The input is pulled apart by zeros where the stride is over 1, and the window, turned half round, moves"
            " by one: the same numbers as spreading each input over the output."
        )
    return Answer(
        f"How does this {'pooling' if pool else 'convolution'} walk?",
        said(walk),
        drawn=(
            player(drawing, walk.steps, _SECONDS),
            html("answers/walk.html", formulas=formulas(walk), refused=walk.refused.splitlines()),
        ),
        shows=shows,
        hides="The values, which decide what comes of each window. Every channel is pooled by itself."
        if pool
        else "The weights, and that every output channel has a window of its own, as deep as the input.",
    )


def _short(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}x{pair[1]}"
