"""TrainConfig: what a training goes by, every choice made, no gap. Imports settings and defaults.

One is made in one place, `closed`: of a recipe that is settled (`striate.recipe.Recipe.settled`), or of what a run
keeps (`striate.verbs.reopen.config_of`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from striate.defaults import PICTURES_ALONE, start_rules
from striate.errors import RecipeError
from striate.settings import (
    Colour,
    Count,
    Fit,
    Folds,
    Optimiser,
    Positive,
    RateDecay,
    Resize,
    Settings,
    Share,
    Size,
    Strength,
    TaskName,
    checked,
)


class TrainConfig(Settings):
    """How a net is trained: the settings of a recipe, those that it may leave open decided.

    What stays None is off, or is not said by anybody: ``patience``, ``clip``, ``first``, ``threads`` (as many as torch
    takes), ``weight_decay`` of a head alone (chosen by pictures that it is not fitted to), ``start`` and ``tune`` of a
    net that begins from chance, ``bits``, ``group``, ``labels``, ``label_from`` and ``mend`` of pictures that need
    none, ``loss`` (the first of the task), ``circular``, ``strangers`` (measured where whole nets are cross-validated).
    What a training has no use for has the value that says so (`unused`) and is not written: a head alone is fitted to
    features, so nothing is augmented or averaged.

    Example: ``Recipe(source="pets", task="classify").settled(pictures=200, height=375, width=500).epochs + 1``
    """

    task: TaskName
    net: str
    head_epochs: Annotated[int, Field(ge=0)]
    rate_decay: RateDecay
    unfreeze: Share
    fit: Fit
    size: Size
    colour: Colour
    resize: Resize
    folds: Folds
    repeats: Count
    augment: Strength
    flip: bool
    epochs: Count
    batch: Count
    optimiser: Optimiser
    learning_rate: Positive
    warmup: Share
    label_smoothing: Share
    ema: Share

    @property
    def unused(self) -> dict[str, Any]:
        """The settings that this training has no use for, with the value that says so."""
        return unused(self.tune, self.folds)

    def written(self) -> dict[str, Any]:
        """Return the settings that it makes use of, as plain JSON: those of a recipe that trains the same again."""
        idle = self.unused
        return {
            name: value
            for name, value in super().written().items()
            if name not in idle or getattr(self, name) != idle[name]
        }


def unused(tune: str | None, folds: int) -> dict[str, Any]:
    """Return what a training has no use for, by what of the net is trained and in how many folds, and its values."""
    found: dict[str, Any] = {} if folds else {"repeats": 1}
    if tune == "all":
        return found
    if tune == "maps":  # what moves pictures has no use where no picture goes through the trunk but once
        return found | {"head_epochs": 0, "rate_decay": 1.0, "unfreeze": 0.0, "augment": "none"}
    found |= {"head_epochs": 0, "rate_decay": 1.0, "unfreeze": 0.0}
    if tune == "head":
        # A head alone takes no steps; should somebody take some, they are those of ``tune = all``.
        steps = {name: value for name, value in start_rules("all").items() if name in PICTURES_ALONE}
        found |= {"augment": "none", "flip": False, "warmup": 0.0, "label_smoothing": 0.0, "ema": 0.0} | steps
    return found


def closed(wishes: Settings, chosen: Mapping[str, Any]) -> TrainConfig:
    """Return the config of a recipe: what it says, else that it has no use for it, else what is ``chosen``.

    Errors: RecipeError that names what is still open.
    """
    if names := still_open(wishes, chosen):
        raise RecipeError(f"{', '.join(names)}: still open, and nothing is trained before that is said")
    return checked(TrainConfig, _values(wishes, chosen))


def still_open(wishes: Settings, chosen: Mapping[str, Any]) -> list[str]:
    """Return the settings that neither a recipe says nor anything chooses, and that a training cannot do without."""
    values = _values(wishes, chosen)
    return [name for name, field in TrainConfig.model_fields.items() if field.is_required() and values[name] is None]


def _values(wishes: Settings, chosen: Mapping[str, Any]) -> dict[str, Any]:
    plain = wishes.model_dump()
    said = {name: value for name, value in plain.items() if value is not None}
    tune, folds = ({**chosen, **said}.get(name) for name in ("tune", "folds"))
    return {**plain, **chosen, **unused(tune, folds or 0), **said}
