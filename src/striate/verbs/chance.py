"""Chance: the training of a net whose first weights are drawn, of a run or of one of its folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from striate.interpret.arithmetic.filters import freeze
from striate.settings import FIRST
from striate.verbs.plan import first_layer
from striate.verbs.prepared import Prepared

if TYPE_CHECKING:
    from striate.engine.fit import Training
    from striate.model.build.model import Model


def from_chance(prepared: Prepared) -> Training:
    """Return the training of a net whose first weights are drawn."""
    from striate.model.build.model import build
    from striate.spec.shape import Shape

    config, pictures = prepared.config, prepared.preprocess
    shape = Shape(pictures.channels, pictures.height, pictures.width)
    model = build(prepared.net, shape, preprocess=pictures, seed=config.seed)
    if config.whiten:
        from striate.model.build.whiten import whiten

        whiten(model, prepared.store.pixels, np.array(prepared.split.train, np.int64))
    if config.first is not None:
        freeze(model, FIRST, first_layer(config.first, pictures.channels)[1])
    return begun(prepared, model)


def begun(prepared: Prepared, model: Model) -> Training:
    """Return the training of a model on pictures that are ready."""
    from striate.engine.fit import begin

    return begin(model, prepared.config, prepared.store, prepared.objective, prepared.split)
