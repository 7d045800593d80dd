"""Fit: whether pixels of the picture may go unseen. A person's own net is held to it, somebody's is taken as it is."""

from __future__ import annotations

from typing import Literal

from striate import nets
from striate.data.pictures.preprocess import Preprocess
from striate.recipe import Recipe
from striate.spec.shape import Shape
from striate.spec.survey import Survey


def settled(recipe: Recipe, *, provided: bool, start: Preprocess | None) -> Literal["exact", "floor"]:
    """Return whether a net is surveyed exactly, or pixels may go unseen (floor), for a recipe whose size is settled.

    What the recipe says holds. Else it is floor where a net comes as it is: an adopted module (``provided``), weights
    to ``start`` from at their own size, a published net at its published size; and exact for any other.
    """
    if recipe.fit is not None:
        return recipe.fit
    assert recipe.size is not None
    if provided:
        return "floor"
    if start is not None:
        return "floor" if recipe.size == (start.height, start.width) else "exact"
    channels = 1 if recipe.colour == "gray" else 3
    published = recipe.first is None and nets.published_at(recipe.net or "", Shape(channels, *recipe.size))
    return "floor" if published else "exact"


def notes(recipe: Recipe, survey: Survey) -> tuple[str, ...]:
    """Return a sentence that says which pixels of every picture a net never looks at; nothing where it sees all."""
    if survey.unseen is None:
        return ()
    why = "fit = floor: it is taken as it is"
    if recipe.net in nets.CATALOG:
        why = "taken as published"
    elif recipe.weights is not None:
        why = "as the weights it starts from have it"
    return (f"{survey.unseen} of every picture are never seen by this net ({why})",)
