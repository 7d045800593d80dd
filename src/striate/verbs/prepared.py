"""Prepared: everything a training needs, as one value, and what it is made of. No torch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.data.folds import Folds
from striate.data.pictures.preprocess import Preprocess
from striate.data.sources.source import Source
from striate.data.split import Split
from striate.data.store.store import Store, channel_statistics
from striate.spec.net import Net
from striate.spec.survey import Survey
from striate.tasks.objective import Objective
from striate.tasks.table import task_of
from striate.tasks.task import LabelFacts, Labels, Task
from striate.train_config import TrainConfig
from striate.verbs import fit

if TYPE_CHECKING:
    from striate.model.build.model import Model

WORTH_SHARING = 100_000_000  # MACs forward a step: below, threads wait for each other longer than they compute


@dataclass(frozen=True)
class Start:
    """Weights to start from.

    ``words`` is what they are called, ``path`` their model file and ``digest`` its checksum; ``net`` has a new head
    that waits for its classes, ``preprocess`` is the weights' own, but that nothing is cut off at the edges. ``task``
    is what they were trained for and ``names`` what its outputs are called. ``whole`` is their net as it was, where
    that is a trunk with a pyramid, of which ``net`` is the trunk alone.
    """

    words: str
    path: Path
    digest: str
    net: Net
    preprocess: Preprocess
    task: str = ""
    names: tuple[str, ...] = ()
    whole: Net | None = None

    def gives_head(self, task: str, names: Sequence[str]) -> bool:
        """Whether they bring a head that answers at places for this very task and these very names."""
        return self.whole is not None and self.task == task and self.names == tuple(names)


@dataclass(frozen=True)
class Prepared:
    """How it is trained, a net that fits, pictures decoded and split; ``folds`` where the figure is cross-validated.

    ``added`` and ``missing``: keys of pictures that lie in the source now and are not the run's, and of the run's that
    are gone and left out, where a run was opened again (`striate.verbs.reopen`). ``start``: the weights that it starts
    from, and ``by_itself`` what a person should know where nobody named them. ``groups``: `identities`, where a
    person said which pictures belong together.
    """

    config: TrainConfig
    net: Net
    survey: Survey
    source: Source
    labels: Labels
    store: Store
    split: Split
    preprocess: Preprocess
    added: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    start: Start | None = None
    by_itself: tuple[str, ...] = ()
    folds: Folds | None = None
    groups: tuple[bytes, ...] = ()

    @property
    def identities(self) -> tuple[bytes, ...]:
        """What each picture is one with, equal for copies and for those of a group: a side of a split has all or none.

        They are one observation, too: intervals draw them together.
        """
        return self.groups or self.store.digests

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know: where the weights are from that nobody named, which pixels are never looked at."""
        return self.by_itself + fit.notes(self.config, self.survey)

    @property
    def task(self) -> Task:
        """What the net is for."""
        return task_of(self.config)

    @property
    def facts(self) -> LabelFacts:
        """What of the labels a run and a model file keep."""
        return self.labels.kept

    @property
    def objective(self) -> Objective:
        """What a training is told of what it learns."""
        return Objective(self.task, self.labels, self.config)

    @property
    def targets(self) -> NDArray[Any]:
        """The label of every picture of the store, (N, ...), as the task has them: a class's place, -1 without one."""
        return self.labels.values

    def keys(self, part: str) -> list[str]:
        """Return the keys of a part: ``train``, ``val``, ``test`` or ``left_out``."""
        return [self.source.items[index].key for index in getattr(self.split, part)]

    def digest(self) -> str:
        """Return one name for exactly these pictures with exactly these labels."""
        sha = hashlib.sha256(repr(self.source.label_names).encode())
        for item, content in zip(self.source.items, self.store.digests, strict=True):
            sha.update(f"{item.key}\0{item.target}\0".encode("utf-8", "surrogateescape") + content)
        return sha.hexdigest()


@dataclass(frozen=True)
class ProvidedModel:
    """A network that is there already, with weights to begin from: what `striate.adopt` brings to a training.

    ``preprocess`` is kept as it is, mean and std too, where its weights are used to it (None: as the pictures say);
    ``names`` are what its outputs are called (None: whatever the pictures show); ``make`` gives the model.
    """

    net: Net
    preprocess: Preprocess | None
    names: tuple[str, ...] | None
    make: Callable[[Preprocess], Model]
    output: str | int | None = None  # which of its outputs answers, where its code has several


def scaled(preprocess: Preprocess, store: Store, parts: Split, provided: ProvidedModel | None) -> Preprocess:
    """Return a preprocess with mean and deviation: those it has, else those of the training pictures.

    That of an adopted module is kept as it is, without any too.
    """
    if preprocess.mean or (provided is not None and provided.preprocess is not None):
        return preprocess
    mean, std = channel_statistics(store.pixels, parts.train)
    return replace(preprocess, mean=mean, std=std)


def subset(indices: Sequence[int], most: int, *, seed: int) -> np.ndarray:
    """Return at most ``most`` of the indices, drawn by ``seed``, in rising order."""
    chosen = np.array(indices, np.int64)
    if len(chosen) > most:
        chosen = np.sort(np.random.Generator(np.random.Philox(key=seed)).choice(chosen, most, replace=False))
    return chosen
