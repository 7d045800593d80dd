"""The tasks, by name. A new one is a file beside this one and a line here."""

from __future__ import annotations

import difflib
from typing import Final

from striate.errors import RecipeError
from striate.tasks.classify import Classify
from striate.tasks.task import Task

TASKS: Final[dict[str, Task]] = {task.name: task for task in (Classify(),)}
BY_ITSELF: Final = Classify.name  # of labels about which nobody says what they are


def task_named(name: str) -> Task:
    """Return a task by its name. Errors: RecipeError with the names there are.

    Example: ``task_named("classify").headline  # "accuracy"``
    """
    if name not in TASKS:
        near = difflib.get_close_matches(name, TASKS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the tasks are {', '.join(TASKS)}"
        raise RecipeError(f"there is no task {name[:40]!r}; {hint}")
    return TASKS[name]
