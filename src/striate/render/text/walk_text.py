"""A window passing over a map, in characters: every step for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from striate.interpret.arithmetic.walk import Walk


def frames(walk: Walk) -> Iterator[str]:
    """Yield each step as lines: ``#`` pixels, ``.`` zeros, ``x`` pixels never seen, the window in brackets.

    For a pooling ``.`` is what lies outside, and never wins. What is made already is ``o``, what is made now ``O``.
    """
    lost = set(walk.unseen)
    for step, (row, column) in enumerate(walk.places()):
        under_rows, under_columns = set(walk.height.under(row)), set(walk.width.under(column))
        left = []
        for y, pixel_row in enumerate(walk.height.slots):
            line = ""
            for x, pixel_column in enumerate(walk.width.slots):
                mark = (
                    "."
                    if pixel_row is None or pixel_column is None
                    else "x"
                    if (pixel_row, pixel_column) in lost
                    else "#"
                )
                line += f"[{mark}]" if y in under_rows and x in under_columns else f" {mark} "
            left.append(line)
        made = row * walk.width.outputs + column
        right = [
            "".join(
                " O " if made == at else " o " if at < made else " . "
                for at in range(first, first + walk.width.outputs)
            )
            for first in range(0, walk.steps, walk.width.outputs)
        ]
        yield "\n".join([f"step {step + 1} of {walk.steps}: output {row},{column}", *beside(left, right)])


def beside(left: Sequence[str], right: Sequence[str], gap: str = "    ") -> list[str]:
    """Return two blocks of lines beside each other."""
    wide = max((len(line) for line in left), default=0)
    tall = max(len(left), len(right))
    pairs = zip([*left, *[""] * (tall - len(left))], [*right, *[""] * (tall - len(right))], strict=True)
    return [(one.ljust(wide) + gap + other).rstrip() for one, other in pairs]
