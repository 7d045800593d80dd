"""Whole: behind a head on maps, the trunk learns on too, from the pictures themselves.

The first stages stay as they came (`striate.spec.pyramid.front`): they see edges, which are those of all photographs,
and on their large maps most of a step is spent. The later ones learn at a share of the head's rate, and all norms of
the trunk keep their statistics, as batches of a few large pictures have no good ones. Pictures are moved anew each
epoch, and their boxes, masks and points with them (`Task.move`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from striate.defaults import MAP_STEPS
from striate.engine.fit import begin
from striate.spec.pyramid import front, trunk_path
from striate.train_config import TrainConfig
from striate.verbs.prepared import Prepared

if TYPE_CHECKING:
    from striate.engine.fit import Training
    from striate.model.build.model import Model


def head_config(prepared: Prepared) -> TrainConfig:
    """Return how the head is trained on maps: as the config says, or, where all is tuned, as heads alone are.

    What moves pictures is left out, as they have been through the trunk. With channels last, convolutions of large maps
    take twice as long backwards (64 channels of 88 x 120: docs/performance.md).
    """
    config, still = prepared.config, {"augment": "none", "flip": False, "progressive": (), "channels_last": False}
    if config.tune == "maps":
        return config.changed(**still)
    usual = prepared.task.usual(len(prepared.split.train), chance=False)
    steps = {name: usual.get(name, value) for name, value in MAP_STEPS.items()}
    return config.changed(**still, **steps, epochs=max(1, config.head_epochs), patience=None)


def begin_whole(prepared: Prepared, model: Model) -> Training:
    """Return the training of a net whose head has learnt from maps; nothing is learnt yet.

    What is frozen of the model requires no gradient from here on.
    """
    modules = {path for path, _ in model.named_modules()}
    paths = [row.path for row in prepared.survey.rows if row.path in modules]
    first = set(front(prepared.survey))
    trunk = [path for path in paths if trunk_path(path) is not None]
    stages = ([path for path in trunk if path not in first], [path for path in paths if trunk_path(path) is None])
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.rpartition(".")[0] not in first)
    return begin(model, prepared.config, prepared.store, prepared.objective, prepared.split, stages=stages, still=trunk)


def is_whole(tensors: object) -> bool:
    """Whether a checkpoint's tensors are of the whole net, and not of a head on maps alone."""
    return "weights.input.scale" in tensors  # type: ignore[operator]
