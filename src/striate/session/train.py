"""Train and resume, as a person calls them in Python: a bar, and a `Run` to hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from striate import recipe as recipes
from striate.errors import RecipeError
from striate.recipe import Recipe
from striate.recipe_words import no_such
from striate.session.asked import name_of
from striate.session.held import hold
from striate.session.run import Run
from striate.session.watch import Bar, BarViewer, bar, waiting, watched
from striate.settings import field_of
from striate.verbs.workspace import Progress, Workspace

if TYPE_CHECKING:
    from torch import nn

    from striate.verbs.events import Event

HELD = "pictures"  # what a run of pictures in memory is called


def train(
    source: Any,
    *,
    picture: str | None = None,
    label: str | Sequence[str] | None = None,
    label_from: str | None = None,
    labels: str | Path | None = None,
    group: str | Path | None = None,
    mend: str | Path | None = None,
    task: str | None = None,
    net: str | None = None,
    first: str | None = None,
    start: str | Path | None = None,
    tune: str | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    size: int | tuple[int, int] | None = None,
    bits: int | None = None,
    fit: str | None = None,
    batch: int | None = None,
    learning_rate: float | None = None,
    augment: str | None = None,
    class_weights: str | None = None,
    folds: int | None = None,
    strangers: bool | None = None,
    device: str | None = None,
    name: str | None = None,
    runs_dir: Path | str = "runs",
    data_dir: Path | str | None = None,
    offline: bool = False,
    allow_bad: bool = False,
    recipe: str | Path | None = None,
    progress: bool = True,
    **settings: Any,
) -> Run:
    r"""Train a network on pictures and return the run.

    Keywords that are given win over the ``recipe``; None leaves a choice to it, and to the pictures.

    Arguments:
        source: a folder of class folders, a list, arrays in a file, by its path, or a data set by its name; pictures in
            memory: ``(x, y)``, a data set of (picture, label) such as torch's, a table (pandas, polars, a mapping);
            those are written into ``runs_dir`` once. It may also be a whole Recipe.
        picture, label: the columns of a table; several labels are numbers or tags.
        label_from: a pattern that takes labels out of the names of files, ``r"(.+?)_\d+"``.
        labels: which labels are meant where a folder has several or they lie elsewhere: those of a format ("coco",
            "voc", "yolo", "masks", "dots"), or a file or folder.
        group: which pictures stay on one side of every split, as those of one patient or video: a pattern in their
            paths (``r"(patient\d+)"``), "parent" for the folder inside the class, or a list of path and group.
        mend: a file of decisions about the pictures (labels.toml, `striate.doctor`); None: those kept for the folder,
            "none": nothing.
        task: what is to be learnt ("classify", "tag", "regress"), where the labels leave that open.
        net: a name of the catalogue, a file with a net, or the text of one.
        first: a filter by name ("sobel") in front of the net, whose weights training leaves as they are.
        start: weights to begin from (a run, a model file, the name of known weights), with a new head for these labels.
            Photographs of which nothing is said start from efficientnet_lite0, and with "none" from chance.
        tune: what of such weights is trained: the "head" alone, or "all".
        epochs, batch: how often every picture is learnt from, and how many pictures a step takes.
        learning_rate: the peak of the schedule.
        seed: of every draw; the same seed gives the same weights.
        size: (height, width) in pixels of what the network sees; one number where both are the same.
        bits: of 16, how many a gray picture uses (12).
        fit: "exact" refuses a net that never sees some of its picture, "floor" accepts it.
        augment: how pictures are moved and coloured while they are learnt from: "none", "light", "standard".
        class_weights: "balanced" lets every class count the same.
        folds: into how many parts pictures are dealt, each measured by a training that did not see it; 0: one fixed
            split. By itself so where pictures are few and it is cheap.
        strangers: whether nets are trained again without some of the classes, to measure how well strangers are told.
            A head on frozen features is measured without; of another net "none of these" is else never answered.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        name: what the run is called; a number is added.
        runs_dir: the folder of runs.
        data_dir: where the files of data sets by name are.
        offline: whether nothing is downloaded.
        allow_bad: whether it goes on where more than 1 % of the pictures cannot be read.
        recipe: one by name (``striate recipes`` lists them), or a file.
        progress: whether a bar is shown; False is quiet.
        settings: any other fields of a Recipe.

    Errors: SourceError, RecipeError, DescribeError before anything is trained; TrainingError, DiskError later.

    Example: ``run = striate.train("pets", net="lenet5", epochs=2); str(run.predict("cat.jpg"))`` is like
    ``"0.92 cats, 0.08 dogs"``.
    """
    from striate.verbs.train import training

    check_keywords(settings, train)
    drawn = bar(progress=progress)
    if isinstance(source, Recipe) and recipe is not None:
        raise RecipeError(f"source is a whole recipe already, and recipe={str(recipe)!r} another; give one of them")
    begun = source if isinstance(source, Recipe) else Recipe() if recipe is None else recipes.find(recipe)
    said = {
        "label_from": label_from,
        "labels": None if labels is None else str(labels),
        "group": None if group is None else str(group),
        "mend": None if mend is None else str(mend),
        "task": task,
        "class_weights": class_weights,
        "net": net,
        "first": first,
        "start": None if start is None else str(start),
        "tune": tune,
        "epochs": epochs,
        "seed": seed,
        "size": size,
        "bits": bits,
        "fit": fit,
        "batch": batch,
        "learning_rate": learning_rate,
        "augment": augment,
        "folds": folds,
        "strangers": strangers,
        "device": device,
        **settings,
    }
    chosen = begun.changed(**{field: value for field, value in said.items() if value is not None})
    try:
        chosen, held = with_source(chosen, source, Path(runs_dir), drawn, picture=picture, label=label)
        events = training(
            chosen,
            Workspace.at(runs_dir, data_dir, download=not offline, progress=waiting(drawn)),
            name=name or held,
            allow_bad=allow_bad,
        )
        return Run(watched(events, BarViewer(drawn)))
    finally:
        drawn.close()


def training(
    recipe: Recipe,
    *,
    runs_dir: Path | str = "runs",
    name: str | None = None,
    data_dir: Path | str | None = None,
    offline: bool = False,
    allow_bad: bool = False,
    progress: Progress | None = None,
) -> Iterator[Event]:
    """Train by a recipe and yield what happens, from Planned to Finished; closing it stops, and keeps what was learnt.

    Arguments:
        recipe: what is wished, its ``source`` among it.
        runs_dir, name: the folder of runs, and what the run is called; a number is added.
        data_dir: where the files of data sets by name are.
        offline: whether one that is not there is not fetched.
        allow_bad: whether it goes on where more than 1 % of the pictures cannot be read.
        progress: ``progress(what, done, of)`` hears how far pictures are read, before the first event.

    Errors: as of `train`.

    Example: ``for event in striate.training(Recipe(source="pets")): print(event)``
    """
    from striate.verbs.train import training as events

    workspace = Workspace.at(runs_dir, data_dir, download=not offline, progress=progress)
    return events(recipe, workspace, name=name, allow_bad=allow_bad)


def resume(
    name: str | Run = "last",
    *,
    epochs: int | None = None,
    threads: int | None = None,
    without_missing: bool = False,
    runs_dir: Path | str = "runs",
    module: nn.Module | None = None,
    progress: bool = True,
) -> Run:
    """Go on with a run that was stopped, exactly as if it had not been, and return it.

    With other ``threads`` or fewer pictures the weights are not to the bit those of an undisturbed run.

    Arguments:
        name: of the run, or the run.
        epochs: how many it is to have in all; more than it was begun with go on from its end.
        threads: with how many it is trained from here on.
        without_missing: whether it goes on without those of its pictures that are gone.
        runs_dir: the folder of runs.
        module: for the run of an adopted module that only its own code can be: one more of that class.
        progress: whether a bar is shown; False is quiet.

    Errors: RunError for a run that is not there, is finished, is being trained, or whose pictures are gone or changed.

    Example: ``striate.resume("pets-2", epochs=31).history[-1]["epoch"]`` is 31.
    """
    from striate.verbs.train import resuming

    drawn = bar(progress=progress)
    try:
        events = resuming(
            name_of(name),
            epochs=epochs,
            threads=threads,
            without_missing=without_missing,
            workspace=Workspace.at(runs_dir, progress=waiting(drawn)),
            module=module,
        )
        return Run(watched(events, BarViewer(drawn)))
    finally:
        drawn.close()


def check_keywords(settings: Mapping[str, object], call: Callable[..., Any]) -> None:
    """Refuse keywords that are neither a call's own nor fields of a recipe. Errors: RecipeError, with the nearest."""
    own = [name for name, one in signature(call).parameters.items() if one.kind is one.KEYWORD_ONLY]
    known = list(dict.fromkeys([*own, *Recipe.model_fields]))
    for word in settings:
        if field_of(word) not in known:
            raise RecipeError(no_such(call.__name__, word, known, called="keyword"))


def with_source(
    recipe: Recipe,
    source: Any,
    runs_dir: Path,
    drawn: Bar,
    *,
    picture: str | None = None,
    label: str | Sequence[str] | None = None,
) -> tuple[Recipe, str | None]:
    """Return a recipe that names its pictures, and what a run of pictures in memory is called, which are written then.

    A whole recipe as ``source`` names its own. Errors: SourceError, RecipeError, DiskError.
    """
    columns = picture is not None or label is not None
    if isinstance(source, Recipe | str | Path):
        if columns:
            raise RecipeError("picture and label name the columns of a table in memory, and this is a place or a name")
        return (recipe if isinstance(source, Recipe) else recipe.changed(source=str(source))), None
    if recipe.labels is not None:
        raise RecipeError(f"labels = {recipe.labels!r}: pictures in memory have their labels with them; leave it out")
    held = hold(source, runs_dir, picture=picture, label=label, progress=waiting(drawn))
    drawn.close()
    drawn.say(held.note)
    return recipe.changed(source=held.location), HELD
