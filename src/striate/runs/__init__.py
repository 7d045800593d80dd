"""The run directory and the model file on disk.

``striate.runs()`` lists the runs, and this room, once it is imported, is what ``striate.runs`` stands for: Python sets
a package's name on its parent. So it can be called too, which is the same.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Any:
        return sys.modules["striate"].__getattr__("runs")(*args, **options)


sys.modules[__name__].__class__ = _Callable
