"""The tasks, by name. A new one is a file beside this one and a line here."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from striate.data.sources.items import Source
from striate.errors import RecipeError, SourceError
from striate.tasks.classify import Classify
from striate.tasks.regress import Regress
from striate.tasks.tag import Tag
from striate.tasks.task import Task

if TYPE_CHECKING:
    from striate.recipe import Recipe

TASKS: Final[dict[str, Task]] = {task.name: task for task in (Classify(), Tag(), Regress())}
BY_ITSELF: Final = Classify.name  # of runs that do not say
OUTPUT_BEFORE: Final = Classify.output  # what the one output was called in files of before outputs had names


def task_named(name: str) -> Task:
    """Return a task by its name. Errors: RecipeError with the names there are.

    Example: ``task_named("classify").headline  # "accuracy"``
    """
    if name not in TASKS:
        near = difflib.get_close_matches(name, TASKS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the tasks are {', '.join(TASKS)}"
        raise RecipeError(f"there is no task {name[:40]!r}; {hint}")
    return TASKS[name]


def kind_of(name: str | None) -> str | None:
    """Return the kind of labels that a task takes, None where nobody has said which task. Errors: RecipeError."""
    return None if name is None else task_named(name).kind


def learnable(source: Source) -> Source:
    """Return a source whose labels some task takes. Errors: SourceError for one of a kind that none does."""
    if source.kind not in {task.kind for task in TASKS.values()}:
        raise SourceError(f"{'; '.join((*source.notes[:1], f'to learn {source.kind}'))} is not there yet")
    return source


def task_of(recipe: Recipe) -> Task:
    """Return the task of a recipe; of one that says none, as those of older runs, it is classification."""
    return task_named(recipe.task or BY_ITSELF)


def task_for(kind: str) -> Task:
    """Return the first task that takes labels of this kind (`Source.kind`).

    Errors: RecipeError where none does.
    """
    for task in TASKS.values():
        if task.kind == kind:
            return task
    raise RecipeError(f"nothing is learnt of {kind} yet; the tasks are {', '.join(TASKS)}")
