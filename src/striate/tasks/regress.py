"""One or several numbers a picture: an angle, a count, a weight; each with an interval it can be trusted to.

Torch is imported by what computes with tensors alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from striate.data.labels.numbers import NUMBERS as KIND
from striate.data.labels.numbers import is_number
from striate.errors import RecipeError, SourceError, StriateError
from striate.tasks.columns import Columns, fit_columns
from striate.tasks.number_answering import (
    NUMBERS,
    LearntNumbers,
    NumberAnswering,
    columns_of,
    learnt_of,
    state_of,
    units_of,
)
from striate.tasks.numbers import numbers_of
from striate.tasks.prediction import Prediction
from striate.tasks.task import Task
from striate.tasks.values import NOTHING, Judged, LabelFacts, Labels, Outputs, State
from striate.words import counted, figure

if TYPE_CHECKING:
    from torch import Tensor

    from striate.data.sources.items import Source
    from striate.data.strata import Strata
    from striate.settings import Settings
    from striate.train_config import TrainConfig

FEWEST: Final = 5  # pictures with a number, below which there is nothing to learn and measure
LARGEST: Final = 1e30  # of a number: its square, and sums of squares, are finite
OFTEN: Final = 0.3  # share of pictures with one and the same number that has to be said


class Regress(NumberAnswering, Task):
    """One or several numbers a picture."""

    name = "regress"
    kind = KIND
    noun = "number"
    ends = "one a number, two a circular one"
    terms = ("error",)
    choices = frozenset({"loss", "circular"})
    implied_by = "circular"
    # A softmax forgives a feature that was hardly ever there and now is; a number does not (docs/decisions/0014).
    feature_floor = 1.0
    decays = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003)
    blind_decay = 1.0
    # A picture that is moved, cut or mirrored may have another number: how many there are, which way it goes.
    defaults = MappingProxyType({"augment": "none", "flip": False, "resize": "stretch", "label_smoothing": 0.0})

    def check_recipe(self, recipe: Settings) -> None:
        """Refuse also a loss that numbers are not learnt by."""
        from striate.tasks.number_loss import NumberLoss

        super().check_recipe(recipe)
        try:
            NumberLoss.named(recipe.loss)
        except StriateError as error:
            raise RecipeError(str(error)) from None

    def labels(self, source: Source, recipe: Settings) -> Labels:
        """Return the numbers of each picture (N, D) float64, NaN where it has none.

        Of a source of classes the names of the classes are the numbers. Errors: SourceError where these are none, one
        is too large to compute with, or the recipe calls numbers circular that are not there.
        """
        names, values, known = _values(source)
        for row, place in np.argwhere(np.abs(values) > LARGEST)[:1]:  # NaN is not
            raise SourceError(
                f"{source.location}: {names[place]} of {source.items[row].key} is {values[row, place]:g}, and no number"
                f" may be beyond {LARGEST:g}; correct it, or leave the picture out"
            )
        units = list(source.label_facts.get("units") or [""] * len(names))
        periods = periods_of(recipe, names)
        columns = fit_columns(values[known], periods=periods) if known.any() else Columns(())
        facts = {"units": units, "columns": columns.to_list()}
        return Labels(names, values, known, facts, _notes(values[known], names, units, periods))

    def check_labels(self, source: Source, labels: Labels) -> None:
        """Refuse too few pictures, and a number that is the same on all of them."""
        there = labels.values[labels.known]
        if len(there) < FEWEST:
            raise SourceError(
                f"{source.location} holds {counted(len(there), 'picture')} with a number; to learn and measure takes"
                f" {FEWEST} at least, and 100 or more for a figure that means something"
            )
        for place, name in enumerate(labels.names):
            if (there[:, place] == there[0, place]).all():
                raise SourceError(
                    f"{source.location}: {name} is {there[0, place]:g} on all {len(there):,} pictures; there is nothing"
                    " to learn"
                )

    def strata(self, labels: Labels) -> Strata:
        """Return ranges of the numbers: each keeps its share of every part."""
        from striate.data.strata import Strata, strata_of

        return Strata(strata_of(labels.values, labels.known, periods=columns_of(labels.kept).periods), labels.known)

    def settle(self, labels: Labels, rows: Sequence[int]) -> Labels:
        """Return labels with the mean and the deviation of the pictures trained on, by which numbers are learnt."""
        values = labels.values[np.asarray(rows, np.int64)]
        values = values[np.isfinite(values).all(axis=1)]
        if not len(values):
            return labels
        before = columns_of(labels.kept)
        new = fit_columns(values, periods=before.periods)
        # Where a circle begins is how a person writes it, and is not learnt.
        each = tuple(replace(one, start=old.start) for one, old in zip(new.each, before.each, strict=True))
        return replace(labels, facts={**labels.facts, "columns": Columns(each).to_list()})

    def encode(self, labels: Labels, rows: Sequence[int] | NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Return the columns (N, W) that the net learns: standardised, circular ones as cosine and sine."""
        values = labels.values if rows is None else labels.values[np.asarray(rows, np.int64)]
        return np.nan_to_num(columns_of(labels.kept).encode(values))

    def width(self, facts: LabelFacts) -> int:
        """Return one a number, two a circular one."""
        return columns_of(facts).width

    def loss(
        self, outputs: Mapping[str, Tensor], targets: Tensor, config: TrainConfig, weights: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return the smooth L1 loss, or the one that the recipe names, of standardised numbers."""
        from striate.tasks.number_loss import NumberLoss

        each = NumberLoss.named(config.loss).of(outputs[NUMBERS].float(), targets.float())
        return {self.terms[0]: each.mean()}

    def slopes(
        self, output: Tensor, targets: Tensor, config: TrainConfig, weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the loss of each picture, and its derivative by the output."""
        from striate.tasks.number_loss import NumberLoss

        wanted = targets.to(output.dtype)
        wanted = wanted.view(len(wanted), *[1] * (output.dim() - 2), -1)
        return NumberLoss.named(config.loss).with_slopes(output, wanted)

    def plain_loss(self, outputs: Mapping[str, Tensor], targets: Tensor, config: TrainConfig) -> float:
        """Return the loss that is learnt by, a mean over the pictures."""
        from striate.tasks.number_loss import NumberLoss

        return float(NumberLoss.named(config.loss).of(outputs[NUMBERS].double(), targets.double()).mean())

    def fit_state(self, judged: Judged, facts: LabelFacts) -> State:
        """Return what the errors on unseen pictures say of the next ones: how wide an interval has to be."""
        return state_of(columns_of(facts), judged)

    def opened(self, state: State, facts: LabelFacts) -> LearntNumbers:
        """Return how numbers and their intervals are made. Errors: ModelError for what is damaged."""
        return learnt_of(state, facts)

    def decode(
        self, outputs: Outputs, facts: LabelFacts, learnt: Any, *, options: Mapping[str, Any] = NOTHING
    ) -> list[Prediction]:
        """Return the `Numbers` of each picture; the option ``level`` is that of their intervals, 0.9 without it."""
        level = options.get("level") or learnt.level
        values, halves = learnt.answers(outputs[NUMBERS], level)
        columns: Columns = learnt.columns
        return list(
            numbers_of(
                facts.names,
                values,
                halves,
                units=units_of(facts),
                level=level,
                periods=columns.periods,
                starts=[column.start for column in columns.each],
            )
        )


def periods_of(recipe: Settings, names: Sequence[str]) -> tuple[float | None, ...]:
    """Return the period of each number, None of one that is not circular, from what a recipe says.

    ``circular`` is a period where there is one number ("360"), or name by name ("angle=360 hour=24").
    Errors: SourceError for what is no positive number, or names what is not there.
    """
    text = str(recipe.circular or "").replace(",", " ").strip()
    if not text:
        return (None,) * len(names)
    found: dict[str, float] = {}
    for word in text.split():
        name, equals, period = word.rpartition("=")
        if not equals and len(names) > 1:
            raise SourceError(f"--circular {word}: which of {', '.join(names)} is it? Say --circular {names[0]}={word}")
        if not equals:
            name = names[0]
        if name not in names:
            raise SourceError(f"--circular {word}: there is no number {name!r}; there are {', '.join(names)}")
        value = float(period) if is_number(period) else 0.0
        if value <= 0:
            raise SourceError(f"--circular {word}: {period!r} is no length of a circle, such as 360 for degrees")
        found[name] = value
    return tuple(found.get(name) for name in names)


def _values(source: Source) -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.bool_]]:
    """Return the names of the numbers, the numbers (N, D), and which rows have them."""
    if source.kind == KIND:
        names = source.label_names
        values = np.full((len(source.items), len(names)), np.nan)
        for row, item in enumerate(source.items):
            if isinstance(item.target, tuple):
                values[row] = item.target
    else:
        wrong = [name for name in source.label_names if not is_number(name)]
        if wrong or not source.label_names:
            raise SourceError(
                f"{source.location}: its labels are no numbers ({', '.join(wrong[:5])}); give a list with a column of"
                " numbers, or leave --task regress out"
            )
        names = ("number",)
        values = np.full((len(source.items), 1), np.nan)
        each = [float(name) for name in source.label_names]
        for row, item in enumerate(source.items):
            if item.place >= 0:
                values[row] = each[item.place]
    return names, values, np.isfinite(values).all(axis=1)


def _notes(
    values: NDArray[np.float64], names: Sequence[str], units: Sequence[str], periods: Sequence[float | None]
) -> tuple[str, ...]:
    """Return what a person should know of the numbers: one that very many pictures have, and what that means."""
    from striate.metrics.regression import most_frequent
    from striate.metrics.regression_report import best_constants

    notes = []
    for place, name in enumerate(names):
        often = most_frequent(values[:, place], share=OFTEN)
        if often is None or often[1] == len(values):
            continue
        value, count = often
        unit = f" {units[place]}" if units[place] else ""
        constant = best_constants(values[:, place], period=periods[place])["most frequent"]
        notes.append(
            f"{name} is exactly {value:g}{unit} on {count:,} of {counted(len(values), 'picture')}"
            f" ({100 * count / len(values):.1f} %): always answering {value:g} has a mean absolute error of"
            f" {figure(constant.mae, 4)}{unit}, which a figure has to beat to mean anything"
        )
    return tuple(notes)
