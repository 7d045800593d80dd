"""The pictures of a recipe: the one place where they are looked for. No torch."""

from __future__ import annotations

from pathlib import Path

from striate.data.sources.source import Source, find
from striate.settings import Settings
from striate.tasks.table import kind_of, learnable, task_said
from striate.verbs.mending import kept_in, with_mending
from striate.verbs.workspace import HERE, Workspace


def find_pictures(
    recipe: Settings,
    workspace: Workspace = HERE,
    *,
    least_classes: int = 2,
    allow_bad: bool = False,
    run: Path | None = None,
) -> Source:
    """Return the source that a recipe names: the one place where its pictures are looked for, first and later.

    Labels are read as the task of the recipe takes them; without one the source says what they are. ``allow_bad`` lets
    more than 1 % of marked objects be unusable. What a person decided about the pictures is done to them: what ``mend``
    says, or of a ``run`` what it was begun with.

    Errors: SourceError, DownloadError.
    """
    source = find(
        recipe.source,
        data_dir=workspace.data_dir,
        download=workspace.download,
        least_classes=least_classes,
        label_from=recipe.label_from,
        labels=recipe.labels,
        kind=kind_of(task_said(recipe)),
        progress=workspace.progress,
        allow_bad=allow_bad,
    )
    return learnable(with_mending(source, recipe.mend, workspace) if run is None else kept_in(run, source))
