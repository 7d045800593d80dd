"""Numbers, after training: tables of answers, what they are worth, what may be asked of them. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.errors import ModelError, StriateError
from striate.metrics.probability import Floats
from striate.tasks.answering import PARTS, Answering, number_of
from striate.tasks.columns import Columns
from striate.tasks.conformal import LEVEL, Conformal, fit_conformal, too_few
from striate.tasks.numbers import MEAN_ABSOLUTE_ERROR, number_columns, spelled
from striate.tasks.values import Judged, LabelFacts, Outputs, State
from striate.words import figure

if TYPE_CHECKING:  # what measures and explains is imported by who does: predicting needs none of it
    from striate.data.pictures.crop_transform import CropTransform
    from striate.tasks.assessment import Basis, Cost
    from striate.tasks.decoding import Compared, Decoding, Frame
    from striate.tasks.number_assessment import NumberAssessment
    from striate.tasks.number_question import NumberQuestion
    from striate.tasks.pairing import Paired, Shared
    from striate.tasks.sections import Part

NUMBERS: Final = "numbers"
DEVIATIONS: Final = "deviations"


@dataclass(frozen=True, eq=False)
class LearntNumbers:
    """What is learnt after training: of each number what is known of the errors, and the level of intervals."""

    columns: Columns
    intervals: tuple[Conformal, ...]
    level: float

    def answers(self, output: NDArray[Any], level: float | None = None) -> tuple[Floats, Floats]:
        """Return the numbers (N, D) of outputs (N, W), and how far their intervals reach (N, D)."""
        values, along = self.columns.decode(output)
        asked_for = self.level if level is None else level
        halves = [one.halves(where, asked_for) for one, where in zip(self.intervals, along.T, strict=True)]
        return values, np.stack(halves, axis=1)


class NumberAnswering(Answering):
    """The answering half of `striate.tasks.regress.Regress`. ``learnt`` is a `LearntNumbers`."""

    output = NUMBERS
    headline = MEAN_ABSOLUTE_ERROR
    higher_is_better = False

    def formula(self, facts: LabelFacts, learnt: Any) -> Mapping[str, Any]:
        """Return the names and units, how each number is learnt, and how far its interval reaches."""
        columns: Columns = learnt.columns
        told = []
        for column, interval in zip(columns.each, learnt.intervals, strict=True):
            half = interval.size(learnt.level)
            curve = {"at": interval.at.tolist(), "spread": interval.spread.tolist()}
            told.append({**vars(column), "half": half if np.isfinite(half) else None, **curve})
        units = list(units_of(facts))
        return {"kind": "numbers", "names": list(facts.names), "units": units, "level": learnt.level, "columns": told}

    def decoding(self, facts: LabelFacts, learnt: Any, frame: Frame) -> Decoding:
        """Return the steps to numbers in their units, and to their intervals."""
        from striate.tasks.number_decoding import number_decoding

        return number_decoding(facts, learnt)

    def held(
        self,
        said: Mapping[str, NDArray[Any]],
        answer: Any,
        outputs: Outputs,
        facts: LabelFacts,
        learnt: Any,
        crop: CropTransform | None = None,
    ) -> Compared:
        """Return what a graph said of one picture, against its answer."""
        from striate.tasks.number_decoding import same_numbers

        return same_numbers(said, answer)

    def columns(self, facts: LabelFacts, top: int | None = None) -> tuple[str, ...]:
        """Return each number with its unit, and the ends of its interval."""
        return number_columns(facts.names, units_of(facts))

    def measure(self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts) -> dict[str, float]:
        """Return the mean absolute error, in the unit; of several numbers in deviations, the mean over them."""
        from striate.metrics.regression import mean_absolute_error

        columns = columns_of(facts)
        values, _ = columns.decode(outputs[NUMBERS])
        wanted = np.asarray(targets, np.float64).reshape(len(values), -1)
        each = [
            mean_absolute_error(values[:, place], wanted[:, place], period=column.period)
            for place, column in enumerate(columns.each)
        ]
        if len(each) == 1:
            return {MEAN_ABSOLUTE_ERROR: each[0]}
        return {
            MEAN_ABSOLUTE_ERROR: float(
                np.mean([one / column.spread for one, column in zip(each, columns.each, strict=True)])
            )
        }

    def shown(self, name: str, value: float, facts: LabelFacts) -> str:
        """Return a figure with its unit: ``mean absolute error 3.2 deg``."""
        return f"{name} {figure(value, 4)} {figure_unit(facts)}".rstrip()

    def cost(
        self,
        before: Outputs,
        after: Outputs,
        targets: NDArray[Any],
        facts: LabelFacts,
        learnt: Any,
        *,
        trained: bool,
        known: bool,
    ) -> Cost:
        """Return by how much int8 is farther off, as a share of the number's deviation."""
        found = super().cost(before, after, targets, facts, learnt, trained=trained, known=known)
        gap = found.facts[f"{MEAN_ABSOLUTE_ERROR}_int8"] - found.facts[MEAN_ABSOLUTE_ERROR]
        columns = columns_of(facts)
        return replace(found, lost=float(gap / (columns.each[0].spread if len(columns.each) == 1 else 1.0)))

    def evaluate(
        self, outputs: Outputs, targets: NDArray[Any], facts: LabelFacts, learnt: Any, basis: Basis
    ) -> NumberAssessment:
        """Return errors, bias, coverage; the intervals of out-of-fold answers are made from the other folds' errors.

        Of pictures that intervals were made from, or that were learnt from, there is no coverage.
        """
        from striate.metrics.number_report import regression_report
        from striate.tasks.number_assessment import NumberAssessment

        wanted = np.asarray(targets, np.float64).reshape(len(targets), -1)
        values, halves = learnt.answers(outputs[NUMBERS])
        if basis.folds is not None:
            halves = fold_halves(learnt.columns, outputs[NUMBERS], wanted, basis, learnt.level)
        report = regression_report(
            values,
            wanted,
            names=facts.names,
            units=units_of(facts),
            periods=learnt.columns.periods,
            halves=halves,
            level=learnt.level,
            scales=[column.spread for column in learnt.columns.each],
            groups=basis.groups,
            design=basis.design,
        )
        if basis.judging:  # of the pictures that intervals are made from they hold what they promise, whatever they are
            report = replace(report, each=tuple(replace(one, coverage=None) for one in report.each))
        few = too_few_words(learnt)
        return NumberAssessment(report, facts, learnt.columns, values, halves, wanted, few, basis.effect)

    def paired(self, shared: Shared) -> Paired:
        """Return two models compared by their errors; of several numbers both in the deviations of the first."""
        from striate.tasks.number_assessment import NumberAssessment
        from striate.tasks.pairing import LossPaired

        first, second = shared.a, shared.b
        assert isinstance(first, NumberAssessment) and isinstance(second, NumberAssessment)
        by_name = dict(zip(first.facts.names, first.deviations, strict=True))
        scales = tuple(by_name[name] for name in second.facts.names)
        return LossPaired.of(replace(shared, b=replace(second, scales=scales)))

    def shown_parts(
        self, values: NDArray[Any], parts: Mapping[str, NDArray[np.int64]], facts: LabelFacts
    ) -> tuple[Part, ...]:
        """Return the range, the middle and the mean of each number in each part."""
        from striate.metrics.number_report import span
        from striate.tasks.sections import Table

        heads = ("number", *(f"{PARTS[part]} ({len(parts[part]):,})" for part in PARTS if len(parts[part])))
        rows = []
        for place, (name, unit) in enumerate(zip(facts.names, units_of(facts), strict=True)):
            cells = []
            for part in PARTS:
                if len(parts[part]):
                    there = values[parts[part], place]
                    there = there[np.isfinite(there)]
                    mean = f"{figure(there.mean(), 4)} in the mean" if len(there) else ""
                    cells.append(f"{span(there.min(), there.max())}, {mean}" if len(there) else "none")
            rows.append((f"{name} [{unit}]" if unit else name, *cells))
        return (Table(heads, tuple(rows), label="numbers by part"),)

    def question(
        self,
        output: NDArray[np.float32],
        facts: LabelFacts,
        learnt: Any,
        word: str | int | None = None,
        against: str | int | None = None,
    ) -> NumberQuestion:
        """Return what raises and lowers a number: the first, or one by its name or place."""
        from striate.tasks.number_question import asked

        if against is not None:
            raise StriateError("a number stands against no other; leave that out, and name the number alone")
        place = 0 if word is None else number_of(word, facts.names, "number")
        columns: Columns = learnt.columns
        begin = sum(column.width for column in columns.each[:place])
        column = columns.each[place]
        said = np.asarray(output, np.float64)[begin : begin + 2].tolist()
        turn = (said[0], said[1]) if column.period is not None else (1.0, 0.0)
        return asked(facts.names[place], begin, column, units_of(facts)[place], *turn)

    def map_values(self, output: NDArray[np.float64], facts: LabelFacts, learnt: Any) -> NDArray[np.float64]:
        """Return the numbers (N, D) in their units."""
        values: NDArray[np.float64] = learnt.columns.decode(output)[0]
        return values


