"""Asking: the question to a model about pictures of a store, answered by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from striate.data.store.store import Store
from striate.engine.infer import infer_outputs
from striate.tasks.task import Outputs, Task

if TYPE_CHECKING:
    import torch

    from striate.model.build.model import Model

InferFn: TypeAlias = "Callable[[np.ndarray], Outputs]"
"""Rows of the store -> the net's outputs, in their order."""


def asking(model: Model, store: Store, task: Task, *, device: torch.device | None = None) -> InferFn:
    """Return the question to a model: rows of a store to its outputs by name.

    Example: ``asking(model, prepared.store, prepared.task)(np.arange(3))["embedding"].shape`` is ``(3, 8)``.
    """
    return lambda rows: infer_outputs(model, store, rows, output=task.output, device=device)
