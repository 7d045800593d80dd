"""What a training is told to learn, of class numbers that a test made."""

from __future__ import annotations

import numpy as np
from tests.configs import config

from striate.tasks.classify import Classify
from striate.tasks.objective import Objective
from striate.tasks.task import Labels


def of_classes(targets: np.ndarray, classes: int = 3, **recipe: object) -> Objective:
    """Return the objective of classes, called by their numbers; ``recipe`` are fields of one."""
    values = np.asarray(targets, np.int64)
    labels = Labels(tuple(map(str, range(classes))), values, values >= 0)
    return Objective(Classify(), labels, config(**recipe))
