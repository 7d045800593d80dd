"""Fit: whether pixels of the picture may go unseen. A person's own net is held to it, somebody's is taken as it is."""

from __future__ import annotations

from typing import Literal

from striate import nets
from striate.data.pictures.preprocess import Preprocess
from striate.spec.shape import Shape
from striate.spec.survey import Survey
from striate.train_config import TrainConfig


def by_itself(config: TrainConfig, *, provided: bool, start: Preprocess | None) -> Literal["exact", "floor"]:
    """Return whether a net is surveyed exactly, or pixels may go unseen (floor), where nobody says.

    It is floor where a net comes as it is: an adopted module (``provided``), weights to ``start`` from at their own
    size, a published net at its published size; and exact for any other.
    """
    if provided:
        return "floor"
    if start is not None:
        return "floor" if config.size == (start.height, start.width) else "exact"
    channels = 1 if config.colour == "gray" else 3
    published = config.first is None and nets.published_at(config.net, Shape(channels, *config.size))
    return "floor" if published else "exact"


def notes(config: TrainConfig, survey: Survey) -> tuple[str, ...]:
    """Return a sentence that says which pixels of every picture a net never looks at; nothing where it sees all."""
    if survey.unseen is None:
        return ()
    why = "fit = floor: it is taken as it is"
    if config.net in nets.CATALOG:
        why = "taken as published"
    elif config.weights is not None:
        why = "as the weights it starts from have it"
    return (f"{survey.unseen} of every picture are never seen by this net ({why})",)
