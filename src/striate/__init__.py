"""Striate: convolutional networks you can see through.

>>> from striate import AvgPool, Conv, Tanh
>>> (Conv(6, 5, padding=2) >> Tanh() >> AvgPool(2)).on(1, 28, 28).output
Shape(channels=6, height=14, width=14)

Importing this imports nothing heavy: each public name below is fetched from its module when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_LAYERS = "striate.spec.layers"
_NET = "striate.spec.net"
_HOME: dict[str, str] = {
    "parse": "striate.spec.notation",
    "Shape": "striate.spec.shape",
    "Survey": "striate.spec.survey",
    "Recipe": "striate.recipe",
    "Run": "striate.runs.run",
    "Predictor": "striate.runs.predictor",
    "StriateError": "striate.errors",
    "describe": "striate.verbs.describe",
    "train": "striate.verbs.train",
    "resume": "striate.verbs.train",
    "evaluate": "striate.verbs.evaluate",
}
__all__ = [*sorted(_HOME), "__version__"]


def __getattr__(name: str) -> Any:
    """Fetch a public name from its module (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'striate' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
