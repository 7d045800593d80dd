"""The tasks, by name. A new one is a file beside this one and a line in `TASKS`.

A task is imported when it is first asked for: whoever predicts waits for no other.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING, Final, TypeAlias, final

from striate.errors import RecipeError, SourceError
from striate.tasks.task import Task

if TYPE_CHECKING:
    from striate.data.sources.items import Source
    from striate.settings import Settings
    from striate.train_config import TrainConfig

Home: TypeAlias = "tuple[str, str, str]"  # the module of a task, its class, and what is learnt, in words for a help


@final
class Tasks(MutableMapping[str, Task]):
    """Tasks by name, made from their module and class when they are first looked up.

    Names cost nothing; ``values`` and ``items`` import every task. A task that is there already can be put in.

    Example: ``TASKS["classify"].headline  # "accuracy"``
    """

    def __init__(self, homes: Mapping[str, Home]) -> None:
        """``homes``: where each name is at home; the name is the class's own (`Task.name`)."""
        self._all: dict[str, Task | Home] = dict(homes)
        self._learnt = {name: learnt for name, (_, _, learnt) in homes.items()}

    def __getitem__(self, name: str) -> Task:
        found = self._all[name]
        if isinstance(found, tuple):
            module, cls, _ = found
            found = self._all[name] = _checked(getattr(import_module(module), cls)(), name)
        return found

    def __setitem__(self, name: str, task: Task) -> None:
        self._all[name] = _checked(task, name)

    def __delitem__(self, name: str) -> None:
        del self._all[name]

    def __contains__(self, name: object) -> bool:
        return name in self._all  # that of Mapping would import the task

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def learnt(self) -> str:
        """Return every name with what is learnt there, in words, for a person to choose from; imports no task.

        Example: ``TASKS.learnt().split(", ")[0]`` is ``"classify (a class a picture)"``.
        """
        said = {name: self._learnt.get(name) for name in self._all}
        return ", ".join(name if words is None else f"{name} ({words})" for name, words in said.items())


def _checked(task: object, name: str) -> Task:
    """Return a task that goes by this name. Raises TypeError for anything else: a wrong line in the table."""
    if not isinstance(task, Task) or task.name != name:
        raise TypeError(f"{task!r} is no task by the name of {name}")
    return task


TASKS: Final = Tasks({
    "classify": ("striate.tasks.classify", "Classify", "a class a picture"),
    "tag": ("striate.tasks.tag", "Tag", "any number of tags a picture"),
    "regress": ("striate.tasks.regress", "Regress", "one or several numbers a picture"),
    "detect": ("striate.tasks.detect", "Detect", "boxes around objects"),
    "segment": ("striate.tasks.segment", "Segment", "a class a pixel"),
    "count": ("striate.tasks.count", "CountObjects", "how many objects there are"),
})  # fmt: skip
BY_ITSELF: Final = "classify"  # of runs that do not say
OUTPUT_BEFORE: Final = "logits"  # what the one output was called in files of before outputs had names


def task_named(name: str) -> Task:
    """Return a task by its name. Errors: RecipeError with the names there are.

    Example: ``task_named("classify").headline  # "accuracy"``
    """
    if name not in TASKS:
        near = difflib.get_close_matches(name, TASKS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the tasks are {', '.join(TASKS)}"
        raise RecipeError(f"there is no task {name[:40]!r}; {hint}")
    return TASKS[name]


def task_said(recipe: Settings) -> str | None:
    """Return the name of the task that a recipe asks for, by name or by what only that task has; None: it says nothing.

    Example: ``task_said(Recipe(circular="360"))`` is ``"regress"``.
    """
    if recipe.task is not None:
        return recipe.task
    for name, task in TASKS.items():
        if task.implied_by and getattr(recipe, task.implied_by) is not None:
            return name
    return None


def kind_of(name: str | None) -> str | None:
    """Return the kind of labels that a task takes, None where nobody has said which task. Errors: RecipeError."""
    return None if name is None else task_named(name).kind


def learnable(source: Source) -> Source:
    """Return a source whose labels some task takes. Errors: SourceError for one of a kind that none does."""
    if source.kind not in {task.kind for task in TASKS.values()}:
        raise SourceError(f"{'; '.join((*source.notes[:1], f'to learn {source.kind}'))} is not there yet")
    return source


def task_of(config: TrainConfig) -> Task:
    """Return the task that a training learns. Errors: RecipeError for one that is not there."""
    return task_named(config.task)


def task_for(kind: str) -> Task:
    """Return the first task that takes labels of this kind (`Source.kind`).

    Errors: RecipeError where none does.
    """
    for task in TASKS.values():
        if task.kind == kind:
            return task
    raise RecipeError(f"nothing is learnt of {kind} yet; the tasks are {', '.join(TASKS)}")
