"""The values that go through the seam between a task and everything else: outputs, labels, what is learnt. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from striate.metrics.probability import Ints

if TYPE_CHECKING:
    from striate.tasks.stranger_skill import StrangerSkill
    from striate.train_config import TrainConfig

Outputs: TypeAlias = Mapping[str, NDArray[Any]]
"""What a network says of N pictures, each array (N, ...), by the name of the output."""

EMBEDDING = "embedding"  # (N, D): what flows into the last layer
SCALE = "scale"  # of `LabelFacts.facts`: how many pixels of the pictures learnt from one of the input is, down, across
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class LabelFacts:
    """What of the labels a run and a model file keep: decoding and measuring need no more.

    ``names`` are what the outputs are called (classes, tags, the numbers' columns); ``facts`` are the task's own, plain
    JSON: units, a mean and a spread.
    """

    names: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Labels:
    """What is to be learnt of N pictures, row by row of their source.

    ``values`` (N, ...) are as the source says them (a class's place int64, a row of 0 and 1 float32, numbers float64);
    ``known`` (N,) says which rows are labelled. ``names`` and ``facts`` are those of `LabelFacts`; ``notes`` are
    sentences that a person should read.
    """

    names: tuple[str, ...]
    values: NDArray[Any]
    known: NDArray[np.bool_]
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def kept(self) -> LabelFacts:
        """What a run and a model file keep."""
        return LabelFacts(self.names, self.facts)


@dataclass(frozen=True, eq=False)
class LeftOut:
    """A training without some of what is learnt, to measure how well strangers are told; each (n,) rows, int64.

    ``trained`` are the rows to train on, ``known`` others of the same kinds, and ``strange`` those of what is left out.
    """

    trained: Ints
    known: Ints
    strange: Ints


@dataclass(frozen=True, eq=False)
class State:
    """All that is learnt after training: ``facts`` are plain JSON, ``arrays`` go into the model file beside it.

    ``notes`` are sentences that a person should read: why something could not be learnt.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Judged:
    """What a `State` is learnt from: answers to pictures that what answered had not been trained on.

    ``outputs`` and ``targets`` (`Labels.values` of the same rows) are of the validation pictures, or of all pictures
    out of their folds; then ``folds`` (N,) says which fold answered. ``distances`` (N,) are `Task.distances` of these,
    None where they were not measured. ``frozen``: the network learnt nothing of the pictures but its last layer;
    ``seen_before``: what is frozen of it had learnt from such labels before. ``skill`` is how well strangers are told
    by networks that were trained without some of the classes, where there were such. ``groups`` (N,) are numbers, equal
    for copies of a picture.
    ``known(choose)`` asks about a sample of the pictures that the network knows: its outputs and their targets. They
    are training pictures, and behind a frozen trunk validation pictures too; ``choose`` takes the targets (M,) of up
    to 5,000 and returns the places of those to ask about, None asks about all.
    """

    outputs: Outputs
    targets: NDArray[Any]
    config: TrainConfig
    known: Callable[[Callable[[NDArray[Any]], Ints] | None], tuple[Outputs, NDArray[Any]]]
    folds: Ints | None = None
    distances: NDArray[np.float64] | None = None
    frozen: bool = False
    seen_before: bool = False
    skill: StrangerSkill | None = None
    groups: Ints | None = None