def units_of(facts: LabelFacts) -> tuple[str, ...]:
    """Return the unit of each number, "" where none is known."""
    units: Sequence[Any] = facts.facts.get("units") or [""] * len(facts.names)
    return tuple(str(unit) for unit in units)


def figure_unit(facts: LabelFacts) -> str:
    """Return the unit of the figure that stands for all: that of the only number, or deviations."""
    return units_of(facts)[0] if len(facts.names) == 1 else DEVIATIONS


def columns_of(facts: LabelFacts) -> Columns:
    """Return how the numbers are learnt. Errors: ModelError for facts that are damaged, or of other numbers."""
    try:
        columns = Columns.from_list(facts.facts["columns"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"how its numbers are learnt does not read ({str(error)[:80]})") from None
    if len(columns.each) != len(facts.names) or len(units_of(facts)) != len(facts.names):
        raise ModelError(f"it names {len(facts.names)} numbers, and knows how {len(columns.each)} are learnt")
    return columns


def state_of(columns: Columns, judged: Judged) -> State:
    """Return what errors on unseen pictures say of the next ones, as a model file keeps it; `learnt_of` reads it."""
    output, targets = judged.outputs[NUMBERS], judged.targets
    values, along = columns.decode(output) if len(output) else (np.zeros((0, len(columns.each))),) * 2
    each = [
        fit_conformal(
            values[:, place],
            targets[:, place],
            where=along[:, place],
            folds=judged.folds,
            groups=judged.groups,
            period=column.period,
        )
        for place, column in enumerate(columns.each)
    ]
    arrays = {
        f"{what}.{place}": array
        for place, one in enumerate(each)
        for what, array in one.to_arrays().items()
        if len(array)
    }
    notes = (words,) if each and (words := too_few(each[0].count)) else ()
    return State({"level": LEVEL, "counts": [one.count for one in each]}, arrays, notes)


def learnt_of(state: State, facts: LabelFacts) -> LearntNumbers:
    """Return a state as values. Errors: ModelError for what is damaged, or of other numbers."""
    columns = columns_of(facts)
    level, counts = state.facts.get("level", LEVEL), state.facts.get("counts")
    if counts is None:  # not learnt yet: no interval is known
        counts = [0] * len(columns.each)
    try:
        if not 0 < float(level) < 1 or len(counts) != len(columns.each):
            raise ValueError(f"{len(counts)} intervals for {len(columns.each)} numbers, at {level}")
        intervals = tuple(
            Conformal.of(
                {what: state.arrays.get(f"{what}.{place}", np.zeros(0)) for what in ("sizes", "at", "spread")},
                int(count),
                column.period,
            )
            for place, (count, column) in enumerate(zip(counts, columns.each, strict=True))
        )
    except (StriateError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"the model file's intervals do not read: {str(error)[:100]}") from None
    return LearntNumbers(columns, intervals, float(level))


def fold_halves(columns: Columns, output: NDArray[Any], targets: Floats, basis: Basis, level: float) -> Floats:
    """Return how far the intervals of out-of-fold answers reach (N, D), each made from the errors of other folds."""
    values, along = columns.decode(output)
    folds, groups = basis.folds, basis.groups
    assert folds is not None
    halves = np.full(values.shape, np.inf)
    for fold in np.unique(folds):
        mine = folds == fold
        for place, column in enumerate(columns.each):
            known = fit_conformal(
                values[~mine, place],
                targets[~mine, place],
                where=along[~mine, place],
                folds=folds[~mine],
                groups=None if groups is None else groups[~mine],
                period=column.period,
                level=level,
            )
            halves[mine, place] = known.halves(along[mine, place], level)
    return halves


def too_few_words(learnt: LearntNumbers) -> str:
    """Return why there are no intervals, "" where there are."""
    return too_few(learnt.intervals[0].count, learnt.level) if learnt.intervals else ""


__all__ = ["LearntNumbers", "NumberAnswering", "columns_of", "learnt_of", "spelled", "state_of", "units_of"]
