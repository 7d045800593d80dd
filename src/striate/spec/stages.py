"""The stages of a net, from the picture to the answer: parts that work on maps of about one size, then the head.

What is unfrozen together, and learns at one rate, when a net starts from weights that are already good.
"""

from __future__ import annotations

from itertools import groupby
from math import log2
from operator import itemgetter

from striate.spec.shape import Shape
from striate.spec.survey import Survey


def stages(survey: Survey) -> tuple[tuple[str, ...], ...]:
    """The paths of all parts, stage by stage; side heads are left out, and the last stage is the head and what follows.

    A stage begins at the first convolution onto maps of half the side, as the papers draw them (He et al. 2016,
    table 1: conv1 to conv5_x); flat vectors are a stage of their own. A stage without anything to learn is joined to
    the next.

        >>> from striate.spec import parse
        >>> net = parse("conv 4 3x3 pad 1 >> relu >> maxpool 2 >> conv 8 1x1 >> globalavgpool >> flatten >> dense 2")
        >>> stages(net.on(3, 8, 8))
        (('conv1', 'relu1', 'maxpool1'), ('conv2', 'globalavgpool1', 'flatten1'), ('dense1',))
    """
    rows = [row for row in survey.rows if not row.auxiliary]
    head = max((place for place, row in enumerate(rows) if row.parameters), default=0)
    body, after = rows[:head], rows[head:]
    depths = [_halvings(survey, row.output or survey.input) for row in body]
    for place in range(len(depths) - 2, -1, -1):  # what narrows for a moment (squeeze and excitation) does not count
        depths[place] = min(depths[place], depths[place + 1])
    for place, row in enumerate(body[1:], 1):
        if not row.macs:  # pooling and norms go with the convolution before them
            depths[place] = depths[place - 1]
    found: list[tuple[str, ...]] = []
    waiting: list[str] = []
    for _, stage in groupby(zip(depths, body, strict=True), key=itemgetter(0)):
        parts = [row for _, row in stage]
        waiting += [row.path for row in parts]
        if any(row.parameters for row in parts):
            found.append(tuple(waiting))
            waiting = []
    return (*found, (*waiting, *(row.path for row in after)))


def _halvings(survey: Survey, output: Shape) -> int:
    """How often the picture's side was halved down to this output, to the nearest whole number; a vector once more."""
    most = max(survey.input.size)
    return round(log2(most / max(output.size))) + (not output.is_map)
