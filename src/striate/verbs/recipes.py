"""Recipes: those with a name, where each comes from and what was changed. Imports recipe."""

from __future__ import annotations

import re
from dataclasses import dataclass

from striate import recipe as recipes
from striate.recipe import Recipe

__all__ = ["NamedRecipe", "named", "named_all"]


@dataclass(frozen=True)
class NamedRecipe:
    """A recipe of the package: what it is in a line, its ``source``, what was ``changed`` of it, and its file."""

    name: str
    summary: str
    source: str
    changed: str
    text: str
    recipe: Recipe


def named(name: str) -> NamedRecipe:
    """Return a recipe by its name. Errors: RecipeError, with the names, nearest first.

    Example: ``named("resnet-2015").recipe.batch == 256``
    """
    text = recipes.text_of(name)
    head = text.partition("\n\n")[0].removeprefix("# ")
    summary, source, changed = re.split(r"\n#\n# Source: |\n# Changed: ", head)
    source, changed = (re.sub(r"\s*\n#\s+", " ", words) for words in (source, changed))
    return NamedRecipe(name, summary, source, changed, text, recipes.from_toml(text, where=f"recipe {name}"))


def named_all() -> tuple[NamedRecipe, ...]:
    """Return every recipe with a name."""
    return tuple(named(name) for name in recipes.names())
