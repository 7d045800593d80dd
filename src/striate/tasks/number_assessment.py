"""What predicted numbers are worth: the report, the worst of them, what a terminal and a page say. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.metrics.intervals import Interval, bootstrap_mean, widened
from striate.metrics.number_report import NumberReport, RegressionReport, span
from striate.metrics.number_verdict import number_verdict
from striate.metrics.probability import Floats
from striate.metrics.regression import errors
from striate.metrics.verdict import Verdict
from striate.tasks.assessment import About, Assessment, Headline
from striate.tasks.columns import Columns
from striate.tasks.numbers import MEAN_ABSOLUTE_ERROR, Number, spelled
from striate.tasks.sections import Figure, Part, Points, Section, Table, Text, Tile, Tiles, number, percent
from striate.tasks.values import LabelFacts
from striate.words import figure

_TILES = 12  # worst answers shown
_POINTS = 5000  # points drawn at most


@dataclass(frozen=True, eq=False)
class NumberAssessment(Assessment):
    """Predicted numbers, measured. ``values``, ``halves`` and ``targets`` are (N, D), in the numbers' units.

    ``scales`` (D,) are the deviations that errors in several numbers are told in, those of what was learnt by itself.
    """

    report: RegressionReport
    facts: LabelFacts
    columns: Columns
    values: Floats
    halves: Floats
    targets: Floats
    too_few: str = ""
    design: float = 1.0
    scales: tuple[float, ...] = ()

    loss_name = MEAN_ABSOLUTE_ERROR

    @cached_property
    def errors(self) -> Floats:
        """Said minus true (N, D), on a circle the shorter way round."""
        return np.stack(
            [
                errors(self.values[:, place], self.targets[:, place], period=period)
                for place, period in enumerate(self.columns.periods)
            ],
            axis=1,
        )

    @property
    def headline(self) -> Headline:
        """The mean absolute error: in the unit of the only number, of several in deviations, the mean over them."""
        if len(self.report.each) == 1:
            one = self.report.each[0]
            return Headline(MEAN_ABSOLUTE_ERROR, one.measures.mae, False, one.unit, False)
        value = widened(bootstrap_mean(self.losses), self.design)
        return Headline(MEAN_ABSOLUTE_ERROR, value, False, "deviations", False)

    @cached_property
    def losses(self) -> Floats:
        """How far off each answer is (N,): in the unit of the only number, of several in deviations, their mean."""
        off = np.abs(self.errors)
        if off.shape[1] == 1:
            return off[:, 0]
        mean: Floats = (off / np.array(self.deviations)).mean(axis=1)
        return mean

    @property
    def deviations(self) -> tuple[float, ...]:
        """The deviations (D,) that errors in several numbers are told in; an epoch's figures are told in them too."""
        return self.scales or tuple(column.spread for column in self.columns.each)

    def caption(self, row: int) -> str:
        """Say what was answered, with its interval, and what is true: ``12.3 (10.9 to 13.8), is 15.1``."""
        told = []
        for place, one in enumerate(self.report.each):
            value, half = float(self.values[row, place]), float(self.halves[row, place])
            column = self.columns.each[place]
            answer = Number(one.name, value, value - half, value + half, one.unit, one.level, one.period, column.start)
            named = f"{one.name} " if len(self.report.each) > 1 else ""
            told.append(f"{named}{answer}, is {spelled(float(self.targets[row, place]), half, value)}")
        return "; ".join(told)

    def verdict(self, about: About) -> Verdict:  # noqa: D102
        return number_verdict(
            self.report,
            part=about.part,
            from_chance=about.from_chance,
            learnt_from=about.learnt_from,
            also=about.also,
        )

    def beside(self) -> str:  # noqa: D102
        r2 = [one.measures.r2 for one in self.report.each]
        if len(r2) == 1 and r2[0] is not None:
            return f"R2 {r2[0].value:.3f}"
        return ", ".join(
            f"R2 of {one.name} {value.value:.3f}" for one, value in zip(self.report.each, r2, strict=True) if value
        )

    def caveats(self) -> tuple[str, ...]:
        """Return what constant answers would score, where that is not far from what this one does."""
        said = []
        for one in self.report.each:
            name, constant = one.constant
            if one.unvaried:
                said.append(one.unvaried)
            elif one.measures.mae.high >= constant.mae:
                unit = f" {one.unit}" if one.unit else ""
                said.append(
                    f"{f'{one.name}: ' if len(self.report.each) > 1 else ''}always answering"
                    f" {figure(constant.value, 4)}{unit} (the {name}) has a mean absolute error of"
                    f" {figure(constant.mae, 4)}{unit}: no worse than this"
                )
        return tuple(said)

    def lines(self) -> tuple[str, ...]:  # noqa: D102
        return (self.too_few,) if self.too_few else ()

    def learnt_lines(self) -> tuple[str, ...]:
        """Return how wide the intervals are, and which share of these pictures they hold where that was measured."""
        said = []
        for one in self.report.each:
            if one.width is not None:
                unit = f" {one.unit}" if one.unit else ""
                named = f"{one.name}: " if len(self.report.each) > 1 else ""
                held = "; how many numbers they hold was not measured, for no other pictures are left"
                if one.coverage is not None:
                    held = f" and hold {100 * one.coverage.value:.1f} % of these pictures' numbers"
                wide = f"{figure(one.width, 4)}{unit} wide in the mean"
                said.append(f"{named}{100 * one.level:g} % intervals are {wide}{held}")
        return tuple(said)

    def figures(self) -> tuple[Figure, ...]:
        """Return the mean absolute error, R2, the root mean squared error and the coverage of each number."""
        tiles = [self.headline.figure] if len(self.report.each) > 1 else []
        for one in self.report.each:
            of = f" of {one.name}" if len(self.report.each) > 1 else ""
            tiles.append(number(one.measures.mae, f"mean absolute error{of}", unit=one.unit))
            if one.measures.r2 is not None:
                tiles.append(number(one.measures.r2, f"R2{of}: the share of its variance that is predicted"))
            tiles.append(
                number(one.measures.rmse, f"root mean squared error{of}: large errors count more", unit=one.unit)
            )
            if one.coverage is not None:
                tiles.append(
                    percent(one.coverage, f"of the true numbers{of} lie in their {100 * one.level:g} % interval")
                )
        return tuple(tiles)

    def sections(self) -> tuple[Section, ...]:
        """Return of each number predicted against true, errors, bias by range, constants; and the worst answers."""
        each = [section for place in range(len(self.report.each)) for section in self._number(place)]
        return (*each[:2], *self._worst_answers(), *each[2:])

    def _worst_answers(self) -> tuple[Section, ...]:
        rows = list(dict.fromkeys(one.index for one in self.report.worst))[:_TILES]
        if not rows:
            return ()
        tiles = Tiles(tuple(Tile(row, self.caption(row)) for row in rows))
        told = Text("The answers that are farthest off, farthest first. Where the answer is right, the list is wrong.")
        return (Section("Where was it most wrong?", (told, tiles), anchor="worst"),)

    def _number(self, place: int) -> tuple[Section, ...]:
        one = self.report.each[place]
        label = f"{one.name} [{one.unit}]" if one.unit else one.name
        of = f" of {one.name}" if len(self.report.each) > 1 else ""
        rows = np.unique(np.linspace(0, len(self.targets) - 1, min(_POINTS, len(self.targets))).astype(int))
        true, said, off = (each[rows, place] for each in (self.targets, self.values, self.errors))
        against = Points(
            true, said, f"true {label}", f"predicted {label}", f"predicted against true {label}", diagonal=True
        )
        left = Points(said, off, f"predicted {label}", "said - true", f"errors{of} by what was predicted", level=0.0)
        off = number(one.measures.mae, unit=one.unit)
        return (
            Section(
                f"How near are the answers{of} to the truth?",
                (Text(f"On the line an answer is right. In the mean they are {off} off."), against),
                half=True,
                anchor=f"predicted-{place}",
            ),
            Section(
                f"Where are the errors{of} large?",
                (Text("Above the line an answer is too high, below it too low; no pattern should be left."), left),
                half=True,
                anchor=f"errors-{place}",
            ),
            Section(f"Does it say too much or too little{of}?", self._bias(one), anchor=f"bias-{place}"),
        )

    def _bias(self, one: NumberReport) -> tuple[Part, ...]:
        unit = f" {one.unit}" if one.unit else ""
        rows = tuple(
            (
                span(part.low, part.high),
                f"{part.pictures:,}",
                _signed(part.bias, one.unit),
                number(part.mae, unit=one.unit),
            )
            for part in one.ranges
        )
        heads = ("true number", "pictures", "said - true", "absolute error")
        table = Table(heads, rows, f"bias of {one.name} by range")
        constants = tuple(
            (
                f"always {figure(constant.value, 4)}{unit} (the {name})",
                f"{figure(constant.mae, 4)}{unit}",
                f"{figure(constant.rmse, 4)}{unit}",
            )
            for name, constant in one.constants.items()
        )
        own = ("this model", number(one.measures.mae, unit=one.unit), number(one.measures.rmse, unit=one.unit))
        beside = Table(
            ("answer", "mean absolute error", "root mean squared error"),
            (own, *constants),
            "beside answers that do not look",
        )
        return (
            Text("The mean error where the true number is in a range, with its 95 % interval: 0 in it is no bias."),
            table,
            Text("What answers would score that do not look at the picture:"),
            beside,
        )

    def to_dict(self) -> dict[str, Any]:  # noqa: D102
        return {"too_few": self.too_few or None}

    @property
    def right(self) -> NDArray[np.bool_] | None:
        """None: an answer is only nearer or farther."""
        return None


def _signed(value: Interval, unit: str) -> Figure:
    told = number(value, unit=unit)
    return Figure(told.value if value.value <= 0 else f"+{told.value}", told.between, told.text)
