"""Network inputs: what the network is given of some pictures, the very pixels, epoch by epoch, before it is trained."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from striate.recipe import Recipe
from striate.verbs.prepare import prepare
from striate.verbs.prepared import Prepared, Start
from striate.verbs.start import open_start, open_usual
from striate.verbs.workspace import HERE, Workspace

if TYPE_CHECKING:
    from striate.engine.fit import Training

PICTURES: Final = 6
EPOCHS: Final = 5

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class GivenPicture:
    """A picture as the network is given it: its ``key`` and ``label``; ``plain`` (H, W, C) as it is measured by.

    ``drawn`` is the same picture in each of the first epochs, (H, W, C) each; none where it is not learnt from anew
    each epoch.
    """

    key: str
    label: str
    plain: Pixels
    drawn: tuple[Pixels, ...]


@dataclass(frozen=True, eq=False)
class NetworkInputs:
    """What a training gives its network of some ``pictures``; ``words`` say how they are varied."""

    prepared: Prepared
    pictures: tuple[GivenPicture, ...]
    words: str


def network_inputs(
    source: Recipe | str,
    workspace: Workspace = HERE,
    *,
    pictures: int = PICTURES,
    draws: int = EPOCHS,
    allow_bad: bool = False,
    **wishes: object,
) -> NetworkInputs:
    """Return what a network would be given of some of its training pictures: nothing is trained, nothing written.

    They are those very pixels: how a picture moves follows from the seed, the epoch and its place alone. ``pictures``
    is how many are shown, of all classes in turn, and ``draws`` of how many epochs. The others, and errors: as of
    `train`.

    Example: ``network_inputs("pets", augment="none").pictures[0].plain.shape``
    """
    recipe = (source if isinstance(source, Recipe) else Recipe(source=str(source))).changed(**wishes)
    start = None
    if recipe.weights is not None:
        start = open_start(recipe.weights, workspace, digest=recipe.start_digest)
    prepared = prepare(recipe, workspace, start=start, usual=partial(open_usual, workspace), allow_bad=allow_bad)
    rows = _some(prepared, pictures)
    drawn, words = _drawn(prepared, prepared.start, rows, draws)
    items, names = prepared.source.items, prepared.labels.names
    shown = tuple(
        GivenPicture(items[row].key, items[row].said(names), np.array(prepared.store.pixels[row]), tuple(variants))
        for row, variants in zip(rows, drawn, strict=True)
    )
    return NetworkInputs(prepared, shown, words)


def _some(prepared: Prepared, most: int) -> list[int]:
    """Return rows to train on, of every class in turn."""
    train = prepared.split.train
    by_label: dict[int, list[int]] = {}
    for row in train:
        by_label.setdefault(prepared.source.items[row].place, []).append(row)
    found: list[int] = []
    depth = 0
    while len(found) < min(most, len(train)):
        found += [rows[depth] for rows in by_label.values() if depth < len(rows)]
        depth += 1
    return found[:most]


def _drawn(prepared: Prepared, start: Start | None, rows: list[int], epochs: int) -> tuple[list[list[Pixels]], str]:
    """Return the variants of each row, and how they are made."""
    if start is not None and prepared.config.tune == "head":
        return [[] for _ in rows], "The frozen network sees each picture once, as it is."
    if start is not None and not prepared.task.solved and prepared.config.tune != "all":
        from striate.verbs.views import Views

        views = Views.of(prepared)
        at = [np.flatnonzero(views.rows == row).tolist()[1 : epochs + 1] for row in rows]
        found = [[views.pixels(prepared.store, one)[0] for one in some] for some in at]
        return found, "The frozen network sees each picture once as it is, and once in each of these views."
    from striate.engine.device import threads_restored

    with threads_restored():
        training = _training(prepared, start)
        columns = [_epoch(training, rows, epoch) for epoch in range(epochs)]
    said = f"augment = {prepared.config.augment!r}" + (", mirrored at random" if prepared.config.flip else "")
    return [[column[place] for column in columns] for place in range(len(rows))], f"Drawn anew each epoch: {said}."


def _training(prepared: Prepared, start: Start | None) -> Training:
    if start is None:
        from striate.verbs.chance import from_chance

        return from_chance(prepared)
    import torch

    from striate.verbs.chance import begun
    from striate.verbs.trunk import frozen_net

    return begun(prepared, frozen_net(prepared, torch.device("cpu")))


def _epoch(training: Training, rows: Sequence[int], epoch: int) -> list[Pixels]:
    """Return what the network is given of some rows in an epoch, as pixels."""
    import torch

    from striate.data.batches.loader import Batch, batches
    from striate.data.batches.warp import move_pictures
    from striate.engine import progressive

    before, total = epoch * training.steps, training.epochs * training.steps
    full = cast("tuple[int, int]", training.store.pixels.shape[1:3])
    stream: Any = batches(
        training.store,
        training.targets,
        rows,
        batch_size=len(rows),
        seed=training.config.seed,
        epoch=epoch,
        augment=training.augment,
        size_at=lambda at: progressive.input_size(training.config, before + at, total, full),
    )
    with closing(stream), torch.inference_mode():
        batch: Batch = next(stream)
        normalise = training.model.normalise
        inputs = move_pictures(normalise(batch.pixels), batch.moves)
        # Back to pixels: what is done to each channel is a factor and a summand.
        blank = torch.zeros(1, inputs.shape[1], 1, 1, dtype=torch.uint8)
        zero, full_light = normalise(blank), normalise(blank + 255)
        pixels = (inputs - zero) / (full_light - zero) * 255
        made: Pixels = pixels.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return list(made)
