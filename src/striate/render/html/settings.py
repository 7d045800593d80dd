"""The settings of a recipe that its run made use of."""

from __future__ import annotations

from collections.abc import Callable

from striate import recipe as recipes
from striate.errors import RecipeError
from striate.recipe import Recipe

# What a head fitted to features has no use for: all that concerns steps, batches and layers that are not trained.
_STEPS = (
    *("augment", "flip", "epoch_share", "progressive", "batch", "whiten", "first", "label_smoothing", "patience"),
    *("optimiser", "learning_rate", "momentum", "nesterov", "betas", "alpha", "eps", "clip", "accumulate", "ema"),
    *("schedule", "warmup", "milestones", "gamma", "every", "final_rate", "head_epochs", "rate_decay", "unfreeze"),
    *("precision", "channels_last", "compile"),
)
# What one choice alone makes use of.
_ONLY: dict[str, Callable[[Recipe], bool]] = {
    "momentum": lambda recipe: recipe.optimiser in ("sgd", "muon", "rmsprop"),
    "nesterov": lambda recipe: recipe.optimiser in ("sgd", "muon"),
    "betas": lambda recipe: recipe.optimiser in ("adam", "adamw"),
    "alpha": lambda recipe: recipe.optimiser == "rmsprop",
    "eps": lambda recipe: recipe.optimiser in ("rmsprop", "adam", "adamw"),
    "milestones": lambda recipe: recipe.schedule == "step",
    "gamma": lambda recipe: recipe.schedule in ("step", "exponential"),
    "every": lambda recipe: recipe.schedule == "exponential",
    "final_rate": lambda recipe: recipe.schedule in ("cosine", "one-cycle"),
}
# What is off as long as nobody asks for it.
_OFF = ("epoch_share", "progressive", "whiten", "class_weights", "accumulate", "compile")


def read(toml: str) -> Recipe | None:
    """Return the recipe of a text; None where it is none."""
    try:
        return recipes.from_toml(toml)
    except RecipeError:
        return None


def used(toml: str) -> str:
    """Return the lines of a recipe that its run made use of; trained again by them alone, it is the same run.

    Example: ``used(run.recipe_toml())``
    """
    recipe = read(toml)
    if recipe is None:
        return toml
    plain = Recipe()

    def matters(name: str) -> bool:
        if recipe.tune == "head" and name in _STEPS:
            return False
        if name in _OFF and getattr(recipe, name) == getattr(plain, name):
            return False
        return name not in _ONLY or _ONLY[name](recipe)

    return "".join(line for line in toml.splitlines(keepends=True) if matters(line.partition("=")[0].strip()))
