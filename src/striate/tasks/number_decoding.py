"""How a net's columns become numbers in their units with intervals, as steps of an ONNX graph. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.tasks.columns import Column
from striate.tasks.conformal import Conformal
from striate.tasks.decoding import FLOAT, RAW, Compared, Decoding, Out, double, far, real, whole

if TYPE_CHECKING:
    from striate.tasks.number_answering import LearntNumbers
    from striate.tasks.numbers import Numbers
    from striate.tasks.values import LabelFacts


def number_decoding(facts: LabelFacts, learnt: LearntNumbers) -> Decoding:
    """Return the steps from columns (N, W) to numbers (N, D) and the ends of their intervals."""
    many, level = len(facts.names), 100 * learnt.level
    each_unit = ", ".join(str(unit) or "no unit" for unit in facts.facts.get("units") or [""] * many)
    graph = Decoding({
        "values": Out(FLOAT, (many,), f"the numbers, in the order of the names, in: {each_unit}"),
        "low": Out(FLOAT, (many,), f"from where on each lies with {level:g} % probability; -infinity where unknown"),
        "high": Out(FLOAT, (many,), "up to where; +infinity where unknown. On a circle it may reach past an end"),
    })  # fmt: skip
    values, lows, highs, begin = [], [], [], 0
    for column, interval in zip(learnt.columns.each, learnt.intervals, strict=True):
        first = graph("Slice", RAW, whole(begin), whole(begin + 1), whole(1))
        if column.period is None:
            value = graph("Add", graph("Mul", graph.double(first), double(column.scale)), double(column.mean))
            along = value
        else:
            second = graph("Slice", RAW, whole(begin + 1), whole(begin + 2), whole(1))
            value, along = _turned(graph, first, second, column)
        half = halves(graph, interval, along, learnt.level)
        values.append(graph.real(value))
        lows.append(graph("Sub", values[-1], half))
        highs.append(graph("Add", values[-1], half))
        begin += column.width
    for name, each in (("values", values), ("low", lows), ("high", highs)):
        graph("Identity", each[0] if many == 1 else graph("Concat", *each, axis=1), into=name)
    return graph


def _turned(graph: Decoding, cosine: str, sine: str, column: Column) -> tuple[str, str]:
    """Return where on its circle a number is (N, 1), and how sure the net is of it, float64: `Columns.decode`."""
    assert column.period is not None
    # ONNX has no arctangent of two numbers.
    level = graph("Equal", cosine, real(0.0))
    ratio = graph("Div", sine, graph("Where", level, real(1.0), cosine))
    up = graph("Where", graph("Less", sine, real(0.0)), real(-1.0), real(1.0))
    behind = graph("Where", graph("Less", cosine, real(0.0)), graph("Mul", up, real(math.pi)), real(0.0))
    still = graph("Where", graph("Equal", sine, real(0.0)), real(0.0), graph("Mul", up, real(math.pi / 2)))
    angle = graph("Where", level, still, graph("Add", graph("Atan", ratio), behind))
    turn = graph("Sub", graph("Mul", graph.double(angle), double(column.period / (2 * math.pi))), double(column.start))
    rounds = graph("Floor", graph("Div", turn, double(column.period)))
    place = graph("Add", graph("Sub", turn, graph("Mul", rounds, double(column.period))), double(column.start))
    x, y = graph.double(cosine), graph.double(sine)
    return place, graph("Sqrt", graph("Add", graph("Mul", x, x), graph("Mul", y, y)))


def halves(graph: Decoding, interval: Conformal, along: str, level: float) -> str:
    """Return how far intervals reach (N, 1) float32 where their certainty lies ``along``: `Conformal.halves`.

    Infinity is said in float32: what computes float64 in that would make of it the largest number there is.
    """
    size = interval.size(level)
    if not math.isfinite(size):
        return graph("Add", graph("Mul", graph.real(along), real(0.0)), real(np.inf))
    reach = graph("Add", graph("Mul", along, double(0.0)), double(size))
    if interval.adaptive:
        at, spread = interval.at, interval.spread
        wide = np.diff(at)
        steep = np.divide(np.diff(spread), wide, out=np.zeros_like(wide), where=wide > 0)
        gone = graph("Min", graph("Max", graph("Sub", along, double(at[:-1])), double(0.0)), double(wide))
        risen = graph("ReduceSum", graph("Mul", gone, double(steep)), whole(1), keepdims=1)
        reach = graph("Mul", graph("Add", risen, double(spread[0])), double(size))
    reach = graph.real(reach)
    if interval.period is not None:
        beyond = graph("GreaterOrEqual", reach, real(interval.period / 2))
        reach = graph("Where", beyond, real(np.inf), reach)
    return reach


def same_numbers(said: Mapping[str, NDArray[Any]], answer: Numbers) -> Compared:
    """Return what a graph says of one picture against its answer; on a circle, by the shorter way."""
    periods = np.array([one.period or np.inf for one in answer.each])
    values, low, high = (np.array([getattr(one, name) for one in answer.each]) for name in ("value", "low", "high"))
    turns = np.where(np.isfinite(periods), np.round((said["values"][0] - values) / periods), 0.0)
    moved = np.where(turns == 0, 0.0, turns * np.where(np.isfinite(periods), periods, 0.0))
    apart = {
        "values": far(said["values"][0] - moved, values),
        "intervals": max(far(said["low"][0] - moved, low), far(said["high"][0] - moved, high)),
    }
    return Compared(True, apart)
