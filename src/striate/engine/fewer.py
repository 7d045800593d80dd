"""Fewer pictures: a training's state, made to go on where some of its pictures are gone. Imports nothing of torch's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from striate.engine.state import Training


def with_fewer_pictures(facts: Mapping[str, Any], training: Training) -> dict[str, Any]:
    """Return the facts of a state as ``training``, which has fewer pictures to train on, can load them.

    An epoch now has fewer steps: the one under way ends where it stands if it is already longer, and the schedule is
    that of the shorter training from here on. That the weights are not those of an undisturbed run is written down.

    Example: ``tensors, facts = training.state(); training.load_state(tensors, with_fewer_pictures(facts, training))``
    """
    pictures = len(training.split.train)
    told = f"trained on {pictures:,} pictures from here on, where {facts['pictures']:,} were trained on before"

    def fitted(one: Mapping[str, Any]) -> dict[str, Any]:
        step = min(one["step"], training.steps)
        updates = one["epochs_done"] * training.steps + step
        return {**one, "pictures": pictures, "steps": training.steps, "step": step, "updates": updates}

    found = fitted(facts)
    if "good" in facts:
        found["good"] = fitted(facts["good"])
    return {**found, "inexact": [*facts["inexact"], told]}
